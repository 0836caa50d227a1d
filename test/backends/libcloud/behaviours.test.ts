/** What a storage does, over one provider of each family: chapter D.6 of the behaviours, and the cases 81 to 91 of the protocols. */
import { afterAll, describe, expect, it } from 'vitest'
import { namesOf } from '../../../src/testing/storage-place.ts'
import { startPlaces } from './places.ts'
import { storageOf, storagesOf } from './support.ts'

const places = await startPlaces()
const opened = places.map(place => ({ ...place, storage: storageOf(place.entry) }))
afterAll(async () => {
  await Promise.all(opened.map(({ storage }) => storage.close()))
  await Promise.all(places.map(place => place.close()))
})

describe.concurrent.each(opened)('$name', ({ name, entry, storage }) => {
  it('D.6 165: a taken name gets seven letters and digits, since files are not overwritten', async () => {
    expect(await storage.save('dup/a.txt', 'one')).toBe('dup/a.txt')
    const second = await storage.save('dup/a.txt', 'two')
    expect(second).toMatch(/^dup\/a_[A-Za-z0-9]{7}\.txt$/)
    expect([await storage.readText('dup/a.txt'), await storage.readText(second)]).toEqual(['one', 'two'])
    const replacing = storageOf(entry, {}, { fileOverwrite: true })
    expect(await replacing.save('dup/a.txt', 'three')).toBe('dup/a.txt')
    expect(await storage.readText('dup/a.txt')).toBe('three')
    await replacing.close()
  })

  it('D.6 166, case 81: a missing file is not found, when it is opened, read and asked for', async () => {
    const missing = { code: 'not_found', fileName: 'zz' }
    await expect(storage.open('zz')).rejects.toMatchObject(missing)
    await expect(storage.readBytes('zz')).rejects.toMatchObject(missing)
    await expect(storage.stat('zz')).rejects.toMatchObject(missing)
    expect(await storage.exists('zz')).toBe(false)
  })

  it('D.6 168: what is written in pieces is one file', async () => {
    await storage.edit('pieces.txt', 'w', async file => {
      await file.write('one')
      await file.write('two')
    })
    expect(await storage.readText('pieces.txt')).toBe('onetwo')
  })

  it('case 82: so many bytes, then the rest; an empty file is empty', async () => {
    await storage.save('read.txt', 'héllo world')
    await using file = await storage.open('read.txt', 'r')
    expect([await file.read(4), await file.read(), await file.read()]).toEqual(['héll', 'o world', ''])
    const empty = storage.save('empty.bin', new Uint8Array())
    if (name === 'NIMBUS') return await expect(empty).rejects.toMatchObject({ code: 'unsupported' })
    await empty
    expect(await storage.readBytes('empty.bin')).toEqual(Buffer.alloc(0))
    expect(await storage.size('empty.bin')).toBe(0)
  })

  it('case 84: nothing is written in a mode for reading', async () => {
    await storage.save('read-only.txt', 'text')
    await using file = await storage.open('read-only.txt', 'r')
    const written = (file as unknown as { write(text: string): Promise<void> }).write('more')
    await expect(written).rejects.toThrow('not opened in write mode')
    expect(await storage.readText('read-only.txt')).toBe('text')
  })

  it('case 85: deleting what is missing is no error', async () => {
    await storage.delete('nothing.txt')
    await storage.delete('nor/this.txt')
  })

  it('case 87: a folder shows its folders, and the root those two deep', async () => {
    for (const file of ['tree/x', 'tree/a/y', 'tree/a/b/z', 'tree/c/d/e']) await storage.save(file, file)
    const sorted = async (path: string) => (await storage.listdir(path)).map(names => [...names].sort())
    expect(await sorted('tree')).toEqual([['a', 'c'], ['x']])
    expect(await sorted('tree/a')).toEqual([['b'], ['y']])
    expect((await storage.listdir(''))[0]).toContain('tree')
    expect((await storage.listdir())[0]).toContain('tree')
    expect(await storage.listdir('missing')).toEqual([[], []])
  })

  it('case 88: the size of a missing file is an error, not -1', async () => {
    await expect(storage.size('zz')).rejects.toMatchObject({ code: 'not_found' })
    await storage.save('sized.txt', 'seven b')
    expect(await storage.size('sized.txt')).toBe(7)
  })

  it('names are below a location, which neither listings nor URLs lose', async () => {
    await using below = storageOf(entry, {}, { location: 'some where/below', fileOverwrite: true, baseUrl: '/media/' })
    expect(await below.save('d/a.txt', 'below')).toBe('d/a.txt')
    expect(await storage.readText('some where/below/d/a.txt')).toBe('below')
    expect(await below.listdir('d')).toEqual([[], ['a.txt']])
    expect(await namesOf(below)).toEqual(['d/a.txt'])
    const copy = await below.copy('d/a.txt', 'd/b.txt')
    expect(await below.readText(copy)).toBe('below')
    await expect(below.save('../a.txt', 'x')).rejects.toMatchObject({ code: 'suspicious_name' })
    if (name !== 'NIMBUS')
      expect(await below.url('d/a.txt')).toMatch(name === 'LOCAL' ? /^\/media\/d\/a/ : /where\/below\/d\/a/)
    expect(await below.deleteMany(['d/a.txt', 'd/b.txt'])).toEqual({ deleted: 2, errors: [] })
  })

  it('times are those of the provider', async () => {
    await storage.save('timed.txt', 'now')
    expect(Math.abs((await storage.getModifiedTime('timed.txt')).getTime() - Date.now())).toBeLessThan(60_000)
  })

  it('case 90: a name is encoded once in its URL, which leads to the file where it is signed', async () => {
    const odd = 'url/a b#é%41?+&.txt'
    const path = '/url/a%20b%23%C3%A9%2541%3F%2B%26.txt'
    await storage.save(odd, 'odd')
    if (name === 'NIMBUS' || name === 'LOCAL') {
      return await expect(storage.url(odd)).rejects.toMatchObject({ code: 'unsupported' })
    }
    const url = await storage.url(odd)
    expect(new URL(url).pathname.endsWith(`/media${path}`)).toBe(true)
    if (name === 'GOOGLE_STORAGE') return expect(new URL(url).search).toBe('')
    expect(await (await fetch(url)).text()).toBe('odd')
  })
})

describe('case 91: several providers at once', () => {
  it('the same name is another file at each; no keys and no connections are mixed up', async () => {
    const at = storagesOf(Object.fromEntries(places.map(({ name, entry }) => [name, entry])))
    const storages = places.map(({ name }) => at(name))
    await Promise.all(storages.map(storage => storage.save('mixed.txt', storage.provider)))
    const read = await Promise.all(storages.map(storage => storage.readText('mixed.txt')))
    expect(read).toEqual(places.map(({ name }) => name))
    // The same provider with two buckets.
    const { entry } = places.find(({ name }) => name === 'S3')!
    const two = storagesOf({ amazon_1: entry, amazon_2: { ...entry, bucket: 'other' } })
    const [one, other] = [two('amazon_1'), two('amazon_2')]
    await other.save('mixed.txt', 'other')
    expect([await one.readText('mixed.txt'), await other.readText('mixed.txt')]).toEqual(['S3', 'other'])
    await Promise.all([one, other, ...storages].map(storage => storage.close()))
  })

  it.each([
    ['S3', { key: 'another' }, 'permission_denied'],
    ['AZURE_BLOBS', { key: 'YW5vdGhlcg==' }, 'permission_denied'],
    ['OPENSTACK_SWIFT', { key: 'another' }, 'permission_denied'],
    ['NIMBUS', { key: 'another' }, 'permission_denied'],
    ['ATMOS', { key: 'YW5vdGhlcg==' }, 'permission_denied'],
  ] as const)('two entries at one host of %s keep their own credentials', async (type, wrong, code) => {
    const { entry } = places.find(({ name }) => name === type)!
    const at = storagesOf({ right: entry, wrong: { ...entry, ...wrong } })
    await using right = at('right')
    await using bad = at('wrong')
    for (const round of ['first', 'second']) {
      await right.save('both.txt', round, { overwrite: true })
      await expect(bad.readText('both.txt')).rejects.toMatchObject({ code })
      await expect(bad.driver.listContainers()).rejects.toMatchObject({ code })
      expect(await right.readText('both.txt')).toBe(round)
    }
  })

  it('a storage is as good as new after it was closed', async () => {
    const { entry } = places.find(({ name }) => name === 'AZURE_BLOBS')!
    const storage = storageOf(entry)
    await storage.save('closed.txt', 'text')
    const { driver } = storage
    expect((await driver.getObject('other', 'a.txt').catch((error: unknown) => error)) as object).toMatchObject({
      code: 'not_found',
    })
    await storage.close()
    await storage.close()
    expect(await storage.readText('closed.txt')).toBe('text')
    expect(await driver.getObject('media', 'closed.txt')).toMatchObject({ size: 4 })
    await driver.uploadObjectViaStream('text', 'other', 'closed.txt')
    expect((await driver.listContainerObjects('other')).map(({ name }) => name)).toContain('closed.txt')
    await storage.close()
  })
})

it('names are those that the provider takes', async () => {
  const { entry } = places.find(place => place.name === 'AZURE_BLOBS')!
  await using storage = storageOf(entry)
  await expect(storage.save('ends in a dot.', 'x')).rejects.toMatchObject({ code: 'suspicious_name' })
  expect(storage.getValidName('a b?.txt')).toBe('a_b.txt')
  expect(storage.getNameMaxLength()).toBe(storage.backend.getNameMaxLength())
})

describe('D.6 169: URLs by driver', () => {
  const forms = {
    S3: /^https:\/\/s3\.amazonaws\.com\/media\/a%20b\.txt(\?|$)/,
    GOOGLE_STORAGE: /^https:\/\/storage\.googleapis\.com\/media\/a%20b\.txt$/,
    AZURE_BLOBS: /^https:\/\/akidtest\.blob\.core\.windows\.net\/media\/a%20b\.txt(\?|$)/,
    BACKBLAZE_B2: /^https:\/\/s3\.us-west-004\.backblazeb2\.com\/media\/a%20b\.txt(\?|$)/,
  }
  it.each(Object.entries(forms))('%s', async (type, form) => {
    const more = type === 'BACKBLAZE_B2' ? { region: 'us-west-004' } : {}
    const entry = { type, user: 'akidtest', key: 'c2VjcmV0', bucket: 'media', ...more }
    expect(await storageOf(entry).url('a b.txt')).toMatch(form)
    const plain = new URL(await storageOf({ ...entry, querystring_auth: false }).url('a b.txt'))
    expect([plain.href, plain.search]).toEqual([expect.stringMatching(form), ''])
    const signed = new URL(await storageOf({ ...entry, querystring_auth: true }).url('a b.txt'))
    expect(signed.search).toMatch(/[?&](?:X-Amz-Signature|X-Goog-Signature|sig)=/)
    const day = /(?:X-Amz-Expires|X-Goog-Expires)=86400|se=/
    expect(signed.search).toMatch(day)
  })
})
