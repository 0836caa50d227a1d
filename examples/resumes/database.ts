import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** The columns of files hold names in the storage, those of a picture also what its header says. */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS resumes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    person TEXT NOT NULL CHECK (length(person) BETWEEN 1 AND 100),
    pdf TEXT NOT NULL CHECK (pdf <> ''),
    photos TEXT,
    photosWidth INTEGER,
    photosHeight INTEGER,
    photosOrientation INTEGER
  ) STRICT;
  CREATE INDEX IF NOT EXISTS resumes_pdf ON resumes (pdf);
  CREATE INDEX IF NOT EXISTS resumes_photos ON resumes (photos);
`

/** Opens the database in a folder, or makes it; a relative folder starts from this one. */
export function openDatabase(data: string): DatabaseSync {
  const folder = resolve(import.meta.dirname, data)
  mkdirSync(folder, { recursive: true })
  const database = new DatabaseSync(join(folder, 'resumes.db'))
  database.exec('PRAGMA journal_mode = WAL; PRAGMA busy_timeout = 5000;')
  database.exec(SCHEMA)
  return database
}

/** Runs statements as one transaction. They are synchronous, so no other request can come between them. */
export function transaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    // SQLite ends the transaction itself after some errors, a full disk for one.
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}
