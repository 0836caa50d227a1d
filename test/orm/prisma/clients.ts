/** Prisma clients of the schema in `fixtures`, by database. */
import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3'
import { PrismaMariaDb } from '@prisma/adapter-mariadb'
import { PrismaPg } from '@prisma/adapter-pg'
import { type Dialect, tablesOf } from '../suite/conformance.ts'
import { getPrismaClientClass as mysqlClass } from './fixtures/mysql/class.ts'
import { getPrismaClientClass as postgresqlClass } from './fixtures/postgresql/class.ts'
import { PrismaClient } from './fixtures/sqlite/client.ts'

export type { PrismaClient } from './fixtures/sqlite/client.ts'

export function dialectOf(database: string): Dialect {
  return database.startsWith('postgres:') ? 'postgres' : database.startsWith('mariadb:') ? 'mariadb' : 'sqlite'
}

/** A client of a server by its URL, or of SQLite by the name of its file. The types are those of SQLite's. */
export function prismaClient(database = ':memory:', connections = 10): PrismaClient {
  const dialect = dialectOf(database)
  if (dialect === 'sqlite') {
    const url = database === ':memory:' ? database : `file:${database}`
    return new PrismaClient({ adapter: new PrismaBetterSqlite3({ url }) })
  }
  if (dialect === 'postgres') {
    const Client = postgresqlClass()
    const adapter = new PrismaPg({ connectionString: database, max: connections })
    return new Client({ adapter }) as unknown as PrismaClient
  }
  const Client = mysqlClass()
  const { hostname, port, pathname } = new URL(database)
  const place = { host: hostname, port: Number(port), user: 'root', database: pathname.slice(1) }
  const adapter = new PrismaMariaDb({ ...place, connectionLimit: connections })
  return new Client({ adapter }) as unknown as PrismaClient
}

/** Makes the tables of the schema in `fixtures`. */
export async function makeTables(client: PrismaClient, dialect: Dialect): Promise<void> {
  const key = dialect === 'postgres' ? 'UUID' : 'VARCHAR(36)'
  const statements = [
    ...tablesOf(dialect),
    `CREATE TABLE IF NOT EXISTS pages (resume_id INT NOT NULL, number INT NOT NULL, scan_file VARCHAR(100) NOT NULL DEFAULT '',
      PRIMARY KEY (resume_id, number), FOREIGN KEY (resume_id) REFERENCES resumes (id) ON DELETE CASCADE)`,
    `CREATE TABLE IF NOT EXISTS people (id ${key} PRIMARY KEY, name VARCHAR(100) NOT NULL, photo VARCHAR(100), photo_width INT,
      photo_height INT, manager_id ${key}, FOREIGN KEY (manager_id) REFERENCES people (id) ON DELETE SET NULL)`,
    `CREATE TABLE IF NOT EXISTS badges (number INT PRIMARY KEY, print VARCHAR(100), person_id ${key} NOT NULL UNIQUE,
      FOREIGN KEY (person_id) REFERENCES people (id) ON DELETE CASCADE)`,
  ]
  for (const statement of statements) await client.$executeRawUnsafe(statement)
}
