import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import { finished } from 'node:stream/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { release } from '../../src/core/abort.ts'
import type { OpenMode } from '../../src/files/modes.ts'
import type { StorageFile } from '../../src/files/storage-file.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { fileCalls, storageCalls } from '../../src/testing/aborted-calls.ts'
import { driverFor } from '../backends/s3/support.ts'
import { abortedAtEachStep } from '../support/each-step.ts'
import { isFull } from '../support/sampled.ts'
import { Kinds, type Options } from './kinds.ts'

const kinds = await Kinds.start()
afterAll(() => kinds.end())

/** More than a spool keeps in memory here, and than is read at once. */
const LARGE = Buffer.from(`${'x'.repeat(49_999)}\n`.repeat(3))

type StorageCall = (storage: Storage, signal: AbortSignal) => Promise<unknown>
type FileCall = (file: StorageFile<'r+'>, signal: AbortSignal) => Promise<unknown>

/** Calls that do more than one thing below, besides those that are tried with every backend. */
const longer: Readonly<Record<string, StorageCall>> = {
  'open for changes': (storage, signal) => storage.open('file', 'r+', { signal }),
  'edit at the end': (storage, signal) => storage.edit('file', 'ab', file => file.write('more'), { signal }),
  'save of many chunks': (storage, signal) => storage.save('new', chunks(), { signal }),
  'save of many chunks over': (storage, signal) => storage.save('file', chunks(), { signal, overwrite: true }),
  'deleteMany of a listing': (storage, signal) => storage.deleteMany(storage.entries(), { signal }),
  'copy to another storage': (storage, signal) => storage.copy('file', 'new', { storage: kinds.memory(), signal }),
  'move to another storage': (storage, signal) => storage.move('file', 'new', { storage: kinds.memory(), signal }),
}

async function* chunks(): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < LARGE.length; at += 50_000) yield LARGE.subarray(at, at + 50_000)
}

const ofFiles: ReadonlyArray<readonly [title: string, mode: OpenMode, call: FileCall]> = [
  ...Object.entries(fileCalls).map(([title, call]) => [title, 'r+', call] as const),
  ['read of all', 'rb', (file, signal) => file.read(undefined, { signal })],
  ['read after a seek', 'rb', (file, signal) => file.seek(5, 0, { signal }).then(() => file.read(9, { signal }))],
  ['readLines', 'r', (file, signal) => file.readLines({ signal })],
  ['stream', 'rb', (file, signal) => buffer(file.stream({ signal }))],
  ['write and close', 'wb', writeAndClose],
  ['write at the end and close', 'ab', writeAndClose],
]

async function writeAndClose(file: StorageFile<'r+'>, signal: AbortSignal): Promise<void> {
  await file.write(LARGE, { signal })
  await file.writeLines(['a', 'b'], { signal })
  await file.close({ signal })
}

const SPOOLED: Options = { maxMemorySize: 1000 }
const storages: Readonly<Record<string, () => Storage>> = {
  memory: () => kinds.memory(),
  'memory whose spools go to disk': () => kinds.memory(SPOOLED),
  local: () => kinds.local(),
  's3 whose spools go to disk': () => kinds.s3(SPOOLED, driverFor(kinds.server, { orphanWaitMs: 1 })),
}

/** What an aborted call still does reaches no later one: each has a storage of its own. */
async function withStorage<T>(make: () => Storage, use: (storage: Storage) => Promise<T>): Promise<T> {
  const storage = make()
  try {
    await kinds.fill(storage, 'file', LARGE)
    return await use(storage)
  } finally {
    await storage.close()
    kinds.forget(storage)
  }
}

describe.each(Object.entries(storages))('a signal that fires at any step, on %s', (kind, make) => {
  // Thousands of steps belong to the few events of a request; which of them are tried is left to chance, and CI tries three times as many.
  const every = (kind.startsWith('s3') ? 3 : 1) * (isFull ? 1 : 3)
  const first = Math.floor(Math.random() * every)
  const begun = `from step ${first}`

  it.each(Object.entries({ ...storageCalls, ...longer }))('ends %s', async (_, call) => {
    const made = withStorage(make, storage => call(storage, new AbortController().signal).then(release))
    const unaborted = await made.then(
      () => 'done',
      error => error.code,
    )
    const run = (begin: () => AbortSignal) => withStorage(make, storage => call(storage, begin()).then(release))
    expect(await abortedAtEachStep(run, every, first), begun).toEqual(new Set(['aborted', unaborted]))
  })

  it.each(ofFiles)("ends a file's %s in mode %s", async (_, mode, call) => {
    const run = (begin: () => AbortSignal) =>
      withStorage(make, async storage => {
        const file = (await storage.open('file', mode)) as StorageFile<'r+'>
        await call(file, begin()).finally(() => file.discard())
      })
    expect(await abortedAtEachStep(run, every, first), begun).toEqual(new Set(['aborted', 'done']))
  })

  it.each([
    ['nothing', ''],
    ['a little', 'text'],
    ['more than is sent at once', LARGE],
  ])('ends a stream that waits after %s was written to it', async (_, written) => {
    await using storage = make()
    const controller = new AbortController()
    const stream = storage.createWriteStream('file', { signal: controller.signal })
    await new Promise<unknown>(done => stream.write(written, done))
    const ended = new Promise(done => stream.once('error', done))
    controller.abort('reason')
    expect(await ended).toMatchObject({
      name: 'StorageError',
      code: 'aborted',
      cause: 'reason',
      outcome: 'not_applied',
      operation: 'write',
      fileName: 'file',
    })
    if (!stream.closed) await once(stream, 'close')
    expect(await storage.exists('file')).toBe(false)
    if (storage.driver.name === 'local') expect(readdirSync(storage.options.location)).toEqual([])
  })

  it('does not touch a stream that has ended', async () => {
    await using storage = make()
    const controller = new AbortController()
    const stream = storage.createWriteStream('file', { signal: controller.signal })
    await finished(stream.end('text'))
    controller.abort()
    expect(await storage.readText('file')).toBe('text')
  })
})
