/** Entities of MikroORM and their files: hydration, comparison, serialisation, identity maps. */
import { wrap } from '@mikro-orm/sqlite'
import { describe, expect, test } from 'vitest'
import { FieldFile, upload } from '../../../src/fields/index.ts'
import { isStorageError } from '../../../src/index.ts'
import { OrmPlace } from '../suite/conformance.ts'
import {
  bytes,
  eachWithDatabase,
  file,
  forgetStatements,
  fork,
  made,
  Person,
  place,
  png,
  Resume,
  writes,
} from './resumes.ts'

eachWithDatabase()

describe('entities', () => {
  test('are read with files of their own, which are empty where the column is NULL; reading changes nothing', async () => {
    await made('a')
    const em = fork()
    em.create(Resume, { title: 'b' })
    await em.flush()
    const all = fork()
    const [a, b] = await all.find(Resume, {}, { orderBy: { title: 'asc' } })
    expect(a!.pdf).toBeInstanceOf(FieldFile)
    expect(`${await a!.pdf.read()}`).toBe('a')
    expect([b!.pdf.isEmpty, b!.photo.isEmpty, b!.pdf.row]).toEqual([true, true, b])
    forgetStatements()
    await all.flush()
    a!.pdf = fork().create(Resume, { title: 'c', pdf: a!.pdf.name }).pdf
    b!.pdf = null as never
    await all.flush()
    expect(writes()).toEqual([])
  })

  test('a text that is empty in the column is an empty file, and stays', async () => {
    await fork().execute("insert into resume (title, pdf) values ('a', '')")
    const em = fork()
    const resume = await em.findOneOrFail(Resume, { title: 'a' })
    expect(resume.pdf.isEmpty).toBe(true)
    forgetStatements()
    await em.flush()
    expect(writes()).toEqual([])
  })

  test('serialise files to names', async () => {
    const resume = await made()
    const name = resume.pdf.name
    expect(JSON.parse(JSON.stringify(resume))).toMatchObject({ pdf: name, photo: null })
    expect(wrap(resume).toObject()).toMatchObject({ pdf: name })
    expect(wrap(resume).toPOJO()).toMatchObject({ pdf: name })
    const waiting = fork().create(Resume, { title: 'b', pdf: file('b') })
    expect(waiting.pdf).toMatchObject({ name: 'b.txt', committed: false })
    for (const one of [waiting, waiting.pdf]) expect(() => JSON.stringify(one)).toThrow('stored')
  })

  test('come out of the result cache with files', async () => {
    const { pdf } = await made()
    for (let turn = 0; turn < 2; turn++) {
      const [row] = await fork().find(Resume, {}, { cache: 5000 })
      expect(row!.pdf).toBeInstanceOf(FieldFile)
      expect([row!.pdf.name, row!.photo.isEmpty]).toEqual([pdf.name, true])
    }
  })

  test('that come by joins, refresh, map and merge have files that can be saved', async () => {
    const em = fork()
    em.create(Person, { name: 'p', resumes: [{ title: 'a', pdf: file('a') }] } as never)
    await em.flush()
    const loaded = fork()
    const [person] = await loaded.find(Person, {}, { populate: ['resumes' as never], strategy: 'joined' })
    const [resume] = person!.resumes
    await resume!.pdf.save('b.txt', bytes('b'))
    expect(await place.files()).toEqual(['pdfs/b.txt'])
    await loaded.refresh(resume!)
    expect([resume!.pdf.name, resume!.pdf.row]).toEqual(['pdfs/b.txt', resume])
    const mapped = fork().map(Resume, { id: 1, title: 'a', pdf: 'pdfs/b.txt' } as never)
    const merged = fork().merge(Resume, { id: 1, title: 'a', pdf: 'pdfs/b.txt' })
    for (const one of [mapped, merged]) expect([one.pdf.name, one.pdf.row]).toEqual(['pdfs/b.txt', one])
  })

  test('are found by names and files', async () => {
    const { pdf } = await made()
    for (const where of [
      { pdf },
      { pdf: pdf.name! },
      { pdf: { $in: [pdf.name!, 'x'] } },
      { pdf: { $like: 'pdfs/%' } },
    ]) {
      expect(await fork().count(Resume, where)).toBe(1)
    }
    expect(await fork().count(Resume, { photo: null })).toBe(1)
    expect(await fork().count(Resume, { pdf: 'x' })).toBe(0)
  })

  test('fill the columns of pictures', async () => {
    const em = fork()
    const resume = em.create(Resume, { title: 'a', photo: upload(png(30, 20), 'a.png') })
    await em.flush()
    expect(resume.photoWidth).toBe(30)
    em.assign(resume, { photo: upload(png(50, 20), 'b.png') })
    await em.flush()
    expect(await fork().findOneOrFail(Resume, { photoWidth: 50 })).toMatchObject({ title: 'a' })
    await resume.photo.delete()
    expect(await fork().findOneOrFail(Resume, { photoWidth: null })).toMatchObject({ title: 'a' })
    expect(await place.files()).toEqual([])
  })

  test('that are loaded in part, or are references, release the file that the row has', async () => {
    await made('a')
    const part = fork()
    const [resume] = await part.find(Resume, {}, { fields: ['title'] })
    expect(resume!.title).toBe('a')
    await part.flush()
    part.assign(resume as Resume, { pdf: file('b') })
    await part.flush()
    expect(await place.files()).toEqual(['pdfs/b.txt'])
    const em = fork()
    await em.remove(em.getReference(Resume, 1)).flush()
    expect(await place.files()).toEqual([])
  })

  test('that were changed by another since they were read release what the row has now', async () => {
    await made('a')
    const [one, two] = [fork(), fork()]
    const [first, second] = await Promise.all([one, two].map(em => em.findOneOrFail(Resume, { id: 1 })))
    one.assign(first!, { pdf: file('b') })
    await one.flush()
    two.assign(second!, { pdf: file('c') })
    await two.flush()
    expect(await place.files()).toEqual(['pdfs/c.txt'])
    await one.remove(first!).flush()
    two.assign(second!, { pdf: file('d') })
    await two.flush()
    expect(await place.files()).toEqual([])
  })

  test('that go with their owner take their files along', async () => {
    const em = fork()
    const person = em.create(Person, { name: 'p', resumes: [{ title: 'a', pdf: file('a') }] } as never)
    await em.flush()
    expect(await place.files()).toEqual(['pdfs/a.txt'])
    await em.remove(person).flush()
    expect(await place.files()).toEqual([])
  })

  test('that are new have empty files after their first flush', async () => {
    const resume = Object.assign(new Resume(), { title: 'a' })
    const em = fork()
    await em.persist(resume).flush()
    expect([resume.pdf.isEmpty, resume.photo.isEmpty]).toEqual([true, true])
    await resume.pdf.save('a.txt', bytes('a'))
    forgetStatements()
    await em.flush()
    expect([writes(), await place.files()]).toEqual([[], ['pdfs/a.txt']])
  })

  test('copy the file of another storage, also under the same name', async () => {
    const other = new OrmPlace()
    await other.storage.save('pdfs/a.txt', bytes('other'))
    const resume = await made('a')
    const em = fork()
    const found = await em.findOneOrFail(Resume, { id: resume.id })
    found.pdf = other.pdf().bind('pdf').attach('pdfs/a.txt')
    await em.flush()
    expect(`${await found.pdf.read()}`).toBe('other')
    expect(await place.files()).toEqual([found.pdf.name])
  })

  test('whose file cannot be saved are what they were', async () => {
    await made('a')
    const em = fork()
    const resume = await em.findOneOrFail(Resume, { title: 'a' })
    await resume.photo.save('a.png', bytes('no picture'))
    await fork().execute('create trigger no before update on resume begin select raise(abort, "no"); end')
    await expect(resume.photo.save('b.png', png(5, 5))).rejects.toThrow('no')
    expect([resume.photo.name, resume.photoWidth]).toEqual(['photos/a.png', null])
    expect(await place.files()).toEqual(['pdfs/a.txt', 'photos/a.png'])
    forgetStatements()
    await em.flush()
    expect(writes()).toEqual([])
  })

  test('that are new cannot save a file before they are flushed', async () => {
    const resume = fork().create(Resume, { title: 'a', pdf: null })
    const error = await resume.pdf.save('a.txt', bytes('a')).catch((error: unknown) => error)
    expect(isStorageError(error, 'unsupported')).toBe(true)
    expect(await place.files()).toEqual([])
  })
})
