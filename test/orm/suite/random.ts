import { expect, it } from 'vitest'
import type { Id, OrmGround } from './ground.ts'
import { content, failure, fileIn, hasNone, type Kit } from './kit.ts'

const WORKERS = 20
/** A sample of them where the real databases are left out. */
const OPERATIONS = process.env['HOLDALL_TESTS'] === 'full' ? 1000 : 300
/** The base names of all files: few, so that they meet in the storage. */
const NAMES = 12

/** Another seed makes other operations: `ORM_SEED=7 npx vitest run test/orm/plain`. */
const SEED = Number(process.env['ORM_SEED'] ?? 1)

class Stop extends Error {}

/** Numbers below 1 that follow from the seed. (mulberry32) */
function randoms(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** A row as it must be: what its files say, undefined for none. */
interface Expected {
  readonly title: string
  readonly pdf: string | undefined
  readonly photo: string | undefined
}

/** Rows that only one worker writes, so that what they must be is known. */
type Rows = Map<Id, Expected>

/** One client of the database: it writes its own rows, and knows what they are. */
class Worker<Tx> {
  rows: Rows = new Map()
  readonly #ground: OrmGround<Tx>
  readonly #kit: Kit<Tx>
  readonly #random: () => number
  readonly #number: number
  #count = 0

  constructor(kit: Kit<Tx>, number: number, seed: number) {
    this.#kit = kit
    this.#ground = kit.ground
    this.#number = number
    this.#random = randoms(seed * 1000 + number)
  }

  below(count: number): number {
    return Math.floor(this.#random() * count)
  }

  /** One random write; the rows after it, which hold only if it and its transaction succeed. */
  async write(rows: Rows, tx?: Tx): Promise<void> {
    const ids = [...rows.keys()]
    const id = ids[this.below(ids.length)]
    const choice = this.below(10)
    if (id === undefined || (choice < 3 && ids.length < 8)) return this.#create(rows, tx)
    const row = rows.get(id)!
    if (choice < 5) {
      await this.#ground.remove(id, tx)
      rows.delete(id)
      return
    }
    const attribute = this.below(2) === 0 ? 'pdf' : 'photo'
    const values: { title?: string; pdf?: unknown; photo?: unknown } = {}
    let after: Expected
    if (choice === 5) {
      values[attribute] = null
      after = { ...row, [attribute]: undefined }
    } else if (choice === 6) {
      // A file of another row of ours, or of the same one.
      const from = ids[this.below(ids.length)]!
      const shared = await this.#kit.row(from, tx)
      values[attribute] = shared.pdf
      after = { ...row, [attribute]: rows.get(from)!.pdf }
    } else {
      const [value, text] = this.#content()
      values[attribute] = value
      after = { ...row, [attribute]: text }
      if (choice === 7) {
        // Both, of which the second may fail.
        const [second, secondText] = this.#content()
        const other = attribute === 'pdf' ? 'photo' : 'pdf'
        values[other] = second
        after = { ...after, [other]: secondText }
      }
      // A title that is taken.
      if (choice === 9) values.title = 'taken'
    }
    await this.#ground.update(id, values as object, tx)
    rows.set(id, after)
  }

  async #create(rows: Rows, tx?: Tx): Promise<void> {
    const [pdf, text] = this.#content()
    const title = this.below(8) === 0 ? 'taken' : `${this.#number}.${++this.#count}`
    const id = await this.#ground.create({ title, pdf }, tx)
    rows.set(id, { title, pdf: text, photo: undefined })
  }

  #content(): [value: ReturnType<typeof content>, text: string] {
    const text = `${this.#number}:${++this.#count}`
    return [content(`f${this.below(NAMES)}`, text), text]
  }

  /** Several writes in one transaction, some of them in a savepoint, of which some roll back. */
  async transaction(): Promise<void> {
    const transaction = this.#kit.part('transaction')!
    const savepoint = this.#kit.part('savepoint')
    const rows = new Map(this.rows)
    await transaction(async tx => {
      for (let count = 1 + this.below(3); count > 0; count--) {
        if (savepoint === undefined || this.below(3) > 0) {
          await this.write(rows, tx)
          continue
        }
        const inner = new Map(rows)
        let isKept = false
        const work = async (sub: Tx): Promise<void> => {
          await this.write(inner, sub)
          if (this.below(3) === 0) throw new Stop()
          isKept = true
        }
        await savepoint(tx, work).catch((error: unknown) => {
          // What else has failed may have ended the whole transaction.
          if (!(error instanceof Stop)) throw error
        })
        if (isKept) this.#replace(rows, inner)
      }
      if (this.below(4) === 0) throw new Stop()
    })
    this.rows = rows
  }

  #replace(rows: Rows, by: Rows): void {
    rows.clear()
    for (const [id, row] of by) rows.set(id, row)
  }
}

/**
 * Many writes at a time, of which some fail: by the database, by the storage, by the program. Where the storage overwrites, rows have files of
 * others as well, so that only the names are looked at.
 */
export function randomTests<Tx>(kit: Kit<Tx>, { overwrites = false } = {}): void {
  it(`${OPERATIONS} concurrent creates, replaces and deletes with random failures leave exactly the referenced files`, async () => {
    const workers = await start(kit, SEED)
    const failed = await run(kit, workers, OPERATIONS, async worker => {
      const rows = new Map(worker.rows)
      await worker.write(rows)
      worker.rows = rows
    })
    expect(failed).toBeGreaterThan(OPERATIONS / 20)
    expect(failed).toBeLessThan(OPERATIONS / 2)
    await check(kit, workers, overwrites)
  })

  it('transactions with random rollbacks and savepoints leave exactly the referenced files', async () => {
    if (kit.part('transaction') === undefined) return
    const workers = await start(kit, SEED + 1)
    const count = OPERATIONS / 4
    const failed = await run(kit, workers, count, worker => worker.transaction())
    expect(failed).toBeGreaterThan(count / 10)
    expect(failed).toBeLessThan(count * 0.9)
    await check(kit, workers, overwrites)
  })
}

async function start<Tx>(kit: Kit<Tx>, seed: number): Promise<Worker<Tx>[]> {
  await kit.ground.create({ title: 'taken', pdf: content('f0', 'taken') })
  const random = randoms(seed)
  // Answers that are lost leave files that no one can know of: see the tests of single writes.
  kit.place.fault = call => {
    const chance = call.operation === 'write' ? 0.06 : call.operation === 'delete' ? 0.12 : 0
    return chance > 0 && random() < chance ? 'before' : undefined
  }
  kit.place.before = () => (random() < 0.3 ? new Promise(resolve => setImmediate(resolve)) : undefined)
  return Array.from({ length: WORKERS }, (_, number) => new Worker(kit, number, seed))
}

/** Runs work of the workers, as many at a time as the ground bears; returns how much of it failed. */
async function run<Tx>(
  kit: Kit<Tx>,
  workers: readonly Worker<Tx>[],
  count: number,
  work: (worker: Worker<Tx>) => Promise<void>,
): Promise<number> {
  const { atOnce = 8 } = kit.ground
  const free = [...workers]
  let left = count
  let failed = 0
  const lane = async (): Promise<void> => {
    while (left-- > 0) {
      const worker = free.shift()!
      await work(worker).catch((error: unknown) => {
        if ((error as Error).name === 'AssertionError') throw error
        failed += 1
      })
      free.push(worker)
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, workers.length) }, lane))
  return failed
}

/** Every row is what it must be, no file is missing, and what is there too is what `onKept` has reported. */
async function check<Tx>(kit: Kit<Tx>, workers: readonly Worker<Tx>[], overwrites: boolean): Promise<void> {
  const { place, ground } = kit
  place.fault = () => undefined
  place.before = () => {}
  const titles = workers.flatMap(({ rows }) => [...rows.values()].map(({ title }) => title))
  expect([...(await ground.titles())].sort()).toEqual([...titles, 'taken'].sort())
  for (const { rows } of workers) {
    for (const [id, expected] of rows) {
      const row = await kit.row(id)
      for (const attribute of ['pdf', 'photo'] as const) {
        const text = expected[attribute]
        if (text === undefined) expect(hasNone(row, attribute), `${attribute} of ${expected.title}`).toBe(true)
        else {
          const found = `${await fileIn(row, attribute).read()}`
          if (!overwrites) expect(found, `${attribute} of ${expected.title}`).toBe(text)
        }
      }
    }
  }
  const names = new Set(await ground.names())
  const kept = new Set(place.kept.map(({ name }) => name))
  const unused = (await place.files()).filter(name => !names.has(name))
  expect(
    unused.filter(name => !kept.has(name)),
    'files that no row names',
  ).toEqual([])
  if (!overwrites) expect(kept.size).toBeGreaterThan(0)
  for (const { error } of place.kept) expect(error.message).toContain('delete failed')
  // With them gone, there are exactly the files that rows name.
  for (const name of unused) await place.storage.delete(name)
  await kit.exact()
  // And nothing is held any more: all rows go, and all files with them.
  for (const { rows } of workers) for (const id of rows.keys()) await ground.remove(id)
  expect((await kit.exact()).length).toBe(1)
  await failure(ground.create({ title: 'taken', pdf: content('last') }))
  expect((await kit.exact()).length).toBe(1)
}
