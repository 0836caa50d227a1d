/** Transfers of the FTP storage, and what the manual and django-storages say of it. */
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { FtpStorage } from '../../../src/backends/ftp/index.ts'
import { ImproperlyConfigured } from '../../../src/core/errors.ts'
import { patternBytes } from '../../../src/testing/driver-place.ts'
import { FtpServer } from '../../servers/ftp.ts'
import { startPlace, storageFor } from './support.ts'

const server = await FtpServer.start()
const files = storageFor(server)
afterAll(async () => {
  await files.close()
  await server.close()
})
beforeEach(() => {
  server.tree.clear()
  server.log.length = 0
})

describe('rows of the behaviours', () => {
  test('213: only the schemes of FTP are supported', () => {
    const make = (): unknown => new FtpStorage({ location: 'http://u:p@h/' }, { settings: {}, env: {} })
    expect(make).toThrow(ImproperlyConfigured)
    expect(make).toThrow('Only ftp, aftp, ftps schemes supported')
  })

  test.each([
    ['with : @ # as they are', 'p:a@s#s', 'p:a@s#s'],
    ['percent-encoded', 'p%3Aa%40s%23s%2F%25', 'p:a@s#s/%'],
    ['with a % that encodes nothing', '100%', '100%'],
    ['with %3A that was meant', 'a%253A', 'a%3A'],
    ['with letters of Unicode', 'pässwörd', 'pässwörd'],
  ])('214: a password %s', async (_title, written, password) => {
    await using own = await startPlace({ password })
    const location = `ftp://anna:${written}@127.0.0.1:${own.server.port}/media`
    const storage = new FtpStorage({ location }, { settings: {}, env: {} })
    await storage.save('a', 'bytes')
    expect(own.server.files()).toEqual(['media/a'])
    await storage.close()
  })

  test('216: save makes folders, and the working directory is what it was', async () => {
    await using own = await startPlace({ home: '/home/anna' }, { poolSize: 1, path: 'media' })
    await own.files.save('d/e/a.txt', 'one')
    await own.files.save('b.txt', 'two')
    expect(own.server.files()).toEqual(['home/anna/media/b.txt', 'home/anna/media/d/e/a.txt'])
  })

  test('217: a name with spaces has its size and is listed', async () => {
    await files.save('my folder/a name  with spaces.txt', 'bytes')
    expect(await files.size('my folder/a name  with spaces.txt')).toBe(5)
    expect(await files.listdir('my folder')).toEqual([[], ['a name  with spaces.txt']])
  })

  test('219: with overwriting on, exists tells the truth and delete deletes', async () => {
    await using own = await startPlace({}, { fileOverwrite: true })
    expect(await own.files.exists('a')).toBe(false)
    expect(await own.files.save('a', 'one')).toBe('a')
    expect(await own.files.exists('a')).toBe(true)
    expect(await own.files.save('a', 'two')).toBe('a')
    expect(own.server.read('a')?.toString()).toBe('two')
    await own.files.delete('a')
    expect([await own.files.exists('a'), own.server.files()]).toEqual([false, []])
  })

  test('220: url joins the base and the name, encoded', async () => {
    const storage = storageFor(server, { baseUrl: 'http://m/x/' })
    expect(await storage.url('a b.txt')).toBe('http://m/x/a%20b.txt')
    expect(await storage.url('http://evil/x')).toBe('http://m/x/http%3A/evil/x')
    await expect(storage.url('../up')).rejects.toThrow()
    await expect(files.url('a')).rejects.toMatchObject({ code: 'unsupported' })
    await storage.close()
  })

  test('222: after a failure in mid-transfer the next call works', async () => {
    await using own = await startPlace({}, { poolSize: 1, maxAttempts: 1 })
    own.server.put('b', 'other')
    for (const fault of [
      { do: 'drop', bytes: 100_000 },
      { do: 'cut', bytes: 100_000 },
      { do: 'cut', bytes: 100_000, reset: true },
    ] as const) {
      own.server.faults.add({ operation: 'STOR', fault })
      await expect(own.files.save('a', patternBytes(900_000))).rejects.toMatchObject({ code: 'unavailable' })
      expect(await own.files.readText('b')).toBe('other')
      expect(await own.files.exists('a')).toBe(false)
      expect(own.server.files()).toEqual(['b'])
    }
  })

  test('a string is content, and after content that cannot be read every later call works', async () => {
    await files.save('text', 'Grüße')
    expect(await files.readText('text')).toBe('Grüße')
    await expect(files.save('bad', 42 as unknown as string)).rejects.toThrow()
    const failing = Readable.from(
      (async function* () {
        yield Buffer.alloc(200_000)
        throw new Error('the source broke')
      })(),
    )
    await expect(files.save('bad', failing)).rejects.toMatchObject({ code: 'source_failed', outcome: 'not_applied' })
    expect(await files.readText('text')).toBe('Grüße')
    expect(server.files()).toEqual(['text'])
  })
})

describe('in parallel', () => {
  const names = Array.from({ length: 16 }, (_, at) => `folder ${at % 3}/file ${at}`)
  const content = (name: string): Buffer => patternBytes(50_000, name.length + Number(name.split(' ').at(-1)))

  test('8 transfers both ways over a pool of 4', async () => {
    await using own = await startPlace({}, { poolSize: 4 })
    const [first, second] = [names.slice(0, 4), names.slice(4, 8)]
    for (const name of first) own.server.put(name, content(name))
    const [read] = await Promise.all([
      Promise.all(first.map(name => buffer(own.files.createReadStream(name)))),
      Promise.all(second.map(name => own.files.save(name, Readable.from([content(name)])))),
    ])
    for (const [at, name] of first.entries()) expect(read[at]?.equals(content(name)), name).toBe(true)
    for (const name of second) expect(own.server.read(name)?.equals(content(name)), name).toBe(true)
    expect(own.server.opened).toBeLessThanOrEqual(4)
  })

  test('16 saves and reads over a pool of 4', async () => {
    await using own = await startPlace({}, { poolSize: 4 })
    await Promise.all(names.map(name => own.files.save(name, content(name))))
    const read = await Promise.all(names.map(name => own.files.readBytes(name)))
    for (const [at, name] of names.entries()) expect(read[at]?.equals(content(name)), name).toBe(true)
    expect(own.server.files()).toEqual([...names].sort())
    expect(own.server.opened).toBe(4)
    // One task at a time for each connection: no command came before the last reply of the one before it.
    expect(own.server.log.every(({ replies }) => replies.length > 0)).toBe(true)
  })

  test('16 saves of one new name leave 16 files', async () => {
    await using own = await startPlace({}, { poolSize: 4 })
    const saved: string[] = []
    for (let at = 0; at < 16; at++) saved.push(await own.files.save('one.txt', `text ${at}`))
    expect(new Set(saved).size).toBe(16)
    expect(own.server.files()).toEqual([...saved].sort())
  })

  test('readers that stand still hold no more than their own connections, and the others wait in order', async () => {
    await using own = await startPlace({}, { poolSize: 2 })
    own.server.put('large', patternBytes(3_000_000))
    own.server.put('small', 'small')
    const still = own.files.createReadStream('large')
    await once(still, 'readable')
    const texts = await Promise.all(Array.from({ length: 6 }, () => own.files.readText('small')))
    expect(texts).toEqual(Array(6).fill('small'))
    expect((await buffer(still)).equals(patternBytes(3_000_000))).toBe(true)
    expect(own.server.opened).toBe(2)
  })
})

describe('uploads', () => {
  test('go to a temporary name beside their target, which no listing shows, and are renamed', async () => {
    server.put('folder/a', 'old')
    const stored: string[] = []
    async function* watching(): AsyncGenerator<Buffer> {
      yield Buffer.alloc(100_000)
      while (server.files().length < 2) await new Promise(setImmediate)
      stored.push(...server.files())
      expect(await files.listdir('folder')).toEqual([[], ['a']])
      expect(await files.readText('folder/a')).toBe('old')
      yield Buffer.from('end')
    }
    await files.save('folder/a', watching(), { overwrite: true })
    expect(stored).toEqual([expect.stringMatching(/^folder\/\.holdall-.*\.tmp$/), 'folder/a'])
    expect(server.files()).toEqual(['folder/a'])
    expect(server.read('folder/a')?.length).toBe(100_003)
  })

  test('nothing is created exclusively, and supports() says so', async () => {
    expect(files.supports('exclusiveCreate')).toBe(false)
    expect(files.supports('ifMatch')).toBe(false)
    server.put('a', 'old')
    expect(await files.save('a', 'new', { overwrite: false })).not.toBe('a')
    expect(server.read('a')?.toString()).toBe('old')
    await expect(files.open('a', 'x')).rejects.toMatchObject({ code: 'exists' })
  })

  test('a rival who takes the name during the upload keeps it', async () => {
    async function* slow(): AsyncGenerator<string> {
      yield 'mine'
      server.put('a', 'rival')
      yield ' too'
    }
    // A stream cannot be sent again under another name.
    await expect(files.save('a', slow())).rejects.toMatchObject({ code: 'exists', outcome: 'not_applied' })
    expect([server.files(), server.read('a')?.toString()]).toEqual([['a'], 'rival'])
    const onHold = (): void => server.put('c', 'rival')
    server.faults.add({ operation: 'STOR', fault: { do: 'hold', at: 'after', until: Promise.resolve(), onHold } })
    const name = await files.save('c', 'mine')
    expect([server.read('c')?.toString(), server.read(name)?.toString()]).toEqual(['rival', 'mine'])
    const writer = await files.open('b', 'x')
    await writer.write('mine')
    server.put('b', 'rival')
    await expect(writer.close()).rejects.toMatchObject({ code: 'exists' })
    expect(server.read('b')?.toString()).toBe('rival')
    expect(server.files().filter(file => file.includes('.holdall'))).toEqual([])
  })

  test('a time is set where the server has MFMT, and refused where it cannot be set', async () => {
    const modifiedAt = new Date('2020-01-02T03:04:05Z')
    await files.save('a', 'bytes', { extra: { modifiedAt } })
    expect(await files.getModifiedTime('a')).toEqual(modifiedAt)
    await using own = await startPlace({ without: ['MFMT'] }, { maxAttempts: 1 })
    await expect(own.files.save('a', 'bytes', { extra: { modifiedAt } })).rejects.toMatchObject({ code: 'unsupported' })
    expect(own.server.files()).toEqual([])
  })

  test('edit, append and r+ keep what they do not change', async () => {
    await files.save('a', 'one')
    await files.edit('a', 'a', file => file.write(' two'))
    await files.edit('a', 'r+', async file => {
      await file.seek(0)
      await file.write('ONE')
    })
    expect(server.read('a')?.toString()).toBe('ONE two')
    await expect(
      files.edit('a', 'w', async file => {
        await file.write('half')
        throw new Error('no')
      }),
    ).rejects.toThrow('no')
    expect([server.files(), server.read('a')?.toString()]).toEqual([['a'], 'ONE two'])
    const empty = await files.open('empty', 'w')
    await empty.close()
    expect(server.read('empty')?.length).toBe(0)
  })

  test('copies and moves are files with the same bytes', async () => {
    const bytes = patternBytes(700_000)
    await files.save('d/a', bytes)
    await files.copy('d/a', 'e/f/b')
    await files.move('d/a', 'g/c')
    expect(server.files()).toEqual(['e/f/b', 'g/c'])
    for (const file of server.files()) expect(server.read(file)?.equals(bytes)).toBe(true)
    expect(server.commands('RNTO')).toContain('RNTO /g/c')
  })
})

describe('the server is killed in the middle', () => {
  test('of an upload: the old file is intact, no partial file is visible, the next call works and clears it away', async () => {
    await using own = await startPlace({}, { maxAttempts: 1 })
    own.server.put('a', 'old')
    const stalled = Promise.withResolvers<void>()
    own.server.faults.add({ operation: 'STOR', fault: { do: 'stall', bytes: 2_000_000, onStall: stalled.resolve } })
    const saved = own.files.save('a', patternBytes(6_000_000), { overwrite: true })
    saved.catch(() => {})
    await stalled.promise
    await own.server.kill()
    await expect(saved).rejects.toMatchObject({ code: 'unavailable', outcome: 'not_applied' })
    await expect(own.files.exists('a')).rejects.toMatchObject({ code: 'unavailable' })
    expect(own.server.read('a')?.toString()).toBe('old')
    expect(own.server.files()).toHaveLength(2)
    await own.server.listen()
    expect(await own.files.listdir('')).toEqual([[], ['a']])
    expect(await own.files.readText('a')).toBe('old')
    expect(own.server.files()).toEqual(['a'])
    await own.files.save('a', 'new', { overwrite: true })
    expect(own.server.read('a')?.toString()).toBe('new')
  })

  test('of a download: it is resumed when the server is there again, and an error when it is not', async () => {
    await using own = await startPlace({}, { maxAttempts: 2 })
    const bytes = patternBytes(6_000_000)
    own.server.put('a', bytes)
    for (const returns of [true, false]) {
      const stalled = Promise.withResolvers<void>()
      own.server.faults.add({ operation: 'RETR', fault: { do: 'stall', bytes: 3_000_000, onStall: stalled.resolve } })
      const read = buffer(own.files.createReadStream('a'))
      read.catch(() => {})
      await stalled.promise
      await own.server.kill()
      if (returns) {
        await own.server.listen()
        expect((await read).equals(bytes)).toBe(true)
      } else await expect(read).rejects.toMatchObject({ code: 'unavailable' })
    }
    await own.server.listen()
    expect((await own.files.readBytes('a')).equals(bytes)).toBe(true)
  })
})
