/** What adapters rely on in the core, and no adapter shows. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { claimedCount } from '../../../src/fields/claims.ts'
import { FileTransaction, fileField, fileModel, upload } from '../../../src/fields/index.ts'
import { failure } from '../suite/kit.ts'
import { OrmPlace } from '../suite/place.ts'

let place: OrmPlace
let claimed: number
beforeEach(() => {
  place = new OrmPlace()
  claimed = claimedCount()
})
afterEach(() => expect(claimedCount(), 'files that are held').toBe(claimed))

const resumes = (options: object = {}) =>
  fileModel(
    'resumes',
    { pdf: fileField({ storage: place.storage, uploadTo: 'pdfs', ...options }), photo: place.photo() },
    place.registry,
  )
const one = (name = 'one') => upload(name, `${name}.txt`)

it('a rollback after a commit that only seemed to fail keeps the files that rows name', async () => {
  const model = resumes()
  model.addUsers(async () => ['pdfs/one.txt'])
  const files = new FileTransaction(place.registry)
  await model.store({ pdf: one(), photo: one('two') }, { files })
  await files.rollback()
  expect(await place.files()).toEqual(['pdfs/one.txt'])
})

it('a rollback with a database that cannot be asked keeps the files, and reports them', async () => {
  const model = resumes()
  model.addUsers(() => Promise.reject(new Error('gone')))
  const files = new FileTransaction(place.registry)
  await model.store({ pdf: one() }, { files })
  await files.rollback()
  expect(await place.files()).toEqual(['pdfs/one.txt'])
  expect(place.kept.map(({ name }) => name)).toEqual(['pdfs/one.txt'])
})

it('without a registered column a failed write takes back what it stored, and an old file stays', async () => {
  const model = resumes()
  const name = await place.storage.save('pdfs/old.txt', Buffer.from('old'))
  await failure(
    model.step(async files => {
      await model.store({ pdf: one() }, { files })
      throw new Error('no')
    }),
  )
  expect(await place.files()).toEqual([name])
  await model.step(async files => model.release({ pdf: name }, undefined, files))
  expect(await place.files()).toEqual([name])
  expect(place.kept.map(kept => kept.name)).toEqual([name])
})

it('a transaction ends once: what comes after changes nothing', async () => {
  const model = resumes()
  const rows = new Set<string>()
  model.addUsers(async () => rows)
  const files = new FileTransaction(place.registry)
  await model.store({ pdf: one() }, { files })
  rows.add('pdfs/one.txt')
  await files.commit()
  rows.clear()
  await files.rollback()
  await files.commit()
  expect(await place.files()).toEqual(['pdfs/one.txt'])
})

it('current is the innermost transaction that is open', async () => {
  const outer = new FileTransaction(place.registry)
  const inner = outer.savepoint()
  expect(FileTransaction.current()).toBeUndefined()
  await outer.run(async () => {
    await inner.run(async () => {
      expect(FileTransaction.current()).toBe(inner)
      await inner.commit()
      expect(FileTransaction.current()).toBe(outer)
      await outer.commit()
      expect(FileTransaction.current()).toBeUndefined()
    })
  })
})

it('a step joins the transaction that runs', async () => {
  const model = resumes()
  const rows = new Set<string>(['pdfs/one.txt'])
  model.addUsers(async () => rows)
  const outer = new FileTransaction(place.registry)
  await outer.run(() => model.step(files => model.store({ pdf: one() }, { files })))
  rows.clear()
  await outer.rollback()
  expect(await place.files()).toEqual([])
})

it('a step is rolled back when its work asks for it', async () => {
  const model = resumes()
  model.addUsers(async () => [])
  const result = await model.step(async files => {
    await model.store({ pdf: one() }, { files })
    await files.rollback()
    return 7
  })
  expect([result, await place.files()]).toEqual([7, []])
})

it('of a value that is no file nothing is stored, whichever field it is', async () => {
  const model = resumes()
  const files = new FileTransaction(place.registry)
  await failure(model.store({ pdf: one(), photo: 7 }, { files }))
  expect(place.calls).not.toContain('write')
  await files.rollback()
})

it('an empty value is what the column wants', async () => {
  const model = resumes({ emptyValue: '' })
  const files = new FileTransaction(place.registry)
  expect(await model.store({ pdf: null, photo: null, title: 'a' }, { files })).toEqual({
    pdf: '',
    photo: null,
    title: 'a',
  })
  expect(await model.store({ pdf: undefined }, { files })).toEqual({ pdf: undefined })
  await files.commit()
})

it('a write that changes no file asks nothing', async () => {
  const model = resumes()
  let asked = 0
  model.addUsers(async () => {
    asked += 1
    return []
  })
  const before = { pdf: 'pdfs/one.txt', photo: null }
  for (const after of [{}, { pdf: undefined }, { pdf: 'pdfs/one.txt', photo: null }]) {
    await model.step(async files => model.release(before, after, files))
  }
  expect(asked).toBe(0)
  expect(place.calls).toEqual([])
})

it('a row that cannot be written leaves the object as it was, and no new file', async () => {
  const model = resumes()
  const row: Record<string, unknown> = {}
  model.addUsers(async () => [row['pdf']])
  let fails = false
  const persist = async (values: object): Promise<void> => {
    if (fails) throw new Error('no')
    Object.assign(row, values)
  }
  const file = model.attach('pdf', null, { row, persist })
  await file.save('one.txt', Buffer.from('one'))
  fails = true
  await failure(file.save('two.txt', Buffer.from('two')))
  expect([file.name, await place.files()]).toEqual(['pdfs/one.txt', ['pdfs/one.txt']])
  await failure(file.delete())
  expect([file.name, await place.files()]).toEqual(['pdfs/one.txt', ['pdfs/one.txt']])
  fails = false
  await file.save('two.txt', Buffer.from('two'))
  expect([file.name, await place.files()]).toEqual(['pdfs/two.txt', ['pdfs/two.txt']])
  await file.delete()
  expect([row['pdf'], await place.files()]).toEqual([null, []])
})

it('an overwriting storage that had to shorten a name: a rollback removes what it has stored', async () => {
  place = new OrmPlace('overwriting')
  const model = resumes()
  model.addUsers(async () => [])
  const files = new FileTransaction(place.registry)
  const { pdf } = await model.store({ pdf: upload('x', `${'long'.repeat(40)}.txt`) }, { files })
  expect(String(pdf).length).toBeLessThanOrEqual(100)
  expect(await place.files()).toEqual([pdf])
  await files.rollback()
  expect(await place.files()).toEqual([])
})

it('a row that names what the storage refuses can be changed and deleted; the name is reported', async () => {
  const model = resumes()
  model.addUsers(async () => [])
  const owner = { row: {}, persist: async () => {} }
  for (const name of ['../x', '/etc/passwd', 'a/../../b']) {
    await model.step(async files => model.release({ pdf: name }, { pdf: 'pdfs/new.txt' }, files))
    await model.step(async files => model.release({ pdf: name }, undefined, files))
    await model.attach('pdf', name, owner).delete()
  }
  expect(place.kept.map(({ name }) => name)).toEqual(
    ['../x', '/etc/passwd', 'a/../../b'].flatMap(name => [name, name, name]),
  )
  for (const { error } of place.kept) expect(error.code).toBe('suspicious_name')
})

it('an onKept that throws does not fail the write', async () => {
  const model = resumes()
  model.addUsers(() => Promise.reject(new Error('gone')))
  place.registry.onKept = () => {
    throw new Error('no log')
  }
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  await model.step(async files => model.release({ pdf: 'pdfs/one.txt' }, undefined, files))
  expect(warn.mock.calls.map(([text]) => text)).toEqual(['onKept failed: Error: no log'])
  warn.mockRestore()
})

it('a write to a database of another registry is no part of the transaction', async () => {
  const model = resumes()
  model.addUsers(async () => [])
  const elsewhere = new OrmPlace()
  const other = fileModel('others', { pdf: elsewhere.pdf() }, elsewhere.registry)
  const rows = new Set<string>()
  other.addUsers(async () => rows)
  const outer = new FileTransaction(place.registry)
  await outer.run(async () => {
    await other.step(async files => {
      const { pdf } = await other.store({ pdf: one() }, { files })
      rows.add(String(pdf))
    })
    await other.step(async files => {
      rows.clear()
      await other.release({ pdf: 'pdfs/one.txt' }, undefined, files)
    })
    expect(await elsewhere.files()).toEqual([])
    const persist = async (values: object): Promise<void> => void rows.add(Object.values(values)[0] as string)
    await other.attach('pdf', null, { row: {}, persist }).save('two.txt', Buffer.from('two'))
  })
  await outer.rollback()
  expect(await elsewhere.files()).toEqual(['pdfs/two.txt'])
})

it('a file that belongs to no row is not deleted by accident: rows may name it', async () => {
  const model = resumes()
  const name = await place.storage.save('pdfs/one.txt', Buffer.from('one'))
  const file = model.attach('pdf', name)
  await expect(file.delete()).rejects.toThrow("'pdf' belongs to no row that could be saved")
  expect([file.name, await place.files()]).toEqual([name, [name]])
  await file.delete({ save: false })
  expect([file.name, await place.files()]).toEqual([null, []])
})

it('a rollback gives the object of a file back what it was', async () => {
  const model = resumes()
  const rows = new Set<unknown>()
  model.addUsers(async () => rows as Set<string>)
  const persist = async (values: object): Promise<void> => void rows.add(Object.values(values)[0])
  const file = model.attach('pdf', null, { row: {}, persist })
  await file.save('one.txt', Buffer.from('one'))
  const pending = model.attach('photo', one('pending'), { row: {}, persist })
  const outer = new FileTransaction(place.registry)
  await outer.run(async () => {
    await file.save('two.txt', Buffer.from('two'))
    const inner = outer.savepoint()
    await inner.run(() => file.delete())
    expect(file.isEmpty).toBe(true)
    await inner.rollback()
    expect(file.name).toBe('pdfs/two.txt')
    await file.save('three.txt', Buffer.from('three'))
    await pending.save('four.txt', Buffer.from('four'))
    expect(pending.committed).toBe(true)
  })
  rows.clear()
  rows.add('pdfs/one.txt')
  await outer.rollback()
  expect([file.name, pending.name, pending.committed]).toEqual(['pdfs/one.txt', 'pending.txt', false])
  expect(await place.files()).toEqual(['pdfs/one.txt'])
})

it('a commit after a step that failed looks for what it has stored, where columns are registered', async () => {
  const model = resumes()
  const work = async (rows: readonly string[]): Promise<string[]> => {
    const detach = model.addUsers(async () => rows)
    const outer = new FileTransaction(place.registry)
    await model.step(files => model.store({ pdf: one() }, { files }), outer)
    await failure(model.step(() => Promise.reject(new Error('no')), outer))
    await outer.commit()
    detach()
    return place.files()
  }
  expect(await work(['pdfs/one.txt'])).toEqual(['pdfs/one.txt'])
  await place.storage.delete('pdfs/one.txt')
  expect(await work([])).toEqual([])
  const outer = new FileTransaction(place.registry)
  await model.step(files => model.store({ pdf: one() }, { files }), outer)
  await failure(model.step(() => Promise.reject(new Error('no')), outer))
  await outer.commit()
  expect(await place.files()).toEqual(['pdfs/one.txt'])
  expect(place.kept).toEqual([])
})
