import type { ClientRequest } from 'node:http'
import type { Readable } from 'node:stream'
import { StorageError } from '../core/errors.ts'

const SLICE = 128 * 1024

/** A body on its way. */
export interface Upload {
  /** Whether bytes are still to be handed over. */
  readonly active: boolean
  /** Sends no more. A stream is destroyed. */
  stop(): void
}

/** Sends bytes piece by piece, so that progress shows on a slow line; they are not copied. */
export function sendBytes(request: ClientRequest, bytes: Uint8Array, progress: () => void): Upload {
  let position = 0
  let active = true
  const next = (): void => {
    progress()
    while (active) {
      const piece = bytes.subarray(position, (position += SLICE))
      if (position >= bytes.byteLength) {
        stop()
        request.end(piece)
      } else if (!request.write(piece)) return
    }
  }
  const stop = (): void => {
    active = false
    request.off('drain', next)
  }
  request.on('drain', next)
  next()
  return {
    get active() {
      return active
    },
    stop,
  }
}

/** Sends a stream as fast as the connection takes it; `length`, where announced, has to be exactly its bytes. */
export function sendStream(
  request: ClientRequest,
  source: Readable,
  length: number | undefined,
  progress: () => void,
  fail: (error: unknown) => void,
): Upload {
  let sent = 0
  let active = true
  const onData = (chunk: Uint8Array | string): void => {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, 'utf8') : chunk
    sent += bytes.byteLength
    progress()
    if (length !== undefined && sent > length) end(wrongLength(length, `at least ${sent}`))
    else if (bytes.byteLength > 0 && !request.write(bytes)) source.pause()
  }
  const onDrain = (): void => {
    progress()
    source.resume()
  }
  const onEnd = (): void => {
    if (length !== undefined && sent < length) {
      end(wrongLength(length, `${sent}`))
    } else {
      release()
      request.end()
    }
  }
  const onClose = (): void => end(new StorageError('unknown', 'The content ended before all of it was sent.'))
  const release = (): void => {
    active = false
    source.off('data', onData).off('end', onEnd).off('close', onClose)
    request.off('drain', onDrain)
  }
  const stop = (): void => {
    if (active) release()
    source.destroy()
  }
  const end = (error: unknown): void => {
    if (!active) return
    stop()
    fail(error)
  }
  // Stays for good: a source that fails after the request is over must not end the process.
  source.on('error', end)
  if (source.errored) process.nextTick(end, source.errored)
  else if (source.readableEnded) process.nextTick(onEnd)
  else if (source.destroyed) process.nextTick(onClose)
  else {
    source.on('end', onEnd).on('close', onClose).on('data', onData)
    request.on('drain', onDrain)
  }
  return {
    get active() {
      return active
    },
    stop,
  }
}

function wrongLength(announced: number, given: string): StorageError {
  return new StorageError('invalid_argument', `The content has ${given} bytes, but ${announced} were announced.`)
}
