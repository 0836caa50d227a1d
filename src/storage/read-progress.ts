import type { Readable } from 'node:stream'
import { type Body, derivedStream, StreamBody } from '../core/body.ts'
import { progressError } from '../core/errors.ts'
import type { OnProgress } from './types.ts'

/** Returns the same body and reports its bytes as they are read. An error from `onProgress` ends it with `source_failed`. */
export function reported(body: Body, total: number | undefined, onProgress: OnProgress): StreamBody {
  return new StreamBody(() => {
    const stream = body.stream()
    return derivedStream(stream, counted(stream, total, onProgress))
  })
}

async function* counted(stream: Readable, total: number | undefined, onProgress: OnProgress): AsyncGenerator<Buffer> {
  let loaded = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    yield chunk
    loaded += chunk.byteLength
    report(onProgress, loaded, total)
  }
  if (loaded === 0) report(onProgress, 0, total ?? 0)
  else if (total === undefined) report(onProgress, loaded, loaded)
}

function report(onProgress: OnProgress, loaded: number, total: number | undefined): void {
  try {
    onProgress({ loaded, total })
  } catch (error) {
    throw progressError(error, 'not_applied')
  }
}
