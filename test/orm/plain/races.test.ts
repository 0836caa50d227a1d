/** Two transactions of one process and one file: each order in which they can meet, step by step. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { claimedCount } from '../../../src/fields/claims.ts'
import { type FileField, type FileModel, FileTransaction, fileModel } from '../../../src/fields/index.ts'
import { failure, turns } from '../suite/kit.ts'
import { type Naming, OrmPlace } from '../suite/place.ts'
import { Gate } from './gate.ts'

let place: OrmPlace
let model: FileModel<{ pdf: FileField }>
/** What rows name, as committed. */
let rows: string[]
/** Stands between a question and its answer. */
let question: Gate | undefined

function begin(naming: Naming): void {
  place = new OrmPlace(naming)
  model = fileModel('resumes', { pdf: place.pdf() }, place.registry)
  model.addUsers(async () => {
    const answer = [...rows]
    await question?.pass()
    return answer
  })
}

let claimed: number

beforeEach(() => {
  claimed = claimedCount()
  rows = []
  question = undefined
  begin('random')
})

afterEach(() => expect(claimedCount()).toBe(claimed))

/** A transaction that has stored a file; its row is not committed. */
async function storing(text: string, name = 'cv.txt'): Promise<{ files: FileTransaction; name: string }> {
  const files = new FileTransaction(place.registry)
  try {
    const { pdf } = await model.store({ pdf: new File([text], name) }, { files })
    return { files, name: String(pdf) }
  } catch (error) {
    await files.rollback()
    throw error
  }
}

async function stored(text: string, name = 'cv.txt'): Promise<string> {
  const { files, name: found } = await storing(text, name)
  rows.push(found)
  await files.commit()
  return found
}

/** A transaction whose row names a stored file; it is not committed. */
async function naming(name: string): Promise<FileTransaction> {
  const files = new FileTransaction(place.registry)
  await model.store({ pdf: name }, { files })
  return files
}

/** A transaction that has deleted the row of a file; it is not committed. */
async function releasing(name: string): Promise<FileTransaction> {
  const files = new FileTransaction(place.registry)
  await model.release({ pdf: name }, undefined, files)
  return files
}

const deleteFrom = (name: string): void => void rows.splice(rows.indexOf(name), 1)

it('a file that another transaction names stays, and goes when that one rolls back', async () => {
  const name = await stored('one')
  const second = await naming(name)
  const first = await releasing(name)
  deleteFrom(name)
  await first.commit()
  expect(await place.files()).toEqual([name])
  await second.rollback()
  expect(await place.files()).toEqual([])
})

it('a file that another transaction names stays for good when that one commits', async () => {
  const name = await stored('one')
  const second = await naming(name)
  const first = await releasing(name)
  deleteFrom(name)
  await first.commit()
  rows.push(name)
  await second.commit()
  expect(await place.files()).toEqual([name])
  const third = await releasing(name)
  deleteFrom(name)
  await third.commit()
  expect(await place.files()).toEqual([])
})

it('the last of many that need a file removes it, also from within a savepoint that rolls back', async () => {
  const name = await stored('one')
  const holders = [await naming(name), await naming(name), await naming(name)]
  const outer = new FileTransaction(place.registry)
  const inner = outer.savepoint()
  await model.store({ pdf: name }, { files: inner })
  const first = await releasing(name)
  deleteFrom(name)
  await first.commit()
  for (const holder of holders) await holder.rollback()
  expect(await place.files()).toEqual([name])
  await inner.rollback()
  await outer.commit()
  expect(await place.files()).toEqual([])
})

for (const end of ['commit', 'rollback'] as const) {
  it(`a ${end} of a savepoint hands on what waits for a savepoint in it that rolled back`, async () => {
    const name = await stored('one')
    const outer = new FileTransaction(place.registry)
    const middle = outer.savepoint()
    const inner = middle.savepoint()
    await model.store({ pdf: name }, { files: inner })
    const first = await releasing(name)
    deleteFrom(name)
    await first.commit()
    await inner.rollback()
    await middle[end]()
    expect(await place.files()).toEqual([name])
    await outer.commit()
    expect(await place.files()).toEqual([])
  })
}

it('a file that is needed between the question and the deletion stays', async () => {
  const name = await stored('one')
  const first = await releasing(name)
  deleteFrom(name)
  question = new Gate()
  const committed = first.commit()
  await question.reached
  const second = await naming(name)
  question.open()
  question = undefined
  await committed
  expect(await place.files()).toEqual([name])
  await second.rollback()
  expect(await place.files()).toEqual([])
})

it('a file that was needed and let go between the question and the deletion is asked for again', async () => {
  const name = await stored('one')
  const first = await releasing(name)
  deleteFrom(name)
  const gate = (question = new Gate())
  const committed = first.commit()
  await gate.reached
  question = undefined
  const second = await naming(name)
  rows.push(name)
  await second.commit()
  gate.open()
  await committed
  expect(await place.files()).toEqual([name])
})

it('a file that was needed and let go by a rollback in between is asked for again, and goes', async () => {
  const name = await stored('one')
  const first = await releasing(name)
  deleteFrom(name)
  const gate = (question = new Gate())
  const committed = first.commit()
  await gate.reached
  question = undefined
  await (await naming(name)).rollback()
  gate.open()
  await committed
  expect(await place.files()).toEqual([])
})

it('an overwriting storage: a new file under the name of one whose removal has begun stays', async () => {
  begin('overwriting')
  const name = await stored('one')
  const first = await releasing(name)
  deleteFrom(name)
  const gate = (question = new Gate())
  const committed = first.commit()
  await gate.reached
  question = undefined
  expect(await stored('two')).toBe(name)
  gate.open()
  await committed
  expect(await place.storage.readText(name)).toBe('two')
  expect(place.kept).toEqual([])
})

it('an overwriting storage: a new file waits for the end of a deletion of the old one', async () => {
  begin('overwriting')
  const name = await stored('one')
  const first = await releasing(name)
  deleteFrom(name)
  const gate = new Gate()
  place.before = call => (call.operation === 'delete' ? gate.pass() : undefined)
  const committed = first.commit()
  await gate.reached
  const storing = stored('two')
  await turns()
  gate.open()
  await Promise.all([committed, storing])
  expect(await place.storage.readText(name)).toBe('two')
})

it('an upload does not wait for a question, which may wait for the connection that its transaction has', async () => {
  const name = await stored('one')
  const first = await releasing(name)
  deleteFrom(name)
  question = new Gate()
  const committed = first.commit()
  await question.reached
  const second = await storing('two')
  expect(second.name).not.toBe(name)
  question.open()
  await committed
  rows.push(second.name)
  await second.files.commit()
  expect(await place.files()).toEqual([second.name])
})

it('a new file that a repeated deletion of the old one took is missed, and its write fails', async () => {
  const name = await stored('one')
  const first = await releasing(name)
  deleteFrom(name)
  // The storage has deleted it, has no answer, and sends the deletion again.
  const gate = new Gate()
  const { driver } = place.storage.calls
  const { delete: remove } = driver
  driver.delete = async (key, ...rest) => {
    await remove.call(driver, key, ...rest)
    await gate.pass()
    return remove.call(driver, key, ...rest)
  }
  const writing = new Gate()
  place.before = call => (call.operation === 'write' ? writing.pass() : undefined)
  const second = failure(storing('two'))
  await writing.reached
  const committed = first.commit()
  await gate.reached
  writing.open()
  await expect.poll(() => place.files()).toEqual([name])
  gate.open()
  await committed
  expect(String(await second)).toContain('was deleted while it was stored')
  expect(await place.files()).toEqual([])
})

it('two removals of one file delete it once', async () => {
  const name = await stored('one')
  const both = [await releasing(name), await releasing(name)]
  deleteFrom(name)
  await Promise.all(both.map(files => files.commit()))
  expect(await place.files()).toEqual([])
  expect(place.calls.filter(operation => operation === 'delete')).toHaveLength(1)
})

it('a file stored anew under a name that was deleted is not taken by an older release of the name', async () => {
  const name = await stored('one')
  const [first, late] = [await releasing(name), await releasing(name)]
  deleteFrom(name)
  await first.commit()
  // No row names it yet: it is the program's own.
  expect(await model.attach('pdf', null).save('cv.txt', Buffer.from('two'), { save: false })).toBeUndefined()
  expect(await place.files()).toEqual([name])
  await late.commit()
  expect(await place.files()).toEqual([name])
})

it('a question that fails keeps the files that were asked about, each reported once', async () => {
  const names = [await stored('one', 'a.txt'), await stored('two', 'b.txt')]
  const held = await naming(names[1]!)
  const first = new FileTransaction(place.registry)
  for (const name of names) await model.release({ pdf: name }, undefined, first)
  const remove = place.registry.add({ label: 'x', field: place.pdf(), used: () => Promise.reject(new Error('no')) })
  await first.commit()
  expect(place.kept.map(({ name }) => name)).toEqual([names[0]])
  remove()
  rows = [names[0]!]
  await held.rollback()
  expect(await place.files()).toEqual([names[0]])
})
