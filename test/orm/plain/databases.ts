/** Databases by their drivers alone: statements with `?`, connections of their own for transactions. */
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { createPool as createMariadbPool } from 'mariadb'
import { Pool } from 'pg'
import type { Dialect } from '../suite/conformance.ts'

export type SqlRow = Record<string, unknown>

export interface SqlConnection {
  query(text: string, values?: readonly unknown[]): Promise<SqlRow[]>
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
      return {
        async query(text, values = []) {
          let at = 0
          const { rows } = await client.query(
            text.replaceAll('?', () => `$${++at}`),
            [...values],
          )
          return rows as SqlRow[]
        },
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
        release: () => void connection.release(),
      }
    },
    close: () => pool.end(),
  }
}
