import { AsyncResource } from 'node:async_hooks'
import { Readable } from 'node:stream'
import type { CallContext } from '../core/call.ts'
import { StorageError, withOutcome } from '../core/errors.ts'
import { Answer, type BodySource } from './answer.ts'
import type { Connection, Served } from './connection.ts'
import type { AnswerHead } from './head.ts'
import type { Pool, Waiter } from './pool.ts'
import { bodySize, type HttpRequest, type HttpResponse } from './request.ts'
import { type CommonHeaders, type RequestHead, requestHead } from './request-head.ts'
import { abortError, brokenError, closedError, isReset, stalledError, transportError } from './transport-error.ts'
import { BytesUpload, piecesOf, StreamUpload, type Upload, type UploadEvents } from './upload.ts'

/** Where the requests of one scheme, host and port go; resolved once. */
export interface Origin extends CommonHeaders {
  /** Whether whole URLs are asked for: there is a forward proxy. */
  readonly absolute: boolean
  readonly pool: Pool
  /** Milliseconds that an answer's body may stand still while it is read; 0 for no limit. */
  readonly idleMs: number
}

const CONTINUE_WAIT_MS = 1000
/** Bytes of a body up to which it is sent in one piece with the head. */
const SMALL = 64 * 1024

/** Sends one request and gives its answer as soon as its headers are there. */
export function exchange(origin: Origin, path: string, request: HttpRequest, ctx: CallContext): Promise<HttpResponse> {
  return new Promise((resolve, reject) => new Exchange(origin, path, request, ctx, resolve, reject).start())
}

class Exchange implements Waiter, Served, BodySource, UploadEvents {
  readonly #origin: Origin
  readonly #path: string
  readonly #method: string
  readonly #url: string
  readonly #ctx: CallContext
  readonly #resolve: (response: HttpResponse) => void
  readonly #reject: (error: unknown) => void
  readonly #stream: Readable | undefined
  /** A stream belongs to the caller, not to the connection whose events make it flow. */
  readonly #scope: AsyncResource | undefined
  #headers: HttpRequest['headers'] | undefined
  #pieces: readonly Uint8Array[]
  #head: RequestHead | undefined
  #connection: Connection | undefined
  #answer: Answer | undefined
  #upload: Upload | undefined
  #timer: NodeJS.Timeout | undefined
  #retried = false
  /** Whether the server answered before it had the body, and did not want it. */
  #refused = false
  /** Whether the whole answer is there; the body may still be on its way. */
  #answered = false
  #over = false

  constructor(
    origin: Origin,
    path: string,
    request: HttpRequest,
    ctx: CallContext,
    resolve: (response: HttpResponse) => void,
    reject: (error: unknown) => void,
  ) {
    this.#origin = origin
    this.#path = path
    this.#ctx = ctx
    this.#resolve = resolve
    this.#reject = reject
    const { method, url, headers, body } = request
    this.#method = method
    this.#url = url
    this.#headers = headers
    this.#stream = body instanceof Readable ? body : undefined
    this.#pieces = piecesOf(body)
    if (this.#stream === undefined) return
    this.#scope = new AsyncResource('holdall.Exchange')
    // From the beginning, since it may fail while a connection is waited for, and for good: what fails after the
    // request is over must not end the process.
    this.#stream.on('error', error => {
      if (this.#connection === undefined || this.#upload?.active) this.#fail(error)
    })
  }

  start(): void {
    const { signal } = this.#ctx
    if (signal.aborted) {
      this.#onAbort()
      return
    }
    const { absolute, pool } = this.#origin
    const size = bodySize(this.#pieces)
    const target = absolute ? this.#url : this.#path
    const body = { size, isStream: this.#stream !== undefined }
    try {
      this.#head = requestHead(this.#method, target, this.#headers!, body, this.#origin)
    } catch (error) {
      this.#fail(error)
      return
    }
    this.#headers = undefined
    signal.addEventListener('abort', this.#onAbort)
    pool.acquire(this, false)
  }

  get idleMs(): number {
    return this.#origin.idleMs
  }

  readonly #onAbort = (): void => {
    this.#fail(abortError(this.#ctx.signal, this.#method, this.#url))
  }

  onRefused(error: unknown): void {
    const failure = transportError(error, this.#method, this.#url)
    // Nobody knows what became of the request on the first connection.
    this.#fail(this.#retried ? withOutcome(failure, 'unknown') : failure)
  }

  onConnection(connection: Connection): void {
    this.#connection = connection
    connection.begin(this, this.#method)
    const { text, expects } = this.#head!
    if (expects) this.#awaitContinue(connection, text)
    else this.#send(connection, text)
  }

  #send(connection: Connection, head: string): void {
    const pieces = this.#pieces
    this.#upload = undefined
    if (this.#stream !== undefined) {
      if (head !== '') connection.write(head)
      this.#scope!.runInAsyncScope(() => {
        this.#upload = new StreamUpload(connection, this.#stream!, this.#head!, this)
      })
    } else if (pieces.length === 0) {
      connection.write(head)
      connection.sent()
    } else if (pieces.length === 1 && pieces[0]!.byteLength <= SMALL) {
      connection.writeAll([head, pieces[0]!])
      connection.sent()
    } else {
      if (head !== '') connection.write(head)
      this.#upload = new BytesUpload(connection, pieces, this)
      this.#upload.onDrain()
    }
  }

  onProgress(): void {
    this.#ctx.progress()
  }

  onSent(): void {
    if (this.#answered) this.#finish()
    this.#connection!.sent()
  }

  onFailed(error: unknown): void {
    this.#fail(error)
  }

  // RFC 9110 section 10.1.1: a client must not wait for ever, since an old server may not know the expectation.
  #awaitContinue(connection: Connection, head: string): void {
    this.#upload = { active: true, onDrain: () => undefined, stop: () => this.#stream?.destroy() }
    this.#timer = setTimeout(() => this.onContinue(), CONTINUE_WAIT_MS)
    connection.write(head)
  }

  onContinue(): void {
    if (this.#timer === undefined) return
    this.#stopWaiting()
    this.#ctx.progress()
    this.#send(this.#connection!, '')
  }

  #stopWaiting(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  onDrain(): void {
    if (this.#scope === undefined) this.#upload?.onDrain()
    else this.#scope.runInAsyncScope(() => this.#upload?.onDrain())
  }

  onHead(head: AnswerHead): void {
    if (this.#over) return
    this.#ctx.progress()
    if (this.#timer !== undefined || (this.#upload?.active && head.status >= 300)) {
      // The server does not want the rest. The request stays unfinished, so its connection serves no other.
      this.#stopWaiting()
      this.#upload?.stop()
      this.#refused = true
    }
    if (this.#refused || !this.#upload?.active) this.#letGo()
    this.#answer = new Answer(head, this.#retried, this)
    this.#resolve(this.#answer)
  }

  // The body is not needed any more, and the answer may be kept for long.
  #letGo(): void {
    this.#pieces = []
    this.#upload = undefined
  }

  onBody(bytes: Buffer): void {
    if (this.#over) return
    this.#ctx.progress()
    this.#answer!.receive(bytes)
  }

  onEnd(): void {
    if (this.#over) return
    this.#answered = true
    if (!this.#upload?.active) this.#finish()
    if (this.#refused) this.#connection!.destroy()
    this.#answer!.end()
  }

  onLost(cause: unknown): void {
    this.#upload?.stop()
    if (this.#over) return
    const connection = this.#connection!
    if (this.#answer !== undefined) {
      this.#fail(brokenError(cause, this.#method, this.#url))
    } else if (this.#origin.pool.closed && !(cause instanceof StorageError)) {
      this.#fail(closedError(this.#method, this.#url))
    } else if (
      !this.#retried &&
      this.#stream === undefined &&
      connection.maybeStale &&
      (cause === undefined || isReset(cause))
    ) {
      // The server had closed the idle connection: nothing was answered, so the request goes to a new one, once.
      this.#retried = true
      this.#stopWaiting()
      this.#connection = undefined
      this.#origin.pool.acquire(this, true)
    } else {
      this.onRefused(cause ?? { code: 'ECONNRESET', message: 'the connection was closed' })
    }
  }

  pause(): void {
    if (!this.#over) this.#connection!.pause()
  }

  resume(): void {
    if (!this.#over) this.#connection!.resume()
  }

  cancel(): void {
    if (this.#over) return
    this.#finish()
    this.#connection!.destroy()
  }

  stalled(): void {
    this.#fail(stalledError(this.idleMs, this.#method, this.#url))
  }

  #finish(): void {
    this.#over = true
    this.#ctx.signal.removeEventListener('abort', this.#onAbort)
    if (this.#timer !== undefined) this.#stopWaiting()
  }

  // An error of the caller's stream stays as it is.
  #fail(error: unknown): void {
    if (this.#over) return
    this.#finish()
    this.#upload?.stop()
    this.#stream?.destroy()
    if (this.#connection === undefined) this.#origin.pool.cancel(this)
    else this.#connection.destroy()
    if (this.#answer === undefined) this.#reject(error)
    else this.#answer.fail(error as Error)
  }
}
