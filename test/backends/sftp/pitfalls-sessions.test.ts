/** Limits of open files and sessions, deadlines, and channels that are closed while their connection lives. */
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { SftpStorage } from '../../../src/backends/sftp/index.ts'
import { habitsOfOpenSsh } from '../../servers/sftp/habits.ts'
import { startSftpServer } from '../../servers/sftp.ts'
import { distinct, expectBytes, failure, hold, openAt, storageAt, withStorage } from './support.ts'

const server = await startSftpServer()
const { files, log, faults, habits } = server
afterAll(() => server.close())
afterEach(() => {
  vi.useRealTimers()
})
beforeEach(() => {
  files.clear()
  faults.clear()
  log.clear()
  Object.assign(habits, habitsOfOpenSsh())
})

describe('sftp-4', () => {
  it.each([1, 2])(
    'at a server with %d open files in a session sixteen saves and reads wait for each other',
    async mostHandles => {
      habits.mostHandles = mostHandles
      await withStorage(server, { fileOverwrite: true }, async storage => {
        const content = (at: number): Buffer => distinct(40_000 + at)
        await Promise.all(Array.from({ length: 16 }, (_, at) => storage.save(`d/${at}`, content(at))))
        const read = await Promise.all(Array.from({ length: 16 }, (_, at) => storage.readBytes(`d/${at}`)))
        for (const [at, bytes] of read.entries()) expectBytes(bytes, content(at))
        expect(await storage.copy('d/1', 'd/copy')).toBe('d/copy')
        expect((await storage.listdir('d'))[1]).toHaveLength(17)
      })
      expect(await openAt(server)).toEqual([])
    },
  )

  it('a file that stays open lets another be opened on a session of its own', async () => {
    habits.mostHandles = 1
    files.put('media/a', 'one')
    files.put('media/b', 'two')
    await withStorage(server, {}, async storage => {
      await using one = await storage.open('a', 'r')
      await using two = await storage.open('b', 'r')
      expect([await one.read(), await two.read()]).toEqual(['one', 'two'])
    })
    expect(await openAt(server)).toEqual([])
  })

  it('every handle is closed, so that a limit of 5 is not met after 40 calls of each kind', async () => {
    habits.mostHandles = 5
    files.put('media/a', 'text')
    await withStorage(server, { poolSize: 1, fileOverwrite: true }, async storage => {
      for (let round = 0; round < 40; round++) {
        await storage.save('b', 'text')
        await storage.readText('a')
        await storage.listdir('')
        await failure(storage.open('missing', 'rb'))
        for await (const _ of storage.createReadStream('a')) break
        await (await storage.open('c', 'wb')).discard()
        const abort = new AbortController()
        const listing = storage.listdir('', { signal: abort.signal })
        abort.abort()
        await listing.catch(() => undefined)
      }
      expect(await storage.readText('b')).toBe('text')
    })
    expect(await openAt(server)).toEqual([])
  })
})

const CLOCK = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] as const
const OPTIONS = { timeoutSecs: 0.3, maxAttempts: 1 } as const

describe('sftp-10: a deadline', () => {
  it.each<[string, (storage: SftpStorage) => Promise<unknown>]>([
    ['STAT', storage => storage.exists('a')],
    ['OPENDIR', storage => storage.listdir('')],
    ['READ', storage => storage.readText('a')],
    ['WRITE', storage => storage.save('b', 'text')],
    ['MKDIR', storage => storage.save('d/b', 'text')],
  ])('ends a call whose %s is never answered, and the next call works', async (operation, call) => {
    files.put('media/a', 'text')
    const held = hold(server, { on: operation === 'STAT' ? ['STAT', 'LSTAT'] : operation })
    await withStorage(server, { maxAttempts: 1 }, async storage => {
      // Only the clock of the test runs, so that no busy machine makes another request time out.
      vi.useFakeTimers({ toFake: [...CLOCK] })
      const failed = failure(call(storage))
      await held.reached
      let isOver = false
      void failed.finally(() => {
        isOver = true
      })
      for (let secs = 0; !isOver; secs++) {
        expect(secs).toBeLessThan(60)
        await vi.advanceTimersByTimeAsync(1000)
        await new Promise(setImmediate)
      }
      vi.useRealTimers()
      expect((await failed).code).toBe('timeout')
      expect(await storage.readText('a')).toBe('text')
    })
    // The session that hangs ends with its own deadline, and then what it left is removed on another one.
    while (server.openPaths.length > 0 || files.names('media').length > 1) await new Promise(setImmediate)
    expect(files.names('media')).toEqual(['a'])
  })

  it('is one of each request: a transfer that goes on may take longer', async () => {
    const bytes = distinct(2_000_000)
    files.put('media/a', bytes)
    // Each READ is answered late, and all of them together take longer than the deadline of one.
    let last: Promise<unknown> = Promise.resolve()
    for (let count = 0; count < 8; count++) {
      last = last.then(() => new Promise(resolve => setTimeout(resolve, 60)))
      faults.add({ on: 'READ', fault: { do: 'hold', until: last } })
    }
    await withStorage(server, { timeoutSecs: 0.45, maxAttempts: 1 }, async storage => {
      expectBytes(await storage.readBytes('a'), bytes)
    })
  })

  it('notices a server that has lost its power', async () => {
    await using dead = await startSftpServer()
    dead.files.put('media/a', 'text')
    const storage = storageAt(dead, { ...OPTIONS })
    expect(await storage.readText('a')).toBe('text')
    dead.freeze()
    expect((await failure(storage.readText('a'))).code).toMatch(/timeout|unavailable/)
    await storage.close()
  })
})

describe('sftp-10: a channel that is closed while its connection lives', () => {
  it('fails what waits, and the next call opens another one', async () => {
    files.put('media/a', 'text')
    await withStorage(server, { maxAttempts: 1 }, async storage => {
      const held = hold(server, { on: ['STAT', 'LSTAT'] })
      const waiting = storage.exists('a')
      await held.reached
      void server.closeChannels()
      expect((await failure(waiting)).code).toBe('unavailable')
      expect(await storage.exists('a')).toBe(true)
      held.go()
    })
  })

  it('while it rests is no error at all', async () => {
    files.put('media/a', 'text')
    await withStorage(server, { maxAttempts: 1 }, async storage => {
      expect(await storage.exists('a')).toBe(true)
      const before = server.sessions
      await server.closeChannels()
      expect(await storage.exists('a')).toBe(true)
      expect(server.sessions).toBe(before + 1)
    })
  })

  it.each(['save', 'read'] as const)(
    'in the middle of a %s leaves the old file whole, and is repeated where it can be',
    async what => {
      const [bytes, other] = [distinct(3_000_000), Buffer.from(distinct(3_000_000).reverse())]
      // A read goes on only where the time of the file is no other version's.
      files.put('media/a', bytes, { mtime: 1_700_000_000 })
      faults.add({ on: what === 'save' ? 'WRITE' : 'READ', skip: 4, fault: { do: 'close' } })
      await withStorage(server, { fileOverwrite: true }, async storage => {
        if (what === 'save') await storage.save('a', other)
        else expectBytes(await storage.readBytes('a'), bytes)
      })
      expectBytes(files.get('media/a'), what === 'save' ? other : bytes)
      expect(files.names('media')).toEqual(['a'])
    },
  )
})

describe('sessions', () => {
  it('four are open at most, on one connection, and sixteen saves and reads at once go through', async () => {
    const [connections, sessions] = [server.connections, server.sessions]
    await withStorage(server, { poolSize: 4 }, async storage => {
      const contents = Array.from({ length: 16 }, (_, at) => distinct(200_000 + at))
      await Promise.all(contents.map((bytes, at) => storage.save(`d/${at}`, bytes)))
      const read = await Promise.all(contents.map((_, at) => storage.readBytes(`d/${at}`)))
      for (const [at, bytes] of read.entries()) expectBytes(bytes, contents[at]!)
    })
    expect(server.sessions - sessions).toBeLessThanOrEqual(4)
    expect(server.connections - connections).toBe(1)
  })

  it('are opened on further connections where the server takes one each', async () => {
    await using narrow = await startSftpServer({ mostSessions: 1 })
    await withStorage(narrow, { poolSize: 4 }, async storage => {
      await Promise.all(Array.from({ length: 16 }, (_, at) => storage.save(`d/${at}`, 'text')))
    })
    expect(narrow.files.names('media')).toHaveLength(16)
    expect(narrow.connections).toBeLessThanOrEqual(4)
  })

  it('are fewer where the server takes only two connections, and all calls still go through', async () => {
    await using narrow = await startSftpServer({ mostSessions: 1, mostConnections: 2 })
    await withStorage(narrow, { poolSize: 4 }, async storage => {
      await Promise.all(Array.from({ length: 16 }, (_, at) => storage.save(`d/${at}`, 'text')))
    })
    expect(narrow.files.names('media')).toHaveLength(16)
  })
})
