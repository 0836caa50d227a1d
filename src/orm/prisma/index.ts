import { AsyncLocalStorage } from 'node:async_hooks'
import { ImproperlyConfigured, StorageError } from '../../core/errors.ts'
import { mapParallel } from '../../core/parallel.ts'
import { type FileModel, type FileRegistry, FileTransaction, fileModel, fileRegistry } from '../../fields/index.ts'
import { attachRows } from '../plain-rows.ts'
import type { Client, FilesExtension, PrismaFields } from './types.ts'

export type { FilesExtension, PrismaFields } from './types.ts'

type Row = Record<string, unknown>
type Shape = { readonly fields: readonly { readonly name: string; readonly kind: string; readonly type: string }[] }
/** A model of the schema: property of the client, fields of the key, and properties of related models by field. */
type Model = { name: string; key: readonly string[]; files: FileModel | undefined; relations: Map<string, string> }
/** The client of a call: a transaction, or the extended client itself, which has no `files`. */
type Scope = { readonly client: Client; readonly files?: FileTransaction }

/** For transactions that the program did not begin: they wait for a connection. */
const OWN = { maxWait: 60_000, timeout: 60_000 }
const READ = /^(find(Unique|First|Many)(OrThrow)?|count|aggregate|groupBy)$/
const WRITE = /^((create|update)(Many(AndReturn)?)?|upsert|delete(Many)?)$/
/** Keys below which there are values of the same model. */
const NESTED = ['data', 'create', 'update', 'createMany', 'connectOrCreate', 'updateMany', 'upsert']

/** Options of `prismaFiles`. */
export interface PrismaFilesOptions {
  /** The registry of the columns. Default: the global one. */
  readonly registry?: FileRegistry | undefined
  /** The fields of the primary key by model, for `row.pdf.save()`. Default: `id`. */
  readonly keys?: Readonly<Record<string, readonly string[]>> | undefined
}

/**
 * Returns an extension of a Prisma client for columns with files: rows are read with a `FieldFile`, content is stored before its row is
 * written, and files that no row names any more are deleted after the commit. A field that is not in the schema is `improperly_configured`.
 * @example
 * const db = new PrismaClient({ adapter }).$extends(prismaFiles({ Resume: { pdf: fileField({ uploadTo: 'pdfs' }) } }))
 * await db.resume.create({ data: { title: 'CV', pdf: upload(buffer, 'cv.pdf') } })
 */
export function prismaFiles<F extends PrismaFields>(fields: F, options: PrismaFilesOptions = {}): FilesExtension<F> {
  const { registry = fileRegistry, keys = {} } = options
  const propertyOf = (model: string): string => model[0]!.toLowerCase() + model.slice(1)
  const extend = (client: Client): Client => {
    const shapes: Readonly<Record<string, Shape>> = client['_runtimeDataModel'].models
    for (const [name, of] of Object.entries(fields)) {
      const wrong = Object.keys(of).find(key => !shapes[name]?.fields.some(f => f.name === key && f.type === 'String'))
      if (wrong) throw new ImproperlyConfigured(`prismaFiles: the schema has no '${name}.${wrong}' of type String.`)
    }
    const models = new Map<string, Model>()
    for (const [model, shape] of Object.entries(shapes)) {
      const files = fields[model] && fileModel(model, fields[model], registry)
      const related = shape.fields.filter(({ kind }) => kind === 'object')
      const relations = new Map(related.map(field => [field.name, propertyOf(field.type)]))
      models.set(propertyOf(model), { name: propertyOf(model), key: keys[model] ?? ['id'], files, relations })
    }
    // The client below all extensions: no default scope hides rows.
    let root = client
    while (root['$parent'] && root['$parent'] !== root) root = root['$parent']
    const removers = [...models.values()].map(model =>
      model.files?.addUsers(async (name, names) => {
        const args = { where: { [name]: { in: [...names] } }, select: { [name]: true } }
        const query = (by: Client): Promise<Client[]> => by[model.name].findMany(args)
        // On one connection a query would see uncommitted changes of a transaction: it waits for its end.
        const rows: Client[] = await (isShared(client) ? root['$transaction'](query, OWN) : query(root))
        return rows.map(row => row[name])
      }),
    )
    const detach = (): void => removers.forEach(remove => void remove?.())
    return fileClient(client, models, registry, { detach })
  }
  return extend as unknown as FilesExtension<F>
}

/** Returns a layer before the public methods of a Prisma client: its results contain files, and its writes store them. */
function fileClient(base: Client, models: Map<string, Model>, registry: FileRegistry, $files: object): Client {
  const running = new AsyncLocalStorage<Scope>()
  const step = <T>(work: (files: FileTransaction) => Promise<T>, within?: FileTransaction): Promise<T> =>
    FileTransaction.step(registry, work, within)
  /** The transaction that the calling code runs in. */
  const current = (): Scope | undefined => (running.getStore()?.files?.isOpen ? running.getStore() : undefined)

  function wrap(scope: Scope): Client {
    const get = (client: Client, key: string): unknown => {
      const model = models.get(key)
      if (model !== undefined)
        return new Proxy(client[key], { get: (of, name) => operation(scope, model, of, name as string) })
      if (key === '$files') return $files
      if (key === '$transaction') return (work: never, given?: object) => transaction(scope, work, given)
      if (/^\$(query|execute)Raw/.test(String(key)))
        return (...args: unknown[]) =>
          lazy(
            by => by[key](...args),
            () => client[key](...args),
          )
      if (key !== '$extends' || scope.files !== undefined) return client[key]
      return (more: unknown) =>
        typeof more === 'function' ? more(proxy) : fileClient(client['$extends'](more), models, registry, $files)
    }
    const proxy: Client = new Proxy(scope.client, { get })
    return proxy
  }

  function operation(scope: Scope, model: Model, delegate: Client, key: string): unknown {
    const operate = (args: Row = {}): Client => {
      const run = (by: Client): Client => by[model.name][key](args)
      return WRITE.test(key) ? lazy(run, () => write(scope, model, key, args)) : read(scope, model, args, run)
    }
    return READ.test(String(key)) || WRITE.test(String(key)) ? operate : delegate[key]
  }

  /** Returns rows; their relations are methods of the promise. */
  function read(scope: Scope, model: Model, args: Row, run: (by: Client) => Client): Client {
    const promise = lazy(run, async () => attached(scope, model, args, await run(scope.client)))
    for (const [name, related] of model.relations) {
      promise[name] = (inner: Row = {}) => read(scope, models.get(related)!, inner, by => run(by)[name](inner))
    }
    return promise
  }

  /** Stores content, then reads the current names in the rows and writes, in one transaction. */
  async function write(given: Scope, model: Model, key: string, args: Row): Promise<unknown> {
    const scope = (given.files === undefined && isShared(base) && current()) || given
    const result = await step(async files => {
      const values = (await stored(model, args, files)) as Row
      const after = key.startsWith('delete') ? undefined : ((values['data'] ?? values['update'] ?? {}) as Row)
      const isChange = !key.startsWith('create') && model.files && (after === undefined || model.files.concerns(after))
      const select = Object.fromEntries((model.files?.attributes ?? []).map(name => [name, true]))
      const work = async (tx: Client): Promise<unknown> => {
        const find = tx[model.name][key.includes('Many') ? 'findMany' : 'findUnique']
        const before = isChange ? [await find({ where: values['where'], select })].flat().filter(isRow) : []
        const found = await tx[model.name][key](values)
        for (const row of before) await model.files!.release(row, after, files)
        // For a row that was not found, or the other branch of an upsert, content was stored without a row.
        if (key !== 'create' && key !== 'update') files.doubt()
        return found
      }
      if (scope.files !== undefined) return work(scope.client)
      return isChange || isShared(base) ? base['$transaction'](work, OWN) : work(base)
    }, scope.files)
    return attached(scope, model, args, result)
  }

  /** Returns the arguments of a write, or of a nested one, with names in place of content. */
  async function stored(model: Model, args: unknown, files: FileTransaction): Promise<unknown> {
    if (Array.isArray(args)) return mapParallel(args, { limit: 4 }, item => stored(model, item, files))
    if (!isRow(args)) return args
    const result = model.files?.concerns(args) ? await model.files.store(args, { files }) : { ...args }
    for (const [key, value] of Object.entries(args)) {
      const inner = NESTED.includes(key) ? model : models.get(model.relations.get(key) ?? '')
      if (inner !== undefined) result[key] = await stored(inner, value, files)
    }
    return result
  }

  /** Files follow the transaction of the database, or its savepoint. A list also runs in one, one after the other. */
  function transaction(scope: Scope, work: Client[] | ((tx: Client) => Promise<unknown>), given?: object) {
    const inOrder = async (tx: Client): Promise<unknown[]> => {
      const results: unknown[] = []
      for (const promise of work as Client[]) results.push(await promise['again'](tx))
      return results
    }
    if (Array.isArray(work) && !work.every(promise => promise?.['again']))
      throw new StorageError('invalid_argument', '$transaction([...]) takes promises of the extended client only.')
    const [run, options] = Array.isArray(work) ? [inOrder, { ...OWN, ...given }] : [work, given]
    return step(files => {
      // PostgreSQL answers a commit after a failed statement with a rollback.
      files.doubt()
      const inner = (tx: Client): Scope => ({ client: tx, files })
      return scope.client['$transaction']((tx: Client) => running.run(inner(tx), () => run(wrap(inner(tx)))), options)
    }, scope.files)
  }

  /** Converts names in rows, and in those that were selected or included with them, to files; returns the rows. */
  function attached(readIn: Scope, model: Model, args: Row, rows: unknown): unknown {
    // A file is saved in the transaction of the calling code, or in the one in which its row was read, while that is open.
    const scope = (): Scope => current() ?? (readIn.files?.isOpen ? readIn : { client: base })
    const update = async (row: Row, data: Row): Promise<number> => {
      const where = Object.fromEntries(model.key.map(name => [name, row[name]]))
      if (!Object.values(where).includes(undefined))
        return ((await write(scope(), model, 'updateMany', { where, data })) as { count: number }).count
      throw new StorageError('unsupported', `Rows of '${model.name}' are saved by their key: select ${model.key}.`)
    }
    const list = [rows].flat().filter(isRow)
    if (model.files && args['by'] === undefined)
      attachRows(list, { model: model.files, files: () => scope().files, update })
    for (const [relation, inner] of Object.entries({ ...(args['select'] ?? {}), ...(args['include'] ?? {}) })) {
      const related = models.get(model.relations.get(relation) ?? '')
      if (related !== undefined) for (const row of list) attached(readIn, related, { ...(inner as Row) }, row[relation])
    }
    return rows
  }

  return wrap({ client: base })
}

function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether there is only one connection, so that all calls take part in its current transaction. */
function isShared(client: Client): boolean {
  return client['_engineConfig'].activeProvider === 'sqlite'
}

/** Returns a promise that begins its work when it is awaited, like Prisma's; `again` makes the same one by the client of a transaction. */
function lazy(again: (by: Client) => Client, start: () => unknown): Client {
  let begun: Promise<unknown> | undefined
  const then: Promise<unknown>['then'] = (...args) => (begun ??= (async () => start())()).then(...args)
  return { then, again, catch: (f: never) => then(undefined, f), finally: (f: never) => then().finally(f) }
}
