/** Databases by their drivers alone: statements with `?`, connections of their own for transactions. */
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { createPool as createMariadbPool } from 'mariadb'
import { Pool, type QueryResult } from 'pg'
import type { Dialect } from '../suite/conformance.ts'

export type SqlRow = Record<string, unknown>

export interface SqlConnection {
  query(text: string, values?: readonly unknown[]): Promise<SqlRow[]>
  /** Runs an UPDATE or DELETE; returns how many rows it met. */
  change(text: string, values: readonly unknown[]): Promise<number>
  release(): void
}

export interface SqlDatabase {
  readonly dialect: Dialect
  readonly atOnce: number
  /** A connection that no one else uses until it is released. */
  connect(): Promise<SqlConnection>
  close(): Promise<void>
}

/** SQLite has one connection here: who has it keeps the others waiting. */
export function sqlite(path = ':memory:'): SqlDatabase {
  const database = new DatabaseSync(path)
  let last = Promise.resolve()
  return {
    dialect: 'sqlite',
    atOnce: 8,
    async connect() {
      const before = last
      let release = (): void => undefined
      last = new Promise(resolve => (release = resolve))
      await before
      return {
        query: async (text, values = []) => database.prepare(text).all(...(values as SQLInputValue[])) as SqlRow[],
        change: async (text, values) => Number(database.prepare(text).run(...(values as SQLInputValue[])).changes),
        release,
      }
    },
    close: async () => database.close(),
  }
}

export function postgres(url: string): SqlDatabase {
  const pool = new Pool({ connectionString: url, max: 10 })
  pool.on('error', () => {})
  return {
    dialect: 'postgres',
    atOnce: 10,
    async connect() {
      const client = await pool.connect()
      const run = (text: string, values: readonly unknown[]): Promise<QueryResult<SqlRow>> => {
        let at = 0
        return client.query(
          text.replaceAll('?', () => `$${++at}`),
          [...values],
        )
      }
      return {
        query: async (text, values = []) => (await run(text, values)).rows,
        change: async (text, values) => (await run(text, values)).rowCount ?? 0,
        release: () => client.release(),
      }
    },
    close: () => pool.end(),
  }
}

export function mariadb(url: string): SqlDatabase {
  const { hostname, port, pathname } = new URL(url)
  const options = { host: hostname, port: Number(port), user: 'root', database: pathname.slice(1) }
  const pool = createMariadbPool({ ...options, connectionLimit: 10, insertIdAsNumber: true })
  return {
    dialect: 'mariadb',
    atOnce: 10,
    async connect() {
      const connection = await pool.getConnection()
      return {
        async query(text, values = []) {
          const found: unknown = await connection.query(text, [...values])
          return Array.isArray(found) ? (found as SqlRow[]) : []
        },
        change: async (text, values) => (await connection.query(text, [...values])).affectedRows as number,
        release: () => void connection.release(),
      }
    },
    close: () => pool.end(),
  }
}
