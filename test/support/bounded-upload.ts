/** Uploads of any size by a process of its own, and how much of them it holds. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Sink, SinkOptions } from '../servers/sink.ts'
import { compilingOnce, runNode } from './child.ts'

const MIB = 1024 * 1024

/** A storage whose uploads are measured. */
export interface BoundedStorage {
  readonly module: string
  readonly className: string
  /** Its options, where the sink is at this address. */
  readonly options: (url: string) => object
  /** Bytes of a part. */
  readonly part: number
}

/** What is uploaded, in bytes. */
export interface BoundedStream {
  readonly size: number
  readonly chunk: number
}

/** Uploads a stream to a sink; returns the bytes of buffers that were alive at most, and afterwards. */
export async function boundedUpload(
  { module, className, options, part }: BoundedStorage,
  sink: Sink,
  { size, chunk }: BoundedStream,
): Promise<{ readonly peak: number; readonly after: number }> {
  const upload = { module, className, options: options(sink.url), size, chunk, part }
  const env = { ...compilingOnce(), UPLOAD: JSON.stringify(upload) }
  const script = join(import.meta.dirname, 'bounded-upload.child.ts')
  const { stdout } = await runNode(['--expose-gc', script], { env, timeoutMs: 50_000 + size / 20_000 })
  return JSON.parse(stdout)
}

/** A storage with the bytes of buffers that its uploads take. */
export interface BoundedUploads extends BoundedStorage {
  readonly startSink: (options: SinkOptions) => Promise<Sink>
  /** What the tests say that it takes. */
  readonly takes: string
  /** It does use what it may, so that the measure is one. */
  readonly least: number
  readonly most: number
  readonly streams: Readonly<Record<string, BoundedStream & Pick<SinkOptions, 'pauseMs'>>>
}

/** Measures the uploads of each stream. */
export function describeBoundedUploads({ startSink, takes, least, most, streams, ...storage }: BoundedUploads): void {
  for (const [title, { pauseMs, ...stream }] of Object.entries(streams)) {
    test(`a stream of ${title} takes ${takes} and a little`, { timeout: 60_000 + stream.size / 10_000 }, async () => {
      const sink = await startSink({ pauseMs })
      const { peak, after } = await boundedUpload(storage, sink, stream)
      // Two parts are of the upload that the program makes beforehand.
      expect([sink.received, sink.completed]).toEqual([stream.size + 2 * storage.part, 2])
      expect(peak).toBeLessThan(most)
      expect(peak).toBeGreaterThan(least)
      expect(after).toBeLessThan(MIB)
      await sink.close()
    })
  }
}
