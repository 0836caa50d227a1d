import { DatabaseSync } from 'node:sqlite'
import { FileRegistry, fileField, fileModel } from '../../src/fields/index.ts'
import { MemoryStorage } from '../../src/index.ts'
import { type Found, ROWS, rowOf } from './found.ts'

/** The core alone: rows of node:sqlite, of which `revive` makes files. */
export async function start(): Promise<Found> {
  const database = new DatabaseSync(':memory:')
  database.exec('CREATE TABLE resumes (id INTEGER PRIMARY KEY, title TEXT, pdf TEXT)')
  const insert = database.prepare('INSERT INTO resumes VALUES (?, ?, ?)')
  for (let n = 1; n <= ROWS; n++) insert.run(...(Object.values(rowOf(n)) as [number, string, string]))
  const all = database.prepare('SELECT id, title, pdf FROM resumes')
  const pdf = fileField({ storage: new MemoryStorage(), uploadTo: 'pdfs' })
  const model = fileModel('resumes', { pdf }, new FileRegistry())
  return {
    withFiles: async () => all.all().map(row => model.revive(row)),
    withText: async () => all.all(),
    close: async () => database.close(),
  }
}
