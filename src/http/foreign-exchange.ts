import type { IncomingHttpHeaders } from 'node:http'
import { Readable } from 'node:stream'
import { abortable, onAbort } from '../core/abort.ts'
import { derivedStream } from '../core/body.ts'
import type { CallContext } from '../core/call.ts'
import { Answer, type BodySource, MAX_HELD_PIECES } from './answer.ts'
import { type CheckedRequest, checkRequest, parseOrigin } from './checked-request.ts'
import { afterTurn } from './connections.ts'
import type { HttpClient, HttpRequest, HttpResponse } from './request.ts'
import {
  abortError,
  brokenError,
  clientClosed,
  closedError,
  hastyError,
  stalledError,
  transportError,
} from './transport-error.ts'
import { discardBody, isCut, measured } from './upload.ts'

/** What a foreign client is asked to send. */
export interface ForeignRequest extends CheckedRequest {
  readonly method: string
  readonly url: string
  /** A stream fails where its length is wrong. */
  readonly body: Uint8Array | Readable | undefined
  readonly signal: AbortSignal
}

/** What a foreign client gives back. */
export interface ForeignAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Absent where there is no body. Returning the iterator closes the connection. */
  readonly body: AsyncIterator<Uint8Array> | undefined
}

/** How the clients over the means of others behave. */
export interface ForeignClientOptions {
  /** Seconds that an answer's body may stand still while it is read; it breaks as `timeout`. 0 for no limit. Default: 0. */
  readonly idleTimeoutSecs?: number | undefined
}

/** A client over a function that sends one request. */
export class ForeignClient implements HttpClient {
  readonly #send: (request: ForeignRequest) => Promise<ForeignAnswer>
  readonly #idleMs: number
  readonly #live: Set<ForeignExchange> = new Set()
  #closed = false

  constructor(send: (request: ForeignRequest) => Promise<ForeignAnswer>, options: ForeignClientOptions = {}) {
    this.#send = send
    this.#idleMs = (options.idleTimeoutSecs ?? 0) * 1000
  }

  async request(request: HttpRequest, ctx: CallContext): Promise<HttpResponse> {
    const { method, url } = request
    try {
      if (this.#closed) throw clientClosed()
      if (ctx.signal.aborted) throw abortError(ctx.signal, method, url)
      const checked = checkRequest(request)
      parseOrigin(checked.origin)
      const exchange = new ForeignExchange(request, ctx, this.#idleMs, () => this.#live.delete(exchange))
      this.#live.add(exchange)
      return await exchange.run(checked, this.#send)
    } catch (error) {
      discardBody(request)
      throw error
    }
  }

  /** Ends the requests under way; what was given to send them stays open. */
  async close(): Promise<void> {
    this.#closed = true
    for (const exchange of this.#live) exchange.close()
  }
}

/** One request by foreign means and its answer. */
class ForeignExchange implements BodySource {
  readonly idleMs: number
  readonly #request: HttpRequest
  readonly #ctx: CallContext
  readonly #onOver: () => void
  readonly #unlink: () => void
  readonly #controller = new AbortController()
  #answer: Answer | undefined
  #chunks: AsyncIterator<Uint8Array> | undefined
  #paused = false
  #isDelivered = false
  #pieces = 0
  #reading = false
  #over = false
  /** Settles when the stream was sent to its end (true), or is sent no further. */
  readonly #sent: PromiseWithResolvers<boolean> = Promise.withResolvers()
  /** What the caller's stream failed with; it stays as it is. */
  #sourceError: unknown

  constructor(request: HttpRequest, ctx: CallContext, idleMs: number, onOver: () => void) {
    this.#request = request
    this.#ctx = ctx
    this.idleMs = idleMs
    this.#onOver = onOver
    this.#unlink = onAbort(ctx.signal, () => this.#fail(abortError(ctx.signal, request.method, request.url)))
  }

  async run(checked: CheckedRequest, send: (request: ForeignRequest) => Promise<ForeignAnswer>): Promise<HttpResponse> {
    const { method, url, body } = this.#request
    const { signal } = this.#controller
    try {
      const answering = send({ ...checked, method, url, body: this.#bodyOf(body, checked.length), signal })
      const { status, headers, body: chunks } = await abortable(answering, signal, late => late.body?.return?.())
      this.#ctx.progress()
      const answer = new Answer(status, headers, false, this)
      this.#answer = answer
      this.#chunks = chunks
      this.#isDelivered = !(body instanceof Readable)
      if (chunks === undefined) this.#end(answer)
      else void this.#read(answer, chunks)
      if (body instanceof Readable) await this.#uploaded(status)
      this.#isDelivered = true
      return answer
    } catch (error) {
      this.#finish()
      this.#controller.abort()
      if (signal.aborted && signal.reason === this.#reason) throw this.#reason
      throw this.#sourceError ?? transportError(innermost(error), method, url)
    }
  }

  /** An error status ends the upload; a success is believed when the upload has ended. */
  async #uploaded(status: number): Promise<void> {
    const { method, url } = this.#request
    if (status >= 300) discardBody(this.#request)
    else if (!(await abortable(this.#sent.promise, this.#controller.signal))) throw hastyError(method, url)
  }

  #bodyOf(body: HttpRequest['body'], length: number | undefined): ForeignRequest['body'] {
    if (body === undefined) return undefined
    if (body instanceof Readable) return derivedStream(body, this.#upload(body, length))
    if (typeof body === 'string') return Buffer.from(body)
    return body instanceof Uint8Array ? body : Buffer.concat(body)
  }

  async *#upload(body: Readable, length: number | undefined): AsyncGenerator<Uint8Array> {
    body.on('error', error => {
      this.#sourceError ??= error
    })
    try {
      for await (const bytes of measured(body, length)) {
        this.#ctx.progress()
        yield bytes
      }
      this.#sent.resolve(true)
    } catch (error) {
      // After the answer it is the client that destroyed the stream.
      if (!isCut(body) || this.#answer === undefined) this.#sourceError ??= error
      throw error
    } finally {
      this.#sent.resolve(false)
    }
  }

  async #read(answer: Answer, chunks: AsyncIterator<Uint8Array>): Promise<void> {
    if (this.#reading) return
    this.#reading = true
    try {
      while (!this.#paused && !this.#over) {
        const { done, value } = await chunks.next()
        if (this.#over) return
        this.#ctx.progress()
        if (done) this.#end(answer)
        else answer.receive(Buffer.from(value.buffer, value.byteOffset, value.byteLength))
      }
    } catch (error) {
      this.#fail(brokenError(error, this.#request.method, this.#request.url))
    } finally {
      this.#reading = false
    }
  }

  #end(answer: Answer): void {
    this.#finish()
    answer.end()
    // A stream that is sent to its end is known to be by then. Nobody waits for the rest of any other.
    afterTurn(() => this.#sent.resolve(false))
  }

  pause(): void {
    // The end of an answer that is held has to be seen.
    this.#paused = this.#isDelivered || ++this.#pieces > MAX_HELD_PIECES
  }

  resume(): void {
    this.#paused = false
    if (!this.#over) void this.#read(this.#answer!, this.#chunks!)
  }

  cancel(): void {
    if (this.#over) return
    this.#finish()
    this.#stop()
  }

  stalled(): void {
    this.#fail(stalledError(this.idleMs, this.#request.method, this.#request.url))
  }

  /** The client was closed. */
  close(): void {
    const { method, url } = this.#request
    this.#fail(this.#answer === undefined ? closedError(method, url) : brokenError(undefined, method, url))
  }

  /** Why this exchange was ended from this side. */
  #reason: Error | undefined

  #fail(error: Error): void {
    if (this.#over) return
    this.#reason = error
    this.#finish()
    this.#stop()
    this.#answer?.fail(error)
  }

  #finish(): void {
    this.#over = true
    this.#unlink()
    this.#onOver()
  }

  #stop(): void {
    this.#controller.abort(this.#reason)
    discardBody(this.#request)
    this.#chunks?.return?.()?.catch(() => undefined)
  }
}

/** The error of the connection, which `fetch` wraps. */
function innermost(error: unknown): unknown {
  const { cause } = (error ?? {}) as { cause?: unknown }
  return error instanceof TypeError && cause instanceof Error ? cause : error
}
