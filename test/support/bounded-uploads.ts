/** The memory that uploads take, measured in a process of their own, to a server that keeps nothing. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Storage } from '../../src/storage/storage.ts'
import { type Sink, type SinkOptions, type SinkService, startSink } from '../servers/sink.ts'
import { runNode } from './child.ts'

/** Where a storage uploads to, and how. */
export interface Place {
  readonly url: string
  /** Bytes. */
  readonly part: number
  readonly concurrency: number
}

/** A backend whose uploads are measured: what its `bounded.ts` exports as `ground`. */
export interface BoundedGround {
  readonly service: SinkService
  /** The address of the service at a sink; default the sink's own. */
  readonly url?: (sink: Sink) => string
  /** Path of the module that exports this ground. */
  readonly module: string
  storage(place: Place): Storage
  /** Parts that go up at once. */
  readonly concurrency: number
  /** Bytes besides the parts: the chunks on their way into one, and what the sockets hold. Default: 1 MiB. */
  readonly slack?: number
  /** Bytes that an upload takes at least, so that the measure is one. Default: a part. */
  readonly least?: number
}

/** One upload, in bytes. */
export interface BoundedUpload {
  readonly size: number
  readonly chunk: number
  /** Default: 5 MiB. */
  readonly part?: number
  readonly concurrency?: number
  /** Milliseconds between two looks of the server at what arrives. */
  readonly pauseMs?: number
}

const PROGRAM = join(import.meta.dirname, 'measured-upload.child.ts')
const MIB = 1024 * 1024
const PART = 5 * MIB

/** Uploads a stream in a process of its own, and expects that it takes the memory of its parts and a little. */
export async function expectBounded(ground: BoundedGround, upload: BoundedUpload): Promise<void> {
  const { slack = MIB } = ground
  const { size, chunk, part = PART, concurrency = ground.concurrency, pauseMs = 0 } = upload
  const sink = await startSink(ground.service, { pauseMs })
  const words = [ground.module, urlOf(ground, sink), ...[size, chunk, part, concurrency].map(String)]
  const { stdout } = await runNode(['--expose-gc', PROGRAM, ...words], { timeoutMs: 50_000 + size / 10_000 })
  const { peak, after } = JSON.parse(stdout)
  // Two parts are of the upload that the program makes beforehand.
  expect([sink.received, sink.completed]).toEqual([size + 2 * part, 2])
  expect(peak).toBeLessThan(part * (concurrency + 1) + slack)
  expect(peak).toBeGreaterThan(ground.least ?? part)
  expect(after).toBeLessThan(MIB)
  await sink.close()
}

function urlOf(ground: BoundedGround, sink: Sink): string {
  return ground.url?.(sink) ?? sink.url
}

/** Registers that uploads are bounded, by title, and that a server which does not answer holds their source back. */
export function describeBoundedUploads(ground: BoundedGround, uploads: Readonly<Record<string, BoundedUpload>>): void {
  test.each(Object.entries(uploads))(
    'a stream of %s takes part size x (concurrency + 1) and a little',
    async (_, upload) => expectBounded(ground, upload),
    60_000 + Math.max(...Object.values(uploads).map(({ size }) => size)) / 10_000,
  )

  test('a server that does not answer holds the source back', async () => {
    const { concurrency, slack = MIB } = ground
    let arrived = 0
    const all = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    const options: SinkOptions = {
      onPart: () => {
        if (++arrived === concurrency) all.resolve()
        return release.promise
      },
    }
    const sink = await startSink(ground.service, options)
    let given = 0
    async function* source(): AsyncGenerator<Buffer> {
      for (; given < 12 * PART; given += MIB) yield Buffer.alloc(MIB, 1)
    }
    const files = ground.storage({ url: urlOf(ground, sink), part: PART, concurrency })
    const saved = files.save('large', source(), { overwrite: true })
    await all.promise
    // Turns enough to read all of the source, were it not held back.
    for (let turn = 0; turn < 1000; turn++) await new Promise(setImmediate)
    expect(given).toBeLessThanOrEqual(PART * (concurrency + 1) + slack)
    release.resolve()
    await saved
    expect(sink.received).toBe(12 * PART)
    await files.close()
    await sink.close()
  })
}
