import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { inspect } from 'node:util'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { bytesContent } from '../../src/core/content.ts'
import { asContent, LocalStorage, MemoryStorage, type Storage, StorageError } from '../../src/index.ts'

const folders: string[] = []

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdall-storage-'))
  folders.push(folder)
  return folder
}

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

const kinds: Array<[string, (options?: object) => Storage]> = [
  [
    'LocalStorage',
    options => new LocalStorage({ location: temporary(), baseUrl: '/media/', fsync: false, ...options }),
  ],
  ['MemoryStorage', options => new MemoryStorage({ baseUrl: '/media/', ...options })],
]

describe.each(kinds)('%s', (_, make) => {
  let storage: Storage
  beforeEach(() => {
    storage = make()
  })

  it('33, 34: puts seven characters before all suffixes of a taken name', async () => {
    await storage.save('x.tar.gz', '1')
    await storage.save('noext', '1')
    expect(await storage.save('x.tar.gz', '2')).toMatch(/^x_[A-Za-z0-9]{7}\.tar\.gz$/)
    expect(await storage.save('noext', '2')).toMatch(/^noext_[A-Za-z0-9]{7}$/)
  })

  it('36, 37: keeps within maxLength or says that it cannot', async () => {
    await storage.save('a.txt', '1')
    expect(await storage.getAvailableName('a.txt', { maxLength: 13 })).toMatch(/^a_[A-Za-z0-9]{7}\.txt$/)
    await expect(storage.getAvailableName('a.txt', { maxLength: 12 })).rejects.toMatchObject({
      code: 'suspicious_name',
    })
    const long = `dir/${'b'.repeat(200)}.txt`
    expect(await storage.getAvailableName(long, { maxLength: 50 })).toHaveLength(50)
    expect(await storage.save('tests/long_filename.txt', 'x', { maxLength: 20 })).toMatch(
      /^tests\/lo_[A-Za-z0-9]{7}\.txt$/,
    )
    await expect(storage.save('x.a_very_long_ext', 'x', { maxLength: 10 })).rejects.toMatchObject({
      code: 'suspicious_name',
    })
  })

  it('39: refuses suspicious names and writes nothing', async () => {
    for (const name of ['../x', 'a/../x', '/etc/x', '', '.', '..', 'd/', 'a\\b\\..\\c', 'nul\0', '\ud800']) {
      await expect(storage.save(name, 'x'), inspect(name)).rejects.toMatchObject({
        code: 'suspicious_name',
        outcome: 'not_applied',
      })
    }
    expect(await storage.listdir()).toEqual([[], []])
  })

  it('40: normalises names', async () => {
    expect(await storage.save('a//b.txt', 'x')).toBe('a/b.txt')
    expect(await storage.save('./q.txt', 'x')).toBe('q.txt')
    expect(await storage.save('C:\\x\\y.txt', 'x')).toBe('C:/x/y.txt')
  })

  it('42, 43: deletes nothing without a name and is silent about a missing file', async () => {
    await expect(storage.delete('')).rejects.toThrow('The name must be given to delete().')
    await storage.delete('missing')
    expect(await storage.deleteMany(['missing', 'also'])).toEqual({ deleted: 2, errors: [] })
  })

  it('deletes thousands, batch by batch, and tells which failed and why', async () => {
    const names = Array.from({ length: 2500 }, (_, n) => `many/${n}`)
    const { driver } = storage.calls
    const one = driver.delete.bind(driver)
    Object.assign(driver, { deleteMany: undefined })
    driver.delete = async (key, ctx) => {
      if (key === 'many/1700') throw Object.assign(new Error('no right'), { code: 'EACCES' })
      return one(key, ctx)
    }
    await Promise.all(names.slice(0, 50).map(name => storage.save(name, 'x')))
    const { deleted, errors } = await storage.deleteMany(names)
    expect(deleted).toBe(2499)
    expect(errors).toMatchObject([{ name: 'many/1700', error: { operation: 'delete', fileName: 'many/1700' } }])
    expect(errors[0]!.error).toBeInstanceOf(StorageError)
    expect(await storage.listdir('many')).toEqual([[], []])
  })

  it('deletes what a listing gives, so that a folder goes by its entries', async () => {
    for (const name of ['old/a', 'old/deep/b', 'new/c']) await storage.save(name, 'x')
    const entries = storage.entries('old', { recursive: true })
    expect(await storage.deleteMany(entries)).toEqual({ deleted: 2, errors: [] })
    expect(await storage.exists('old/deep/b')).toBe(false)
    expect(await storage.exists('new/c')).toBe(true)
    await expect(storage.deleteMany([7] as never)).rejects.toMatchObject({ code: 'invalid_argument' })
    await expect(storage.deleteMany('name')).rejects.toMatchObject({ code: 'invalid_argument' })
  })

  it('stores nothing of content that is larger than it may be', async () => {
    const letters = async function* () {
      for (let n = 0; n < 11; n++) yield 'x'
    }
    const sources = { text: () => 'x'.repeat(11), blob: () => new Blob(['x'.repeat(11)]), stream: letters }
    for (const [kind, source] of Object.entries(sources)) {
      for (const overwrite of [true, false]) {
        const save = storage.save(`limit/${kind}`, source(), { maxSize: 10, overwrite })
        await expect(save).rejects.toMatchObject({ code: 'too_large', outcome: 'not_applied' })
      }
      await storage.save(`limit/${kind}`, source(), { maxSize: 11 })
      const unlimited = storage.save(`limit/${kind}`, source(), { maxSize: Number.NaN })
      await expect(unlimited).rejects.toMatchObject({ code: 'invalid_argument' })
    }
    expect(await storage.listdir('limit')).toEqual([[], ['blob', 'stream', 'text']])
  })

  it('counts the bytes of text that a file object of somebody gives', async () => {
    const source = {
      [asContent]: () => ({ size: undefined, replayable: true, open: () => Readable.from(['é'.repeat(6)]) }),
    }
    await expect(storage.save('text', source, { maxSize: 11 })).rejects.toMatchObject({ code: 'too_large' })
    await storage.save('text', source, { maxSize: 12 })
    expect(await storage.readText('text')).toBe('é'.repeat(6))
  })

  it('ends when an override gives no other name than the taken one', async () => {
    await storage.save('a.txt', 'x')
    storage.getAlternativeName = (stem, suffixes) => `${stem}${suffixes}`
    await expect(storage.save('a.txt', 'y')).rejects.toMatchObject({ code: 'exists', fileName: 'a.txt' })
  })

  it('45, 46: stays inside, and says what is missing', async () => {
    await expect(storage.exists('../x')).rejects.toMatchObject({ code: 'suspicious_name' })
    await expect(storage.size('nope')).rejects.toMatchObject({ code: 'not_found', fileName: 'nope' })
    await expect(storage.open('nope')).rejects.toMatchObject({ code: 'not_found' })
  })

  it('48, 49: encodes URLs, which never leave the base', async () => {
    expect(await storage.url('a b.txt')).toBe('/media/a%20b.txt')
    expect(await storage.url('//evil.com/x')).toBe('/media/evil.com/x')
  })

  it('52: refuses to make a folder of a file', async () => {
    await storage.save('a/b/c.txt', 'x')
    await expect(storage.save('a/b/c.txt/d.txt', 'y')).rejects.toMatchObject({
      code: 'not_a_directory',
      message: expect.stringContaining('exists and is not a directory.'),
    })
  })

  it('54: gives parallel saves of one name different names with the right bytes', async () => {
    const names = await Promise.all(Array.from({ length: 40 }, (_, n) => storage.save('same.txt', `content ${n}`)))
    expect(new Set(names).size).toBe(40)
    for (const [n, name] of names.entries()) {
      await using file = await storage.open(name, 'r')
      expect(await file.read()).toBe(`content ${n}`)
    }
  })

  it('sends one-shot content again after a lost race', async () => {
    const once = async function* () {
      yield 'one'
      yield 'shot'
    }
    const names = await Promise.all(Array.from({ length: 10 }, () => storage.save('stream.txt', once())))
    expect(new Set(names).size).toBe(10)
    for (const name of names) expect(await storage.size(name)).toBe(7)
  })

  it('can follow the old underscore rule', async () => {
    const old = make({ nameStrategy: 'underscore' })
    const saved: string[] = []
    for (let n = 0; n < 3; n++) saved.push(await old.save('django_test.txt', String(n)))
    expect(saved).toEqual(['django_test.txt', 'django_test_.txt', 'django_test__.txt'])
  })

  it('overwrites when told so, cutting long names without a suffix', async () => {
    const over = make({ fileOverwrite: true })
    expect(await over.save('a.txt', 'one')).toBe('a.txt')
    expect(await over.save('a.txt', 'three')).toBe('a.txt')
    expect(await over.size('a.txt')).toBe(5)
    expect(await over.save('abcdefghij.txt', 'x', { maxLength: 8 })).toBe('abcd.txt')
    expect(await storage.save('b.txt', '1')).toBe('b.txt')
    expect(await storage.save('b.txt', '22', { overwrite: true })).toBe('b.txt')
  })

  it('copies and moves by the naming rule, here and to another storage', async () => {
    const other = new MemoryStorage()
    await storage.save('a.txt', 'text')
    expect(await storage.copy('a.txt', 'b.txt')).toBe('b.txt')
    expect(await storage.copy('a.txt', 'b.txt')).toMatch(/^b_[A-Za-z0-9]{7}\.txt$/)
    expect(await storage.move('b.txt', 'c.txt')).toBe('c.txt')
    expect(await storage.exists('b.txt')).toBe(false)
    expect(await storage.move('c.txt', 'd/c.txt', { storage: other })).toBe('d/c.txt')
    expect(await storage.exists('c.txt')).toBe(false)
    expect((await other.stat('d/c.txt')).contentType).toBe('text/plain')
    expect(await storage.move('a.txt', 'a.txt')).toBe('a.txt')
    await expect(storage.copy('missing', 'x')).rejects.toMatchObject({ code: 'not_found' })
    expect(await storage.exists('x')).toBe(false)
  })

  it('discards what edit and a destroyed stream had written', async () => {
    await storage.save('a.txt', 'old')
    const failing = storage.edit('a.txt', 'w', async file => {
      await file.write('new')
      throw new Error('changed my mind')
    })
    await expect(failing).rejects.toThrow('changed my mind')
    const stream = storage.createWriteStream('a.txt')
    stream.on('error', () => {})
    stream.write('new')
    await new Promise(resolve => stream.once('close', resolve).destroy(new Error('gone')))
    await using file = await storage.open('a.txt', 'r')
    expect(await file.read()).toBe('old')
    expect(await storage.listdir()).toEqual([[], ['a.txt']])
  })
})

describe('LocalStorage', () => {
  it('51: gives new folders and files exactly the modes of the settings', async () => {
    const location = temporary()
    const storage = new LocalStorage({ location, filePermissionsMode: 0o640, directoryPermissionsMode: 0o2750 })
    await storage.save('a/b/c.txt', 'x')
    const mode = (path: string) => statSync(join(location, path)).mode & 0o7777
    expect([mode('a'), mode('a/b'), mode('a/b/c.txt')]).toEqual([0o2750, 0o2750, 0o640])
  })

  it('55: moves a temporary file that it is given', async () => {
    const location = temporary()
    const temporaryPath = join(temporary(), 'upload')
    writeFileSync(temporaryPath, 'uploaded')
    const upload = {
      [asContent]: () => ({ ...bytesContent(Buffer.from('uploaded')), bytes: undefined, temporaryPath, name: 'u.txt' }),
    }
    const storage = new LocalStorage({ location })
    expect(await storage.save(null, upload)).toBe('u.txt')
    expect(readFileSync(join(location, 'u.txt'), 'utf8')).toBe('uploaded')
    expect(() => statSync(temporaryPath)).toThrow('ENOENT')
  })

  it('67: opens a closed file again', async () => {
    const storage = new LocalStorage({ location: temporary() })
    await storage.save('a.txt', 'content')
    const file = await storage.open('a.txt', 'r')
    expect(await file.read()).toBe('content')
    await file.close()
    await file.open()
    expect(await file.read()).toBe('content')
    await file.close()
  })

  it('keeps the folder free of anything but the files', async () => {
    const location = temporary()
    const storage = new LocalStorage({ location })
    await storage.save('a.txt', 'x', { cacheControl: 'no-cache', metadata: { who: 'me' } })
    expect(readdirSync(location)).toEqual(['a.txt'])
  })

  it('never shows its secret', () => {
    const storage = new LocalStorage({ location: '/x', urlSecret: 'hush-hush, not a word' })
    expect(inspect(storage) + JSON.stringify(storage)).not.toContain('hush')
    expect(inspect(storage)).toContain("urlSecret: '***'")
  })
})
