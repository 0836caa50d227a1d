/** Flushes, transactions and savepoints of MikroORM with their files, and statements that send no events. */
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import { describe, expect, test } from 'vitest'
import { upload } from '../../../src/fields/index.ts'
import { bytes, eachWithDatabase, file, fork, made, orm, place, png, Resume } from './resumes.ts'

eachWithDatabase()

describe('fld-14: content that no flush stores is refused', () => {
  const ways: Record<string, (em: SqlEntityManager) => unknown> = {
    insert: em => em.insert(Resume, { title: 'x', pdf: bytes('x') }),
    'insert of an entity': em => em.insert(em.create(Resume, { title: 'x', pdf: bytes('x') }, { persist: false })),
    insertMany: em => em.insertMany(Resume, [{ title: 'x', pdf: bytes('x') }]),
    nativeUpdate: em => em.nativeUpdate(Resume, { id: 1 }, { pdf: bytes('x') }),
    upsert: em => em.upsert(Resume, { title: 'x', pdf: bytes('x') }),
    upsertMany: em => em.upsertMany(Resume, [{ title: 'x', pdf: bytes('x') }]),
    'a query builder that inserts': em =>
      em
        .createQueryBuilder(Resume)
        .insert({ title: 'x', pdf: bytes('x') })
        .execute(),
    'a query builder that updates': em =>
      em
        .createQueryBuilder(Resume)
        .update({ pdf: bytes('x') })
        .where({ id: 1 })
        .execute(),
    'a condition': em => em.find(Resume, { pdf: bytes('x') as never }),
  }
  test.each(Object.keys(ways))('%s', async way => {
    const { pdf } = await made()
    const before = await place.files()
    const error = await Promise.resolve()
      .then(() => ways[way]!(fork()))
      .catch((error: unknown) => error)
    expect(error).toMatchObject({ message: expect.stringContaining("'pdf' takes the name of a stored file") })
    expect(await place.files()).toEqual(before)
    expect(await fork().find(Resume, {}, { fields: ['pdf'] })).toMatchObject([{ pdf: { name: pdf.name } }])
  })

  test('undefined clears, as null does', async () => {
    const { id } = await made()
    const em = fork()
    const resume = await em.findOneOrFail(Resume, { id })
    em.assign(resume, { pdf: undefined as never })
    await em.flush()
    expect(resume.pdf.isEmpty).toBe(true)
    expect(await place.files()).toEqual([])
  })

  test('a promise is refused before anything is stored', async () => {
    const em = fork()
    expect(() => em.create(Resume, { title: 'a', pdf: Promise.resolve('x') as never })).toThrow(
      "'Resume.pdf' is made of a name",
    )
    const resume = em.create(Resume, { title: 'a', photo: upload(png(1, 1), 'a.png') })
    resume.pdf = Promise.resolve('x') as never
    await expect(em.flush()).rejects.toThrow("'pdf' takes the name of a stored file, not")
    expect(await place.files()).toEqual([])
  })

  test('content that a hook of the program assigns too late is refused', async () => {
    orm.em.getEventManager().registerSubscriber({
      getSubscribedEntities: () => [Resume],
      beforeCreate: ({ entity }) => void ((entity as Resume).pdf = bytes('late') as never),
    })
    await expect(made()).rejects.toThrow("'pdf' takes the name of a stored file")
    expect(await place.files()).toEqual([])
    expect(await fork().count(Resume)).toBe(0)
  })
})

describe('statements without events', () => {
  test('take names, and leave files to the search for orphans', async () => {
    await made('a')
    await fork().nativeUpdate(Resume, { id: 1 }, { pdf: 'pdfs/other.txt' })
    await fork().upsert(Resume, { title: 'b', pdf: 'pdfs/third.txt' })
    await fork().insert(Resume, { title: 'c', pdf: 'pdfs/third.txt' })
    await fork().nativeDelete(Resume, { title: 'a' })
    expect((await fork().find(Resume, {})).map(({ pdf }) => pdf.name)).toEqual(['pdfs/third.txt', 'pdfs/third.txt'])
    expect(await place.files()).toEqual(['pdfs/a.txt'])
  })
})

describe('transactions', () => {
  test('fld-1: what savepoints by em.transactional and em.begin have stored and deleted is undone when they roll back', async () => {
    await made('kept')
    const em = fork()
    await em.transactional(async outer => {
      outer.create(Resume, { title: 'outer', pdf: file('outer') })
      await outer.flush()
      const inner = outer.transactional(async inner => {
        inner.remove(await inner.findOneOrFail(Resume, { title: 'kept' }))
        inner.create(Resume, { title: 'inner', pdf: file('inner') })
        await inner.flush()
        throw new Error('inner')
      })
      await expect(inner).rejects.toThrow('inner')
      const manual = fork()
      await manual.begin({ ctx: outer.getTransactionContext() as never })
      manual.create(Resume, { title: 'manual', pdf: file('manual') })
      await manual.flush()
      await manual.rollback()
    })
    expect(await place.files()).toEqual(['pdfs/kept.txt', 'pdfs/outer.txt'])
    expect((await fork().find(Resume, {}, { orderBy: { title: 1 } })).map(({ title }) => title)).toEqual([
      'kept',
      'outer',
    ])
  })

  test('fld-10: await ends after the deletions', async () => {
    await made('a')
    await made('b')
    place.before = call => (call.operation === 'delete' ? new Promise(resolve => setImmediate(resolve)) : undefined)
    const em = fork()
    await em.remove(await em.findOneOrFail(Resume, { title: 'a' })).flush()
    expect(await place.files()).toEqual(['pdfs/b.txt'])
    await fork().transactional(async em => void em.remove(await em.findOneOrFail(Resume, { title: 'b' })))
    expect(await place.files()).toEqual([])
  })

  test('a flush that failed in a transaction leaves no file when the program goes on', async () => {
    await made('a')
    await fork().transactional(async em => {
      em.create(Resume, { title: 'a', pdf: file('twice') })
      await expect(em.flush()).rejects.toThrow('UNIQUE')
      em.clear()
    })
    expect(await place.files()).toEqual(['pdfs/a.txt'])
  })

  test('a flush that failed in a transaction by another entity manager leaves no file', async () => {
    await made('a')
    await fork().transactional(async em => {
      const other = em.fork({ keepTransactionContext: true })
      other.create(Resume, { title: 'a', pdf: file('twice') })
      await expect(other.flush()).rejects.toThrow('UNIQUE')
    })
    expect(await place.files()).toEqual(['pdfs/a.txt'])
  })

  test('a flush that failed stores the content again when it is tried again', async () => {
    await made('a')
    const em = fork()
    const resume = em.create(Resume, { title: 'a', pdf: file('again') })
    await expect(em.flush()).rejects.toThrow('UNIQUE')
    expect(await place.files()).toEqual(['pdfs/a.txt'])
    resume.title = 'b'
    await em.persist(resume).flush()
    expect(await place.files()).toEqual(['pdfs/a.txt', 'pdfs/again.txt'])
    expect(`${await (await fork().findOneOrFail(Resume, { title: 'b' })).pdf.read()}`).toBe('again')
  })

  test('a flush that could not begin leaves no file when it is tried again', async () => {
    const connection = orm.em.getConnection()
    const begin = connection.begin.bind(connection)
    connection.begin = () => Promise.reject(new Error('no connection'))
    const em = fork()
    const resume = em.create(Resume, { title: 'a', pdf: file('a') })
    await expect(em.flush()).rejects.toThrow('no connection')
    connection.begin = begin
    await em.persist(resume).flush()
    expect(await place.files()).toHaveLength(1)
    expect(await fork().count(Resume)).toBe(1)
  })

  test('flushes of one entity manager at a time each have their own files', async () => {
    await made('a')
    const em = fork()
    const all = ['b', 'c', 'd'].map(title => {
      em.create(Resume, { title, pdf: file(title) })
      return em.flush()
    })
    await Promise.all(all)
    expect(await place.files()).toEqual(['a', 'b', 'c', 'd'].map(name => `pdfs/${name}.txt`))
  })

  test('a transaction of the connection alone, which sends no event, is refused before anything is stored', async () => {
    const em = fork()
    const work = orm.em.getConnection().transactional(async ctx => {
      em.setTransactionContext(ctx)
      em.create(Resume, { title: 'a', pdf: file('a') })
      await em.flush()
    })
    await expect(work).rejects.toThrow('em.transactional and em.begin only')
    expect(await place.files()).toEqual([])
  })

  test('save and delete of a file run in the transaction of its entity', async () => {
    const em = fork()
    const resume = em.create(Resume, { title: 'a', pdf: file('a') })
    await em.flush()
    const failing = em.transactional(async () => {
      await resume.pdf.save('b.txt', bytes('b'))
      expect((await place.files()).length).toBe(2)
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect(await place.files()).toEqual(['pdfs/a.txt'])
    const again = await fork().findOneOrFail(Resume, { id: 1 })
    await again.pdf.delete()
    expect([again.pdf.isEmpty, await place.files()]).toEqual([true, []])
  })

  test('without implicit transactions each flush ends its files', async () => {
    orm.config.set('implicitTransactions', false)
    const em = fork()
    const resume = em.create(Resume, { title: 'a', pdf: file('a') })
    await em.flush()
    em.assign(resume, { pdf: file('b') })
    await em.flush()
    expect(await place.files()).toEqual(['pdfs/b.txt'])
    await em.remove(resume).flush()
    expect(await place.files()).toEqual([])
  })
})
