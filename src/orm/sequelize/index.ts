import type { Model, ModelStatic, Sequelize } from 'sequelize'
import { StorageError } from '../../core/errors.ts'
import { type FileField, type FileRegistry, fileModel } from '../../fields/index.ts'
import { withFiles } from './statements.ts'

export { type FileAttributes, fileAttribute } from './attribute.ts'

/**
 * Connects files to the rows of all models of a `Sequelize`, also of models that are defined later. Content is stored before the row is
 * written and removed if that fails; files that no row names are removed after the commit. Returns a function that disconnects them.
 * @example
 * sequelizeFiles(sequelize)
 */
export function sequelizeFiles(sequelize: Sequelize, options: { registry?: FileRegistry } = {}): () => void {
  const ends: (() => unknown)[] = [() => sequelize.removeHook('afterDefine', attach as never)]
  // SQLite in memory has one connection, with the id of its current transaction: rows that are read there may be rolled back.
  const { connections } = sequelize.connectionManager as { connections?: { 1?: { uuid?: string } } }
  const isOpen = (): boolean => connections?.[1]?.uuid !== undefined
  const attach = (model: ModelStatic<Model>): void => {
    const fields: Record<string, FileField> = {}
    for (const [key, { type }] of Object.entries(model.getAttributes()))
      if (typeof type === 'object' && 'fileField' in type) fields[key] = type.fileField as FileField
    const files = fileModel(model.name, fields, options.registry)
    if (files.attributes.length === 0) return
    const base = sequelize.getQueryInterface()
    Object.defineProperty(model, 'queryInterface', { configurable: true, value: withFiles(base, model, files) })
    const forget = files.addUsers(async (attribute, names) => {
      // Not by `findAll`: soft-deleted rows count, and no scope, hook or current transaction may hide a row.
      const where = { [model.getAttributes()[attribute]!.field!]: names }
      const select = { where, attributes: Object.keys(where), raw: true, transaction: null, useMaster: true }
      const wasOpen = isOpen()
      const rows = await base.select(model, model.getTableName() as string, select as object)
      if (wasOpen || isOpen()) throw new StorageError('unavailable', 'A transaction runs on the only connection.')
      return rows.flatMap(Object.values)
    })
    ends.push(forget, () => Reflect.deleteProperty(model, 'queryInterface'))
  }
  for (const model of Object.values(sequelize.models)) attach(model)
  sequelize.addHook('afterDefine', attach as never)
  return () => {
    for (const end of ends) end()
  }
}
