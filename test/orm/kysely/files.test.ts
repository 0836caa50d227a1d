import Database from 'better-sqlite3'
import { CamelCasePlugin, type Generated, Kysely, SqliteDialect, sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MemoryStorage } from '../../../src/backends/memory/index.ts'
import {
  FieldFile,
  FileRegistry,
  FileTransaction,
  fileField,
  type ImageFieldFile,
  imageField,
  upload,
} from '../../../src/fields/index.ts'
import { attachFiles, detachFiles, type FileColumn, kyselyFiles } from '../../../src/orm/kysely/index.ts'
import { png } from '../png.ts'

interface Resumes {
  id: Generated<number>
  title: string
  pdf: FileColumn
  photo: FileColumn<ImageFieldFile>
  photo_width: number | null
}
interface Tables {
  resumes: Resumes
  notes: { id: Generated<number>; resume_id: number | null; pdf: string }
}

let storage: MemoryStorage
let registry: FileRegistry
let plain: Kysely<Tables>
let db: Kysely<Tables>
const kept: unknown[] = []

beforeEach(async () => {
  storage = new MemoryStorage()
  registry = new FileRegistry()
  kept.length = 0
  registry.onKept = file => kept.push(file)
  plain = new Kysely<Tables>({ dialect: new SqliteDialect({ database: new Database(':memory:') }) })
  await sql`CREATE TABLE resumes (id integer PRIMARY KEY AUTOINCREMENT, title text NOT NULL UNIQUE, pdf text, photo text, photo_width integer)`.execute(
    plain,
  )
  await sql`CREATE TABLE notes (id integer PRIMARY KEY AUTOINCREMENT, resume_id integer, pdf text)`.execute(plain)
  db = kyselyFiles(
    plain,
    {
      resumes: {
        pdf: fileField({ storage, uploadTo: 'pdfs' }),
        photo: imageField({ storage, uploadTo: 'photos', width: 'photo_width' }),
      },
    },
    { registry },
  )
})

afterEach(async () => {
  expect(kept).toEqual([])
  await db.destroy()
})

async function stored(): Promise<string[]> {
  const names: string[] = []
  for await (const { name } of storage.entries('', { recursive: true })) names.push(name)
  return names.sort()
}

async function insert(title: string, text = title): Promise<number> {
  const pdf = upload(Buffer.from(text), `${title}.pdf`)
  const { id } = await db.insertInto('resumes').values({ title, pdf }).returning('id').executeTakeFirstOrThrow()
  return id
}

describe('writes', () => {
  it('uploads content and returns a FieldFile', async () => {
    const row = await db
      .insertInto('resumes')
      .values({ title: 'a', pdf: upload(Buffer.from('one'), 'a.pdf') })
      .returningAll()
      .executeTakeFirstOrThrow()
    expect(row.pdf).toBeInstanceOf(FieldFile)
    expect(row.pdf.name).toBe('pdfs/a.pdf')
    expect((await row.pdf.read()).toString()).toBe('one')
    expect(row.photo.isEmpty).toBe(true)
    expect(JSON.parse(JSON.stringify(row))).toEqual({
      id: 1,
      title: 'a',
      pdf: 'pdfs/a.pdf',
      photo: null,
      photo_width: null,
    })
    expect(await plain.selectFrom('resumes').select('pdf').execute()).toEqual([{ pdf: 'pdfs/a.pdf' }])
  })

  it('fills the columns of a picture, on insert and on update', async () => {
    await db
      .insertInto('resumes')
      .values({ title: 'a', photo: upload(png(3, 2), 'p.png') })
      .execute()
    expect(await plain.selectFrom('resumes').select('photo_width').execute()).toEqual([{ photo_width: 3 }])
    await db
      .updateTable('resumes')
      .set('photo', upload(png(5, 2), 'q.png'))
      .execute()
    expect(await plain.selectFrom('resumes').select('photo_width').execute()).toEqual([{ photo_width: 5 }])
    expect(await stored()).toEqual(['photos/q.png'])
    await db.updateTable('resumes').set({ photo: null }).execute()
    expect(await plain.selectFrom('resumes').select('photo_width').execute()).toEqual([{ photo_width: null }])
    expect(await stored()).toEqual([])
  })

  it('inserts many rows, with and without files, and with expressions', async () => {
    await db
      .insertInto('resumes')
      .values([
        { title: 'a', pdf: upload(Buffer.from('1'), 'a.pdf') },
        { title: 'b' },
        { title: sql<string>`'c' || 'c'`, pdf: upload(Buffer.from('3'), 'c.pdf'), photo: null },
      ])
      .execute()
    expect(await plain.selectFrom('resumes').select(['title', 'pdf']).execute()).toEqual([
      { title: 'a', pdf: 'pdfs/a.pdf' },
      { title: 'b', pdf: null },
      { title: 'cc', pdf: 'pdfs/c.pdf' },
    ])
  })

  it('removes the new files when the statement fails', async () => {
    await insert('a')
    await expect(insert('a')).rejects.toThrow(/UNIQUE/)
    const rows = ['b', 'a'].map(title => ({ title, pdf: upload(Buffer.from(title), `${title}2.pdf`) }))
    await expect(db.insertInto('resumes').values(rows).execute()).rejects.toThrow(/UNIQUE/)
    await insert('b')
    await expect(
      db
        .updateTable('resumes')
        .set({ title: 'a', pdf: upload(Buffer.from('x'), 'x.pdf') })
        .where('title', '=', 'b')
        .execute(),
    ).rejects.toThrow(/UNIQUE/)
    expect(await stored()).toEqual(['pdfs/a.pdf', 'pdfs/b.pdf'])
  })

  it('fld-2: a storage that fails makes the write fail, and no row names a file that is not there', async () => {
    await insert('a')
    const broken = new Blob(['x'])
    Object.defineProperty(broken, 'stream', {
      value: () => {
        throw new Error('unreadable')
      },
    })
    await expect(
      db
        .insertInto('resumes')
        .values({ title: 'b', pdf: upload(broken, 'b.pdf') })
        .execute(),
    ).rejects.toThrow()
    await expect(
      db
        .updateTable('resumes')
        .set({ pdf: upload(broken, 'b.pdf') })
        .execute(),
    ).rejects.toThrow()
    expect(await plain.selectFrom('resumes').select('pdf').execute()).toEqual([{ pdf: 'pdfs/a.pdf' }])
    expect(await stored()).toEqual(['pdfs/a.pdf'])
  })

  it('replaces and deletes files with their rows, by any condition', async () => {
    const a = await insert('a')
    await insert('b')
    await insert('c')
    await db
      .updateTable('resumes')
      .set({ pdf: upload(Buffer.from('2'), 'a2.pdf') })
      .where('id', '=', a)
      .execute()
    expect(await stored()).toEqual(['pdfs/a2.pdf', 'pdfs/b.pdf', 'pdfs/c.pdf'])
    await db
      .deleteFrom('resumes')
      .where('title', 'in', eb => eb.selectFrom('resumes').select('title').where('title', '<', 'c'))
      .execute()
    expect(await stored()).toEqual(['pdfs/c.pdf'])
    await db.updateTable('resumes').set({ pdf: sql`null` }).execute()
    expect(await stored()).toEqual([])
  })

  it('keeps a file that another row names, and what an update leaves as it is', async () => {
    const a = await insert('a')
    await db.insertInto('resumes').values({ title: 'b', pdf: 'pdfs/a.pdf' }).execute()
    await db.updateTable('resumes').set({ title: 'x', pdf: undefined }).where('id', '=', a).execute()
    const { pdf } = await db.selectFrom('resumes').select('pdf').where('id', '=', a).executeTakeFirstOrThrow()
    await db.updateTable('resumes').set({ pdf }).where('id', '=', a).execute()
    await db.deleteFrom('resumes').where('id', '=', a).execute()
    expect(await stored()).toEqual(['pdfs/a.pdf'])
    await db.deleteFrom('resumes').execute()
    expect(await stored()).toEqual([])
  })

  it('removes what was uploaded for rows that a conflict or a condition leaves out', async () => {
    await insert('a')
    const values = { title: 'a', pdf: upload(Buffer.from('x'), 'x.pdf') }
    await db
      .insertInto('resumes')
      .values(values)
      .onConflict(oc => oc.doNothing())
      .execute()
    await db.insertInto('resumes').values(values).orIgnore().execute()
    await db.updateTable('resumes').set({ pdf: values.pdf }).where('id', '=', 99).execute()
    expect(await stored()).toEqual(['pdfs/a.pdf'])
    await db
      .insertInto('resumes')
      .values({ title: 'a', pdf: 'pdfs/mine.pdf' })
      .onConflict(oc => oc.doNothing())
      .execute()
    await storage.save('pdfs/mine.pdf', 'of the program')
    await db
      .insertInto('resumes')
      .values({ title: 'a', pdf: 'pdfs/mine.pdf' })
      .onConflict(oc => oc.doNothing())
      .execute()
    expect(await stored()).toEqual(['pdfs/a.pdf', 'pdfs/mine.pdf'])
  })

  it('replaces the file of a row that an upsert meets', async () => {
    await insert('a')
    const values = { title: 'a', pdf: upload(Buffer.from('x'), 'x.pdf') }
    await db
      .insertInto('resumes')
      .values(values)
      .onConflict(oc => oc.column('title').doUpdateSet({ pdf: eb => eb.ref('excluded.pdf') }))
      .execute()
    expect(await stored()).toEqual(['pdfs/x.pdf'])
    await db
      .insertInto('resumes')
      .values({ title: 'a' })
      .onConflict(oc => oc.column('title').doUpdateSet({ pdf: upload(Buffer.from('y'), 'y.pdf') }))
      .execute()
    expect(await stored()).toEqual(['pdfs/y.pdf'])
    await db
      .replaceInto('resumes')
      .values({ id: 1, title: 'a', pdf: upload(Buffer.from('z'), 'z.pdf') })
      .execute()
    expect(await stored()).toEqual(['pdfs/z.pdf'])
  })

  it('fld-14: refuses what is neither content nor a name', async () => {
    const wrong = Promise.resolve('x') as unknown as string
    for (const pdf of [wrong, 7 as unknown as string, { name: 'x' } as unknown as string]) {
      await expect(db.insertInto('resumes').values({ title: 'a', pdf }).execute()).rejects.toMatchObject({
        code: 'invalid_argument',
      })
      await expect(db.updateTable('resumes').set({ pdf }).execute()).rejects.toMatchObject({ code: 'invalid_argument' })
    }
    const note = upload(Buffer.from('x'), 'x.pdf') as unknown as string
    await expect(db.insertInto('notes').values({ pdf: note }).execute()).rejects.toMatchObject({
      code: 'invalid_argument',
    })
    await expect(sql`INSERT INTO notes (pdf) VALUES (${note})`.execute(db)).rejects.toMatchObject({
      code: 'invalid_argument',
    })
  })

  it('refuses statements whose files it could not follow', async () => {
    const pdf = upload(Buffer.from('x'), 'x.pdf')
    await expect(async () => {
      for await (const _ of db.updateTable('resumes').set({ pdf }).returning('id').stream()) throw new Error('a row')
    }).rejects.toMatchObject({ code: 'unsupported' })
    const writing = db
      .with('gone', q => q.deleteFrom('notes').returning('id'))
      .updateTable('resumes')
      .set({ pdf })
    await expect(writing.execute()).rejects.toMatchObject({ code: 'unsupported' })
    expect(await stored()).toEqual([])
  })
})

describe('results', () => {
  it('finds file columns under aliases, in joins, subqueries, WITH and unions', async () => {
    const id = await insert('a')
    await db.insertInto('notes').values({ resume_id: id, pdf: 'text' }).execute()
    const name = 'pdfs/a.pdf'
    const one = await db
      .selectFrom('resumes as r')
      .innerJoin('notes as n', 'n.resume_id', 'r.id')
      .select(['r.pdf as file', 'n.pdf as note'])
      .executeTakeFirstOrThrow()
    expect(one.file).toBeInstanceOf(FieldFile)
    expect(one.note).toBe('text')
    const sub = await db.selectFrom(db.selectFrom('resumes').selectAll().as('s')).selectAll().executeTakeFirstOrThrow()
    expect(sub.pdf).toBeInstanceOf(FieldFile)
    const cte = await db
      .with('c', q => q.selectFrom('resumes').select(['pdf as x']))
      .selectFrom('c')
      .selectAll()
      .executeTakeFirstOrThrow()
    expect(cte.x).toBeInstanceOf(FieldFile)
    const union = await db.selectFrom('resumes').select('pdf').union(db.selectFrom('resumes').select('pdf')).execute()
    expect(union.map(row => row.pdf.name)).toEqual([name])
    const scalar = await db
      .selectFrom('notes')
      .select(eb => eb.selectFrom('resumes').select('resumes.pdf').as('file'))
      .executeTakeFirstOrThrow()
    expect(scalar.file).toBeInstanceOf(FieldFile)
    const left = await db
      .selectFrom('notes')
      .leftJoin('resumes', 'resumes.id', 'notes.id')
      .select('resumes.pdf as file')
      .executeTakeFirstOrThrow()
    expect(left.file?.name).toBe(name)
    const note = await db.selectFrom('notes').selectAll().executeTakeFirstOrThrow()
    expect(note.pdf).toBe('text')
    for await (const row of db.selectFrom('resumes').select('pdf').stream()) expect(row.pdf).toBeInstanceOf(FieldFile)
  })

  it('takes a FieldFile and a name in conditions', async () => {
    await insert('a')
    await insert('b')
    const { pdf } = await db.selectFrom('resumes').select('pdf').where('title', '=', 'a').executeTakeFirstOrThrow()
    const found = await db.selectFrom('resumes').select('title').where('pdf', '=', pdf).execute()
    expect(found).toEqual([{ title: 'a' }])
    expect(await db.selectFrom('resumes').select('title').where('pdf', 'in', [pdf]).execute()).toEqual(found)
    expect(await db.selectFrom('resumes').select('title').where(sql`pdf`, '=', 'pdfs/a.pdf').execute()).toEqual(found)
  })

  it('saves and deletes files of rows that have their key', async () => {
    const id = await insert('a')
    const row = await db.selectFrom('resumes').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
    await row.pdf.save('new.pdf', Buffer.from('new'))
    await row.photo.save('p.png', png(4, 4))
    expect(row.photo_width).toBe(4)
    expect(await stored()).toEqual(['pdfs/new.pdf', 'photos/p.png'])
    expect(await plain.selectFrom('resumes').select(['pdf', 'photo_width']).execute()).toEqual([
      { pdf: 'pdfs/new.pdf', photo_width: 4 },
    ])
    await row.pdf.delete()
    expect(await stored()).toEqual(['photos/p.png'])
    await db.deleteFrom('resumes').execute()
    await expect(row.pdf.save('late.pdf', Buffer.from('x'))).rejects.toMatchObject({ code: 'not_found' })
    expect(await stored()).toEqual([])
  })

  it('never takes the key of another row', async () => {
    const id = await insert('a')
    await db
      .insertInto('notes')
      .values([{ pdf: 'x' }, { resume_id: id, pdf: 'text' }])
      .execute()
    const joined = db.selectFrom('resumes').innerJoin('notes', 'notes.resume_id', 'resumes.id')
    const rows = [
      await joined.selectAll().executeTakeFirstOrThrow(),
      await joined.selectAll('resumes').select('notes.id').executeTakeFirstOrThrow(),
      await joined.select(['resumes.pdf', 'notes.id']).executeTakeFirstOrThrow(),
      await joined.select(['resumes.id']).selectAll('notes').select('resumes.pdf').executeTakeFirstOrThrow(),
      await db.selectFrom('resumes').select('pdf').executeTakeFirstOrThrow(),
      await db
        .selectFrom('resumes')
        .select(['pdf', sql<number>`7`.as('id')])
        .executeTakeFirstOrThrow(),
    ]
    for (const { pdf } of rows) {
      await expect((pdf as FieldFile).save('b.pdf', Buffer.from('b'))).rejects.toMatchObject({ code: 'unsupported' })
    }
    const { pdf } = await joined.select(['notes.id', 'resumes.pdf', 'resumes.id as key']).executeTakeFirstOrThrow()
    await pdf.save('b.pdf', Buffer.from('b'))
    expect(await stored()).toEqual(['pdfs/b.pdf'])
  })

  it('makes files of cached rows', async () => {
    const id = await insert('a')
    const row = await db.selectFrom('resumes').selectAll().executeTakeFirstOrThrow()
    const revived = attachFiles(db, 'resumes', JSON.parse(JSON.stringify(row)))
    expect(revived.pdf).toEqual(row.pdf)
    await revived.pdf.save('b.pdf', Buffer.from('b'))
    expect(await stored()).toEqual(['pdfs/b.pdf'])
    expect(id).toBe(1)
  })

  it('works under plugins', async () => {
    const camel = db.withPlugin(new CamelCasePlugin()) as unknown as Kysely<{
      resumes: { id: Generated<number>; title: string; pdf: FileColumn; photoWidth: number | null }
    }>
    const row = await camel
      .insertInto('resumes')
      .values({ title: 'a', photoWidth: 1, pdf: upload(Buffer.from('x'), 'x.pdf') })
      .returningAll()
      .executeTakeFirstOrThrow()
    expect(row.pdf).toBeInstanceOf(FieldFile)
    expect(row.photoWidth).toBe(1)
    await camel.deleteFrom('resumes').execute()
    expect(await stored()).toEqual([])
    const main = db.withSchema('main')
    await main
      .insertInto('resumes')
      .values({ title: 'a', pdf: upload(Buffer.from('x'), 'x.pdf') })
      .execute()
    const { pdf } = await main.selectFrom('resumes').selectAll().executeTakeFirstOrThrow()
    await pdf.delete()
    expect(await stored()).toEqual([])
  })
})

describe('transactions', () => {
  it('deletes after the commit, and removes new files after a rollback', async () => {
    await insert('a')
    await db.transaction().execute(async trx => {
      await trx.deleteFrom('resumes').execute()
      await trx
        .insertInto('resumes')
        .values({ title: 'b', pdf: upload(Buffer.from('b'), 'b.pdf') })
        .execute()
      expect(await stored()).toEqual(['pdfs/a.pdf', 'pdfs/b.pdf'])
    })
    expect(await stored()).toEqual(['pdfs/b.pdf'])
    await expect(
      db.transaction().execute(async trx => {
        await trx.deleteFrom('resumes').execute()
        await trx
          .insertInto('resumes')
          .values({ title: 'c', pdf: upload(Buffer.from('c'), 'c.pdf') })
          .execute()
        throw new Error('no')
      }),
    ).rejects.toThrow('no')
    expect(await stored()).toEqual(['pdfs/b.pdf'])
  })

  it('fld-1: a savepoint that is rolled back takes its files along, and a commit keeps the others', async () => {
    await insert('a')
    const trx = await db.startTransaction().execute()
    const row = { pdf: upload(Buffer.from('x'), 'x.pdf') }
    await trx
      .insertInto('resumes')
      .values({ title: 'b', ...row })
      .execute()
    const inner = await trx.savepoint('one').execute()
    await inner.deleteFrom('resumes').where('title', '=', 'a').execute()
    await inner
      .insertInto('resumes')
      .values({ title: 'c', pdf: upload(Buffer.from('c'), 'c.pdf') })
      .execute()
    await inner.rollbackToSavepoint('one').execute()
    await inner
      .insertInto('resumes')
      .values({ title: 'd', pdf: upload(Buffer.from('d'), 'd.pdf') })
      .execute()
    await inner.releaseSavepoint('one').execute()
    await trx.commit().execute()
    expect(await stored()).toEqual(['pdfs/a.pdf', 'pdfs/d.pdf', 'pdfs/x.pdf'])
    const second = await db.startTransaction().execute()
    await second.deleteFrom('resumes').execute()
    await second.rollback().execute()
    expect(await stored()).toEqual(['pdfs/a.pdf', 'pdfs/d.pdf', 'pdfs/x.pdf'])
  })

  it('fld-11: follows a transaction that the program begins by SQL', async () => {
    await insert('a')
    await db.connection().execute(async one => {
      await sql`BEGIN`.execute(one)
      await one.deleteFrom('resumes').execute()
      expect(await stored()).toEqual(['pdfs/a.pdf'])
      await sql`SAVEPOINT s`.execute(one)
      await one
        .insertInto('resumes')
        .values({ title: 'b', pdf: upload(Buffer.from('b'), 'b.pdf') })
        .execute()
      await sql`ROLLBACK TO SAVEPOINT s`.execute(one)
      await sql`COMMIT`.execute(one)
      expect(await stored()).toEqual([])
    })
    await sql`begin`.execute(db)
    await insert('c')
    await sql`rollback`.execute(db)
    expect(await stored()).toEqual([])
  })

  it('saves the file of a row in the transaction in which it was read', async () => {
    await insert('a')
    await expect(
      db.transaction().execute(async trx => {
        const { pdf } = await trx.selectFrom('resumes').selectAll().executeTakeFirstOrThrow()
        await pdf.save('b.pdf', Buffer.from('b'))
        expect(await stored()).toEqual(['pdfs/a.pdf', 'pdfs/b.pdf'])
        throw new Error('no')
      }),
    ).rejects.toThrow('no')
    expect(await stored()).toEqual(['pdfs/a.pdf'])
    const row = await db.transaction().execute(trx => trx.selectFrom('resumes').selectAll().executeTakeFirstOrThrow())
    await row.pdf.save('c.pdf', Buffer.from('c'))
    expect(await stored()).toEqual(['pdfs/c.pdf'])
  })

  it('does not wait for itself when another transaction asks which files are used', async () => {
    await insert('a')
    await db.transaction().execute(async trx => {
      await trx.deleteFrom('resumes').execute()
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
    const write = db
      .insertInto('resumes')
      .values({ title: 'a', pdf: upload(slowly(), 'a.pdf') })
      .execute()
    expect(await db.selectFrom('resumes').selectAll().execute()).toEqual([])
    end()
    await write
    expect(await stored()).toEqual(['pdfs/a.pdf'])
  })
})

it('takes its columns out of the registry', () => {
  expect(registry.users.map(({ label }) => label)).toEqual(['resumes.pdf', 'resumes.photo'])
  detachFiles(db)
  expect(registry.users).toEqual([])
  expect(() => detachFiles(plain)).toThrow(/not returned by kyselyFiles/)
  expect(() => kyselyFiles(plain, { notes: {} })).toThrow(/needs a file field/)
})
