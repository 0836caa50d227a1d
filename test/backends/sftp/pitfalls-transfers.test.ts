/** Sizes of requests, short answers, and how many are in flight. */
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import type { SftpFault } from '../../servers/sftp/faults.ts'
import { EXTENSIONS, habitsOfOpenSsh } from '../../servers/sftp/habits.ts'
import { startSftpServer } from '../../servers/sftp.ts'
import { distinct, expectBytes, failure, openAt, withStorage } from './support.ts'

const server = await startSftpServer()
const { files, log, faults, habits } = server
afterAll(() => server.close())
beforeEach(() => {
  files.clear()
  faults.clear()
  log.clear()
  Object.assign(habits, habitsOfOpenSsh())
})

const bytes = distinct(5_000_003)
const NO_LIMITS = [...EXTENSIONS.keys()].filter(name => name !== 'limits@openssh.com')
const largest = (operation: string): number => Math.max(...log.of(operation).map(({ length = 0 }) => length))

describe('sftp-5', () => {
  it.each([
    ['OpenSSH with limits', [...EXTENSIONS.keys()], 261_120],
    ['what calls itself OpenSSH and has no limits', NO_LIMITS, 32_768],
  ] as const)('requests to %s are as large as may be', async (_title, extensions, size) => {
    habits.extensions = extensions
    await withStorage(server, {}, async storage => {
      await storage.save('a.bin', bytes)
      expectBytes(files.get('media/a.bin'), bytes)
      expectBytes(await storage.readBytes('a.bin'), bytes)
    })
    expect([largest('WRITE'), largest('READ')]).toEqual([size, size])
  })

  it('a server that tells smaller limits gets no larger requests', async () => {
    habits.toldLimits = { read: 20_000, write: 30_000 }
    await withStorage(server, {}, async storage => {
      await storage.save('a.bin', bytes.subarray(0, 200_000))
      expectBytes(await storage.readBytes('a.bin'), bytes.subarray(0, 200_000))
    })
    expect(largest('WRITE')).toBeLessThanOrEqual(30_000)
    expect(largest('READ')).toBeLessThanOrEqual(20_000)
  })

  it('a large write that fails is repeated once, in pieces of 32 KiB at the same place', async () => {
    habits.mostWrite = 102_400
    await withStorage(server, {}, async storage => {
      await storage.save('a.bin', bytes)
      expectBytes(files.get('media/a.bin'), bytes)
      log.clear()
      await storage.save('b.bin', bytes)
      expectBytes(files.get('media/b.bin'), bytes)
    })
  })

  it('a small write that fails is not repeated', async () => {
    faults.add({ on: 'WRITE', times: 100, fault: { do: 'refuse', code: 4 } })
    await withStorage(server, { maxAttempts: 1 }, async storage => {
      await failure(storage.save('a.bin', 'text'))
    })
    expect(log.count('WRITE')).toBe(1)
    expect(files.names('media')).toEqual([])
  })
})

describe('sftp-6', () => {
  it.each([
    ['never gives more than 10,000 bytes', { mostRead: 10_000 }],
    ['gives one odd number of bytes at a time, and has no limits', { mostRead: 4099, extensions: [] }],
  ])('the bytes are right from a server that %s', async (_title, change) => {
    Object.assign(habits, change)
    files.put('media/a.bin', bytes.subarray(0, 1_500_001))
    await withStorage(server, {}, async storage => {
      expectBytes(await storage.readBytes('a.bin'), bytes.subarray(0, 1_500_001))
      const parts: Buffer[] = []
      for await (const part of storage.createReadStream('a.bin', { start: 12_345, end: 700_000 })) parts.push(part)
      expectBytes(Buffer.concat(parts), bytes.subarray(12_345, 700_000))
    })
    expect(await openAt(server)).toEqual([])
  })

  it.each(['WRITE', 'READ'] as const)('8 to 16 requests are in flight: %s', async operation => {
    files.put('media/a.bin', bytes)
    const free = Promise.withResolvers<void>()
    faults.add({ on: operation, times: 1000, fault: { do: 'hold', until: free.promise } })
    await withStorage(server, {}, async storage => {
      const moving = operation === 'READ' ? storage.readBytes('a.bin') : storage.save('b.bin', bytes)
      while (log.count(operation) < 8) await new Promise(setImmediate)
      // Turns enough to send all that is to be sent.
      for (let turn = 0; turn < 500; turn++) await new Promise(setImmediate)
      const large = log.of(operation).filter(({ length }) => length === 261_120)
      free.resolve()
      await moving
      expect([large.length >= 8, large.length <= 16]).toEqual([true, true])
    })
    expectBytes(files.get(operation === 'READ' ? 'media/a.bin' : 'media/b.bin'), bytes)
  })

  it.each([
    ['larger than STAT says', 70_000],
    ['smaller than STAT says', 1_000_000],
    ['not empty, as STAT says', 0],
  ])('the end is where the server says so: a file that is %s', async (_title, told) => {
    const content = bytes.subarray(0, 700_000)
    files.put('media/a.bin', content)
    const attributes = { size: told, permissions: 0o100644 }
    const fault: SftpFault = { do: 'lie', answer: () => ({ type: 'ATTRS', attributes }) }
    faults.add({ on: ['STAT', 'LSTAT', 'FSTAT'], path: /a\.bin$/, times: 100, fault })
    await withStorage(server, {}, async storage => {
      expectBytes(await storage.readBytes('a.bin'), content)
    })
  })

  it('a file that is cut off while it is read ends where it ends', async () => {
    const content = bytes.subarray(0, 1_000_000)
    files.put('media/a.bin', content)
    await withStorage(server, {}, async storage => {
      await using file = await storage.open('a.bin', 'rb')
      expectBytes(await file.read(1000), content.subarray(0, 1000))
      files.node('media/a.bin')!.bytes.truncate(5000)
      const rest = await file.read()
      expectBytes(rest, content.subarray(1000, 1000 + rest.length))
    })
    expect(await openAt(server)).toEqual([])
  })

  it('a server that answers a READ with no bytes and no end is an error, not a loop', async () => {
    files.put('media/a.bin', bytes.subarray(0, 100_000))
    faults.add({
      on: 'READ',
      times: 1e6,
      fault: { do: 'lie', answer: () => ({ type: 'DATA', data: Buffer.alloc(0) }) },
    })
    await withStorage(server, { maxAttempts: 1 }, async storage => {
      await expect(storage.readBytes('a.bin')).rejects.toMatchObject({ name: 'StorageError' })
    })
    expect(log.count('READ')).toBeLessThan(200)
  })
})

it('copy is done on the server where it has copy-data, and through here where it has not', async () => {
  files.put('media/a.bin', bytes, { mode: 0o600 })
  await withStorage(server, {}, async storage => {
    await storage.copy('a.bin', 'd/b.bin')
    expect([log.count('copy-data'), log.count('READ', 'WRITE')]).toEqual([1, 0])
  })
  habits.extensions = NO_LIMITS.filter(name => name !== 'copy-data')
  await withStorage(server, {}, async storage => {
    await storage.copy('a.bin', 'd/c.bin')
    expect(log.count('READ', 'WRITE')).toBeGreaterThan(0)
  })
  for (const name of ['b', 'c']) expectBytes(files.get(`media/d/${name}.bin`), bytes)
  expect(files.names('media')).toEqual(['a.bin', 'd/b.bin', 'd/c.bin'])
})
