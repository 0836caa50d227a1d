import type { Model, ModelStatic, QueryInterface, Sequelize } from 'sequelize'
import { ImproperlyConfigured } from '../../core/errors.ts'
import type { FileModel, FileRegistry } from '../../fields/index.ts'
import { FileColumns } from './columns.ts'
import { FileStatements, type Statements } from './queries.ts'
import { watchSharedConnection } from './transactions.ts'
import { candidates } from './validation.ts'

/** Where the columns are registered, and in which tables. */
export interface SequelizeFilesOptions {
  /** Default: the registry of all fields that are given no other. */
  readonly registry?: FileRegistry | undefined
  /** Schemas in which the table is as well, by `Model.schema(name)`: their rows use files too. */
  readonly schemas?: readonly string[] | undefined
}

type AnyModel = ModelStatic<Model>

const attached = new WeakSet<object>()

/**
 * Puts the files of models under their rows: of one model, of some, or of all that a `Sequelize` has or will have. Content is stored before the
 * row is written, and removed if that fails; files that rows no longer name go after the commit. The function that is returned ends it. A
 * model without a `fileAttribute`, or one that is attached already, is `improperly_configured`.
 * @example
 * const sequelize = new Sequelize(process.env.DATABASE_URL)
 * sequelizeFiles(sequelize)
 */
export function sequelizeFiles(
  target: Sequelize | AnyModel | readonly AnyModel[],
  options: SequelizeFilesOptions = {},
): () => void {
  if (typeof target === 'object' && 'addHook' in target) {
    // A model that is defined again takes the place of the old one.
    const byName = new Map<string, () => void>()
    const hook = (given: unknown): void => {
      const model = given as AnyModel
      byName.get(model.name)?.()
      byName.delete(model.name)
      const columns = new FileColumns(model, options.registry)
      if (columns.files.attributes.length > 0) byName.set(model.name, attach(columns, options))
    }
    for (const model of Object.values(target.models)) hook(model)
    target.addHook('afterDefine', hook)
    return () => {
      target.removeHook('afterDefine', hook as never)
      for (const end of byName.values()) end()
      byName.clear()
    }
  }
  const models = typeof target === 'function' ? [target as AnyModel] : (target as readonly AnyModel[])
  const all = models.map(model => new FileColumns(model, options.registry))
  for (const { model, files } of all) {
    if (files.attributes.length > 0) continue
    throw new ImproperlyConfigured(`The model '${model.name}' has no file attribute: use fileAttribute in Model.init.`)
  }
  const ends = all.map(columns => attach(columns, options))
  return () => {
    for (const end of ends.splice(0)) end()
  }
}

function attach(columns: FileColumns, { schemas = [] }: SequelizeFilesOptions): () => void {
  const { model, files } = columns
  if (attached.has(model))
    throw new ImproperlyConfigured(`The files of the model '${model.name}' are attached already.`)
  attached.add(model)
  const tables = [model, ...schemas.map(schema => model.schema(schema))]
  const ends = [
    replaceStatements(columns),
    replaceValidation(model, files),
    ...tables.map(table => addUsers(columns, table)),
    watchSharedConnection(model.sequelize!),
    () => void attached.delete(model),
  ]
  return () => {
    for (const end of ends.splice(0)) end()
  }
}

/** `Model` takes its statements from `Model.queryInterface`: this one knows the files. */
function replaceStatements(columns: FileColumns): () => void {
  const { model } = columns
  let made: { readonly base: QueryInterface; readonly own: QueryInterface } | undefined
  return replace(model, 'queryInterface', {
    get() {
      const base = model.sequelize!.getQueryInterface()
      if (made?.base !== base) made = { base, own: withFiles(base, columns) }
      return made.own
    },
  })
}

function withFiles(base: QueryInterface, columns: FileColumns): QueryInterface {
  const files = new FileStatements(base, columns)
  const statements: Statements = {
    select: (...given) => files.select(...given),
    insert: (...given) => files.insert(...given),
    upsert: (...given) => files.upsert(...given),
    bulkInsert: (...given) => files.bulkInsert(...given),
    update: (...given) => files.update(...given),
    bulkUpdate: (...given) => files.bulkUpdate(...given),
    delete: (...given) => files.delete(...given),
    bulkDelete: (...given) => files.bulkDelete(...given),
  }
  return Object.assign(Object.create(base), statements) as QueryInterface
}

/** Validators see names: of a file that is not stored yet, the one it would get. */
function replaceValidation(model: AnyModel, files: FileModel): () => void {
  const prototype = model.prototype as Model
  const { validate } = prototype
  return replace(prototype, 'validate', {
    writable: true,
    async value(this: Model, options: never) {
      const restore = await candidates(this, files)
      try {
        return await validate.call(this, options)
      } finally {
        restore()
      }
    },
  })
}

function replace(object: object, key: string, descriptor: PropertyDescriptor): () => void {
  const before = Object.getOwnPropertyDescriptor(object, key)
  Object.defineProperty(object, key, { ...descriptor, configurable: true })
  return () => {
    if (before === undefined) Reflect.deleteProperty(object, key)
    else Object.defineProperty(object, key, before)
  }
}

/** Soft-deleted rows count, and no hook, scope or running transaction is asked. */
function addUsers(columns: FileColumns, table: AnyModel): () => void {
  return columns.files.addUsers(async (attribute, names) => {
    const column = columns.column(attribute)
    const options = { where: { [column]: names }, attributes: [column], raw: true, transaction: null, useMaster: true }
    const base = table.sequelize!.getQueryInterface()
    const rows = await base.select(table, table.getTableName() as string, options as object)
    return rows.map(row => (row as Readonly<Record<string, unknown>>)[column])
  })
}
