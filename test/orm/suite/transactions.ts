import { expect, it } from 'vitest'
import type { Id, OrmGround } from './ground.ts'
import { content, failure, type Kit, turns } from './kit.ts'

/** Rows that are there before a transaction begins. */
interface Before {
  readonly a: Id
  readonly b: Id
  readonly c: Id
}

/** What a transaction does, one step after the other; each may use what the ones before have made. */
const STEPS: ReadonlyArray<
  readonly [title: string, run: <Tx>(ground: OrmGround<Tx>, rows: Before & { made?: Id }, tx?: Tx) => Promise<unknown>]
> = [
  [
    'create',
    async (ground, rows, tx) => {
      rows.made = await ground.create({ title: 'd', pdf: content('d1'), photo: content('d2') }, tx)
    },
  ],
  ['replace', (ground, { a }, tx) => ground.update(a, { pdf: content('a3') }, tx)],
  ['replace again', (ground, { a }, tx) => ground.update(a, { pdf: content('a4'), title: 'a4' }, tx)],
  ['clear', (ground, { a }, tx) => ground.update(a, { photo: null }, tx)],
  ['replace what was made', (ground, { made }, tx) => ground.update(made!, { photo: content('d3') }, tx)],
  ['remove', (ground, { b }, tx) => ground.remove(b, tx)],
  ['use the file of a removed row', (ground, { c }, tx) => ground.update(c, { photo: 'photos/b2.txt' }, tx)],
  ['remove what was made', (ground, { made }, tx) => ground.remove(made!, tx)],
  ['create again', (ground, _rows, tx) => ground.create({ title: 'b', pdf: 'pdfs/b1.txt' }, tx)],
]

const AFTER_ALL = ['pdfs/a4.txt', 'pdfs/b1.txt', 'pdfs/c1.txt', 'photos/b2.txt']

async function fill<Tx>({ ground }: Kit<Tx>): Promise<Before> {
  const a = await ground.create({ title: 'a', pdf: content('a1'), photo: content('a2') })
  const b = await ground.create({ title: 'b', pdf: content('b1'), photo: content('b2') })
  const c = await ground.create({ title: 'c', pdf: content('c1') })
  return { a, b, c }
}

class Stop extends Error {}

/** What transactions leave, by each way in which they can be begun and ended. */
export function transactionTests<Tx>(kit: Kit<Tx>): void {
  for (let count = 1; count <= STEPS.length; count++) {
    it(`a rollback after step ${count} of ${STEPS.length} (${STEPS[count - 1]![0]}) leaves rows and files as they were`, async () => {
      const rows = await fill(kit)
      const before = await kit.state()
      const { ground } = kit
      const run = async (tx?: Tx): Promise<void> => {
        const own = { ...rows }
        for (const [, step] of STEPS.slice(0, count)) await step(ground, own, tx)
      }
      const transaction = kit.part('transaction')
      const begin = kit.part('begin')
      const ambient = kit.part('ambient')
      if (transaction !== undefined) {
        const stop = new Stop()
        const work = async (tx: Tx): Promise<void> => {
          await run(tx)
          throw stop
        }
        expect(await failure(transaction(work))).toBe(stop)
        expect(await kit.state()).toEqual(before)
      }
      if (begin !== undefined) {
        const { tx, rollback } = await begin()
        await run(tx)
        await rollback()
        expect(await kit.state()).toEqual(before)
      }
      if (ambient !== undefined) {
        const work = async (): Promise<void> => {
          await run()
          throw new Stop()
        }
        await failure(ambient(work))
        expect(await kit.state(), 'ambient').toEqual(before)
      }
      expect(kit.place.kept).toEqual([])
    })
  }

  for (const way of ['transaction', 'begin', 'ambient'] as const) {
    it(`fld-3, fld-10: files go after the commit and before the await ends (${way})`, async () => {
      const transaction = begunBy(kit, way)
      if (transaction === undefined) return
      const { ground, place } = kit
      const rows = await fill(kit)
      place.before = call => (call.operation === 'delete' ? turns() : undefined)
      await transaction(async tx => {
        const own = { ...rows }
        for (const [, step] of STEPS) await step(ground, own, tx)
        // The old ones are still there: it may yet roll back.
        const files = await place.files()
        for (const name of ['a1', 'a3', 'a4', 'b1', 'c1', 'd1']) expect(files).toContain(`pdfs/${name}.txt`)
        for (const name of ['a2', 'b2', 'd2', 'd3']) expect(files).toContain(`photos/${name}.txt`)
      })
      expect(await place.files()).toEqual(AFTER_ALL)
      expect(await kit.exact()).toEqual(AFTER_ALL)
      expect(place.kept).toEqual([])
    })
  }

  it('what the transaction wrote is read in it, and its result is returned', async () => {
    const transaction = kit.part('transaction')
    if (transaction === undefined) return
    const { ground } = kit
    const result = await transaction(async tx => {
      const id = await ground.create({ title: 'a', pdf: content('one') }, tx)
      expect(await kit.name(id, 'pdf', tx)).toBe('pdfs/one.txt')
      await ground.update(id, { pdf: content('two') }, tx)
      expect(`${await (await kit.row(id, tx)).pdf!.read()}`).toBe('two')
      return 7
    })
    expect(result).toBe(7)
    await kit.counts(1, 1)
  })

  it('a statement that fails rolls all of it back', async () => {
    const transaction = kit.part('transaction')
    if (transaction === undefined) return
    const { ground } = kit
    const { a } = await fill(kit)
    const before = await kit.state()
    const work = async (tx: Tx): Promise<void> => {
      await ground.update(a, { pdf: content('new') }, tx)
      await ground.create({ title: 'd', pdf: content('d1') }, tx)
      await ground.create({ title: 'b', pdf: content('taken') }, tx)
    }
    await failure(transaction(work))
    expect(await kit.state()).toEqual(before)
  })

  it('a statement that fails and is passed over: whatever the database makes of the commit, no file is left over or missing', async () => {
    const transaction = kit.part('transaction')
    if (transaction === undefined) return
    const { ground } = kit
    const { a } = await fill(kit)
    const work = async (tx: Tx): Promise<void> => {
      await ground.update(a, { pdf: content('new') }, tx)
      await failure(ground.create({ title: 'b', pdf: content('taken') }, tx))
    }
    // PostgreSQL answers such a commit with a rollback, and calls it a success.
    await transaction(work).catch(() => undefined)
    await kit.exact()
    expect(kit.place.kept).toEqual([])
  })

  it('a storage that fails rolls all of it back', async () => {
    const transaction = kit.part('transaction')
    if (transaction === undefined) return
    const { ground, place } = kit
    const { a, b } = await fill(kit)
    const before = await kit.state()
    let writes = 0
    place.fault = call => (call.operation === 'write' && ++writes === 2 ? 'before' : undefined)
    const work = async (tx: Tx): Promise<void> => {
      await ground.remove(b, tx)
      await ground.update(a, { pdf: content('new') }, tx)
      await ground.create({ title: 'd', pdf: content('d1') }, tx)
    }
    await failure(transaction(work))
    expect(await kit.state()).toEqual(before)
  })

  it('fld-4: a storage that refuses deletions after the commit leaves the transaction a success', async () => {
    const transaction = kit.part('transaction')
    if (transaction === undefined) return
    const { ground, place } = kit
    const { a, b } = await fill(kit)
    place.fault = call => (call.operation === 'delete' ? 'before' : undefined)
    await transaction(async tx => {
      await ground.update(a, { pdf: content('new') }, tx)
      await ground.remove(b, tx)
    })
    expect(await kit.text(a)).toBe('new')
    expect(place.kept.map(({ name }) => name).sort()).toEqual(['pdfs/a1.txt', 'pdfs/b1.txt', 'photos/b2.txt'])
  })

  it('a commit that fails is a rollback', async () => {
    const transaction = kit.part('transaction')
    const breakCommit = kit.part('breakCommit')
    if (transaction === undefined || breakCommit === undefined) return
    const { ground } = kit
    const { a, b } = await fill(kit)
    const before = await kit.state()
    const work = async (tx: Tx): Promise<void> => {
      await ground.update(a, { pdf: content('new') }, tx)
      await ground.remove(b, tx)
      await breakCommit(tx)
    }
    await failure(transaction(work))
    expect(await kit.state()).toEqual(before)
    await ground.remove(b)
    await kit.counts(2, 3)
  })

  it('a row removed and made again in one transaction keeps its file', async () => {
    const transaction = kit.part('transaction')
    if (transaction === undefined) return
    const { ground } = kit
    const { b } = await fill(kit)
    const name = await kit.name(b)
    await transaction(async tx => {
      await ground.remove(b, tx)
      await ground.create({ title: 'b', pdf: name }, tx)
    })
    expect(await kit.exists(name)).toBe(true)
    await kit.counts(3, 4)
  })

  it('the file of a row in a transaction: a rollback takes back what save and delete did', async () => {
    const transaction = kit.part('transaction')
    const fileOf = kit.part('fileOf')
    if (transaction === undefined || fileOf === undefined) return
    const { a, b } = await fill(kit)
    const before = await kit.state()
    const change = async (tx: Tx): Promise<void> => {
      const file = await fileOf(a, 'pdf', tx)
      await file.save('x.txt', Buffer.from('x'))
      await file.save('y.txt', Buffer.from('y'))
      await (await fileOf(b, 'pdf', tx)).delete()
      expect(await kit.place.files()).toEqual(expect.arrayContaining(['pdfs/a1.txt', 'pdfs/b1.txt']))
    }
    const work = async (tx: Tx): Promise<void> => {
      await change(tx)
      throw new Stop()
    }
    await failure(transaction(work))
    expect(await kit.state()).toEqual(before)
    await transaction(change)
    expect(await kit.exact()).toEqual(['pdfs/c1.txt', 'pdfs/y.txt', 'photos/a2.txt', 'photos/b2.txt'])
  })

  it('writes by criteria in a transaction', async () => {
    const transaction = kit.part('transaction')
    if (transaction === undefined) return
    const updateWhere = kit.part('updateWhere')
    const removeWhere = kit.part('removeWhere')
    const createMany = kit.part('createMany')
    await fill(kit)
    const before = await kit.state()
    const change = async (tx: Tx): Promise<void> => {
      await updateWhere?.(['a', 'c'], { pdf: content('both') }, tx)
      await removeWhere?.(['b'], tx)
      await createMany?.(
        [
          { title: 'e', pdf: content('e') },
          { title: 'f', photo: content('f') },
        ],
        tx,
      )
    }
    const work = async (tx: Tx): Promise<void> => {
      await change(tx)
      throw new Stop()
    }
    await failure(transaction(work))
    expect(await kit.state()).toEqual(before)
    await transaction(change)
    await kit.exact()
  })
}

/** `transaction`, or the same by other means; undefined where the ORM lacks those. */
export function begunBy<Tx>(
  kit: Kit<Tx>,
  way: 'transaction' | 'begin' | 'ambient',
): ((work: (tx?: Tx) => Promise<void>) => Promise<unknown>) | undefined {
  if (way === 'transaction') return kit.part('transaction') as never
  if (way === 'ambient') {
    const ambient = kit.part('ambient')
    return ambient === undefined ? undefined : work => ambient(() => work())
  }
  const begin = kit.part('begin')
  if (begin === undefined) return undefined
  return async work => {
    const { tx, commit, rollback } = await begin()
    try {
      await work(tx)
    } catch (error) {
      await rollback()
      throw error
    }
    await commit()
  }
}
