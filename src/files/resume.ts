import { Readable } from 'node:stream'
import { readBytes, StreamBody } from '../core/body.ts'
import type { ReadResult } from '../core/driver.ts'
import { classifyCommon, type ErrorCode, StorageError } from '../core/errors.ts'

const READ_AHEAD = 64 * 1024

/** When and how often a broken body is continued. */
export interface ResumeOptions {
  /** New requests in a row that may bring no byte (4 by default); 0 never continues. */
  readonly maxAttempts?: number | undefined
  /** Bytes that the body must have: a shorter one counts as broken. */
  readonly length?: number | undefined
  /** The code of the driver's native errors. */
  readonly classify?: ((error: unknown) => ErrorCode | undefined) | undefined
  /** Milliseconds to wait before the nth request in a row without progress; 0, 100, 200, 400 ... by default. */
  readonly delayMs?: ((n: number) => number) | undefined
}

/**
 * A body that is requested again at its offset when the connection breaks. `open` gets the number of bytes already
 * delivered and must fail with `precondition_failed` when the file has changed since (RFC 9110, If-Match); that and every
 * other error that is not retryable is passed on.
 */
export function resumeBody(
  open: (offset: number) => Promise<Readable>,
  first: Readable,
  options: ResumeOptions = {},
): Readable {
  return new ResumedBody(open, first, options)
}

/** All bytes of such a body. Most bodies do not break, so no stream stands between the connection and the bytes until one does. */
export async function resumeBytes(
  open: (offset: number) => Promise<Readable>,
  first: ReadResult,
  options: ResumeOptions = {},
): Promise<Buffer> {
  const { length = 0 } = options
  const whole = first.body.take()
  if (whole !== undefined && whole.byteLength >= length) return whole
  const chunks: Buffer[] = whole === undefined ? [] : [whole]
  const body = first.body.stream()
  const size = (whole?.byteLength ?? 0) + (await collect(body, chunks))
  if (!body.readableEnded || size < length) {
    const rest = { ...options, length: length - size }
    chunks.push(await readBytes({ body: new StreamBody(resumeBody(offset => open(size + offset), body, rest)) }))
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
}

/** Takes what a body gives until it is over, in whatever way; gives how many bytes that was. */
function collect(body: Readable, chunks: Buffer[]): Promise<number> {
  return new Promise(resolve => {
    let size = 0
    const end = (): void => resolve(size)
    body.on('end', end)
    body.on('error', end)
    body.on('close', end)
    if (body.readableEnded || body.destroyed) return end()
    body.on('data', (chunk: Buffer) => {
      size += chunk.byteLength
      chunks.push(chunk)
    })
  })
}

class ResumedBody extends Readable {
  readonly #open: (offset: number) => Promise<Readable>
  readonly #options: ResumeOptions
  #body: Readable
  #offset = 0
  #failures = 0
  #wanted = false
  #timer: NodeJS.Timeout | undefined

  constructor(open: (offset: number) => Promise<Readable>, first: Readable, options: ResumeOptions) {
    super({ highWaterMark: READ_AHEAD })
    this.#open = open
    this.#options = options
    this.#body = first
    this.#attach(first)
  }

  override _read(): void {
    this.#wanted = true
    this.#body.resume()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#timer)
    this.#body.destroy()
    done(error)
  }

  #attach(body: Readable): void {
    let over = false
    const end = (error?: unknown): void => {
      if (over || this.destroyed) return
      over = true
      if (error === undefined) this.push(null)
      else this.#broken(error)
    }
    body.on('data', (chunk: Buffer) => {
      if (over || this.destroyed) return
      this.#offset += chunk.length
      this.#failures = 0
      this.#wanted = this.push(chunk)
      if (!this.#wanted) body.pause()
    })
    const finish = (): void => end(this.#offset < (this.#options.length ?? 0) ? cutShort() : undefined)
    body.on('end', finish)
    body.on('error', end)
    body.on('close', () => {
      if (!over) end(cutShort())
    })
    if (body.errored) end(body.errored)
    else if (body.readableEnded) finish()
    else if (body.destroyed) end(cutShort())
    if (!this.#wanted) body.pause()
  }

  #broken(error: unknown): void {
    this.#failures += 1
    this.#body.destroy()
    if (this.#failures > (this.#options.maxAttempts ?? 4) || !this.#isRetryable(error)) {
      this.destroy(error as Error)
      return
    }
    const delay = this.#options.delayMs ?? ((n: number) => (n === 1 ? 0 : 50 * 2 ** (n - 1)))
    this.#timer = setTimeout(() => this.#again(), delay(this.#failures))
  }

  #again(): void {
    this.#open(this.#offset).then(
      body => {
        if (this.destroyed) {
          body.on('error', () => undefined).destroy()
          return
        }
        this.#body = body
        this.#attach(body)
      },
      error => {
        if (!this.destroyed) this.#broken(error)
      },
    )
  }

  #isRetryable(error: unknown): boolean {
    if (error instanceof StorageError) return error.retryable
    const code = this.#options.classify?.(error) ?? classifyCommon(error)
    return code === 'unavailable' || code === 'timeout' || code === 'throttled'
  }
}

function cutShort(): StorageError {
  return new StorageError('unavailable', 'The connection broke before all bytes had arrived.')
}
