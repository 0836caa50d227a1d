import type { IncomingHttpHeaders } from 'node:http'
import { Readable } from 'node:stream'
import { onAbort } from '../core/abort.ts'
import type { CallContext } from '../core/call.ts'
import { type ErrorCode, StorageError } from '../core/errors.ts'
import { Answer, type BodySource } from './answer.ts'
import { type CheckedRequest, checkRequest } from './checked-request.ts'
import { type HttpRequest, type HttpResponse, shownUrl } from './request.ts'
import { abortError, clientClosed, transportError } from './transport-error.ts'
import { discardBody } from './upload.ts'

/** One call of a client. */
export interface Call {
  readonly request: HttpRequest
  readonly checked: CheckedRequest
  readonly ctx: CallContext
  readonly resolve: (response: HttpResponse) => void
  readonly reject: (error: unknown) => void
}

/** Pieces of an answer that are kept while it waits for the end of the upload. */
const MAX_HELD_PIECES = 64

/** Runs a call: checks it and hands it to `start`. */
export function runCall(
  isClosed: boolean,
  request: HttpRequest,
  ctx: CallContext,
  start: (call: Call) => void,
): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    const { method, url } = request
    try {
      if (isClosed) throw clientClosed()
      if (ctx.signal.aborted) throw abortError(ctx.signal, method, url)
      start({ request, checked: checkRequest(request), ctx, resolve, reject })
    } catch (error) {
      discardBody(request)
      reject(transportError(error, method, url))
    }
  })
}

/** One request and its answer, whatever means send it. */
export abstract class Exchange implements BodySource {
  readonly idleMs: number
  protected readonly call: Call
  /** Whether the request was sent twice. */
  protected resent = false
  /** Whether the server answered before it had the body, and did not want it. */
  protected refused = false
  /** Whether a success waits for the end of the upload before it is given. */
  protected held = false
  protected over = false
  readonly #unlink: () => void
  #body: Readable | undefined
  #answer: Answer | undefined
  #heldPieces = 0
  #complete = false
  #delivered = false

  constructor(call: Call, idleMs: number) {
    const { request, ctx } = call
    const { method, url, body } = request
    this.call = call
    this.idleMs = idleMs
    this.#unlink = onAbort(ctx.signal, () => this.fail(abortError(ctx.signal, method, url)))
    // From the beginning, since it may fail while a connection is waited for, and for good: what fails after the
    // request is over must not end the process.
    if (body instanceof Readable) body.on('error', error => body.readableEnded || this.sourceFailed(error))
  }

  /** Sends no more and reads no more; `error` is why, where it failed. */
  protected abstract stop(error?: unknown): void

  /** Takes the answer. `sent` says whether the request was sent as far as such a status needs it; a body that is `whole` is read at once. */
  protected begin(status: number, headers: IncomingHttpHeaders, body?: Readable, sent = true, whole = false): void {
    const { request, ctx } = this.call
    const answer = new Answer(status, headers, this.resent, this)
    this.#answer = answer
    this.#body = body
    // An error before the whole body was sent ends the upload; a success is believed when the upload has ended.
    if (!sent && status < 300) this.held = true
    else if (!sent) {
      this.refused = true
      discardBody(request)
    }
    if (body === undefined) this.#onEnd()
    else if (whole) {
      // Without events, so that the connection is free before the caller goes on.
      const bytes: Buffer | null = body.read()
      if (bytes !== null) answer.receive(bytes)
      this.#onEnd()
    } else if (body.destroyed) this.break(body.errored)
    else {
      body.on('data', (bytes: Buffer) => {
        ctx.progress()
        answer.receive(bytes)
      })
      body.on('end', () => this.#onEnd())
      body.on('error', error => this.break(error))
    }
    if (!this.held && (!this.over || this.#complete)) this.#deliver(answer)
  }

  /** The whole body was sent: a success that waited for it is given. */
  protected uploaded(): void {
    if (!this.held || this.over) return
    this.held = false
    this.#deliver(this.#answer!)
    if (this.#complete) this.#onEnd()
  }

  #deliver(answer: Answer): void {
    this.#delivered = true
    this.call.resolve(answer)
  }

  /** No more of the body will be sent: a success that waits for it is none. */
  protected cut(): void {
    if (this.held) this.#failAs('unavailable', 'the server reported success before it had the whole content')
  }

  /** The caller's stream failed; its error stays as it is. */
  protected sourceFailed(error: unknown): void {
    if (!this.refused) this.fail(error)
  }

  protected fail(error: unknown): void {
    if (this.over) return
    this.#finish(error)
    if (this.#delivered) this.#answer!.fail(error as Error)
    else this.call.reject(error)
  }

  /** The client was closed. */
  close(): void {
    if (this.#answer === undefined) this.#failAs('closed', 'the HTTP client was closed before the answer came')
    else this.break(undefined)
  }

  pause(): void {
    // The end of an answer that is held has to be seen.
    if (!this.held || ++this.#heldPieces > MAX_HELD_PIECES) this.#body!.pause()
  }

  resume(): void {
    this.#body!.resume()
  }

  cancel(): void {
    if (!this.over) this.#finish()
  }

  stalled(): void {
    this.#failAs('timeout', `no byte of the answer came for ${this.idleMs / 1000} s`)
  }

  /** The connection broke. */
  protected break(cause: unknown): void {
    this.#failAs('unavailable', 'the connection broke before the whole answer was there', cause)
  }

  #failAs(code: ErrorCode, text: string, cause?: unknown): void {
    const { method, url } = this.call.request
    this.fail(new StorageError(code, `${method} ${shownUrl(url)}: ${text}`, { cause, outcome: 'unknown' }))
  }

  #onEnd(): void {
    if (this.over) return
    this.#complete = true
    // What the server has read is written after a turn. Nobody waits for the rest of the upload.
    if (this.held) afterTurn(() => this.cut())
    else {
      this.over = true
      this.#unlink()
      this.#answer!.end()
      this.ended()
    }
  }

  /** Called when the answer is there to its end. */
  protected ended(): void {
    if (this.refused) this.stop()
  }

  #finish(error?: unknown): void {
    this.over = true
    this.#unlink()
    this.stop(error)
    discardBody(this.call.request)
  }
}

/** Runs after a whole turn of the event loop: what had arrived on any connection is known then. */
function afterTurn(run: () => void): void {
  // The first one may still belong to this turn, whose look at the sockets is over.
  setImmediate(() => setImmediate(run))
}
