/** What is special in MikroORM: units of work, savepoints and their events, hydration, statements without events. */
import { type Cascade, EntitySchema, MikroORM, type SqlEntityManager, wrap } from '@mikro-orm/sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FieldFile, type ImageFieldFile, imageField, upload } from '../../../src/fields/index.ts'
import { isStorageError } from '../../../src/index.ts'
import { type FileProperty, fileType, mikroFiles } from '../../../src/orm/mikro-orm/index.ts'
import { OrmPlace } from '../suite/conformance.ts'

class Person {
  id!: number
  name!: string
  resumes!: Resume[]
}
class Resume {
  id!: number
  title!: string
  pdf!: FileProperty
  photo!: FileProperty<ImageFieldFile>
  photoWidth?: number | null
  person?: Person | null
}

let place: OrmPlace
let orm: Awaited<ReturnType<typeof start>>
let detach: () => void
let statements: string[]

const bytes = (text: string): Buffer => Buffer.from(text)
const file = (text: string) => upload(bytes(text), `${text}.txt`)
const fork = (): SqlEntityManager => orm.em.fork()

/** The header of a PNG. */
function png(width: number, height: number): Buffer {
  const header = Buffer.from('89504e470d0a1a0a0000000d4948445200000000000000000806000000', 'hex')
  header.writeUInt32BE(width, 16)
  header.writeUInt32BE(height, 20)
  return Buffer.concat([header, Buffer.alloc(16)])
}

const start = () =>
  MikroORM.init({
    entities: schemas(),
    dbName: ':memory:',
    debug: ['query'],
    colors: false,
    logger: message => void statements.push(message),
  })

function schemas(): EntitySchema[] {
  return [
    new EntitySchema({
      class: Person,
      properties: {
        id: { type: 'integer', primary: true },
        name: { type: 'string' },
        resumes: {
          kind: '1:m',
          entity: () => Resume,
          mappedBy: 'person',
          orphanRemoval: true,
          cascade: ['all' as Cascade],
        },
      },
    } as never),
    new EntitySchema({
      class: Resume,
      properties: {
        id: { type: 'integer', primary: true },
        title: { type: 'string', unique: true },
        pdf: { type: fileType(place.pdf()), nullable: true },
        photo: {
          type: fileType(imageField({ storage: place.storage, uploadTo: 'photos', width: 'photoWidth' })),
          nullable: true,
        },
        photoWidth: { type: 'integer', nullable: true },
        person: { kind: 'm:1', entity: () => Person, nullable: true },
      },
    } as never),
  ]
}

beforeEach(async () => {
  place = new OrmPlace()
  statements = []
  orm = await start()
  await orm.schema.create()
  detach = mikroFiles(orm, { registry: place.registry })
})
afterEach(async () => {
  detach()
  await orm.close()
  expect(place.registry.users).toEqual([])
})

async function made(title = 'a', content = title): Promise<Resume> {
  const em = fork()
  const resume = em.create(Resume, { title, pdf: file(content) })
  await em.flush()
  return resume
}
const writes = (): string[] => statements.filter(one => /insert|update|delete/i.test(one))

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
    statements = []
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
    statements = []
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
    statements = []
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
    statements = []
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
    place.before = call => (call.operation === 'delete' ? new Promise(resolve => setTimeout(resolve, 20)) : undefined)
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
