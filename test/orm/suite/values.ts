import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { FieldFile, type FileValue, upload, uploadPath } from '../../../src/fields/index.ts'
import { ContentFile } from '../../../src/index.ts'
import { brokenStream, content, failure, fileIn, hasNone, type Kit, storageErrorIn } from './kit.ts'

const BYTES = Buffer.from('bytes')

/** What can be assigned, and how its name ends where it has one. */
const VALUES: Readonly<Record<string, readonly [make: (folder: string) => FileValue, end?: RegExp]>> = {
  'a Buffer': [() => BYTES],
  'a Uint8Array': [() => new Uint8Array(BYTES)],
  'an ArrayBuffer': [() => new Uint8Array(BYTES).buffer],
  'a Blob': [() => new Blob([BYTES])],
  'a File': [() => new File([BYTES], 'cv.txt'), /^pdfs\/cv\.txt$/],
  'a Node stream': [() => Readable.from([BYTES])],
  'a web stream': [() => new Blob([BYTES]).stream()],
  'a ContentFile': [() => new ContentFile(BYTES, 'cv.txt'), /^pdfs\/cv\.txt$/],
  'upload(buffer, name)': [() => upload(BYTES, 'cv.txt'), /^pdfs\/cv\.txt$/],
  'upload(text, name)': [() => upload('bytes', 'cv.txt'), /^pdfs\/cv\.txt$/],
  'uploadPath(path)': [folder => uploadPath(join(folder, 'local.txt')), /^pdfs\/local\.txt$/],
  'a file: URL': [folder => pathToFileURL(join(folder, 'local.txt')), /^pdfs\/local\.txt$/],
}

const REFUSED: Readonly<Record<string, () => unknown>> = {
  'a promise': () => Promise.resolve('pdfs/x.txt'),
  'a promise of bytes': () => Promise.resolve(BYTES),
  'a plain object': () => ({ path: 'x' }),
  'a number': () => 7,
  'a boolean': () => true,
  'an https: URL': () => new URL('https://example.com/x.txt'),
}

/** Every kind of value on create and update, and what is read. */
export function valueTests<Tx>(kit: Kit<Tx>): void {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdall-orm-'))
    await writeFile(join(folder, 'local.txt'), BYTES)
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  for (const [title, [make, end = /^pdfs\/[^/]+$/]] of Object.entries(VALUES)) {
    it(`${title} is uploaded on create and on update`, async () => {
      const { ground } = kit
      const id = await ground.create({ title: 'a', pdf: make(folder) })
      expect(await kit.name(id)).toMatch(end)
      expect(await kit.text(id)).toBe('bytes')
      await ground.update(id, { pdf: content('other') })
      await ground.update(id, { pdf: make(folder) })
      expect(await kit.name(id)).toMatch(end)
      expect(await kit.text(id)).toBe('bytes')
      await kit.counts(1, 1)
    })
  }

  it('a string is the name of a stored file, which is not read', async () => {
    const { ground, place } = kit
    const name = await place.storage.save('pdfs/there.txt', BYTES)
    place.calls.length = 0
    const id = await ground.create({ title: 'a', pdf: name })
    expect(place.calls).not.toContain('read')
    expect(await kit.name(id)).toBe(name)
    const second = await place.storage.save('pdfs/second.txt', BYTES)
    await ground.update(id, { pdf: second })
    expect(await kit.exact()).toEqual([second])
  })

  it('the FieldFile of another row is shared', async () => {
    const { ground } = kit
    const first = await ground.create({ title: 'a', pdf: content('one') })
    const second = await ground.create({ title: 'b', pdf: (await kit.row(first)).pdf })
    const third = await ground.create({ title: 'c', pdf: content('three') })
    await ground.update(third, { pdf: (await kit.row(first)).pdf })
    for (const id of [second, third]) expect(await kit.name(id)).toBe(await kit.name(first))
    await kit.counts(3, 1)
  })

  it('an empty file is a file', async () => {
    const id = await kit.ground.create({ title: 'a', pdf: upload(Buffer.alloc(0), 'empty.txt') })
    expect(await fileIn(await kit.row(id), 'pdf').size()).toBe(0)
    await kit.counts(1, 1)
  })

  it('a row without files has none, and costs no call of the storage', async () => {
    const { ground, place } = kit
    const ids = [await ground.create({ title: 'a' }), await ground.create({ title: 'b', pdf: null, photo: undefined })]
    for (const id of ids) {
      const row = await kit.row(id)
      expect([hasNone(row, 'pdf'), hasNone(row, 'photo')]).toEqual([true, true])
    }
    for (const id of ids) await ground.update(id, { title: `new ${id}` })
    for (const id of ids) await ground.remove(id)
    expect(place.calls).toEqual([])
    await kit.counts(0, 0)
  })

  it('null clears, undefined leaves', async () => {
    const { ground } = kit
    const id = await ground.create({ title: 'a', pdf: content('one'), photo: content('two') })
    await ground.update(id, { title: 'b', pdf: undefined })
    expect(await kit.text(id)).toBe('one')
    await ground.update(id, { pdf: null })
    const row = await kit.row(id)
    expect(row.title).toBe('b')
    expect(hasNone(row, 'pdf')).toBe(true)
    expect(await kit.text(id, 'photo')).toBe('two')
    await kit.counts(1, 1)
  })

  it('what is read is a FieldFile; its JSON is the name', async () => {
    const { ground, place } = kit
    const id = await ground.create({ title: 'a', pdf: content('one'), photo: content('two') })
    place.calls.length = 0
    const row = await kit.row(id)
    expect(place.calls, 'reading a row asks no storage').toEqual([])
    expect(row.pdf).toBeInstanceOf(FieldFile)
    expect(row.photo).toBeInstanceOf(FieldFile)
    const pdf = fileIn(row, 'pdf')
    expect([pdf.name, `${pdf}`, pdf.committed]).toEqual(['pdfs/one.txt', 'pdfs/one.txt', true])
    expect(pdf.storage).toBe(place.storage)
    expect(pdf.equals('pdfs/one.txt')).toBe(true)
    expect(await pdf.size()).toBe(3)
    const json = JSON.parse(JSON.stringify(row)) as Record<string, unknown>
    expect(json).toMatchObject({ title: 'a', pdf: 'pdfs/one.txt', photo: 'photos/two.txt' })
  })

  it('a condition takes a FieldFile and a name', async () => {
    const findWhere = kit.part('findWhere')
    if (findWhere === undefined) return
    const { ground } = kit
    const id = await ground.create({ title: 'a', pdf: content('one') })
    await ground.create({ title: 'b', pdf: content('two') })
    const { pdf } = await kit.row(id)
    for (const file of [pdf!, 'pdfs/one.txt']) {
      const found = await findWhere('pdf', file)
      expect(found.map(row => [row.title, row.pdf?.name])).toEqual([['a', 'pdfs/one.txt']])
    }
  })

  for (const [title, make] of Object.entries(REFUSED)) {
    it(`fld-14: ${title} is refused on create and update; nothing is stored and no row is written`, async () => {
      const { ground } = kit
      const id = await ground.create({ title: 'a', pdf: content('one') })
      const before = await kit.state()
      const wrong = make() as FileValue
      const errors = [
        await failure(ground.create({ title: 'b', photo: content('two'), pdf: wrong })),
        await failure(ground.update(id, { photo: content('two'), pdf: wrong })),
      ]
      for (const error of errors) {
        expect(storageErrorIn(error)?.code, String(error)).toBe('invalid_argument')
        expect(String(storageErrorIn(error)?.message)).toContain('pdf')
      }
      expect(await kit.state()).toEqual(before)
    })
  }

  it('a file object without a name is refused', async () => {
    const error = await failure(kit.ground.create({ title: 'a', photo: content('x'), pdf: new ContentFile('text') }))
    expect(storageErrorIn(error)?.code, String(error)).toBe('invalid_argument')
    await kit.counts(0, 0)
  })

  it('a stream that breaks leaves no row and no file; the files before it go', async () => {
    const { ground } = kit
    const id = await ground.create({ title: 'a', pdf: content('one') })
    const before = await kit.state()
    await failure(ground.create({ title: 'b', pdf: content('two'), photo: brokenStream() }))
    await failure(ground.update(id, { pdf: content('two'), photo: brokenStream() }))
    expect(await kit.state()).toEqual(before)
  })
}
