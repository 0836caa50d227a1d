/** Calls that are aborted, or whose storage is closed, at each of their commands and in the middle of the bytes. */
import { getEventListeners, once } from 'node:events'
import { buffer } from 'node:stream/consumers'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { FtpStorage } from '../../../src/backends/ftp/index.ts'
import { isStorageError } from '../../../src/core/errors.ts'
import { settled } from '../../../src/testing/case.ts'
import { patternBytes } from '../../../src/testing/driver-place.ts'
import type { FtpFault, FtpServerOptions } from '../../servers/ftp.ts'
import { startPlace } from './support.ts'

const bytes = patternBytes(300_000)
const old = 'what was there before'

interface Call {
  run(files: FtpStorage, signal: AbortSignal): Promise<unknown>
  /** Files that it changes: to be as they were, or as they were to become. */
  readonly changes?: Readonly<Record<string, Buffer | undefined>>
}

/** Bytes, and then nothing: neither more of them nor an end. */
async function* hanging(): AsyncGenerator<Buffer> {
  yield bytes
  await new Promise(() => {})
}

async function* streamed(): AsyncGenerator<Buffer> {
  yield bytes.subarray(0, 100_000)
  yield bytes.subarray(100_000)
}

const calls = {
  'save over': {
    run: (files, signal) => files.save('folder/a', bytes, { overwrite: true, signal }),
    changes: { 'folder/a': bytes },
  },
  'save a stream in a new folder': {
    run: (files, signal) => files.save('new folder/b', streamed(), { signal }),
    changes: { 'new folder/b': bytes },
  },
  'read a stream': { run: (files, signal) => buffer(files.createReadStream('folder/large', { signal })) },
  listdir: { run: (files, signal) => files.listdir('folder', { signal }) },
  move: {
    run: (files, signal) => files.move('folder/a', 'folder/b', { signal }),
    changes: { 'folder/a': undefined, 'folder/b': Buffer.from(old) },
  },
  copy: {
    run: (files, signal) => files.copy('folder/large', 'folder/b', { signal }),
    changes: { 'folder/b': bytes },
  },
} satisfies Readonly<Record<string, Call>>

/** Aborts a call at one of its commands; gives what is wrong then, and undefined when there was no such command. */
async function complaints(manners: FtpServerOptions, call: Call, at: number, moment: 'before' | 'after') {
  await using place = await startPlace(manners, { poolSize: 1, maxAttempts: 1 })
  const { server, files } = place
  server.put('folder/a', old)
  server.put('folder/large', bytes)
  server.put('folder/below/c', old)
  // The login is gone through with one of the calls.
  if (call !== calls.listdir) await files.exists('folder/a')
  const before = new Map(Object.keys(call.changes ?? {}).map(name => [name, server.read(name)]))
  const controller = new AbortController()
  const reason = new Error('enough')
  let count = 0
  let hit: string | undefined
  // The server goes on when the call has been aborted, and does what it was told to.
  const release = Promise.withResolvers<void>()
  const onHold = (): void => {
    const { verb, argument } = server.log.at(-1)!
    hit = `${verb} ${argument}`
    controller.abort(reason)
    setImmediate(release.resolve)
  }
  server.faults.add({ match: () => ++count === at, fault: { do: 'hold', at: moment, onHold, until: release.promise } })
  const error = await settled(call.run(files, controller.signal), `${hit}`, 4_000).then(
    () => undefined,
    error => error,
  )
  if (hit === undefined) return undefined
  const said: string[] = []
  if (!isStorageError(error)) said.push(`it ended with ${error}`)
  else if (error.code !== 'aborted') said.push(`${error.code}: ${error.message}`)
  else if (error.cause !== reason) said.push('it does not give the reason')
  const listeners = getEventListeners(controller.signal, 'abort').length
  if (listeners > 0) said.push(`${listeners} listeners are left`)
  server.faults.clear()
  const next = await settled(files.listdir('folder/below'), 'the next call', 4_000).catch(String)
  if (JSON.stringify(next) !== '[[],["c"]]') said.push(`the next call gave ${next}`)
  const left = server.files().filter(file => file.includes('.holdall'))
  if (left.length > 0) said.push(`left: ${left}`)
  for (const [name, was] of before) {
    const is = server.read(name)
    const becomes = call.changes?.[name]
    const isOld = is === undefined ? was === undefined : was?.equals(is) === true
    const isNew = is === undefined ? becomes === undefined : becomes?.equals(is) === true
    if (!isOld && !isNew) said.push(`${name} is neither old nor new`)
    if (!isOld && isStorageError(error) && error.outcome === 'not_applied') said.push('it denies what was done')
  }
  return said.map(text => `${hit}: ${text}`)
}

describe.each([
  ['MLSD', {}],
  ['LIST', { without: ['MLST', 'MLSD'], terse: true }],
] as const)('over %s', (title, manners) => {
  describe.each(Object.entries(calls))('%s', (_name, call: Call) => {
    const moments = title === 'MLSD' ? (['before', 'after'] as const) : (['before'] as const)
    test.each(moments)('aborted %s the work of each command', async moment => {
      const all: string[] = []
      for (let at = 1; ; at++) {
        const said = await complaints(manners, call, at, moment)
        if (said === undefined) break
        all.push(...said)
        expect(at).toBeLessThan(60)
      }
      expect(all).toEqual([])
    })
  })
})

/** Lets time pass until something holds that waits for it: a server that says nothing more is given up after some seconds. */
async function passUntil(holds: () => boolean): Promise<void> {
  for (let second = 0; second < 60 && !holds(); second++) {
    await vi.advanceTimersByTimeAsync(1_000)
    for (let turn = 0; turn < 5; turn++) await new Promise(resolve => setImmediate(resolve))
  }
}

describe('in the middle of the bytes', () => {
  afterEach(() => void vi.useRealTimers())

  const stalls: readonly (readonly [string, FtpFault | undefined, AsyncGenerator<Buffer>])[] = [
    ['whose server stalls', { do: 'stall', bytes: 50_000 }, streamed()],
    ['whose source hangs', undefined, hanging()],
  ]

  test.each(stalls)('an upload %s', async (_title, fault, content) => {
    await using place = await startPlace({}, { poolSize: 1, maxAttempts: 1 })
    place.server.put('a', old)
    const controller = new AbortController()
    if (fault !== undefined) {
      place.server.faults.add({ operation: 'STOR', fault: { ...fault, onStall: () => controller.abort() } as FtpFault })
    }
    const onProgress = (): void => void (fault === undefined && setImmediate(() => controller.abort()))
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    // The call ends at once, and not when the server is given up.
    const saved = place.files.save('a', content, { overwrite: true, signal: controller.signal, onProgress })
    // Nothing has been renamed.
    await expect(saved).rejects.toMatchObject({ code: 'aborted', outcome: 'not_applied' })
    let next: string | undefined
    place.files.readText('a').then(text => (next = text))
    await passUntil(() => next !== undefined && place.server.files().length === 1)
    expect(next).toBe(old)
    expect(place.server.files()).toEqual(['a'])
  })

  test('a download whose server stalls, by its signal and by its stream', async () => {
    for (const how of ['signal', 'stream'] as const) {
      await using place = await startPlace({}, { poolSize: 1, maxAttempts: 1 })
      place.server.put('a', patternBytes(3_000_000))
      place.server.put('b', 'next')
      const stalled = Promise.withResolvers<void>()
      place.server.faults.add({ operation: 'RETR', fault: { do: 'stall', bytes: 2_000_000, onStall: stalled.resolve } })
      const controller = new AbortController()
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
      const stream = place.files.createReadStream('a', { signal: controller.signal })
      const ended = how === 'signal' ? once(stream, 'error') : once(stream, 'close')
      stream.on('error', () => {})
      stream.resume()
      await stalled.promise
      if (how === 'signal') controller.abort()
      else stream.destroy()
      await ended
      let next: string | undefined
      place.files.readText('b').then(text => (next = text))
      await passUntil(() => next !== undefined)
      expect(next).toBe('next')
      vi.useRealTimers()
    }
  })

  test('a call that waits for a connection', async () => {
    await using place = await startPlace({}, { poolSize: 1 })
    place.server.put('a', patternBytes(3_000_000))
    const stream = place.files.createReadStream('a')
    await once(stream, 'readable')
    const controller = new AbortController()
    const waiting = place.files.exists('a', { signal: controller.signal })
    controller.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'aborted' })
    expect((await buffer(stream)).length).toBe(3_000_000)
    expect(await place.files.exists('a')).toBe(true)
  })
})
