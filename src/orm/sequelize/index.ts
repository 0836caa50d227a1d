import type { Model, ModelStatic, Sequelize } from 'sequelize'
import { type FileField, type FileRegistry, fileModel } from '../../fields/index.ts'
import { FileType } from './attribute.ts'
import { withFiles } from './statements.ts'

export { type FileAttributes, fileAttribute } from './attribute.ts'

/**
 * Puts the files of all models that a `Sequelize` has, or that are defined later, under their rows: content is stored before the row is written
 * and removed if that fails, and files that no row names any more go after the commit. Returns a function that ends it.
 * @example
 * sequelizeFiles(sequelize)
 */
export function sequelizeFiles(
  sequelize: Sequelize,
  options: { registry?: FileRegistry | undefined } = {},
): () => void {
  const ends = new Map<string, () => void>()
  const attach = (defined: unknown): void => {
    const model = defined as ModelStatic<Model>
    // One that is defined again takes the place of the old one.
    ends.get(model.name)?.()
    ends.set(model.name, attachModel(sequelize, model, options.registry))
  }
  for (const model of Object.values(sequelize.models)) attach(model)
  sequelize.addHook('afterDefine', attach)
  return () => {
    sequelize.removeHook('afterDefine', attach as never)
    for (const end of ends.values()) end()
  }
}

function attachModel(sequelize: Sequelize, model: ModelStatic<Model>, registry: FileRegistry | undefined): () => void {
  const attributes = Object.entries(model.getAttributes())
  const fields = attributes.flatMap(([key, { type }]) => (type instanceof FileType ? [[key, type.field]] : []))
  if (fields.length === 0) return () => {}
  const files = fileModel(model.name, Object.fromEntries(fields) as Record<string, FileField>, registry)
  const base = sequelize.getQueryInterface()
  const own = withFiles(base, model, files)
  Object.defineProperty(model, 'queryInterface', { configurable: true, get: () => own })
  const forget = files.addUsers(async (attribute, names) => {
    // Not by `findAll`: soft-deleted rows count, and no scope, hook or running transaction may hide a row.
    const where = { [model.getAttributes()[attribute]!.field!]: names }
    const options = { where, attributes: Object.keys(where), raw: true, transaction: null, useMaster: true }
    const rows = await base.select(model, model.getTableName() as string, options as object)
    return rows.flatMap(row => Object.values(row))
  })
  return () => {
    forget()
    Reflect.deleteProperty(model, 'queryInterface')
  }
}
