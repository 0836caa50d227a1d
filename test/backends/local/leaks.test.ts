import { readdirSync, readlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, expect, test } from 'vitest'
import { LocalStorage } from '../../../src/backends/local/index.ts'
import { chaos } from '../../../src/layers/chaos.ts'
import { temporaryFolder } from './fixture.ts'

/** Open descriptors of this process that lead into a folder; those of what was unlinked too. */
function openIn(folder: string): string[] {
  return readdirSync('/proc/self/fd')
    .map(fd => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`)
      } catch {
        return ''
      }
    })
    .filter(path => path.startsWith(folder))
}

/** What a call left in the background has ended when no descriptor is left; so many turns are enough for a disk. */
async function settledIn(folder: string): Promise<string[]> {
  for (let turn = 0; turn < 2000 && openIn(folder).length > 0; turn++) await new Promise(setImmediate)
  return openIn(folder)
}

const rejections: unknown[] = []
const note = (reason: unknown): void => void rejections.push(reason)
process.on('unhandledRejection', note)

afterEach(() => {
  expect(rejections.splice(0)).toEqual([])
})

const ABORTS = 60

/** Aborts a little later each time, so that every point on the way is met. */
function abortedAfter(turns: number): AbortSignal {
  const controller = new AbortController()
  const next = (left: number): unknown => (left <= 0 ? controller.abort() : setImmediate(() => next(left - 1)))
  if (turns % 2 === 0) queueMicrotask(() => next(turns / 2))
  else next((turns - 1) / 2)
  return controller.signal
}

test.runIf(process.platform === 'linux')(
  'a call that is aborted anywhere leaves neither a descriptor nor a file',
  async () => {
    using folder = temporaryFolder()
    const location = join(folder.path, 'root')
    const options = { location, tempDir: folder.path, fsync: false, keepMetadata: true, maxMemorySize: 10 }
    const storage = new LocalStorage(options, { settings: {}, env: {} })
    await storage.save('d/file', Buffer.alloc(300_000, 'x'), { metadata: { a: 'b' } })
    const calls: Array<(signal: AbortSignal) => Promise<unknown>> = [
      async signal => (await storage.open('d/file', 'rb', { signal })).close(),
      async signal => (await storage.open('d/w', 'wb', { signal })).discard(),
      async signal => (await storage.open('d/file', 'r+b', { signal })).discard(),
      signal => storage.edit('d/file', 'a', file => file.write('').then(() => undefined), { signal }),
      signal =>
        storage.save('d/file', Readable.from(['one', 'two', 'three'].map(text => Buffer.from(text))), { signal }),
      signal => storage.save('d/file', Buffer.alloc(300_000, 'x'), { signal, overwrite: true }),
      signal => storage.copy('d/file', 'd/copy', { signal, overwrite: true }),
      async signal => {
        for await (const _ of storage.createReadStream('d/file', { signal })) break
      },
      async signal => {
        for await (const _ of storage.entries('', { signal, recursive: true })) break
      },
      signal => storage.stat('d/file', { signal }),
    ]
    for (const call of calls) {
      for (let turns = 0; turns < ABORTS; turns++) await call(abortedAfter(turns)).catch(() => undefined)
    }
    await storage.close()
    expect(await settledIn(folder.path)).toEqual([])
    const left = readdirSync(folder.path, { recursive: true, encoding: 'utf8' })
    expect(left.filter(name => name.endsWith('.tmp'))).toEqual([])
  },
)

test.runIf(process.platform === 'linux')('time-outs, lost answers and broken bodies leave no descriptor', async () => {
  using folder = temporaryFolder()
  const place = { location: folder.path, fsync: false }
  const NOWHERE = { settings: {}, env: {} }
  await new LocalStorage(place, NOWHERE).save('file', Buffer.alloc(300_000, 'x'))
  const layers = [chaos({ failAfter: [1, 2], breakBody: { calls: [3], afterBytes: 5 }, duplicate: [4] })]
  const faulty = new LocalStorage({ ...place, maxAttempts: 5 }, { ...NOWHERE, layers })
  const chunks: Buffer[] = []
  for await (const chunk of faulty.createReadStream('file')) chunks.push(chunk as Buffer)
  expect(Buffer.concat(chunks).length).toBe(300_000)
  const slow = new LocalStorage({ ...place, maxAttempts: 1, timeoutSecs: 0.01 }, NOWHERE)
  const { driver } = slow.calls
  const [read, openHandle] = [driver.read.bind(driver), driver.openHandle!.bind(driver)]
  const late = () => new Promise(resolve => setTimeout(resolve, 40))
  driver.read = async (...call) => late().then(() => read(...call))
  driver.openHandle = async (...call) => late().then(() => openHandle(...call))
  const failures = [
    slow.open('file', 'rb'),
    slow.open('new', 'wb'),
    (async () => {
      for await (const _ of slow.createReadStream('file')) break
    })(),
  ]
  for (const failure of failures) await expect(failure).rejects.toMatchObject({ code: 'timeout' })
  await late()
  expect(await settledIn(folder.path)).toEqual([])
  expect(readdirSync(folder.path)).toEqual(['file'])
})

test.runIf(process.platform === 'linux')(
  'a file that changes while it is read is never read as a mixture',
  async () => {
    using folder = temporaryFolder()
    const storage = new LocalStorage(
      { location: folder.path, fsync: false, fileOverwrite: true },
      { settings: {}, env: {} },
    )
    const path = join(folder.path, 'file')
    await storage.save('file', Buffer.alloc(2_000_000, 'a'))
    const read = async (change: () => unknown): Promise<string> => {
      const seen = new Set<number>()
      let length = 0
      for await (const chunk of storage.createReadStream('file') as AsyncIterable<Buffer>) {
        if (length === 0) await change()
        length += chunk.length
        for (const byte of new Set(chunk)) seen.add(byte)
      }
      return `${length} ${Buffer.from([...seen]).toString()}`
    }
    expect(await read(() => storage.save('file', Buffer.alloc(2_000_000, 'b')))).toBe('2000000 a')
    expect(await read(() => storage.delete('file'))).toBe('2000000 b')
    await storage.save('file', Buffer.alloc(2_000_000, 'c'))
    // Somebody who does not know of us cuts the file where it is.
    await expect(read(() => writeFileSync(path, 'short'))).rejects.toMatchObject({ code: 'precondition_failed' })
    unlinkSync(path)
    expect(await settledIn(folder.path)).toEqual([])
  },
)

test.runIf(process.platform === 'linux')('a file whose lines were all read keeps no descriptor', async () => {
  using folder = temporaryFolder()
  const storage = new LocalStorage({ location: folder.path, fsync: false }, { settings: {}, env: {} })
  await storage.save('lines', 'one\ntwo\n')
  const files = await Promise.all((['r', 'rb', 'r'] as const).map(mode => storage.open('lines', mode)))
  for (const file of files) {
    let count = 0
    for await (const _ of file) count += 1
    expect(count).toBe(2)
  }
  expect(openIn(folder.path)).toEqual([])
  for (const file of files) await file.close()
})
