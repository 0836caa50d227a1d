import { DatabaseSync } from 'node:sqlite'
import Database from 'better-sqlite3'
import { eq, inArray, relations, sql } from 'drizzle-orm'
import { drizzle as betterSqlite } from 'drizzle-orm/better-sqlite3'
import { alias, customType, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'
import { drizzle as sqliteProxy } from 'drizzle-orm/sqlite-proxy'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MemoryStorage } from '../../../src/backends/memory/index.ts'
import { FieldFile, FileRegistry, FileTransaction, fileField, imageField, upload } from '../../../src/fields/index.ts'
import { attachFiles, detachFiles, drizzleFiles, fileColumn } from '../../../src/orm/drizzle/index.ts'
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
  let db: ReturnType<typeof drizzleFiles<Ground['db']>>
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
    db = drizzleFiles(ground.db, schema, { registry })
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
    const [row] = await db
      .insert(resumes)
      .values({ title, pdf: file(title) })
      .returning({ id: resumes.id })
    return row!.id
  }

  it('uploads content and returns a FieldFile', async () => {
    const [row] = await db
      .insert(resumes)
      .values({ title: 'a', pdf: file('a') })
      .returning()
    expect(row!.pdf).toBeInstanceOf(FieldFile)
    expect((await row!.pdf!.read()).toString()).toBe('a')
    expect(row!.photo).toBe(null)
    expect(JSON.parse(JSON.stringify(row))).toEqual({
      id: 1,
      title: 'a',
      pdf: 'pdfs/a.pdf',
      photo: null,
      photoWidth: null,
    })
    expect(ground.rows('resumes')).toEqual([{ id: 1, title: 'a', pdf: 'pdfs/a.pdf', photo: null, photo_width: null }])
    const result = await db.insert(resumes).values([{ title: 'b' }, { title: 'c', pdf: file('c') }])
    expect(result).toBeDefined()
    expect(await stored()).toEqual(['pdfs/a.pdf', 'pdfs/c.pdf'])
  })

  it('fills the columns of a picture, on insert and on update', async () => {
    await db.insert(resumes).values({ title: 'a', photo: upload(png(3, 2), 'p.png') })
    expect(ground.rows('resumes')).toMatchObject([{ photo_width: 3 }])
    await db.update(resumes).set({ photo: upload(png(5, 2), 'q.png') })
    expect(ground.rows('resumes')).toMatchObject([{ photo_width: 5 }])
    await db.update(resumes).set({ photo: null })
    expect(ground.rows('resumes')).toMatchObject([{ photo_width: null }])
    expect(await stored()).toEqual([])
  })

  it('runs by every way in which SQLite builders run', async () => {
    await db
      .insert(resumes)
      .values({ title: 'a', pdf: file('a') })
      .run()
    const one = await db
      .insert(resumes)
      .values({ title: 'b', pdf: file('b') })
      .returning()
      .get()
    expect(one.pdf?.name).toBe('pdfs/b.pdf')
    const all = await db
      .update(resumes)
      .set({ pdf: file('c') })
      .where(eq(resumes.title, 'a'))
      .returning()
      .all()
    expect(all.map(row => row.pdf?.name)).toEqual(['pdfs/c.pdf'])
    expect(await db.delete(resumes).where(eq(resumes.title, 'a')).returning({ id: resumes.id }).values()).toEqual([[1]])
    expect(await stored()).toEqual(['pdfs/b.pdf'])
    const statement = db
      .delete(resumes)
      .where(eq(resumes.title, sql.placeholder('title')))
      .prepare()
    await statement.execute({ title: 'b' })
    expect(await stored()).toEqual([])
    const prepared = db
      .insert(resumes)
      .values({ title: sql.placeholder('title'), pdf: file('d') })
      .returning()
      .prepare()
    expect((await prepared.execute({ title: 'd' }))[0]).toMatchObject({ title: 'd' })
    expect((await prepared.all({ title: 'e' }))[0]?.pdf?.name).not.toBe('pdfs/d.pdf')
    expect(await db.insert(resumes).values({ title: 'z' }).prepare().execute()).toBeDefined()
  })

  it('removes the new files when the statement fails', async () => {
    await insert('a')
    await expect(insert('a')).rejects.toThrow()
    await insert('b')
    await expect(
      db
        .update(resumes)
        .set({ title: 'a', pdf: file('x') })
        .where(eq(resumes.title, 'b')),
    ).rejects.toThrow()
    await expect(db.insert(resumes).values([{ title: 'c', pdf: file('c') }, { title: 'a' }])).rejects.toThrow()
    expect(await stored()).toEqual(['pdfs/a.pdf', 'pdfs/b.pdf'])
  })

  it('fld-2: a storage that fails makes the write fail, and no row names a file that is not there', async () => {
    await insert('a')
    async function* broken(): AsyncGenerator<Buffer> {
      yield Buffer.from('x')
      throw new Error('unreadable')
    }
    await expect(db.insert(resumes).values({ title: 'b', pdf: upload(broken(), 'b.pdf') })).rejects.toThrow(
      'unreadable',
    )
    await expect(db.update(resumes).set({ pdf: upload(broken(), 'b.pdf') })).rejects.toThrow('unreadable')
    expect(ground.rows('resumes')).toMatchObject([{ pdf: 'pdfs/a.pdf' }])
    expect(await stored()).toEqual(['pdfs/a.pdf'])
  })

  it('replaces and deletes files with their rows, by any condition', async () => {
    const a = await insert('a')
    await insert('b')
    await insert('c')
    await db
      .update(resumes)
      .set({ pdf: file('a2') })
      .where(eq(resumes.id, a))
    expect(await stored()).toEqual(['pdfs/a2.pdf', 'pdfs/b.pdf', 'pdfs/c.pdf'])
    const few = db.$with('few').as(
      db
        .select({ id: resumes.id })
        .from(resumes)
        .where(inArray(resumes.title, ['a', 'b'])),
    )
    await db
      .with(few)
      .delete(resumes)
      .where(inArray(resumes.id, sql`(select id from ${few})`))
    expect(await stored()).toEqual(['pdfs/c.pdf'])
    await db.update(resumes).set({ pdf: sql`null` })
    expect(await stored()).toEqual([])
  })

  it('keeps a file that another row names, and what an update leaves as it is', async () => {
    const a = await insert('a')
    await db.insert(resumes).values({ title: 'b', pdf: 'pdfs/a.pdf' })
    await db.update(resumes).set({ title: 'x', pdf: undefined }).where(eq(resumes.id, a))
    const [row] = await db.select().from(resumes).where(eq(resumes.id, a))
    await db.update(resumes).set({ pdf: row!.pdf }).where(eq(resumes.id, a))
    await db.delete(resumes).where(eq(resumes.id, a))
    expect(await stored()).toEqual(['pdfs/a.pdf'])
    await db.delete(resumes)
    expect(await stored()).toEqual([])
  })

  it('removes what was uploaded for rows that a conflict or a condition leaves out', async () => {
    await insert('a')
    await db
      .insert(resumes)
      .values({ title: 'a', pdf: file('x') })
      .onConflictDoNothing()
    await db
      .update(resumes)
      .set({ pdf: file('x') })
      .where(eq(resumes.id, 99))
    expect(await stored()).toEqual(['pdfs/a.pdf'])
  })

  it('replaces the file of a row that an upsert meets, by any of its keys', async () => {
    await insert('a')
    const set = { pdf: sql`excluded.pdf` }
    await db
      .insert(resumes)
      .values({ title: 'a', pdf: file('x') })
      .onConflictDoUpdate({ target: resumes.title, set })
    expect(await stored()).toEqual(['pdfs/x.pdf'])
    await db
      .insert(resumes)
      .values({ id: 1, title: 'b', pdf: file('y') })
      .onConflictDoUpdate({ target: resumes.id, set })
    expect(await stored()).toEqual(['pdfs/y.pdf'])
    const { pages } = schema
    const scan = { scan: sql`excluded.scan_file` }
    await db.insert(pages).values({ book: 1, number: 1, code: 'x', scan: file('1') })
    await db
      .insert(pages)
      .values({ book: 1, number: 1, scan: file('2') })
      .onConflictDoUpdate({ target: [pages.book, pages.number], set: scan })
    await db
      .insert(pages)
      .values({ book: 9, number: 9, code: 'x', scan: file('3') })
      .onConflictDoUpdate({ target: pages.code, set: scan })
    expect(await stored()).toEqual(['pdfs/y.pdf', 'scans/3.pdf'])
    await db.update(pages).set({ scan: '' })
    expect(await stored()).toEqual(['pdfs/y.pdf'])
    expect((await db.select().from(pages))[0]?.scan.isEmpty).toBe(true)
  })

  it('fld-14: refuses what is neither content nor a name, and content where nothing uploads it', async () => {
    for (const pdf of [Promise.resolve('x'), 7, { name: 'x' }] as unknown as string[]) {
      await expect(db.insert(resumes).values({ title: 'a', pdf })).rejects.toMatchObject({ code: 'invalid_argument' })
      await expect(db.update(resumes).set({ pdf })).rejects.toMatchObject({ code: 'invalid_argument' })
    }
    const content = file('x') as unknown as FieldFile
    await expect(
      async () => await ground.db.insert(resumes).values({ title: 'a', pdf: content }),
    ).rejects.toMatchObject({ code: 'invalid_argument' })
    const set = { pdf: content }
    const upsert = db.insert(resumes).values({ title: 'a' }).onConflictDoUpdate({ target: resumes.title, set })
    await expect(upsert).rejects.toMatchObject({ code: 'invalid_argument' })
    expect(await stored()).toEqual([])
  })

  it('reads files in joins, subqueries, aliases and relations', async () => {
    const id = await insert('a')
    await db.insert(schema.notes).values({ resumeId: id, text: 'n' })
    const [joined] = await db.select().from(schema.notes).innerJoin(resumes, eq(resumes.id, schema.notes.resumeId))
    expect(joined!.resumes.pdf?.name).toBe('pdfs/a.pdf')
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
  })

  it('saves and deletes the files of a row that is attached', async () => {
    const id = await insert('a')
    const row = attachFiles(db, resumes, (await db.select().from(resumes).where(eq(resumes.id, id)))[0]!)
    await row.pdf.save('new.pdf', Buffer.from('new'))
    await row.photo.save('p.png', png(4, 4))
    expect(row.photoWidth).toBe(4)
    expect(ground.rows('resumes')).toMatchObject([{ pdf: 'pdfs/new.pdf', photo_width: 4 }])
    expect(await stored()).toEqual(['pdfs/new.pdf', 'photos/p.png'])
    const cached = attachFiles(db, resumes, JSON.parse(JSON.stringify(row)))
    await cached.pdf.delete()
    expect(await stored()).toEqual(['photos/p.png'])
    await db.delete(resumes)
    await expect(row.photo.save('late.png', png(1, 1))).rejects.toMatchObject({ code: 'not_found' })
    expect(await stored()).toEqual([])
    const keyless = attachFiles(db, resumes, { pdf: null })
    await expect(keyless.pdf.save('x.pdf', Buffer.from('x'))).rejects.toMatchObject({ code: 'unsupported' })
  })

  it('deletes after the commit, and removes new files after a rollback', async () => {
    await insert('a')
    const result = await db.transaction(async tx => {
      await tx.delete(resumes)
      await tx.insert(resumes).values({ title: 'b', pdf: file('b') })
      expect(await stored()).toEqual(['pdfs/a.pdf', 'pdfs/b.pdf'])
      return 7
    })
    expect(result).toBe(7)
    expect(await stored()).toEqual(['pdfs/b.pdf'])
    const failing = db.transaction(async tx => {
      await tx.delete(resumes)
      await tx.insert(resumes).values({ title: 'c', pdf: file('c') })
      tx.rollback()
    })
    await expect(failing).rejects.toThrow('Rollback')
    expect(ground.rows('resumes')).toMatchObject([{ title: 'b' }])
    expect(await stored()).toEqual(['pdfs/b.pdf'])
  })

  it('fld-1: a savepoint that is rolled back takes its files along, and a commit keeps the others', async () => {
    await insert('a')
    await db.transaction(async tx => {
      await tx.insert(resumes).values({ title: 'b', pdf: file('b') })
      await expect(
        tx.transaction(async inner => {
          await inner.delete(resumes)
          await inner.insert(resumes).values({ title: 'c', pdf: file('c') })
          await inner.transaction(
            async third => void (await third.insert(resumes).values({ title: 'd', pdf: file('d') })),
          )
          throw new Error('no')
        }),
      ).rejects.toThrow('no')
      await tx.transaction(async inner => void (await inner.insert(resumes).values({ title: 'e', pdf: file('e') })))
    })
    expect(ground.rows('resumes')).toMatchObject([{ title: 'a' }, { title: 'b' }, { title: 'e' }])
    expect(await stored()).toEqual(['pdfs/a.pdf', 'pdfs/b.pdf', 'pdfs/e.pdf'])
  })

  it('fld-11: a statement in a transaction that is not passed on is part of it', async () => {
    await insert('a')
    const failing = db.transaction(async () => {
      await db.delete(resumes)
      await insert('b')
      await db.transaction(async () => void (await insert('c')))
      expect(await db.$count(resumes)).toBe(2)
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect(ground.rows('resumes')).toMatchObject([{ title: 'a' }])
    expect(await stored()).toEqual(['pdfs/a.pdf'])
  })

  it('keeps other work out of a transaction on the one connection', async () => {
    let goOn = (): void => {}
    const waiting = new Promise<void>(resolve => (goOn = resolve))
    let begun = (): void => {}
    const beginning = new Promise<void>(resolve => (begun = resolve))
    const failing = db.transaction(async tx => {
      await tx.insert(resumes).values({ title: 'inside', pdf: file('inside') })
      begun()
      await waiting
      throw new Error('no')
    })
    failing.catch(() => {})
    await beginning
    const outside = insert('outside')
    const reading = db.select().from(resumes)
    const read = Promise.resolve(reading)
    const second = db.transaction(async tx => void (await tx.insert(resumes).values({ title: 'second' })))
    goOn()
    await expect(failing).rejects.toThrow('no')
    await Promise.all([outside, read, second])
    expect((await read).some(row => row.title === 'inside')).toBe(false)
    expect(ground.rows('resumes')).toHaveLength(2)
    expect(await stored()).toEqual(['pdfs/outside.pdf'])
  })

  it('runs transactions and savepoints side by side one after the other', async () => {
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        db
          .transaction(async tx => {
            await Promise.all(
              [0, 1, 2].map(j =>
                tx
                  .transaction(async inner => {
                    await inner.insert(resumes).values({ title: `${i}.${j}`, pdf: file(`${i}.${j}`) })
                    if (j === 1) throw new Error('inner')
                  })
                  .catch(() => {}),
              ),
            )
            if (i % 2 === 1) throw new Error('outer')
          })
          .catch(() => {}),
      ),
    )
    const names = ground
      .rows('resumes')
      .map(row => (row as { pdf: string }).pdf)
      .sort()
    expect(names).toHaveLength(20)
    expect(await stored()).toEqual(names)
  })

  it('refuses a statement of a transaction that has ended, and transactions in SQL', async () => {
    const ended = await db.transaction(async tx => tx)
    await expect(ended.insert(resumes).values({ title: 'a', pdf: file('a') })).rejects.toMatchObject({
      code: 'unsupported',
    })
    expect(await stored()).toEqual([])
    expect(() => db.run(sql`BEGIN`)).toThrow(/transaction method/)
    expect(() => db.all('savepoint a')).toThrow(/transaction method/)
    expect(await db.get(sql`select 1 as one`)).toBeDefined()
  })

  it('does not wait for itself when another transaction asks which files are used', async () => {
    await insert('a')
    await db.transaction(async tx => {
      await tx.delete(resumes)
      const other = new FileTransaction(registry)
      other.released({ storage, name: 'pdfs/a.pdf', address: 'x' })
      await other.commit()
    })
    expect(await stored()).toEqual([])
  })

  it('uploads without holding the only connection', async () => {
    let end = (): void => {}
    const waiting = new Promise<void>(resolve => (end = resolve))
    async function* slowly(): AsyncGenerator<Buffer> {
      yield Buffer.from('x')
      await waiting
    }
    const write = Promise.resolve(db.insert(resumes).values({ title: 'a', pdf: upload(slowly(), 'a.pdf') }))
    expect(await db.select().from(resumes)).toEqual([])
    end()
    await write
    expect(await stored()).toEqual(['pdfs/a.pdf'])
  })

  it('takes its columns out of the registry, and knows its tables', async () => {
    expect(registry.users.map(({ label }) => label)).toEqual(['resumes.pdf', 'resumes.photo', 'pages.scan'])
    detachFiles(db)
    expect(registry.users).toEqual([])
    expect(() => detachFiles(ground.db)).toThrow(/not returned by drizzleFiles/)
    expect(() => drizzleFiles(ground.db, { notes: schema.notes })).toThrow(/no table has a file column/)
    const few = drizzleFiles(ground.db, { resumes }, { registry })
    expect(() => few.delete(schema.pages)).toThrow(/give it to drizzleFiles/)
    detachFiles(few)
  })
})
