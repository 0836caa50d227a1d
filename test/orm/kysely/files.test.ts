import Database from 'better-sqlite3'
import { type Generated, Kysely, SqliteDialect, sql } from 'kysely'
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
import { type FileColumn, type KyselyFiles, kyselyFiles } from '../../../src/orm/kysely/index.ts'
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
let files: KyselyFiles<Tables>
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
  files = kyselyFiles(
    plain,
    {
      resumes: {
        pdf: fileField({ storage, uploadTo: 'pdfs' }),
        photo: imageField({ storage, uploadTo: 'photos', width: 'photo_width' }),
      },
    },
    { registry },
  )
  db = files.db
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

const file = (name: string) => upload(Buffer.from(name), `${name}.pdf`)

async function insert(title: string): Promise<number> {
  const [row] = await files.insert('resumes', { title, pdf: file(title) })
  return row!.id
}

describe('writes', () => {
  it('uploads content and returns a FieldFile', async () => {
    const [row] = await files.insert('resumes', { title: 'a', pdf: file('a') })
    expect(row!.pdf).toBeInstanceOf(FieldFile)
    expect((await row!.pdf.read()).toString()).toBe('a')
    expect(row!.photo.isEmpty).toBe(true)
    const values = { id: 1, title: 'a', pdf: 'pdfs/a.pdf', photo: null, photo_width: null }
    expect(JSON.parse(JSON.stringify(row))).toEqual(values)
    expect(await plain.selectFrom('resumes').selectAll().execute()).toEqual([values])
    const cc = { title: sql<string>`'c' || 'c'` as unknown as string, pdf: file('c'), photo: null }
    const rows = await files.insert('resumes', [{ title: 'b' }, cc])
    expect(rows.map(({ title, pdf }) => [title, pdf.name])).toEqual([
      ['b', null],
      ['cc', 'pdfs/c.pdf'],
    ])
  })

  it('fills the columns of a picture, on insert and on update', async () => {
    const widths = () => plain.selectFrom('resumes').select('photo_width').execute()
    await files.insert('resumes', { title: 'a', photo: upload(png(3, 2), 'p.png') })
    expect(await widths()).toEqual([{ photo_width: 3 }])
    await files.update('resumes', { photo: upload(png(5, 2), 'q.png') }, {})
    expect(await widths()).toEqual([{ photo_width: 5 }])
    expect(await stored()).toEqual(['photos/q.png'])
    await files.update('resumes', { photo: null }, {})
    expect(await widths()).toEqual([{ photo_width: null }])
    expect(await stored()).toEqual([])
  })

  it('removes the new files when the statement fails', async () => {
    await insert('a')
    await expect(insert('a')).rejects.toThrow(/UNIQUE/)
    const rows = ['b', 'a'].map(title => ({ title, pdf: file(`${title}2`) }))
    await expect(files.insert('resumes', rows)).rejects.toThrow(/UNIQUE/)
    await insert('b')
    await expect(files.update('resumes', { title: 'a', pdf: file('x') }, { title: 'b' })).rejects.toThrow(/UNIQUE/)
    expect(await stored()).toEqual(['pdfs/a.pdf', 'pdfs/b.pdf'])
  })

  it('fld-2: a storage that fails makes the write fail, and no row names a file that is not there', async () => {
    await insert('a')
    async function* broken(): AsyncGenerator<Buffer> {
      yield Buffer.from('x')
      throw new Error('unreadable')
    }
    const pdf = () => upload(broken(), 'b.pdf')
    await expect(files.insert('resumes', { title: 'b', pdf: pdf() })).rejects.toThrow('unreadable')
    await expect(files.update('resumes', { pdf: pdf() }, {})).rejects.toThrow('unreadable')
    expect(await plain.selectFrom('resumes').select('pdf').execute()).toEqual([{ pdf: 'pdfs/a.pdf' }])
    expect(await stored()).toEqual(['pdfs/a.pdf'])
  })

  it('replaces and deletes files with their rows, by values and by expressions', async () => {
    const id = await insert('a')
    await insert('b')
    await insert('c')
    expect(await files.update('resumes', { pdf: file('a2') }, { id })).toBe(1)
    expect(await stored()).toEqual(['pdfs/a2.pdf', 'pdfs/b.pdf', 'pdfs/c.pdf'])
    expect(await files.delete('resumes', eb => eb('title', 'in', ['a', 'b']))).toBe(2)
    expect(await stored()).toEqual(['pdfs/c.pdf'])
    expect(await files.update('resumes', { pdf: null }, {})).toBe(1)
    expect(await stored()).toEqual([])
    expect(await files.delete('resumes', { title: 'x' })).toBe(0)
  })

  it('keeps a file that another row names, and what an update leaves as it is', async () => {
    const id = await insert('a')
    await files.insert('resumes', { title: 'b', pdf: 'pdfs/a.pdf' })
    await files.update('resumes', { title: 'x', pdf: undefined }, { id })
    const { pdf } = await db.selectFrom('resumes').select('pdf').where('id', '=', id).executeTakeFirstOrThrow()
    await files.update('resumes', { pdf }, { id })
    await files.delete('resumes', { id })
    expect(await stored()).toEqual(['pdfs/a.pdf'])
    await files.delete('resumes', {})
    expect(await stored()).toEqual([])
  })

  it('removes what was uploaded for an update that finds no row, also in a transaction', async () => {
    await insert('a')
    expect(await files.update('resumes', { pdf: file('x') }, { id: 99 })).toBe(0)
    expect(await stored()).toEqual(['pdfs/a.pdf'])
    await files.transaction(tx => tx.update('resumes', { pdf: file('x') }, { id: 99 }))
    expect(await stored()).toEqual(['pdfs/a.pdf'])
  })

  it('fld-14: refuses content in upserts and merges, also where the database would take it as bytes', async () => {
    await insert('a')
    const pdf = Buffer.from('content')
    const upserts = [
      db
        .insertInto('resumes')
        .values({ title: 'a', pdf: 'a.pdf' })
        .onConflict(on => on.column('title').doUpdateSet({ pdf })),
      db.insertInto('resumes').values({ title: 'a', pdf: 'a.pdf' }).onDuplicateKeyUpdate({ pdf }),
      db.mergeInto('resumes as r').using('notes', 'notes.resume_id', 'r.id').whenMatched().thenUpdateSet({ pdf }),
      db
        .mergeInto('resumes')
        .using('notes', 'notes.resume_id', 'resumes.id')
        .whenNotMatched()
        .thenInsertValues({ title: 'x', pdf }),
      db
        .with('made', cte => cte.insertInto('resumes').values({ title: 'x', pdf }))
        .updateTable('notes')
        .set({ pdf: 'x' }),
    ]
    for (const query of upserts) expect(() => query.compile()).toThrow(/'pdf' takes the name of a stored file/)
    const bytes = db
      .with('made', cte => cte.insertInto('resumes').values({ title: 'x', pdf: 'x' }))
      .updateTable('notes')
    expect(bytes.set({ pdf: pdf as never }).compile().parameters).toContain(pdf)
    const name = db
      .insertInto('resumes')
      .values({ title: 'a' })
      .onConflict(on => on.column('title').doUpdateSet({ pdf: 'b.pdf' }))
    expect(name.compile().parameters).toEqual(['a', 'b.pdf'])
  })

  it('changes no rows where values or a condition are undefined', async () => {
    const id = await insert('a')
    const refused = { code: 'invalid_argument' }
    const missing = undefined as never
    await expect(files.update('resumes', missing, { id })).rejects.toMatchObject(refused)
    await expect(files.update('resumes', { pdf: file('b') }, { title: missing })).rejects.toMatchObject(refused)
    await expect(files.update('resumes', { pdf: file('b') }, missing)).rejects.toMatchObject(refused)
    await expect(files.delete('resumes', { id, title: missing })).rejects.toMatchObject(refused)
    await expect(files.delete('resumes', missing)).rejects.toMatchObject(refused)
    expect(await stored()).toEqual(['pdfs/a.pdf'])
    expect(await files.delete('resumes', {})).toBe(1)
  })

  it('fld-14: refuses what is neither content nor a name, and content in queries', async () => {
    const refused = { code: 'invalid_argument' }
    for (const pdf of [Promise.resolve('x'), 7, { name: 'x' }] as unknown as string[]) {
      await expect(files.insert('resumes', { title: 'a', pdf })).rejects.toMatchObject(refused)
      await expect(files.update('resumes', { pdf }, {})).rejects.toMatchObject(refused)
    }
    for (const pdf of [file('x'), Buffer.from('x'), new Blob(['x']), 7, Promise.resolve('x')] as unknown as string[]) {
      const one = { title: 'a', pdf }
      await expect(async () => db.insertInto('resumes').values(one).execute()).rejects.toMatchObject(refused)
      await expect(async () =>
        db
          .insertInto('resumes')
          .values([one, { title: 'b' }])
          .execute(),
      ).rejects.toMatchObject(refused)
      await expect(async () => db.updateTable('resumes').set({ pdf }).execute()).rejects.toMatchObject(refused)
      await expect(async () => db.updateTable('resumes as r').set({ pdf }).execute()).rejects.toMatchObject(refused)
    }
    const text = file('x') as unknown as string
    await expect(async () => db.insertInto('notes').values({ pdf: text }).execute()).rejects.toMatchObject(refused)
    await expect(async () => sql`SELECT ${text}`.execute(db)).rejects.toMatchObject(refused)
    expect(await stored()).toEqual([])
  })
})

describe('results', () => {
  it('has files for columns that a query names, under aliases and in joins', async () => {
    const id = await insert('a')
    await db.insertInto('notes').values({ resume_id: id, pdf: 'text' }).execute()
    const joined = db.selectFrom('resumes as r').innerJoin('notes as n', 'n.resume_id', 'r.id')
    const one = await joined.select(['r.pdf as file', 'n.pdf as note']).executeTakeFirstOrThrow()
    expect(one.file).toBeInstanceOf(FieldFile)
    expect(one.note).toBe('text')
    expect((await joined.selectAll('r').executeTakeFirstOrThrow()).pdf).toBeInstanceOf(FieldFile)
    expect((await joined.selectAll('n').executeTakeFirstOrThrow()).pdf).toBe('text')
    const union = db.selectFrom('resumes').select('pdf').union(db.selectFrom('resumes').select('pdf'))
    expect((await union.execute()).map(row => row.pdf.name)).toEqual(['pdfs/a.pdf'])
    const left = db.selectFrom('notes').leftJoin('resumes', 'resumes.id', 'notes.id')
    expect((await left.select('resumes.pdf as file').executeTakeFirstOrThrow()).file?.name).toBe('pdfs/a.pdf')
    expect((await db.selectFrom('notes').selectAll().executeTakeFirstOrThrow()).pdf).toBe('text')
    for await (const row of db.selectFrom('resumes').select('pdf').stream()) expect(row.pdf).toBeInstanceOf(FieldFile)
    const updated = await db.updateTable('resumes').set({ title: 'b' }).returning(['pdf']).executeTakeFirstOrThrow()
    expect(updated.pdf).toBeInstanceOf(FieldFile)
  })

  it('takes a FieldFile and a name in conditions and values', async () => {
    await insert('a')
    await insert('b')
    const { pdf } = await db.selectFrom('resumes').select('pdf').where('title', '=', 'a').executeTakeFirstOrThrow()
    const titles = db.selectFrom('resumes').select('title')
    expect(await titles.where('pdf', '=', pdf).execute()).toEqual([{ title: 'a' }])
    expect(await titles.where('pdf', 'in', [pdf]).execute()).toEqual([{ title: 'a' }])
    expect(await titles.where(sql`pdf`, '=', 'pdfs/a.pdf').execute()).toEqual([{ title: 'a' }])
    await db.insertInto('resumes').values({ title: 'c', pdf }).execute()
    expect(await titles.where('pdf', '=', pdf).execute()).toEqual([{ title: 'a' }, { title: 'c' }])
  })

  it('saves and deletes files of rows that are attached', async () => {
    const id = await insert('a')
    const found = await db.selectFrom('resumes').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
    const row = files.attach('resumes', found)
    await row.pdf.save('new.pdf', Buffer.from('new'))
    await row.photo.save('p.png', png(4, 4))
    expect(row.photo_width).toBe(4)
    expect(await stored()).toEqual(['pdfs/new.pdf', 'photos/p.png'])
    const now = await plain.selectFrom('resumes').select(['pdf', 'photo_width']).execute()
    expect(now).toEqual([{ pdf: 'pdfs/new.pdf', photo_width: 4 }])
    const cached = files.attach('resumes', JSON.parse(JSON.stringify(row)) as typeof row)
    await cached.pdf.delete()
    expect(await stored()).toEqual(['photos/p.png'])
    await files.delete('resumes', {})
    await expect(row.photo.save('late.png', png(1, 1))).rejects.toMatchObject({ code: 'not_found' })
    expect(await stored()).toEqual([])
    const keyless = files.attach('resumes', { pdf: 'x' })
    await expect(keyless.pdf.save('x.pdf', Buffer.from('x'))).rejects.toMatchObject({ code: 'unsupported' })
  })
})

describe('transactions', () => {
  it('deletes after the commit, and removes new files after a rollback', async () => {
    await insert('a')
    const result = await files.transaction(async tx => {
      await tx.delete('resumes', {})
      await tx.insert('resumes', { title: 'b', pdf: file('b') })
      expect(await stored()).toEqual(['pdfs/a.pdf', 'pdfs/b.pdf'])
      expect(await tx.db.selectFrom('resumes').select('title').execute()).toEqual([{ title: 'b' }])
      return 7
    })
    expect(result).toBe(7)
    expect(await stored()).toEqual(['pdfs/b.pdf'])
    const failing = files.transaction(async tx => {
      await tx.delete('resumes', {})
      await tx.insert('resumes', { title: 'c', pdf: file('c') })
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect(await stored()).toEqual(['pdfs/b.pdf'])
  })

  it('fld-1: a savepoint that is rolled back takes its files along, and a commit keeps the others', async () => {
    await insert('a')
    await files.transaction(async tx => {
      await tx.insert('resumes', { title: 'b', pdf: file('b') })
      const inner = tx.transaction(async inner => {
        await inner.delete('resumes', { title: 'a' })
        await inner.insert('resumes', { title: 'c', pdf: file('c') })
        await inner.transaction(third => third.insert('resumes', { title: 'd', pdf: file('d') }))
        throw new Error('no')
      })
      await expect(inner).rejects.toThrow('no')
      await tx.transaction(inner => inner.insert('resumes', { title: 'e', pdf: file('e') }))
    })
    const titles = await plain.selectFrom('resumes').select('title').execute()
    expect(titles.map(({ title }) => title)).toEqual(['a', 'b', 'e'])
    expect(await stored()).toEqual(['pdfs/a.pdf', 'pdfs/b.pdf', 'pdfs/e.pdf'])
  })

  it('saves the file of a row in the transaction in which it is attached, and after it', async () => {
    await insert('a')
    const failing = files.transaction(async tx => {
      const row = tx.attach('resumes', await tx.db.selectFrom('resumes').selectAll().executeTakeFirstOrThrow())
      await row.pdf.save('b.pdf', Buffer.from('b'))
      expect(await stored()).toEqual(['pdfs/a.pdf', 'pdfs/b.pdf'])
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect(await stored()).toEqual(['pdfs/a.pdf'])
    const row = await files.transaction(async tx =>
      tx.transaction(async inner =>
        inner.attach('resumes', await inner.db.selectFrom('resumes').selectAll().executeTakeFirstOrThrow()),
      ),
    )
    await row.pdf.save('c.pdf', Buffer.from('c'))
    expect(await stored()).toEqual(['pdfs/c.pdf'])
  })

  it('does not wait for itself when another transaction asks which files are used', async () => {
    await insert('a')
    await files.transaction(async tx => {
      await tx.delete('resumes', {})
      const other = new FileTransaction(registry)
      other.released({ storage, name: 'pdfs/a.pdf', address: 'x' })
      await other.commit()
      expect(await stored()).toEqual(['pdfs/a.pdf'])
    })
    expect(await stored()).toEqual([])
  })

  it('two updates of one row at the same time leave the file of the last', async () => {
    const id = await insert('a')
    const update = (name: string) => files.update('resumes', { pdf: file(name) }, { id })
    await Promise.all([update('b'), update('c')])
    const { pdf } = await plain.selectFrom('resumes').select('pdf').executeTakeFirstOrThrow()
    expect(await stored()).toEqual([pdf])
  })

  it('uploads without holding the only connection', async () => {
    let end = (): void => {}
    const waiting = new Promise<void>(resolve => (end = resolve))
    async function* slowly(): AsyncGenerator<Buffer> {
      yield Buffer.from('x')
      await waiting
    }
    const write = files.insert('resumes', { title: 'a', pdf: upload(slowly(), 'a.pdf') })
    expect(await db.selectFrom('resumes').selectAll().execute()).toEqual([])
    end()
    await write
    expect(await stored()).toEqual(['pdfs/a.pdf'])
  })
})

it('takes its columns out of the registry, and knows its tables', async () => {
  expect([...registry.users].map(({ label }) => label)).toEqual(['resumes.pdf', 'resumes.photo'])
  files.detach()
  expect([...registry.users]).toEqual([])
  expect(() => kyselyFiles(plain, {})).toThrow(/No table has a file column/)
  await expect(files.delete('notes', {})).rejects.toThrow(/'notes' was not registered/)
})
