/** Prisma clients of the schema in `fixtures`, by database. */
import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3'
import { PrismaMariaDb } from '@prisma/adapter-mariadb'
import { PrismaPg } from '@prisma/adapter-pg'
import { type Dialect, tablesOf } from '../suite/conformance.ts'
import { getPrismaClientClass as mysqlClass } from './fixtures/mysql/class.ts'
import { getPrismaClientClass as postgresqlClass } from './fixtures/postgresql/class.ts'
import { PrismaClient } from './fixtures/sqlite/client.ts'

export type { PrismaClient } from './fixtures/sqlite/client.ts'

/** A client of a database: `:memory:` or `file:PATH` of SQLite, or the URL of a server. Their types are those of SQLite's. */
export function prismaClient(dialect: Dialect, url = ':memory:', connections = 10): PrismaClient {
  if (dialect === 'sqlite') return new PrismaClient({ adapter: new PrismaBetterSqlite3({ url }) })
  if (dialect === 'postgres') {
    const Client = postgresqlClass()
    return new Client({ adapter: new PrismaPg({ connectionString: url, max: connections }) }) as unknown as PrismaClient
  }
  const Client = mysqlClass()
  const { hostname, port, pathname } = new URL(url)
  const place = { host: hostname, port: Number(port), user: 'root', database: pathname.slice(1) }
  return new Client({
    adapter: new PrismaMariaDb({ ...place, connectionLimit: connections }),
  }) as unknown as PrismaClient
}

/** Makes the tables of the schema in `fixtures`. */
export async function makeTables(client: PrismaClient, dialect: Dialect): Promise<void> {
  const key = dialect === 'postgres' ? 'UUID' : 'VARCHAR(36)'
  const statements = [
    ...tablesOf(dialect),
    `CREATE TABLE pages (resume_id INT NOT NULL, number INT NOT NULL, scan_file VARCHAR(100) NOT NULL DEFAULT '',
      PRIMARY KEY (resume_id, number), FOREIGN KEY (resume_id) REFERENCES resumes (id) ON DELETE CASCADE)`,
    `CREATE TABLE people (id ${key} PRIMARY KEY, name VARCHAR(100) NOT NULL, photo VARCHAR(100), photo_width INT,
      photo_height INT, manager_id ${key}, FOREIGN KEY (manager_id) REFERENCES people (id) ON DELETE SET NULL)`,
    `CREATE TABLE badges (number INT PRIMARY KEY, print VARCHAR(100), person_id ${key} NOT NULL UNIQUE,
      FOREIGN KEY (person_id) REFERENCES people (id) ON DELETE CASCADE)`,
  ]
  for (const statement of statements) await client.$executeRawUnsafe(statement)
}
