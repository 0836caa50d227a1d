import { join } from 'node:path'
import { DataSource, type DataSourceOptions, EntitySchema } from 'typeorm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FieldFile, FileRegistry, fileField, upload } from '../../src/fields/index.ts'
import { MemoryStorage } from '../../src/index.ts'
import { fileColumn, typeormFiles } from '../../src/orm/typeorm/index.ts'
import { ormConformance } from '../orm/suite/conformance.ts'
import { ormCrashes } from '../orm/suite/crashes.ts'
import { openTypeorm } from '../orm/typeorm/ground.ts'
import { type MariadbServer, startMariadb } from '../servers/mariadb.ts'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'

let postgres: PostgresServer
let mariadb: MariadbServer
beforeAll(async () => {
  ;[postgres, mariadb] = await Promise.all([startPostgres(), startMariadb()])
}, 120_000)
afterAll(async () => {
  await postgres?.close()
  await mariadb?.close()
})

ormConformance('typeorm on PostgreSQL', async place => openTypeorm(place, await postgres.createDatabase()))
ormConformance('typeorm on MariaDB by mysql2', async place => openTypeorm(place, await mariadb.createDatabase()))

const child = join(import.meta.dirname, '../orm/typeorm/crash.child.ts')
ormCrashes('typeorm on PostgreSQL', { child, open: openTypeorm, database: () => postgres.createDatabase() })
ormCrashes('typeorm on MariaDB', { child, open: openTypeorm, database: () => mariadb.createDatabase() })

interface Note {
  id: number
  title: string
  pdf: FieldFile
}

describe.each<[string, () => Promise<DataSourceOptions>]>([
  ['PostgreSQL', async () => ({ type: 'postgres', url: await postgres.createDatabase(), poolSize: 1 })],
  ['MariaDB', async () => ({ type: 'mariadb', url: await mariadb.createDatabase(), poolSize: 1 })],
])('typeorm on %s', (name, options) => {
  const storage = new MemoryStorage()
  const content = (name: string) => upload(Buffer.from(name), `${name}.txt`)
  const notes = new EntitySchema<Note>({
    name: 'note',
    columns: {
      id: { type: Number, primary: true, generated: true },
      title: { type: String, length: 100, unique: true },
      pdf: fileColumn(fileField({ storage })),
    },
  })
  const registry = new FileRegistry()
  let db: DataSource
  beforeAll(async () => {
    db = await new DataSource({ ...(await options()), synchronize: true, entities: [notes] }).initialize()
    typeormFiles(db, { registry })
  })
  afterAll(() => db.destroy())
  const files = async (): Promise<string[]> => {
    const found: string[] = []
    for await (const entry of storage.entries('')) found.push(entry.name)
    return found.sort()
  }

  it('a pool of one connection is enough', async () => {
    const repository = db.getRepository(notes)
    const note = await repository.save({ title: 'a', pdf: content('one') })
    const others = await Promise.all(['b', 'c'].map(title => repository.save({ title, pdf: content(title) })))
    await Promise.all(others.map(other => repository.remove(other)))
    await db.transaction(async manager => {
      await manager.save(notes, repository.merge(note, { pdf: content('two') }))
      await expect(manager.transaction(inner => inner.save(notes, repository.create({ title: 'a' })))).rejects.toThrow()
      const { pdf } = await manager.findOneByOrFail(notes, { id: note.id })
      await pdf.save('three.txt', Buffer.from('three'))
    })
    expect(await files()).toEqual(['three.txt'])
    const runner = db.createQueryRunner()
    await runner.startTransaction()
    await runner.manager.remove(notes, await runner.manager.findOneByOrFail(notes, { id: note.id }))
    await runner.commitTransaction()
    expect(await files()).toEqual([])
    await runner.release()
  })

  it('new files go when a statement has failed unnoticed and the commit keeps nothing', async () => {
    const before = await files()
    await db.transaction(async manager => {
      await manager.save(notes, db.getRepository(notes).create({ title: 'unnoticed', pdf: content('unnoticed') }))
      await manager.query('SELECT nothing').catch(() => undefined)
    })
    // MariaDB goes on after an error.
    const isKept = await db.getRepository(notes).existsBy({ title: 'unnoticed' })
    expect(isKept).toBe(name === 'MariaDB')
    expect(await files()).toEqual(isKept ? [...before, 'unnoticed.txt'] : before)
  })

  it('a transaction whose connection is lost leaves rows and files as they were', async () => {
    const repository = db.getRepository(notes)
    const note = await repository.save({ title: 'lost', pdf: content('kept') })
    const kill = name === 'MariaDB' ? 'KILL CONNECTION_ID()' : 'SELECT pg_terminate_backend(pg_backend_pid())'
    const lost = db.transaction(async manager => {
      await manager.save(notes, repository.merge(note, { pdf: content('new') }))
      await manager.query(kill).catch(() => undefined)
      await manager.save(notes, repository.create({ title: 'more', pdf: content('more') }))
    })
    await expect(lost).rejects.toThrow()
    const found = await repository.findOneByOrFail({ title: 'lost' })
    expect(`${await found.pdf.read()}`).toBe('kept')
    await repository.remove(found)
    expect(await files()).not.toContain('kept.txt')
  })
})
