/** What this adapter uses of Drizzle that its types keep to themselves; the same in all dialects, but for what is marked. */
import type { Column, Param, Placeholder, SQL, SQLWrapper, Subquery, Table } from 'drizzle-orm'

/** What one row of an insert, or the `set` of an update, consists of. */
export type Values = Readonly<Record<string, Param | SQL | undefined>>

/** What a query builder was given. */
export interface BuilderConfig {
  readonly table: Table
  readonly values?: readonly Values[] | SQL | object
  readonly set?: Values
  readonly where?: SQL | undefined
  readonly returning?: unknown
  readonly orderBy?: readonly SQL[] | undefined
  readonly limit?: number | Placeholder | undefined
  readonly withList?: readonly Subquery[] | undefined
  readonly from?: unknown
  readonly joins?: readonly unknown[]
  /** PostgreSQL and SQLite: a condition, or a list of them; MySQL: `ON DUPLICATE KEY`. */
  readonly onConflict?: unknown
  /** MySQL: `INSERT IGNORE`. */
  readonly ignore?: boolean
}

/** The builder of an insert, an update or a delete. */
export interface Builder extends PromiseLike<unknown> {
  config: BuilderConfig
  session: Session
  readonly authToken?: unknown
  /** SQLite. */
  run?: Execute
  all?: Execute
  get?: Execute
  values?: Execute
  execute: Execute
  where(condition: SQL | undefined): Builder
  prepare: (name?: string) => object
  /** PostgreSQL and SQLite. */
  _prepare?(): Prepared
}

export type Execute = (placeholders?: Record<string, unknown>) => unknown

/** A statement that is ready to run. */
export interface Prepared {
  readonly executeMethod: 'run' | 'all' | 'get'
  joinsNotNullableMap?: unknown
  run(placeholders?: Record<string, unknown>): unknown
  all(placeholders?: Record<string, unknown>): unknown
  get(placeholders?: Record<string, unknown>): unknown
  values(placeholders?: Record<string, unknown>): unknown
  execute(placeholders?: Record<string, unknown>, token?: unknown): unknown
}

export interface Session {
  prepareQuery(...options: unknown[]): Prepared
  run(query: SQL): unknown
}

export interface Select extends PromiseLike<object[]> {
  readonly config: { readonly joins?: unknown[] }
  from(table: Table): Select
  crossJoin(table: unknown): Select
  where(condition: SQL | undefined): Select
  orderBy(...columns: SQL[]): Select
  limit(count: number | Placeholder): Select
  /** PostgreSQL and MySQL. */
  for?(strength: 'update', options?: { readonly of: Table }): Select
  prepare(name?: string): { execute(placeholders?: Record<string, unknown>): Promise<object[]> }
}

/** A database of Drizzle, or a transaction of one. */
export interface Database {
  readonly _: { readonly schema?: unknown }
  readonly resultKind?: 'sync' | 'async'
  readonly dialect: { sqlToQuery(query: SQL): { readonly sql: string } }
  readonly session: Session
  select(columns: Readonly<Record<string, Column>>): Select
  with(...queries: Subquery[]): Pick<Database, 'select'> & Writes
  insert: Writes['insert']
  update: Writes['update']
  delete: Writes['delete']
  transaction<T>(work: (tx: Database) => Promise<T>, config?: object): Promise<T>
}

/** What begins a write. */
export interface Writes {
  insert(table: Table): { values(values: unknown): Builder }
  update(table: Table): { set(values: unknown): Builder }
  delete(table: Table): Builder
}

/** A statement as text or as `sql`. */
export type RawQuery = string | SQLWrapper
