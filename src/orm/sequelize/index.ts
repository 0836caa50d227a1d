import type { Model, ModelStatic, Sequelize } from 'sequelize'
import { type FileField, type FileRegistry, fileModel } from '../../fields/index.ts'
import { withFiles } from './statements.ts'

export { type FileAttributes, fileAttribute } from './attribute.ts'

/**
 * Puts the files of all models of a `Sequelize`, also of those that are defined later, under their rows: content is stored before the row is
 * written and removed if that fails, and files that no row names any more go after the commit. Returns a function that ends it.
 * @example
 * sequelizeFiles(sequelize)
 */
export function sequelizeFiles(sequelize: Sequelize, options: { registry?: FileRegistry } = {}): () => void {
  const ends: (() => unknown)[] = []
  const attach = (model: ModelStatic<Model>): void => {
    const fields: Record<string, FileField> = {}
    for (const [key, { type }] of Object.entries(model.getAttributes())) {
      const { fileField } = type as { fileField?: FileField }
      if (fileField !== undefined) fields[key] = fileField
    }
    const files = fileModel(model.name, fields, options.registry)
    if (files.attributes.length === 0) return
    const base = sequelize.getQueryInterface()
    const own = withFiles(base, model, files)
    Object.defineProperty(model, 'queryInterface', { configurable: true, get: () => own })
    const forget = files.addUsers(async (attribute, names) => {
      // Not by `findAll`: soft-deleted rows count, and no scope, hook or running transaction may hide a row.
      const where = { [model.getAttributes()[attribute]!.field!]: names }
      const select = { where, attributes: Object.keys(where), raw: true, transaction: null, useMaster: true }
      return (await base.select(model, model.getTableName() as string, select as object)).flatMap(Object.values)
    })
    ends.push(forget, () => Reflect.deleteProperty(model, 'queryInterface'))
  }
  for (const model of Object.values(sequelize.models)) attach(model)
  sequelize.addHook('afterDefine', attach as never)
  return () => {
    sequelize.removeHook('afterDefine', attach as never)
    for (const end of ends) end()
  }
}
