import type { TablesRelationalConfig } from 'drizzle-orm'
import type {
  MySqlDatabase,
  MySqlInsertBuilder,
  MySqlQueryResultHKT,
  MySqlTable,
  MySqlTransaction,
  MySqlTransactionConfig,
  MySqlUpdateBuilder,
  PreparedQueryHKTBase,
} from 'drizzle-orm/mysql-core'
import type {
  PgDatabase,
  PgInsertBuilder,
  PgQueryResultHKT,
  PgTable,
  PgTransaction,
  PgTransactionConfig,
  PgUpdateBuilder,
} from 'drizzle-orm/pg-core'
import type {
  BaseSQLiteDatabase,
  SQLiteInsertBuilder,
  SQLiteTable,
  SQLiteTransaction,
  SQLiteTransactionConfig,
  SQLiteUpdateBuilder,
} from 'drizzle-orm/sqlite-core'
import type { FieldFile } from '../../fields/field-file.ts'
import type { FileValue } from '../../fields/file-field.ts'

/** The values of a row in which file columns also take content and names. */
export type WithFiles<V> = {
  [K in keyof V]: [Extract<V[K], FieldFile>] extends [never] ? V[K] : V[K] | Exclude<FileValue, null>
}

/** An insert of Drizzle whose `values` takes files. */
export type FileInsert<B> = B extends { values(values: (infer V)[]): infer R }
  ? Omit<B, 'values'> & { values(values: WithFiles<V> | WithFiles<V>[]): R }
  : B

/** An update of Drizzle whose `set` takes files. */
export type FileUpdate<B> = B extends { set(values: infer V): infer R }
  ? Omit<B, 'set'> & { set(values: WithFiles<V>): R }
  : B

/** What takes files in a PostgreSQL database of Drizzle. */
export interface PgFiles<
  Q extends PgQueryResultHKT,
  F extends Record<string, unknown>,
  S extends TablesRelationalConfig,
> {
  insert<T extends PgTable>(table: T): FileInsert<PgInsertBuilder<T, Q>>
  update<T extends PgTable>(table: T): FileUpdate<PgUpdateBuilder<T, Q>>
  transaction<R>(
    work: (tx: PgFiles<Q, F, S> & PgTransaction<Q, F, S>) => Promise<R>,
    config?: PgTransactionConfig,
  ): Promise<R>
}

/** What takes files in a MySQL or MariaDB database of Drizzle. */
export interface MySqlFiles<
  Q extends MySqlQueryResultHKT,
  P extends PreparedQueryHKTBase,
  F extends Record<string, unknown>,
  S extends TablesRelationalConfig,
> {
  insert<T extends MySqlTable>(table: T): FileInsert<MySqlInsertBuilder<T, Q, P>>
  update<T extends MySqlTable>(table: T): FileUpdate<MySqlUpdateBuilder<T, Q, P>>
  transaction<R>(
    work: (tx: MySqlFiles<Q, P, F, S> & MySqlTransaction<Q, P, F, S>) => Promise<R>,
    config?: MySqlTransactionConfig,
  ): Promise<R>
}

/** What takes files in a SQLite database of Drizzle. Uploads take time, so that everything is asynchronous, also where the driver is not. */
export interface SQLiteFiles<Run, F extends Record<string, unknown>, S extends TablesRelationalConfig> {
  insert<T extends SQLiteTable>(table: T): FileInsert<SQLiteInsertBuilder<T, 'async', Run>>
  update<T extends SQLiteTable>(table: T): FileUpdate<SQLiteUpdateBuilder<T, 'async', Run>>
  transaction<R>(
    work: (tx: SQLiteFiles<Run, F, S> & SQLiteTransaction<'async', Run, F, S>) => Promise<R>,
    config?: SQLiteTransactionConfig,
  ): Promise<R>
}

/** A Drizzle database that knows its file columns. */
export type DrizzleFiles<D> =
  D extends BaseSQLiteDatabase<'sync' | 'async', infer Run, infer F, infer S>
    ? SQLiteFiles<Run, F, S> &
        BaseSQLiteDatabase<'async', Run, F, S> &
        Omit<D, keyof BaseSQLiteDatabase<'async', Run, F, S>>
    : D extends PgDatabase<infer Q, infer F, infer S>
      ? PgFiles<Q, F, S> & D
      : D extends MySqlDatabase<infer Q, infer P, infer F, infer S>
        ? MySqlFiles<Q, P, F, S> & D
        : never
