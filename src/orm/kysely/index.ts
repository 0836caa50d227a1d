import type { ColumnType, Kysely, KyselyPlugin, Selectable } from 'kysely'
import { ImproperlyConfigured } from '../../core/errors.ts'
import type { FieldFile } from '../../fields/field-file.ts'
import { FileField, type FileValue } from '../../fields/file-field.ts'
import { fileModel } from '../../fields/model.ts'
import { type FileRegistry, fileRegistry } from '../../fields/registry.ts'
import { FileDatabase } from './database.ts'
import { RowOwner } from './row-owner.ts'
import { type FileTable, tableNode } from './tables.ts'

/**
 * The type of a file column in the interface of a database: it is read as a `FieldFile`, and written as content or a name. A column of pictures
 * is a `FileColumn<ImageFieldFile>`. NULL is read as a file that `isEmpty`.
 * @example
 * interface Resumes { id: Generated<number>; title: string; pdf: FileColumn }
 */
export type FileColumn<F extends FieldFile = FieldFile> = ColumnType<F, FileValue | undefined, FileValue>

/** The file fields of the tables of a database, by table and column. */
export type FilesOfTables<DB> = {
  readonly [T in keyof DB & string]?: { readonly [C in keyof DB[T] & string]?: FileField | undefined } | undefined
}

/** How `kyselyFiles` works. */
export interface KyselyFilesOptions<DB> {
  /** The registry whose columns are asked whether a file is still used. Default: the one of the process. */
  readonly registry?: FileRegistry | undefined
  /** The primary key of a table where it is not `id`: its column, or several. */
  readonly keys?: { readonly [T in keyof DB & string]?: (keyof DB[T] & string) | readonly (keyof DB[T] & string)[] }
}

const databases = new WeakMap<object, FileDatabase>()
const NO_PLUGIN: KyselyPlugin = { transformQuery: ({ node }) => node, transformResult: async ({ result }) => result }

/**
 * A `Kysely` of the same database that knows its file columns: content in `values` and `set` is uploaded before the statement, results have
 * `FieldFile`s, and files that rows no longer name are deleted after the commit. Use it for all of the program's queries. Tables and columns
 * have the names of the database, also with `CamelCasePlugin`. A table without a file field is `improperly_configured`.
 * @example
 * const db = kyselyFiles(new Kysely<Database>({ dialect }), { resumes: { pdf: fileField({ uploadTo: 'pdfs' }) } })
 * await db.insertInto('resumes').values({ title: 'CV', pdf: upload(buffer, 'cv.pdf') }).execute()
 */
export function kyselyFiles<DB>(
  db: Kysely<DB>,
  tables: FilesOfTables<DB>,
  options: KyselyFilesOptions<DB> = {},
): Kysely<DB> {
  const { registry = fileRegistry } = options
  const keys = (options.keys ?? {}) as Readonly<Record<string, string | readonly string[] | undefined>>
  const all = new Map<string, FileTable>()
  for (const [name, columns] of Object.entries<Readonly<Record<string, FileField | undefined>> | undefined>(tables)) {
    const fields = Object.entries(columns ?? {}).filter(([, field]) => field !== undefined)
    if (fields.length === 0 || !fields.every(([, field]) => field instanceof FileField)) {
      throw new ImproperlyConfigured(`kyselyFiles: '${name}' needs a file field for each of its file columns.`)
    }
    const model = fileModel(name, Object.fromEntries(fields) as Record<string, FileField>, registry)
    all.set(name, { name, model, key: [keys[name] ?? 'id'].flat() })
  }
  const base = db.getExecutor()
  const database = new FileDatabase(base, all, registry)
  // Kysely makes another of itself, with the same driver, only round what this method of its executor returns.
  Object.defineProperty(base, 'withPlugin', { configurable: true, value: () => database.executor })
  let result: Kysely<DB>
  try {
    result = db.withPlugin(NO_PLUGIN)
  } finally {
    delete (base as { withPlugin?: unknown }).withPlugin
  }
  databases.set(result, database)
  return result
}

/** Takes the columns of a `kyselyFiles` out of the registry, at the end of a test or of a tenant. */
export function detachFiles(db: Kysely<never> | object): void {
  databaseOf(db).detach()
}

/**
 * Makes `FieldFile`s of the names in a row that came from a cache or from raw SQL; returns the row. Its files can be saved when it has its key.
 * @example
 * const resume = attachFiles(db, 'resumes', JSON.parse(cached))
 * await resume.pdf.save('cv.pdf', bytes)
 */
export function attachFiles<DB, T extends keyof DB & string, R extends object>(
  db: Kysely<DB>,
  table: T,
  row: R,
): Omit<R, keyof DB[T]> & Pick<Selectable<DB[T]>, keyof DB[T] & keyof R & keyof Selectable<DB[T]>> {
  const database = databaseOf(db)
  const found = database.tables.get(table)
  if (found === undefined) throw new ImproperlyConfigured(`'${table}' is no table with file columns.`)
  const { key, model } = found
  const hasKey = key.every(column => (row as Record<string, unknown>)[column] !== undefined)
  const owned = { table: found, node: tableNode(table), key, database, connection: undefined }
  const owner = new RowOwner(row as Record<string, unknown>, owned)
  for (const attribute of model.attributes) {
    if (attribute in row) {
      const file = model.attach(attribute, (row as Record<string, unknown>)[attribute], hasKey ? owner : undefined)
      ;(row as Record<string, unknown>)[attribute] = file
    }
  }
  return row as never
}

function databaseOf(db: object): FileDatabase {
  const database = databases.get(db)
  if (database === undefined) throw new ImproperlyConfigured('This Kysely was not returned by kyselyFiles.')
  return database
}
