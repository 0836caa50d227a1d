import { expect, it } from 'vitest'
import { content, failure, type Kit } from './kit.ts'

class Stop extends Error {}

/** Nested transactions. */
export function savepointTests<Tx>(kit: Kit<Tx>): void {
  const nested = (): ReturnType<typeof parts<Tx>> => parts(kit)

  it('fld-1: a savepoint that rolls back takes its files, and its deletions do not happen, though the rest commits', async () => {
    const { transaction, savepoint } = nested()
    if (transaction === undefined || savepoint === undefined) return
    const { ground, place } = kit
    const a = await ground.create({ title: 'a', pdf: content('a1') })
    const b = await ground.create({ title: 'b', pdf: content('b1') })
    await transaction(async tx => {
      await ground.create({ title: 'c', pdf: content('c1') }, tx)
      const inner = async (sub: Tx): Promise<void> => {
        await ground.create({ title: 'd', pdf: content('d1') }, sub)
        await ground.update(a, { pdf: content('a2') }, sub)
        await ground.remove(b, sub)
        throw new Stop()
      }
      await failure(savepoint(tx, inner))
      await ground.create({ title: 'e', pdf: content('e1') }, tx)
    })
    expect(await kit.exact()).toEqual(['pdfs/a1.txt', 'pdfs/b1.txt', 'pdfs/c1.txt', 'pdfs/e1.txt'])
    expect(place.kept).toEqual([])
  })

  it('fld-1: a savepoint that fails by the database or the storage', async () => {
    const { transaction, savepoint } = nested()
    if (transaction === undefined || savepoint === undefined) return
    const { ground, place } = kit
    const a = await ground.create({ title: 'a', pdf: content('a1') })
    await transaction(async tx => {
      const refused = async (sub: Tx): Promise<void> => {
        await ground.update(a, { pdf: content('a2') }, sub)
        await ground.create({ title: 'a', pdf: content('x') }, sub)
      }
      await failure(savepoint(tx, refused))
      place.fault = call => (call.operation === 'write' ? 'before' : undefined)
      const broken = async (sub: Tx): Promise<void> => {
        await ground.update(a, { title: 'changed', pdf: null }, sub)
        await ground.create({ title: 'b', pdf: content('x') }, sub)
      }
      await failure(savepoint(tx, broken))
      place.fault = () => undefined
      await ground.create({ title: 'c', pdf: content('c1') }, tx)
    })
    expect([...(await ground.titles())].sort()).toEqual(['a', 'c'])
    expect(await kit.exact()).toEqual(['pdfs/a1.txt', 'pdfs/c1.txt'])
  })

  it('a savepoint that is kept commits and rolls back with the rest', async () => {
    const { transaction, savepoint } = nested()
    if (transaction === undefined || savepoint === undefined) return
    const { ground, place } = kit
    const a = await ground.create({ title: 'a', pdf: content('a1') })
    const before = await kit.state()
    const work = async (tx: Tx): Promise<void> => {
      await savepoint(tx, async sub => {
        await ground.update(a, { pdf: content('a2') }, sub)
        await ground.create({ title: 'b', pdf: content('b1') }, sub)
      })
      expect(await place.files()).toEqual(['pdfs/a1.txt', 'pdfs/a2.txt', 'pdfs/b1.txt'])
    }
    const stopped = async (tx: Tx): Promise<void> => {
      await work(tx)
      throw new Stop()
    }
    await failure(transaction(stopped))
    expect(await kit.state()).toEqual(before)
    await transaction(work)
    expect(await kit.exact()).toEqual(['pdfs/a2.txt', 'pdfs/b1.txt'])
  })

  it('savepoints in savepoints: the inner one kept, the outer one rolled back, and the other way round', async () => {
    const { transaction, savepoint } = nested()
    if (transaction === undefined || savepoint === undefined) return
    const { ground } = kit
    const a = await ground.create({ title: 'a', pdf: content('a1') })
    const b = await ground.create({ title: 'b', pdf: content('b1') })
    await transaction(async tx => {
      const outer = async (sub: Tx): Promise<void> => {
        await savepoint(sub, async deep => {
          await ground.update(a, { pdf: content('a2') }, deep)
          await ground.create({ title: 'c', pdf: content('c1') }, deep)
        })
        throw new Stop()
      }
      await failure(savepoint(tx, outer))
      await savepoint(tx, async sub => {
        const inner = async (deep: Tx): Promise<void> => {
          await ground.remove(b, deep)
          await ground.create({ title: 'd', pdf: content('d1') }, deep)
          throw new Stop()
        }
        await failure(savepoint(sub, inner))
        await ground.create({ title: 'e', pdf: content('e1') }, sub)
      })
    })
    expect(await kit.exact()).toEqual(['pdfs/a1.txt', 'pdfs/b1.txt', 'pdfs/e1.txt'])
  })

  it('a file saved before a savepoint and replaced in it is named again after its rollback', async () => {
    const { transaction, savepoint } = nested()
    if (transaction === undefined || savepoint === undefined) return
    const { ground } = kit
    const a = await ground.create({ title: 'a', pdf: content('a1') })
    await transaction(async tx => {
      await ground.update(a, { pdf: content('a2') }, tx)
      const inner = async (sub: Tx): Promise<void> => {
        await ground.update(a, { pdf: content('a3') }, sub)
        throw new Stop()
      }
      await failure(savepoint(tx, inner))
    })
    expect(await kit.exact()).toEqual(['pdfs/a2.txt'])
    expect(await kit.text(a)).toBe('a2')
  })
}

function parts<Tx>(kit: Kit<Tx>) {
  return { transaction: kit.part('transaction'), savepoint: kit.part('savepoint') }
}
