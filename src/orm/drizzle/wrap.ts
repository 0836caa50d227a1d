import { is, Table, TransactionRollbackError } from 'drizzle-orm'
import { ImproperlyConfigured, StorageError } from '../../core/errors.ts'
import { commandOf } from '../command.ts'
import type { DrizzleContext, Scope } from './context.ts'
import type { Builder, Database, Execute, RawQuery, Writes } from './driver.ts'
import type { FileTable } from './table.ts'
import { type Method, runWrite } from './writes.ts'

const scopes = new WeakMap<object, { readonly context: DrizzleContext; readonly scope: Scope }>()

/** What `wrap` was given for a database or transaction that it returned. */
export function unwrap(db: object): { readonly context: DrizzleContext; readonly scope: Scope } {
  const found = scopes.get(db)
  if (found === undefined) throw new ImproperlyConfigured('This database was not returned by drizzleFiles.')
  return found
}

/** The database or transaction with writes that take files along; all else is as it was. */
export function wrap(context: DrizzleContext, scope: Scope): Database {
  const { db } = scope
  const own: Readonly<Record<string, unknown>> = {
    ...writesOf(context, scope, db),
    with: (...queries: Parameters<Database['with']>) => {
      const given = db.with(...queries)
      return { ...given, ...writesOf(context, scope, given) }
    },
    transaction: (work: (tx: Database) => Promise<unknown>, config?: object) =>
      context.transaction(scope, async inner => work(wrap(context, inner)), config),
    ...(scope.files !== undefined && {
      rollback() {
        throw new TransactionRollbackError()
      },
    }),
  }
  const wrapped = new Proxy(db, {
    get(target, key) {
      if (typeof key === 'string' && key in own) return own[key]
      const value: unknown = Reflect.get(target, key)
      if (typeof value !== 'function' || typeof key !== 'string' || !RAW.includes(key)) return value
      return (query: RawQuery, ...rest: unknown[]) => {
        refuseCommand(db, query)
        return (value as (...given: unknown[]) => unknown).call(target, query, ...rest)
      }
    },
  })
  scopes.set(wrapped, { context, scope })
  return wrapped
}

/** Methods that run any SQL. */
const RAW: readonly string[] = ['run', 'all', 'get', 'values', 'execute']

function refuseCommand(db: Database, query: RawQuery): void {
  const text = typeof query === 'string' ? query : db.dialect.sqlToQuery(query.getSQL()).sql
  const command = commandOf(text)
  if (command === undefined) return
  throw new StorageError(
    'unsupported',
    `'${command.does}' as SQL would leave out the files: use the transaction method.`,
  )
}

function writesOf(context: DrizzleContext, scope: Scope, given: Writes): Writes {
  const begin = <B extends object>(table: Table, builder: B, method: string): B => {
    const found = is(table, Table) ? context.tableOf(table) : undefined
    if (found === undefined) return builder
    const make = (builder as Record<string, (values: unknown) => Builder>)[method]!
    const value = (values: unknown): Builder => withFiles(context, scope, found, make.call(builder, values))
    return Object.defineProperty(builder, method, { value })
  }
  return {
    insert: table => begin(table, given.insert(table), 'values'),
    update: table => begin(table, given.update(table), 'set'),
    delete: table => {
      const found = context.tableOf(table)
      const builder = given.delete(table)
      return found === undefined ? builder : withFiles(context, scope, found, builder)
    },
  }
}

/** The builder, which takes files along when it is run; the methods that are chained return it. */
function withFiles(context: DrizzleContext, scope: Scope, found: FileTable, builder: Builder): Builder {
  const isSQLite = builder.run !== undefined
  const run = (method: Method, placeholders: Parameters<Execute>[0]): unknown =>
    runWrite(context, scope, found, builder, method, placeholders)
  if (isSQLite) for (const method of SQLITE) builder[method] = placeholders => run(method, placeholders)
  builder.execute = async placeholders =>
    run(isSQLite ? (builder.config.returning === undefined ? 'run' : 'all') : 'execute', placeholders)
  const { execute, all, get, values } = builder
  builder.prepare = () => ({ execute, ...(isSQLite && { run: builder.run, all, get, values }) })
  return builder
}

const SQLITE = ['run', 'all', 'get', 'values'] as const
