import { AsyncResource } from 'node:async_hooks'
import type { IncomingHttpHeaders } from 'node:http'
import { Readable } from 'node:stream'
import { onAbort } from '../core/abort.ts'
import { BytesBody, discardStream, StreamBody } from '../core/body.ts'
import type { CallContext } from '../core/call.ts'
import { type ErrorCode, type Outcome, StorageError } from '../core/errors.ts'
import type { CheckedRequest } from './checked-request.ts'
import { type HttpRequest, type HttpResponse, shownUrl } from './request.ts'
import { abortError } from './transport-error.ts'
import { discardBody } from './upload.ts'

/** One call of a client. */
export interface Call {
  readonly request: HttpRequest
  readonly checked: CheckedRequest
  readonly ctx: CallContext
  /** Maximum time in milliseconds without a byte of the answer's body while its reader waits; 0 for no limit. */
  readonly idleMs: number
  /**
   * The exchanges that a client ends when it is closed. An array: a `Set` that changes at each request keeps old ones from the garbage
   * collector.
   */
  readonly live: Exchange[]
  readonly resolve: (response: HttpResponse) => void
  readonly reject: (error: unknown) => void
}

/** Bytes of an answer that are read ahead while it waits for the end of the upload, to see the end of the answer. */
const HELD_AHEAD = 4 * 1024 * 1024
/** Bytes that are read ahead: pausing a connection for each of its pieces of 64 KiB costs more than reading them. */
const READ_AHEAD = 256 * 1024
const EMPTY = Buffer.alloc(0)

/** One request and its answer, however they are sent. */
export abstract class Exchange {
  protected readonly call: Call
  /** Whether the request was sent twice. */
  protected resent = false
  /** Whether the server answered before it had the body, and rejected it. */
  protected refused = false
  /** Whether a successful answer waits for the end of the upload. */
  protected held = false
  protected over = false
  readonly #unlink: () => void
  /** Index in `live`. */
  #place: number
  #answer: HttpResponse | undefined
  #complete = false
  #error: unknown
  #stream: Readable | undefined

  constructor(call: Call) {
    const { request, ctx, live } = call
    const { method, url, body } = request
    this.call = call
    this.#place = live.push(this) - 1
    this.#unlink = onAbort(ctx.signal, () => this.fail(abortError(ctx.signal, method, url)))
    // Added from the beginning, since the body may fail while the request waits for a connection, and never removed: an error after the
    // request must not end the process.
    if (body instanceof Readable) body.on('error', error => body.readableEnded || this.sourceFailed(error))
  }

  /** Stops sending and reading; `error` is the reason of a failure. */
  protected abstract stop(error?: unknown): void

  /**
   * Processes the answer. `sent` states whether the request was sent as far as such a status needs it; a body that is `whole` is read at
   * once.
   */
  protected begin(status: number, headers: IncomingHttpHeaders, body?: Readable, sent = true, whole = false): void {
    if (this.over) {
      body?.destroy()
      return
    }
    this.call.ctx.progress()
    // A complete body is read without events, so that the connection is free before the caller continues.
    const isWhole = whole || body === undefined
    const content = isWhole ? new BytesBody(body?.read() ?? EMPTY) : new StreamBody(() => this.#newStream(body))
    const answer = { status, headers, resent: this.resent, body: content }
    this.#answer = answer
    this.#complete = isWhole
    if (!isWhole) {
      body.on('end', () => this.#onEnd())
      body.on('error', error => this.break(error))
      body.on('close', () => this.#complete || this.break(undefined))
    }
    // An error status before the whole body was sent ends the upload; a success counts only after the upload has ended.
    if (!sent && status < 300) {
      this.held = true
      if (!isWhole) content.stream().read(0)
    } else {
      this.refused = !sent
      if (!sent) discardBody(this.call.request)
      this.call.resolve(answer)
    }
    if (this.#complete) this.#onEnd()
  }

  /** The whole body was sent: returns a success that waited for it. */
  protected uploaded(): void {
    if (!this.held || this.over) return
    this.held = false
    this.call.resolve(this.#answer!)
    if (this.#complete) this.#onEnd()
  }

  /** The rest of the body will not be sent: a success that waits for it becomes a failure. */
  protected cut(): void {
    if (this.held) this.#failAs('unavailable', 'the server reported success before it had the whole content')
  }

  /** The caller's stream failed; its error is passed on unchanged. */
  protected sourceFailed(error: unknown): void {
    if (!this.refused) this.fail(error)
  }

  protected fail(error: unknown): void {
    if (this.over) return
    this.#error = error
    this.#leave()
    this.stop(error)
    discardBody(this.call.request)
    this.#stream?.destroy(error as Error)
    this.call.reject(error)
  }

  /** The client was closed. */
  close(outcome?: Outcome): void {
    if (this.#answer !== undefined) this.break(undefined)
    else this.#failAs('closed', 'the HTTP client was closed before the answer came', undefined, outcome)
  }

  /** The connection broke. */
  protected break(cause: unknown): void {
    this.#failAs('unavailable', 'the connection broke before the whole answer was there', cause)
  }

  #failAs(code: ErrorCode, text: string, cause?: unknown, outcome: Outcome = 'unknown'): void {
    const { method, url } = this.call.request
    this.fail(new StorageError(code, `${method} ${shownUrl(url)}: ${text}`, { cause, outcome }))
  }

  /** Returns the body for its reader. Its events belong to the reader, not to the connection, and only its errors contain the reason. */
  #newStream(body: Readable): Readable {
    const { ctx, idleMs } = this.call
    const late = (): void => this.#failAs('timeout', `no byte of the answer came for ${idleMs / 1000} s`)
    let timer: NodeJS.Timeout | undefined
    const stream = new Readable({
      highWaterMark: this.held ? HELD_AHEAD : READ_AHEAD,
      read() {
        // The time limit counts only while a reader waits for more.
        if (idleMs > 0) timer ??= setTimeout(late, idleMs)
        body.resume()
      },
      destroy(error, done) {
        clearTimeout(timer)
        discardStream(body)
        done(error)
      },
    })
    const push = AsyncResource.bind(stream.push, 'holdall.body', stream)
    body.on('data', (bytes: Buffer) => {
      clearTimeout(timer)
      timer = undefined
      ctx.progress()
      if (!push(bytes)) body.pause()
    })
    body.on('end', () => push(null))
    body.pause()
    this.#stream = stream
    // If the stream is not read, its error must not end the process.
    stream.on('error', () => undefined)
    if (this.#error !== undefined) stream.destroy(this.#error as Error)
    return stream
  }

  #onEnd(): void {
    if (this.over) return
    this.#complete = true
    // Bytes that the server has read are written after a turn, and the first call may still be in this one. The rest of the upload is not
    // needed.
    if (this.held) setImmediate(() => setImmediate(() => this.cut()))
    else {
      this.#leave()
      if (this.refused) this.stop()
    }
  }

  #leave(): void {
    this.over = true
    this.#unlink()
    const last = this.call.live.pop()!
    if (last === this) return
    this.call.live[this.#place] = last
    last.#place = this.#place
  }
}
