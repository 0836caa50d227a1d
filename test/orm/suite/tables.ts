/** The tables of the suite, for grounds that make them by SQL. */

export type Dialect = 'sqlite' | 'postgres' | 'mariadb'

const KEY: Readonly<Record<Dialect, string>> = {
  sqlite: 'INTEGER PRIMARY KEY AUTOINCREMENT',
  postgres: 'SERIAL PRIMARY KEY',
  mariadb: 'INT AUTO_INCREMENT PRIMARY KEY',
}
const TIME: Readonly<Record<Dialect, string>> = { sqlite: 'TEXT', postgres: 'TIMESTAMPTZ', mariadb: 'DATETIME(3)' }

/**
 * Statements that make, where they are not there yet, `resumes`, `pins` and, where the database checks at the commit, `promises`. SQLite needs
 * `PRAGMA foreign_keys = ON` (the default of node:sqlite and better-sqlite3).
 */
export function tablesOf(dialect: Dialect): readonly string[] {
  const columns = [
    `id ${KEY[dialect]}`,
    'title VARCHAR(190) NOT NULL UNIQUE',
    'pdf VARCHAR(100)',
    'photo VARCHAR(100)',
    `deleted_at ${TIME[dialect]}`,
  ]
  const refers = 'FOREIGN KEY (resume_id) REFERENCES resumes (id)'
  const tables = [
    `CREATE TABLE IF NOT EXISTS resumes (${columns.join(', ')})`,
    `CREATE TABLE IF NOT EXISTS pins (resume_id INT NOT NULL, ${refers})`,
  ]
  if (dialect !== 'mariadb') {
    tables.push(`CREATE TABLE IF NOT EXISTS promises (resume_id INT NOT NULL, ${refers} DEFERRABLE INITIALLY DEFERRED)`)
  }
  return tables
}

/** For `OrmGround.names`. */
export const NAMES =
  'SELECT pdf AS name FROM resumes WHERE pdf IS NOT NULL UNION ALL SELECT photo FROM resumes WHERE photo IS NOT NULL'

/** For `OrmGround.titles`. */
export const TITLES = 'SELECT title FROM resumes'

/** Statements for `OrmGround.clear`. */
export function clearing(dialect: Dialect): readonly string[] {
  const tables = dialect === 'mariadb' ? ['pins', 'resumes'] : ['pins', 'promises', 'resumes']
  return tables.map(table => `DELETE FROM ${table}`)
}

/** For `OrmGround.pin`, with the row's key as a number. */
export const pinning = (id: number): string => `INSERT INTO pins (resume_id) VALUES (${id})`

/** For `OrmGround.breakCommit`. */
export const BREAK_COMMIT = 'INSERT INTO promises (resume_id) VALUES (2000000000)'
