import { expect, it } from 'vitest'
import { content, failure, type Kit, storageErrorIn } from './kit.ts'

/** `photo` is named by the title of its row. */
export function rowNameTests<Tx>(kit: Kit<Tx>): void {
  it('uploadTo gets the row on create', async () => {
    const id = await kit.ground.create({ title: 'a', photo: content('one') })
    expect(await kit.name(id, 'photo')).toBe('photos/a/one.txt')
    const createMany = kit.part('createMany')
    const rows = ['b', 'c'].map(title => ({ title, photo: content('one') }))
    if (createMany !== undefined) {
      await createMany(rows)
      expect(await kit.exact()).toEqual(['photos/a/one.txt', 'photos/b/one.txt', 'photos/c/one.txt'])
    }
  })

  it('uploadTo gets the new values on update', async () => {
    const { ground } = kit
    const id = await ground.create({ title: 'a', photo: content('one') })
    await ground.update(id, { title: 'b', photo: content('two') })
    expect(await kit.exact()).toEqual(['photos/b/two.txt'])
  })

  it('fld-9: on an update without the title, uploadTo gets it from the row, or the update is refused before the upload', async () => {
    const { ground, place } = kit
    const id = await ground.create({ title: 'a', photo: content('one') })
    place.calls.length = 0
    let error: unknown
    await ground.update(id, { photo: content('two') }).catch((refused: unknown) => {
      error = refused
    })
    if (error === undefined) expect(await kit.exact()).toEqual(['photos/a/two.txt'])
    else {
      expect(storageErrorIn(error)?.message).toMatch(/uploadTo of 'photo' uses 'title'/)
      expect(place.calls).not.toContain('write')
      expect(await kit.exact()).toEqual(['photos/a/one.txt'])
    }
  })

  it('fld-9: one upload for many rows has no row: it is refused before the upload', async () => {
    const updateWhere = kit.part('updateWhere')
    if (updateWhere === undefined) return
    const { ground, place } = kit
    await ground.create({ title: 'a', photo: content('one') })
    await ground.create({ title: 'b', photo: content('one') })
    place.calls.length = 0
    const error = await failure(updateWhere(['a', 'b'], { photo: content('two') }))
    expect(storageErrorIn(error)?.code, String(error)).toBe('invalid_argument')
    expect(place.calls).not.toContain('write')
    expect(await kit.exact()).toEqual(['photos/a/one.txt', 'photos/b/one.txt'])
  })

  it('the file of a row is named by its row', async () => {
    const fileOf = kit.part('fileOf')
    if (fileOf === undefined) return
    const { ground } = kit
    const id = await ground.create({ title: 'a', photo: content('one') })
    const file = await fileOf(id, 'photo')
    await file.save('two.txt', Buffer.from('two'))
    expect(await kit.exact()).toEqual(['photos/a/two.txt'])
  })
}
