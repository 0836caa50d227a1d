/** Connections that break, servers that die and come back. */
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type SftpServer, startSftpServer } from '../../servers/sftp.ts'
import { Child, compilingOnce } from '../../support/child.ts'
import { at, distinct, expectBytes, failure, hold, openAt, storageAt, withStorage } from './support.ts'

let server: SftpServer
beforeEach(async () => {
  server = await startSftpServer()
})
afterEach(() => server.close())

const OLD = distinct(2_000_000)
const NEW = distinct(2_000_010).subarray(10)

/** What a storage lists. */
async function listed(): Promise<string[]> {
  return withStorage(server, {}, async files => {
    const names: string[] = []
    for await (const { name } of files.entries('', { recursive: true })) names.push(name)
    return names
  })
}

describe('a server that is killed in the middle of', () => {
  it('an upload: the old file is whole, no partial one is visible, the next call works', async () => {
    server.files.put('media/a', OLD)
    const files = storageAt(server, { fileOverwrite: true, maxAttempts: 1 })
    const half = hold(server, { on: 'WRITE', skip: 3 })
    const saving = files.save('a', NEW)
    await half.reached
    await server.close()
    expect((await failure(saving)).code).toBe('unavailable')
    await server.start()
    expectBytes(server.files.get('media/a'), OLD)
    expect(await listed()).toEqual(['a'])
    await files.save('a', NEW)
    expectBytes(server.files.get('media/a'), NEW)
    await files.close()
    // What the dead server kept of the first try is gone as well.
    expect(server.files.names('media')).toEqual(['a'])
  })

  it('an upload of what can be sent again, and is there again: it succeeds', async () => {
    server.files.put('media/a', OLD)
    const half = hold(server, { on: 'WRITE', skip: 3 })
    await withStorage(server, { fileOverwrite: true }, async files => {
      const saving = files.save('a', NEW)
      await half.reached
      server.drop()
      await saving
    })
    expect(server.files.names('media')).toEqual(['a'])
    expectBytes(server.files.get('media/a'), NEW)
  })

  it('a download: it fails, or goes on where it was, and the next call works', async () => {
    server.files.put('media/a', OLD)
    const files = storageAt(server, { maxAttempts: 1 })
    const half = hold(server, { on: 'READ', skip: 3 })
    const reading = files.readBytes('a')
    await half.reached
    await server.close()
    expect((await failure(reading)).code).toBe('unavailable')
    await server.start()
    expectBytes(await files.readBytes('a'), OLD)
    await files.close()
    expect(await openAt(server)).toEqual([])
  })

  it('a download, and is there again: the bytes are those of the file, each once', async () => {
    server.files.put('media/a', OLD)
    for (const skip of [0, 2, 5]) {
      const half = hold(server, { on: 'READ', skip })
      await withStorage(server, {}, async files => {
        const parts: Buffer[] = []
        const stream = files.createReadStream('a')
        stream.on('data', (part: Buffer) => parts.push(part))
        const ended = new Promise((resolve, reject) => stream.once('end', resolve).once('error', reject))
        await half.reached
        server.drop()
        await ended
        expectBytes(Buffer.concat(parts), OLD)
      })
    }
  })

  it('a download of a file that is another one by then: the two are not mixed', async () => {
    server.files.put('media/a', OLD, { mtime: 1_700_000_000 })
    const half = hold(server, { on: 'READ', skip: 2 })
    await withStorage(server, {}, async files => {
      const reading = files.readBytes('a')
      await half.reached
      server.files.remove('media/a')
      server.files.put('media/a', NEW.subarray(0, 1_900_000), { mtime: 1_700_000_100 })
      server.drop()
      const read = await reading.catch(error => error)
      expect(read instanceof Error || read.equals(OLD) || read.equals(NEW.subarray(0, 1_900_000))).toBe(true)
    })
  })
})

it('connections that broke while they rested are replaced without an error', async () => {
  server.files.put('media/a', 'text')
  await withStorage(server, { maxAttempts: 1 }, async files => {
    await Promise.all(Array.from({ length: 8 }, () => files.readText('a')))
    server.drop()
    while (server.open > 0) await new Promise(setImmediate)
    // The client has been told as well.
    await new Promise(setImmediate)
    expect(await files.readText('a')).toBe('text')
  })
})

it('a storage that was closed can be used again', async () => {
  server.files.put('media/a', 'text')
  const files = storageAt(server)
  expect(await files.readText('a')).toBe('text')
  await files.close()
  while (server.open > 0) await new Promise(setImmediate)
  const again = await files.readText('a').catch(error => error.code)
  expect(['text', 'closed']).toContain(again)
  await files.close()
})

it('sessions that nobody uses are closed after idleSecs, and opened again', async () => {
  server.files.put('media/a', 'text')
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const files = storageAt(server, { idleSecs: 5 })
    expect(await files.readText('a')).toBe('text')
    expect(server.open).toBe(1)
    // The file is closed a little after it was read.
    while (server.openPaths.length > 0) await new Promise(setImmediate)
    await vi.advanceTimersByTimeAsync(4000)
    expect(server.open).toBe(1)
    while (server.open > 0) {
      await new Promise(setImmediate)
      await vi.advanceTimersByTimeAsync(1001)
    }
    expect(await files.readText('a')).toBe('text')
    await files.close()
  } finally {
    vi.useRealTimers()
  }
})

it('a process is not kept alive by connections that rest', async () => {
  const env = { ...compilingOnce(), OPTIONS: JSON.stringify(at(server)) }
  const child = new Child(process.execPath, [join(import.meta.dirname, 'saver.child.ts')], { env, timeoutMs: 20_000 })
  expect((await child.done()).stdout).toBe('text')
})

it('no error is left uncaught in a process whose server dies while it reads and writes', async () => {
  server.files.put('media/large', distinct(8_000_000))
  const held = hold(server, { on: 'READ', skip: 12 })
  const env = { ...compilingOnce(), OPTIONS: JSON.stringify(at(server, { maxAttempts: 1 })) }
  await using child = new Child(process.execPath, [join(import.meta.dirname, 'reader.child.ts')], { env })
  await held.reached
  await server.close()
  const { stdout, stderr } = await child.done()
  const codes = JSON.parse(stdout.trim().split('\n').at(-1)!)
  expect([codes, stderr]).toEqual([Array(7).fill('unavailable'), ''])
})
