import type { IncomingHttpHeaders } from 'node:http'
import { Readable } from 'node:stream'
import { derivedStream } from '../core/body.ts'
import type { CallContext } from '../core/call.ts'
import { type CheckedRequest, parseOrigin } from './checked-request.ts'
import { type Call, Exchange, runCall } from './exchange.ts'
import type { HttpClient, HttpRequest, HttpResponse } from './request.ts'
import { transportError } from './transport-error.ts'
import { measured } from './upload.ts'

/** What a foreign client is asked to send; without headers that such a client makes by itself, or refuses. */
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
  readonly body: Readable | undefined
}

type Send = (request: ForeignRequest) => Promise<ForeignAnswer>

/** How the clients over the means of others behave. */
export interface ForeignClientOptions {
  /** Seconds that an answer's body may stand still while it is read; it breaks as `timeout`. 0 for no limit. Default: 0. */
  readonly idleTimeoutSecs?: number | undefined
}

/** A client over a function that sends one request. */
export class ForeignClient implements HttpClient {
  readonly #send: Send
  readonly #idleMs: number
  readonly #live: Set<ForeignExchange> = new Set()
  #closed = false

  constructor(send: Send, { idleTimeoutSecs = 0 }: ForeignClientOptions = {}) {
    this.#send = send
    this.#idleMs = idleTimeoutSecs * 1000
  }

  request(request: HttpRequest, ctx: CallContext): Promise<HttpResponse> {
    return runCall(this.#closed, request, ctx, call => {
      parseOrigin(call.checked.origin)
      void new ForeignExchange(call, this.#idleMs, this.#live).run(this.#send)
    })
  }

  /** Ends the requests under way; what was given to send them stays open. */
  async close(): Promise<void> {
    this.#closed = true
    for (const exchange of this.#live) exchange.close()
  }
}

/** Headers that such clients make by themselves, or refuse. */
const OWN = /^(connection|expect|transfer-encoding)$/i
/** Statuses of answers that have no body. (RFC 9110 section 6.4.1) */
const isBare = (method: string, status: number): boolean => method === 'HEAD' || status === 204 || status === 304

/** One request by foreign means and its answer. */
class ForeignExchange extends Exchange {
  readonly #live: Set<ForeignExchange>
  readonly #controller = new AbortController()
  #body: Readable | undefined
  #upload: 'none' | 'open' | 'sent' | 'cut' = 'none'

  constructor(call: Call, idleMs: number, live: Set<ForeignExchange>) {
    super(call, idleMs)
    this.#live = live
    live.add(this)
  }

  async run(send: Send): Promise<void> {
    const { request, checked, ctx } = this.call
    const { method, url } = request
    const headers = Object.fromEntries(Object.entries(checked.headers).filter(([name]) => !OWN.test(name)))
    const { signal } = this.#controller
    try {
      const answer = await send({ ...checked, headers, method, url, body: this.#outgoing(), signal })
      const { status, body } = answer
      body?.on('error', () => undefined)
      this.#body = body
      if (this.over) body?.destroy()
      else {
        ctx.progress()
        if (isBare(method, status)) body?.resume()
        const sent = this.#upload === 'none' || this.#upload === 'sent'
        this.begin(status, answer.headers, isBare(method, status) ? undefined : body, sent)
        if (this.#upload === 'cut') this.cut()
      }
    } catch (error) {
      this.fail(transportError(innermost(error), method, url))
    }
  }

  #outgoing(): Uint8Array | Readable | undefined {
    const { body } = this.call.request
    if (typeof body === 'string') return Buffer.from(body)
    if (body === undefined || body instanceof Uint8Array) return body
    if (!(body instanceof Readable)) return Buffer.concat(body)
    this.#upload = 'open'
    const stream = derivedStream(
      body,
      this.#chunks(body, () => stream.destroyed),
    )
    return stream
  }

  async *#chunks(body: Readable, isUnwanted: () => boolean): AsyncGenerator<Uint8Array> {
    try {
      for await (const bytes of measured(body, this.call.checked.length)) {
        this.call.ctx.progress()
        yield bytes
      }
      this.#upload = 'sent'
      this.uploaded()
    } catch (error) {
      if (!isUnwanted()) this.sourceFailed(error)
      throw error
    } finally {
      if (this.#upload === 'open') this.#upload = 'cut'
      this.cut()
    }
  }

  protected override ended(): void {
    this.#live.delete(this)
  }

  protected override stop(error?: unknown): void {
    this.#live.delete(this)
    this.#controller.abort(error)
    this.#body?.destroy()
  }
}

/** The error of the connection, which `fetch` wraps. */
function innermost(error: unknown): unknown {
  const { cause } = (error ?? {}) as { cause?: unknown }
  return error instanceof TypeError && cause instanceof Error ? cause : error
}
