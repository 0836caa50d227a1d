import { DatabaseSync } from 'node:sqlite'
import Database from 'better-sqlite3'
import { eq, inArray, like, relations, sql } from 'drizzle-orm'
import { drizzle as betterSqlite } from 'drizzle-orm/better-sqlite3'
import * as pg from 'drizzle-orm/pg-core'
import { drizzle as pgProxy } from 'drizzle-orm/pg-proxy'
import { alias, customType, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'
import { drizzle as sqliteProxy } from 'drizzle-orm/sqlite-proxy'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MemoryStorage } from '../../../src/backends/memory/index.ts'
import { FieldFile, FileRegistry, FileTransaction, fileField, imageField, upload } from '../../../src/fields/index.ts'
import { type DrizzleFiles, drizzleFiles, fileColumn } from '../../../src/orm/drizzle/index.ts'
import { png } from '../png.ts'

let storage = new MemoryStorage()
const at = (): MemoryStorage => storage

/** New tables for each test, since a field belongs to one storage. */
function schemaOf() {
  const resumes = sqliteTable('resumes', {
    id: integer().primaryKey({ autoIncrement: true }),
    title: text().notNull().unique(),
    pdf: fileColumn(customType, fileField({ storage: at, uploadTo: 'pdfs' })),
    photo: fileColumn(customType, imageField({ storage: at, uploadTo: 'photos', width: 'photoWidth' })),
    photoWidth: integer('photo_width'),
  })
  const notes = sqliteTable('notes', {
    id: integer().primaryKey({ autoIncrement: true }),
    resumeId: integer('resume_id').references(() => resumes.id),
    text: text(),
  })
  const pages = sqliteTable(
    'pages',
    {
      book: integer().notNull(),
      number: integer().notNull(),
      code: text(),
      scan: fileColumn(
        customType,
        fileField({ storage: at, uploadTo: 'scans', emptyValue: '' }),
        'scan_file',
      ).notNull(),
    },
    t => [primaryKey({ columns: [t.book, t.number] }), uniqueIndex('pages_code').on(t.code)],
  )
  const resumeNotes = relations(resumes, ({ many }) => ({ notes: many(notes) }))
  const noteResume = relations(notes, ({ one }) => ({
    resume: one(resumes, { fields: [notes.resumeId], references: [resumes.id] }),
  }))
  return { resumes, notes, pages, resumeNotes, noteResume }
}

type Schema = ReturnType<typeof schemaOf>

const TABLES = [
  'CREATE TABLE resumes (id integer PRIMARY KEY AUTOINCREMENT, title text NOT NULL UNIQUE, pdf text, photo text, photo_width integer)',
  'CREATE TABLE notes (id integer PRIMARY KEY AUTOINCREMENT, resume_id integer, text text)',
  'CREATE TABLE pages (book integer, number integer, code text UNIQUE, scan_file text NOT NULL, PRIMARY KEY (book, number))',
]

interface Ground {
  readonly db: ReturnType<typeof betterSqlite<Schema>>
  /** Rows as they are in the database. */
  rows(table: string): unknown[]
  close(): void
}

function better(schema: Schema): Ground {
  const client = new Database(':memory:')
  for (const table of TABLES) client.exec(table)
  return {
    db: betterSqlite({ client, schema }),
    rows: table => client.prepare(`SELECT * FROM ${table}`).all(),
    close: () => client.close(),
  }
}

/** `sqlite-proxy` over node:sqlite, with a pause in each call, so that statements of two transactions could mix. */
function proxy(schema: Schema): Ground {
  const client = new DatabaseSync(':memory:')
  for (const table of TABLES) client.exec(table)
  const db = sqliteProxy(
    async (query, parameters, method) => {
      await new Promise(resolve => setImmediate(resolve))
      const statement = client.prepare(query)
      statement.setReturnArrays(true)
      const rows = statement.all(...parameters)
      return { rows: method === 'get' ? (rows[0] as unknown as unknown[]) : rows }
    },
    { schema },
  )
  return {
    db: db as unknown as Ground['db'],
    rows: table =>
      client
        .prepare(`SELECT * FROM ${table}`)
        .all()
        .map(row => ({ ...row })),
    close: () => client.close(),
  }
}

describe.each([
  ['better-sqlite3', better],
  ['sqlite-proxy', proxy],
])('%s', (_name, start) => {
  let registry: FileRegistry
  let schema: Schema
  let ground: Ground
  let files: DrizzleFiles<Ground['db']>
  let db: typeof files.db
  const kept: unknown[] = []
  let resumes: Schema['resumes']

  beforeEach(() => {
    storage = new MemoryStorage()
    registry = new FileRegistry()
    kept.length = 0
    registry.onKept = file => kept.push(file)
    schema = schemaOf()
    resumes = schema.resumes
    ground = start(schema)
    files = drizzleFiles(ground.db, schema, { registry })
    db = files.db
  })

  afterEach(() => {
    ground.close()
    expect(kept).toEqual([])
  })

  async function stored(): Promise<string[]> {
    const names: string[] = []
    for await (const { name } of storage.entries('', { recursive: true })) names.push(name)
    return names.sort()
  }

  const file = (name: string) => upload(Buffer.from(name), `${name}.pdf`)

  async function insert(title: string): Promise<number> {
    const [row] = await files.insert(resumes, { title, pdf: file(title) })
    return row!.id
  }

  it('uploads content and returns a FieldFile', async () => {
    const [row] = await files.insert(resumes, { title: 'a', pdf: file('a') })
    expect(row!.pdf).toBeInstanceOf(FieldFile)
    expect((await row!.pdf!.read()).toString()).toBe('a')
    expect(row!.photo).toBe(null)
    const values = { id: 1, title: 'a', pdf: 'pdfs/a.pdf', photo: null, photoWidth: null }
    expect(JSON.parse(JSON.stringify(row))).toEqual(values)
    expect(ground.rows('resumes')).toEqual([{ id: 1, title: 'a', pdf: 'pdfs/a.pdf', photo: null, photo_width: null }])
    const rows = await files.insert(resumes, [{ title: 'b' }, { title: sql`'c' || 'c'`, pdf: file('c') }])
    expect(rows.map(({ title, pdf }) => [title, pdf?.name])).toEqual([
      ['b', undefined],
      ['cc', 'pdfs/c.pdf'],
    ])
  })

  it('fills the columns of a picture, on insert and on update', async () => {
    await files.insert(resumes, { title: 'a', photo: upload(png(3, 2), 'p.png') })
    expect(ground.rows('resumes')).toMatchObject([{ photo_width: 3 }])
    await files.update(resumes, { photo: upload(png(5, 2), 'q.png') }, undefined)
    expect(ground.rows('resumes')).toMatchObject([{ photo_width: 5 }])
    await files.update(resumes, { photo: null }, undefined)
    expect(ground.rows('resumes')).toMatchObject([{ photo_width: null }])
    expect(await stored()).toEqual([])
  })

  it('removes the new files when the statement fails', async () => {
    await insert('a')
    await expect(insert('a')).rejects.toThrow()
    await insert('b')
    const values = { title: 'a', pdf: file('x') }
    await expect(files.update(resumes, values, eq(resumes.title, 'b'))).rejects.toThrow()
    await expect(files.insert(resumes, [{ title: 'c', pdf: file('c') }, { title: 'a' }])).rejects.toThrow()
    expect(await stored()).toEqual(['pdfs/a.pdf', 'pdfs/b.pdf'])
  })

  it('fld-2: a storage that fails makes the write fail, and no row names a file that is not there', async () => {
    await insert('a')
    async function* broken(): AsyncGenerator<Buffer> {
      yield Buffer.from('x')
      throw new Error('unreadable')
    }
    const pdf = () => upload(broken(), 'b.pdf')
    await expect(files.insert(resumes, { title: 'b', pdf: pdf() })).rejects.toThrow('unreadable')
    await expect(files.update(resumes, { pdf: pdf() }, undefined)).rejects.toThrow('unreadable')
    expect(ground.rows('resumes')).toMatchObject([{ pdf: 'pdfs/a.pdf' }])
    expect(await stored()).toEqual(['pdfs/a.pdf'])
  })

  it('replaces and deletes files with their rows, by any condition', async () => {
    const a = await insert('a')
    await insert('b')
    await insert('c')
    expect(await files.update(resumes, { pdf: file('a2') }, eq(resumes.id, a))).toBe(1)
    expect(await stored()).toEqual(['pdfs/a2.pdf', 'pdfs/b.pdf', 'pdfs/c.pdf'])
    const few = db
      .select({ id: resumes.id })
      .from(resumes)
      .where(inArray(resumes.title, ['a', 'b']))
    expect(await files.delete(resumes, inArray(resumes.id, few))).toBe(2)
    expect(await stored()).toEqual(['pdfs/c.pdf'])
    expect(await files.update(resumes, { pdf: null }, undefined)).toBe(1)
    expect(await stored()).toEqual([])
    expect(await files.delete(resumes, like(resumes.title, 'x%'))).toBe(0)
  })

  it('keeps a file that another row names, and what an update leaves as it is', async () => {
    const a = await insert('a')
    await files.insert(resumes, { title: 'b', pdf: 'pdfs/a.pdf' })
    await files.update(resumes, { title: 'x', pdf: undefined }, eq(resumes.id, a))
    const [row] = await db.select().from(resumes).where(eq(resumes.id, a))
    await files.update(resumes, { pdf: row!.pdf }, eq(resumes.id, a))
    await files.delete(resumes, eq(resumes.id, a))
    expect(await stored()).toEqual(['pdfs/a.pdf'])
    await files.delete(resumes, undefined)
    expect(await stored()).toEqual([])
  })

  it('removes what was uploaded for an update that finds no row, also in a transaction', async () => {
    await insert('a')
    expect(await files.update(resumes, { pdf: file('x') }, eq(resumes.id, 99))).toBe(0)
    expect(await stored()).toEqual(['pdfs/a.pdf'])
    await files.transaction(tx => tx.update(resumes, { pdf: file('x') }, eq(resumes.id, 99)))
    expect(await stored()).toEqual(['pdfs/a.pdf'])
  })

  it('writes the empty value of a column that is not null', async () => {
    const { pages } = schema
    await files.insert(pages, { book: 1, number: 1, scan: file('1') })
    expect(await stored()).toEqual(['scans/1.pdf'])
    await files.update(pages, { scan: '' }, eq(pages.book, 1))
    expect(ground.rows('pages')).toMatchObject([{ scan_file: '' }])
    expect((await db.select().from(pages))[0]?.scan.isEmpty).toBe(true)
    expect(await stored()).toEqual([])
  })

  it('changes no rows without values', async () => {
    await files.insert(resumes, { title: 'a', pdf: file('a') })
    const updated = files.update(resumes, undefined as never, eq(resumes.title, 'a'))
    await expect(updated).rejects.toThrow("An update of 'resumes' takes values of columns, not undefined.")
    expect(await stored()).toEqual(['pdfs/a.pdf'])
    expect(ground.rows('resumes')).toHaveLength(1)
  })

  it('fld-14: refuses what is neither content nor a name, and content where nothing uploads it', async () => {
    const refused = { code: 'invalid_argument' }
    for (const pdf of [Promise.resolve('x'), 7, { name: 'x' }] as unknown as string[]) {
      await expect(files.insert(resumes, { title: 'a', pdf })).rejects.toMatchObject(refused)
      await expect(files.update(resumes, { pdf }, undefined)).rejects.toMatchObject(refused)
    }
    const pdf = file('x') as unknown as FieldFile
    await expect(async () => await db.insert(resumes).values({ title: 'a', pdf })).rejects.toMatchObject(refused)
    await expect(async () => await db.update(resumes).set({ pdf })).rejects.toMatchObject(refused)
    expect(await stored()).toEqual([])
  })

  it('reads files in joins, subqueries, aliases and relations', async () => {
    const id = await insert('a')
    await db.insert(schema.notes).values({ resumeId: id, text: 'n' })
    const [joined] = await db.select().from(schema.notes).innerJoin(resumes, eq(resumes.id, schema.notes.resumeId))
    expect(joined!.resumes.pdf?.name).toBe('pdfs/a.pdf')
    const [left] = await db.select().from(resumes).leftJoin(schema.notes, eq(schema.notes.id, 99))
    expect(left!.notes).toBe(null)
    const other = alias(resumes, 'other')
    const [aliased] = await db.select({ file: other.pdf }).from(other)
    expect(aliased!.file).toBeInstanceOf(FieldFile)
    const found = await db.query.resumes.findMany({ with: { notes: true } })
    expect(found[0]!.pdf).toBeInstanceOf(FieldFile)
    const note = await db.query.notes.findFirst({ with: { resume: true } })
    expect(note!.resume!.pdf?.name).toBe('pdfs/a.pdf')
    const [same] = await db.select().from(resumes).where(eq(resumes.pdf, joined!.resumes.pdf!))
    expect(same!.id).toBe(id)
    expect(await db.$count(resumes)).toBe(1)
    expect(await db.get(sql`select 1 as one`)).toBeDefined()
  })

  it('saves and deletes the files of a row that is attached', async () => {
    const id = await insert('a')
    const row = files.attach(resumes, (await db.select().from(resumes).where(eq(resumes.id, id)))[0]!)
    await row.pdf.save('new.pdf', Buffer.from('new'))
    await row.photo.save('p.png', png(4, 4))
    expect(row.photoWidth).toBe(4)
    expect(ground.rows('resumes')).toMatchObject([{ pdf: 'pdfs/new.pdf', photo_width: 4 }])
    expect(await stored()).toEqual(['pdfs/new.pdf', 'photos/p.png'])
    const cached = files.attach(resumes, JSON.parse(JSON.stringify(row)))
    await cached.pdf.delete()
    expect(await stored()).toEqual(['photos/p.png'])
    await files.delete(resumes, undefined)
    await expect(row.photo.save('late.png', png(1, 1))).rejects.toMatchObject({ code: 'not_found' })
    expect(await stored()).toEqual([])
    const keyless = files.attach(resumes, { pdf: null as FieldFile | null })
    await expect(keyless.pdf.save('x.pdf', Buffer.from('x'))).rejects.toMatchObject({ code: 'unsupported' })
  })

  it('deletes after the commit, and removes new files after a rollback', async () => {
    await insert('a')
    const result = await files.transaction(async tx => {
      await tx.delete(resumes, undefined)
      await tx.insert(resumes, { title: 'b', pdf: file('b') })
      expect(await stored()).toEqual(['pdfs/a.pdf', 'pdfs/b.pdf'])
      return 7
    })
    expect(result).toBe(7)
    expect(await stored()).toEqual(['pdfs/b.pdf'])
    const failing = files.transaction(async tx => {
      await tx.delete(resumes, undefined)
      await tx.insert(resumes, { title: 'c', pdf: file('c') })
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect(ground.rows('resumes')).toMatchObject([{ title: 'b' }])
    expect(await stored()).toEqual(['pdfs/b.pdf'])
  })

  it('fld-1: a savepoint that is rolled back takes its files along, and a commit keeps the others', async () => {
    await insert('a')
    await files.transaction(async tx => {
      await tx.insert(resumes, { title: 'b', pdf: file('b') })
      const inner = tx.transaction(async inner => {
        await inner.delete(resumes, undefined)
        await inner.insert(resumes, { title: 'c', pdf: file('c') })
        await inner.transaction(third => third.insert(resumes, { title: 'd', pdf: file('d') }))
        throw new Error('no')
      })
      await expect(inner).rejects.toThrow('no')
      await tx.transaction(inner => inner.insert(resumes, { title: 'e', pdf: file('e') }))
    })
    expect(ground.rows('resumes')).toMatchObject([{ title: 'a' }, { title: 'b' }, { title: 'e' }])
    expect(await stored()).toEqual(['pdfs/a.pdf', 'pdfs/b.pdf', 'pdfs/e.pdf'])
  })

  it('fld-11: on the one connection, a statement in a transaction that is not passed on is part of it', async () => {
    await insert('a')
    const failing = files.transaction(async () => {
      await files.delete(resumes, undefined)
      await insert('b')
      await files.transaction(() => insert('c'))
      expect(await db.$count(resumes)).toBe(2)
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect(ground.rows('resumes')).toMatchObject([{ title: 'a' }])
    expect(await stored()).toEqual(['pdfs/a.pdf'])
  })

  it('saves the file of a row in the transaction in which it is attached, and after it', async () => {
    await insert('a')
    const failing = files.transaction(async tx => {
      const row = tx.attach(resumes, (await tx.db.select().from(resumes))[0]!)
      await row.pdf.save('b.pdf', Buffer.from('b'))
      expect(await stored()).toEqual(['pdfs/a.pdf', 'pdfs/b.pdf'])
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect(await stored()).toEqual(['pdfs/a.pdf'])
    const row = await files.transaction(async tx => tx.attach(resumes, (await tx.db.select().from(resumes))[0]!))
    await row.pdf.save('c.pdf', Buffer.from('c'))
    expect(await stored()).toEqual(['pdfs/c.pdf'])
  })

  it('keeps other work out of a transaction on the one connection', async () => {
    let goOn = (): void => {}
    const waiting = new Promise<void>(resolve => (goOn = resolve))
    let begun = (): void => {}
    const beginning = new Promise<void>(resolve => (begun = resolve))
    const failing = files.transaction(async tx => {
      await tx.insert(resumes, { title: 'inside', pdf: file('inside') })
      begun()
      await waiting
      throw new Error('no')
    })
    failing.catch(() => {})
    await beginning
    const outside = insert('outside')
    const plain = Promise.resolve(db.insert(resumes).values({ title: 'plain' }))
    const read = Promise.resolve(db.select().from(resumes))
    const second = files.transaction(tx => tx.insert(resumes, { title: 'second' }))
    goOn()
    await expect(failing).rejects.toThrow('no')
    await Promise.all([outside, plain, read, second])
    expect((await read).some(row => row.title === 'inside')).toBe(false)
    expect(ground.rows('resumes')).toHaveLength(3)
    expect(await stored()).toEqual(['pdfs/outside.pdf'])
  })

  it('runs transactions and savepoints side by side one after the other', async () => {
    const transaction = (i: number): Promise<void> =>
      files.transaction(async tx => {
        const savepoint = (j: number): Promise<void> =>
          tx.transaction(async inner => {
            await inner.insert(resumes, { title: `${i}.${j}`, pdf: file(`${i}.${j}`) })
            if (j === 1) throw new Error('inner')
          })
        await Promise.all([0, 1, 2].map(j => savepoint(j).catch(() => {})))
        if (i % 2 === 1) throw new Error('outer')
      })
    await Promise.all(Array.from({ length: 20 }, (_, i) => transaction(i).catch(() => {})))
    const names = ground.rows('resumes').map(row => (row as { pdf: string }).pdf)
    expect(names).toHaveLength(20)
    expect(await stored()).toEqual(names.sort())
  })

  it('does not wait for itself when another transaction asks which files are used', async () => {
    await insert('a')
    await files.transaction(async tx => {
      await tx.delete(resumes, undefined)
      const other = new FileTransaction(registry)
      other.released({ storage, name: 'pdfs/a.pdf', address: 'x' })
      await other.commit()
      expect(await stored()).toEqual(['pdfs/a.pdf'])
    })
    expect(await stored()).toEqual([])
  })

  it('two updates of one row at the same time leave the file of the last', async () => {
    const id = await insert('a')
    const update = (name: string) => files.update(resumes, { pdf: file(name) }, eq(resumes.id, id))
    await Promise.all([update('b'), update('c')])
    expect(await stored()).toEqual([(ground.rows('resumes')[0] as { pdf: string }).pdf])
  })

  it('a statement that no one waits for is part of its transaction, and one after its end is not', async () => {
    let goOn = (): void => {}
    const ended = new Promise<void>(resolve => (goOn = resolve))
    let late: Promise<unknown> | undefined
    const failing = files.transaction(async tx => {
      for (const title of ['first', 'second']) void tx.db.insert(resumes).values({ title }).run()
      late = ended.then(() => insert('late'))
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    const next = files.transaction(async () => {
      goOn()
      for (let turn = 0; turn < 5; turn++) await new Promise(resolve => setImmediate(resolve))
      throw new Error('next')
    })
    await expect(next).rejects.toThrow('next')
    await late
    expect(ground.rows('resumes')).toMatchObject([{ title: 'late' }])
    expect(await stored()).toEqual(['pdfs/late.pdf'])
  })

  it('uploads without holding the only connection', async () => {
    let end = (): void => {}
    const waiting = new Promise<void>(resolve => (end = resolve))
    async function* slowly(): AsyncGenerator<Buffer> {
      yield Buffer.from('x')
      await waiting
    }
    const write = files.insert(resumes, { title: 'a', pdf: upload(slowly(), 'a.pdf') })
    expect(await db.select().from(resumes)).toEqual([])
    end()
    await write
    expect(await stored()).toEqual(['pdfs/a.pdf'])
  })

  it('takes its columns out of the registry, and knows its tables', async () => {
    expect([...registry.users].map(({ label }) => label)).toEqual(['resumes.pdf', 'resumes.photo', 'pages.scan'])
    files.detach()
    expect([...registry.users]).toEqual([])
    expect(() => drizzleFiles(ground.db, { notes: schema.notes })).toThrow(/No table has a file column/)
    const few = drizzleFiles(ground.db, { resumes }, { registry })
    await expect(few.delete(schema.pages, undefined)).rejects.toThrow(/'pages' was not registered/)
    few.detach()
  })
})

it('asks the primary database, not a replica, which files are used', async () => {
  const notes = pg.pgTable('notes', {
    id: pg.serial().primaryKey(),
    pdf: fileColumn(pg.customType, fileField({ storage: new MemoryStorage() })),
  })
  const asked: string[] = []
  const remote = (name: string) =>
    pgProxy(async query => {
      asked.push(`${name}: ${query.split(' ', 1)}`)
      if (query.startsWith('insert')) throw new Error('no')
      return { rows: [] }
    })
  const both = pg.withReplicas(remote('primary'), [remote('replica')])
  const files = drizzleFiles(both, { notes }, { registry: new FileRegistry() })
  await expect(files.insert(notes, { pdf: upload('x', 'x.txt') })).rejects.toThrow()
  expect(asked).toEqual(['primary: insert', 'primary: select'])
})
