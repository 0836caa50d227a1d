import { expect, it } from 'vitest'
import { findOrphans } from '../../../src/fields/index.ts'
import { isStorageError } from '../../../src/index.ts'
import { content, failure, fileIn, hasNone, type Kit, storageErrorIn, turns } from './kit.ts'

/** Writes outside of a transaction: what they leave when they succeed and when they fail. */
export function writeTests<Tx>(kit: Kit<Tx>): void {
  it('fld-10: the await of a write ends after the deletions', async () => {
    const { ground, place } = kit
    place.before = call => (call.operation === 'delete' ? turns() : undefined)
    const id = await ground.create({ title: 'a', pdf: content('one'), photo: content('two') })
    const old = await kit.name(id)
    await ground.update(id, { pdf: content('three') })
    expect(await kit.exists(old)).toBe(false)
    expect(await kit.text(id)).toBe('three')
    expect(await kit.text(id, 'photo')).toBe('two')
    await kit.counts(1, 2)
    await ground.update(id, { pdf: null, photo: content('four') })
    await kit.counts(1, 1)
    await ground.remove(id)
    await kit.counts(0, 0)
  })

  it('the same file again is no change', async () => {
    const { ground } = kit
    const id = await ground.create({ title: 'a', pdf: content('one') })
    const { pdf } = await kit.row(id)
    await ground.update(id, { title: 'b', pdf })
    await ground.update(id, { pdf: pdf!.name })
    expect(await kit.text(id)).toBe('one')
    await kit.counts(1, 1)
  })

  it('a file goes with the last row that names it, in whichever column', async () => {
    const { ground } = kit
    const first = await ground.create({ title: 'a', pdf: content('one') })
    const { pdf } = await kit.row(first)
    const second = await ground.create({ title: 'b', photo: pdf })
    const third = await ground.create({ title: 'c', pdf: pdf!.name, photo: content('two') })
    await ground.remove(first)
    await kit.counts(2, 2)
    await ground.update(second, { photo: null })
    await kit.counts(2, 2)
    await ground.update(third, { pdf: content('three') })
    await kit.counts(2, 2)
    expect(await kit.exists(pdf!.name!)).toBe(false)
  })

  it('files that change their columns in one update stay', async () => {
    const { ground } = kit
    const id = await ground.create({ title: 'a', pdf: content('one'), photo: content('two') })
    const { pdf, photo } = await kit.row(id)
    await ground.update(id, { pdf: photo, photo: pdf })
    expect([await kit.text(id), await kit.text(id, 'photo')]).toEqual(['two', 'one'])
    await kit.counts(1, 2)
  })

  it('fld-5: a file that a registered table of another kind names stays', async () => {
    const { ground, place } = kit
    const drafts = new Set<string>()
    const { storage } = place
    const field = { attribute: 'pdf', storage, prefix: 'pdfs/' }
    const forget = place.registry.add({ label: 'drafts.pdf', field, used: async () => drafts })
    try {
      const id = await ground.create({ title: 'a', pdf: content('one'), photo: content('two') })
      const name = await kit.name(id)
      drafts.add(name)
      await ground.update(id, { pdf: content('three') })
      expect(await place.files()).toContain(name)
      await ground.remove(id)
      expect(await place.files()).toEqual([name])
    } finally {
      forget()
    }
  })

  it('rows of one call: created, updated and removed with their files', async () => {
    const { ground } = kit
    const createMany = kit.part('createMany')
    const updateWhere = kit.part('updateWhere')
    const removeWhere = kit.part('removeWhere')
    const rows = ['a', 'b', 'c', 'd'].map(title => ({ title, pdf: content(title) }))
    if (createMany !== undefined) await createMany(rows)
    else for (const row of rows) await ground.create(row)
    await kit.counts(4, 4)
    if (createMany !== undefined) {
      await failure(
        createMany([
          { title: 'e', pdf: content('e') },
          { title: 'a', pdf: content('again') },
        ]),
      )
      await kit.counts(4, 4)
    }
    if (updateWhere !== undefined) {
      await updateWhere(['a', 'b'], { pdf: content('both') })
      await kit.counts(4, 3)
      await updateWhere(['nobody'], { pdf: content('unused') })
      await kit.counts(4, 3)
      await updateWhere(['c'], { pdf: null })
      await kit.counts(4, 2)
    }
    if (removeWhere !== undefined) {
      await removeWhere(['a', 'c'])
      expect([...(await ground.titles())].sort()).toEqual(['b', 'd'])
      await kit.exact()
      await removeWhere(['b', 'd', 'nobody'])
      await kit.counts(0, 0)
    }
  })

  it('what the adapter cannot see: content is refused, old files stay until the search for orphans', async () => {
    const { ground, place } = kit
    if (ground.unseenUpdate === undefined && ground.unseenRemove === undefined) return
    await ground.create({ title: 'a', pdf: content('one'), photo: content('two') })
    await ground.create({ title: 'b', pdf: content('three') })
    if (ground.unseenUpdate !== undefined) {
      const before = await kit.state()
      const error = await failure(ground.unseenUpdate(['a'], { pdf: content('new') }))
      expect(storageErrorIn(error)?.code, String(error)).toBe('invalid_argument')
      expect(await kit.state()).toEqual(before)
      await ground.unseenUpdate(['a'], { pdf: null })
    }
    await ground.unseenRemove?.(['b'])
    const unused = [
      ...(ground.unseenUpdate ? ['pdfs/one.txt'] : []),
      ...(ground.unseenRemove ? ['pdfs/three.txt'] : []),
    ]
    const names = await ground.names()
    expect(await place.files()).toEqual([...names, ...unused].sort())
    const found: string[] = []
    const search = { registry: place.registry, graceSecs: 0, delete: true }
    for await (const { name } of findOrphans(search)) found.push(name)
    expect(found.sort()).toEqual(unused)
    await kit.exact()
  })

  it('a row that the database refuses leaves no file; its error is thrown again', async () => {
    const { ground, place } = kit
    await ground.create({ title: 'a', pdf: content('one') })
    const id = await ground.create({ title: 'b', pdf: content('two') })
    const before = await kit.state()
    const error = await failure(ground.create({ title: 'a', pdf: content('three'), photo: content('four') }))
    expect(isStorageError(error)).toBe(false)
    await failure(ground.update(id, { title: 'a', pdf: content('three') }))
    await failure(ground.update(id, { title: 'a', pdf: null }))
    expect(await kit.state()).toEqual(before)
    expect(place.calls).toContain('write')
    expect(await kit.text(id)).toBe('two')
    await ground.update(id, { title: 'c', pdf: content('five') })
    await kit.counts(2, 2)
  })

  it('a row that the database keeps keeps its files', async () => {
    const pin = kit.part('pin')
    if (pin === undefined) return
    const { ground } = kit
    const id = await ground.create({ title: 'a', pdf: content('one') })
    const other = await ground.create({ title: 'b', pdf: content('two') })
    await pin(id)
    const before = await kit.state()
    await failure(ground.remove(id))
    const removeWhere = kit.part('removeWhere')
    if (removeWhere !== undefined) await failure(removeWhere(['a', 'b']))
    expect(await kit.state()).toEqual(before)
    await ground.remove(other)
    await kit.counts(1, 1)
  })

  it('fld-2: a storage that fails makes the write fail, before the row is written', async () => {
    const { ground, place } = kit
    const id = await ground.create({ title: 'a', pdf: content('one') })
    const before = await kit.state()
    place.fault = call => (call.operation === 'write' ? 'before' : undefined)
    const errors = [
      await failure(ground.create({ title: 'b', pdf: content('two') })),
      await failure(ground.update(id, { title: 'c', pdf: content('two') })),
    ]
    for (const error of errors) expect(storageErrorIn(error)?.code, String(error)).toBe('unavailable')
    let writes = 0
    place.fault = call => (call.operation === 'write' && ++writes === 2 ? 'before' : undefined)
    await failure(ground.create({ title: 'b', pdf: content('two'), photo: content('three') }))
    writes = 0
    await failure(ground.update(id, { pdf: content('two'), photo: content('three') }))
    expect(await kit.state()).toEqual(before)
  })

  it('a storage that loses its answer to a write makes the write fail', async () => {
    const { ground, place } = kit
    const id = await ground.create({ title: 'a', pdf: content('one') })
    place.fault = call => (call.operation === 'write' ? 'after' : undefined)
    await failure(ground.create({ title: 'b', pdf: content('two') }))
    await failure(ground.update(id, { pdf: content('two') }))
    expect(await ground.titles()).toEqual(['a'])
    expect(await kit.text(id)).toBe('one')
  })

  it('fld-4: a storage that refuses a deletion leaves the write a success; the kept file is reported', async () => {
    const { ground, place } = kit
    const id = await ground.create({ title: 'a', pdf: content('one'), photo: content('two') })
    place.fault = call => (call.operation === 'delete' ? 'before' : undefined)
    await ground.update(id, { pdf: content('three') })
    expect(await kit.text(id)).toBe('three')
    expect(place.kept.map(({ name, error }) => [name, error.code])).toEqual([['pdfs/one.txt', 'unavailable']])
    await ground.remove(id)
    expect(await ground.titles()).toEqual([])
    expect(place.kept.map(({ name }) => name).sort()).toEqual(['pdfs/one.txt', 'pdfs/three.txt', 'photos/two.txt'])
    expect(await place.files()).toEqual(place.kept.map(({ name }) => name).sort())
    // Later they can be deleted: nothing in the process still holds them.
    place.fault = () => undefined
    const again = await ground.create({ title: 'b', pdf: 'pdfs/one.txt' })
    await ground.remove(again)
    expect(await place.files()).toEqual(['pdfs/three.txt', 'photos/two.txt'])
  })

  it('a table that cannot be asked keeps the files, which are reported', async () => {
    const { ground, place } = kit
    const id = await ground.create({ title: 'a', pdf: content('one') })
    const field = { attribute: 'pdf', storage: place.storage, prefix: undefined }
    const used = async (): Promise<string[]> => Promise.reject(new Error('no connection'))
    const forget = place.registry.add({ label: 'history.pdf', field, used })
    try {
      await ground.update(id, { pdf: content('two') })
      await ground.remove(id)
    } finally {
      forget()
    }
    expect(place.kept.map(({ name }) => name)).toEqual(['pdfs/one.txt', 'pdfs/two.txt'])
    expect(place.kept[0]!.error.message).toContain('history.pdf')
    expect(await place.files()).toEqual(['pdfs/one.txt', 'pdfs/two.txt'])
  })

  it('fld-6: a soft delete keeps the file, whoever else used it; a real delete removes it', async () => {
    const softRemove = kit.part('softRemove')
    if (softRemove === undefined) return
    const { ground } = kit
    const id = await ground.create({ title: 'a', pdf: content('one'), photo: content('two') })
    const other = await ground.create({ title: 'b', pdf: (await kit.row(id)).pdf })
    await softRemove(id)
    await kit.counts(2, 2)
    await ground.remove(other)
    await kit.counts(1, 2)
    await ground.remove(id)
    await kit.counts(0, 0)
  })

  it('the file of a row is saved and deleted, and writes its row', async () => {
    const fileOf = kit.part('fileOf')
    if (fileOf === undefined) return
    const { ground, place } = kit
    const id = await ground.create({ title: 'a', photo: content('two') })
    const file = await fileOf(id, 'pdf')
    await file.save('one.txt', Buffer.from('one'))
    expect([file.name, await kit.text(id)]).toEqual(['pdfs/one.txt', 'one'])
    await file.save('three.txt', Buffer.from('three'))
    expect([file.name, await kit.text(id)]).toEqual(['pdfs/three.txt', 'three'])
    await kit.counts(1, 2)
    place.fault = call => (call.operation === 'write' ? 'before' : undefined)
    await failure(file.save('four.txt', Buffer.from('four')))
    place.fault = () => undefined
    expect([file.name, await kit.text(id)]).toEqual(['pdfs/three.txt', 'three'])
    await file.delete()
    expect(file.isEmpty).toBe(true)
    expect(hasNone(await kit.row(id), 'pdf')).toBe(true)
    await kit.counts(1, 1)
    const photo = fileIn(await kit.row(id), 'photo')
    expect(await photo.size()).toBe(3)
  })

  it('two objects of one row, saved one after the other, leave the file of the last', async () => {
    const fileOf = kit.part('fileOf')
    if (fileOf === undefined) return
    const { ground } = kit
    const id = await ground.create({ title: 'a', pdf: content('one') })
    const both = [await fileOf(id, 'pdf'), await fileOf(id, 'pdf')]
    await both[0]!.save('two.txt', Buffer.from('two'))
    await both[1]!.save('three.txt', Buffer.from('three'))
    expect(await kit.exact()).toEqual(['pdfs/three.txt'])
    await both[0]!.delete()
    await kit.counts(1, 0)
  })

  it('the file of a row that is gone leaves nothing behind', async () => {
    const fileOf = kit.part('fileOf')
    if (fileOf === undefined) return
    const { ground } = kit
    const id = await ground.create({ title: 'a', pdf: content('one') })
    const file = await fileOf(id, 'pdf')
    await ground.remove(id)
    await file.save('late.txt', Buffer.from('late')).catch(() => undefined)
    await kit.exact()
  })
}
