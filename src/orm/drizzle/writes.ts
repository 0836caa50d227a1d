import { and, eq, is, or, Param, Placeholder, type SQL, type Table } from 'drizzle-orm'
import { StorageError } from '../../core/errors.ts'
import type { StoredRow } from '../../fields/model.ts'
import { runStatement, type StatementFiles } from '../statement.ts'
import type { DrizzleContext, Scope } from './context.ts'
import type { Builder, BuilderConfig, Database, Prepared, Session, Values } from './driver.ts'
import type { FileTable } from './table.ts'

/** How a statement is run: `execute` everywhere, the others on SQLite. */
export type Method = 'execute' | 'run' | 'all' | 'get' | 'values'

/** Runs a write of a table with file columns, and what its files need before and after it. */
export async function runWrite(
  context: DrizzleContext,
  scope: Scope,
  found: FileTable,
  builder: Builder,
  method: Method,
  placeholders: Record<string, unknown> | undefined,
): Promise<unknown> {
  const { config } = builder
  const run = (session: Session, changed: BuilderConfig): unknown => {
    // A copy, since the builder can be run again, and by another session.
    const copy: Builder = Object.create(builder, { session: { value: session }, config: { value: changed } })
    const { _prepare, prepare } = Object.getPrototypeOf(builder) as Builder
    const prepared = (_prepare === undefined ? prepare.call(copy) : _prepare.call(copy)) as Prepared
    return prepared[method](placeholders, builder.authToken)
  }
  const { attributes } = found.model
  if (config.set !== undefined && !attributes.some(name => config.set![name] !== undefined)) {
    return run(scope.db.session, config)
  }
  return runStatement(found.model, context.filesOf(scope), async statement => {
    const stored = await storedConfig(found, config, statement)
    const mayMiss = config.set !== undefined || config.onConflict !== undefined || config.ignore === true
    const old = criteriaOf(found, stored)
    if (old === undefined) {
      const result = await run(scope.db.session, stored)
      if (mayMiss) await statement.doubtUploads()
      return result
    }
    const readAndWrite = async ({ db }: Scope): Promise<unknown> => {
      const rows = await oldRows(context, db, found, old, placeholders)
      const result = await run(db.session, stored)
      const after = config.set === undefined ? undefined : afterOf(attributes, stored.set!)
      await statement.release(rows, after)
      if (mayMiss && (rows.length === 0 || config.set === undefined)) await statement.doubtUploads()
      return result
    }
    if (context.filesOf(scope) !== undefined) return readAndWrite(scope)
    return context.inTransaction(scope, statement.files, readAndWrite)
  })
}

/** The same statement with names in place of content. */
async function storedConfig(
  found: FileTable,
  config: BuilderConfig,
  statement: StatementFiles,
): Promise<BuilderConfig> {
  if (config.set !== undefined) return { ...config, set: await stored(found, config.set, statement) }
  if (!Array.isArray(config.values)) return config
  const values: Values[] = []
  for (const row of config.values as Values[]) values.push(await stored(found, row, statement))
  return { ...config, values }
}

async function stored({ model, columns }: FileTable, row: Values, statement: StatementFiles): Promise<Values> {
  const values: StoredRow = {}
  for (const name of Object.keys(row)) values[name] = constant(row[name])
  if (!model.concerns(values)) return row
  const result: Record<string, Param | SQL | undefined> = { ...row }
  for (const [name, value] of Object.entries(await statement.store(values, {}))) {
    if (value !== values[name]) result[name] = new Param(value, columns[name])
  }
  return result
}

/** What a value is before the statement runs; undefined for an expression and for a placeholder. */
function constant(value: Param | SQL | undefined): unknown {
  return is(value, Param) && !is(value.value, Placeholder) ? value.value : undefined
}

/** What an update leaves in the file columns: null where an expression decides. */
function afterOf(attributes: readonly string[], set: Values): StoredRow {
  const after: StoredRow = {}
  for (const name of attributes) if (set[name] !== undefined) after[name] = constant(set[name]) ?? null
  return after
}

/** Which rows a statement replaces or deletes; undefined when it only adds some. */
function criteriaOf(found: FileTable, config: BuilderConfig): BuilderConfig | undefined {
  if (!('values' in config)) return config
  if (config.onConflict === undefined || !Array.isArray(config.values)) return undefined
  const conditions = (config.values as Values[]).flatMap(row => found.keys.map(key => meets(found, key, row)))
  const where = or(...conditions.filter(condition => condition !== undefined))
  return where && { table: found.table, where }
}

function meets({ columns }: FileTable, key: readonly string[], row: Values): SQL | undefined {
  const values = key.map(name => constant(row[name]))
  if (values.some(value => value === undefined || value === null)) return undefined
  return and(...key.map((name, at) => eq(columns[name]!, values[at])))
}

/** The file columns of the rows before the statement, which stay as they are until the end of its transaction. */
async function oldRows(
  { dialect }: DrizzleContext,
  db: Database,
  { table, columns, model }: FileTable,
  config: BuilderConfig,
  placeholders: Record<string, unknown> | undefined,
): Promise<object[]> {
  const { withList = [], from, joins = [], where, orderBy, limit } = config
  for (const query of withList) refuseWrites(db, table, model.label, (query as unknown as { _: { sql: SQL } })._.sql)
  const files = Object.fromEntries(model.attributes.map(name => [name, columns[name]!]))
  let query = (withList.length === 0 ? db : db.with(...withList)).select(files).from(table)
  if (from !== undefined) query = query.crossJoin(from)
  if (joins.length > 0) (query.config as { joins?: unknown[] }).joins = [...(query.config.joins ?? []), ...joins]
  query = query.where(where)
  if (orderBy !== undefined) query = query.orderBy(...orderBy)
  if (limit !== undefined) query = query.limit(limit)
  if (dialect !== 'sqlite') query = query.for!('update', dialect === 'pg' ? { of: table } : undefined)
  return placeholders === undefined ? query : query.prepare().execute(placeholders)
}

function refuseWrites(db: Database, _table: Table, label: string, query: SQL): void {
  if (/^[\s(]*(?:select|values|with|table)\b/i.test(db.dialect.sqlToQuery(query).sql)) return
  throw new StorageError(
    'unsupported',
    `A statement on '${label}' has a WITH that is no SELECT: the files that its rows have before cannot be read.`,
  )
}
