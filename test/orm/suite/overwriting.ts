import { expect, it } from 'vitest'
import { content, failure, type Kit } from './kit.ts'

class Stop extends Error {}

/** A storage that overwrites, as S3 does: the names that come back are those that were asked for. */
export function overwritingTests<Tx>(kit: Kit<Tx>): void {
  it('fld-7: a file replaced under its own name stays, with the new content', async () => {
    const { ground } = kit
    const id = await ground.create({ title: 'a', pdf: content('cv', 'old') })
    await ground.update(id, { pdf: content('cv', 'new') })
    expect(await kit.exact()).toEqual(['pdfs/cv.txt'])
    expect(await kit.text(id)).toBe('new')
    await ground.update(id, { pdf: content('other') })
    expect(await kit.exact()).toEqual(['pdfs/other.txt'])
  })

  it('fld-7: in a transaction, replaced twice and once back', async () => {
    const transaction = kit.part('transaction')
    if (transaction === undefined) return
    const { ground } = kit
    const id = await ground.create({ title: 'a', pdf: content('cv', 'old') })
    await transaction(async tx => {
      await ground.update(id, { pdf: content('other') }, tx)
      await ground.update(id, { pdf: content('cv', 'new') }, tx)
    })
    expect(await kit.exact()).toEqual(['pdfs/cv.txt'])
    expect(await kit.text(id)).toBe('new')
  })

  it('a write that fails does not remove the file that another row names', async () => {
    const { ground } = kit
    const id = await ground.create({ title: 'a', pdf: content('cv') })
    await failure(ground.create({ title: 'a', pdf: content('cv'), photo: content('photo') }))
    expect(await kit.exact()).toEqual(['pdfs/cv.txt'])
    await failure(ground.create({ title: 'a', pdf: content('new') }))
    expect(await kit.exact()).toEqual(['pdfs/cv.txt'])
    const transaction = kit.part('transaction')
    if (transaction === undefined) return
    const work = async (tx: Tx): Promise<void> => {
      await ground.create({ title: 'b', pdf: content('cv') }, tx)
      await ground.update(id, { pdf: content('cv') }, tx)
      throw new Stop()
    }
    await failure(transaction(work))
    expect(await kit.exact()).toEqual(['pdfs/cv.txt'])
  })

  it('rows of one name: the file goes with the last of them', async () => {
    const { ground } = kit
    const ids = []
    for (const title of ['a', 'b', 'c']) ids.push(await ground.create({ title, pdf: content('cv', title) }))
    expect(await kit.text(ids[0]!)).toBe('c')
    await ground.remove(ids[0]!)
    await ground.update(ids[1]!, { pdf: null })
    await kit.counts(2, 1)
    await ground.remove(ids[2]!)
    await kit.counts(1, 0)
  })

  it('a row removed and made again with a new file of the old name, in one transaction', async () => {
    const transaction = kit.part('transaction')
    if (transaction === undefined) return
    const { ground } = kit
    const id = await ground.create({ title: 'a', pdf: content('cv', 'old') })
    await transaction(async tx => {
      await ground.remove(id, tx)
      await ground.create({ title: 'a', pdf: content('cv', 'new') }, tx)
    })
    await kit.counts(1, 1)
    expect(await kit.place.storage.readText('pdfs/cv.txt')).toBe('new')
  })

  it('a storage that fails while it overwrites leaves the file that the row names', async () => {
    const { ground, place } = kit
    const id = await ground.create({ title: 'a', pdf: content('cv', 'old') })
    for (const fault of ['before', 'after'] as const) {
      place.fault = call => (call.operation === 'write' ? fault : undefined)
      await failure(ground.update(id, { pdf: content('cv', 'new') }))
      place.fault = () => undefined
      expect(await kit.exact()).toEqual(['pdfs/cv.txt'])
    }
  })
}
