import type { IncomingHttpHeaders } from 'node:http'
import { Readable } from 'node:stream'
import { derivedStream } from '../core/body.ts'
import { type CheckedRequest, parseOrigin } from './checked-request.ts'
import { BaseClient, type ClientOptions } from './client.ts'
import { type Call, Exchange } from './exchange.ts'
import { transportError } from './transport-error.ts'
import { measured } from './upload.ts'

/** The request for a foreign client, without headers that such a client adds itself, or rejects. */
export interface ForeignRequest extends CheckedRequest {
  readonly method: string
  readonly url: string
  /** A stream fails if its length is wrong. */
  readonly body: Uint8Array | Readable | undefined
  readonly signal: AbortSignal
}

/** The answer of a foreign client. */
export interface ForeignAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Readable | undefined
}

type Send = (request: ForeignRequest) => Promise<ForeignAnswer>

/** A client over a function that sends one request. Closing the client does not close the object that sends them. */
export class ForeignClient extends BaseClient {
  readonly #send: Send

  constructor(send: Send, options?: ClientOptions) {
    super(options)
    this.#send = send
  }

  protected override start(call: Call): void {
    parseOrigin(call.checked.origin)
    void new ForeignExchange(call).run(this.#send)
  }
}

/** Headers that such clients add themselves, or reject. */
const OWN = /^(connection|expect|transfer-encoding)$/i

/** One request by a foreign client, and its answer. */
class ForeignExchange extends Exchange {
  readonly #controller = new AbortController()
  #body: Readable | undefined
  #upload: Readable | undefined
  #isSent = true

  async run(send: Send): Promise<void> {
    const { request, checked } = this.call
    const { method, url } = request
    const headers = Object.fromEntries(Object.entries(checked.headers).filter(([name]) => !OWN.test(name)))
    const { signal } = this.#controller
    try {
      const answer = await send({ ...checked, headers, method, url, body: this.#outgoing(), signal })
      const { status, body } = answer
      this.#body = body?.on('error', () => undefined)
      // These answers have no body. (RFC 9110 section 6.4.1)
      const isBare = method === 'HEAD' || status === 204 || status === 304
      if (isBare) body?.resume()
      this.begin(status, answer.headers, isBare ? undefined : body, this.#isSent)
      if (this.#upload?.destroyed) this.cut()
    } catch (error) {
      this.fail(transportError(innermost(error), method, url))
    }
  }

  #outgoing(): Uint8Array | Readable | undefined {
    const { body } = this.call.request
    if (typeof body === 'string') return Buffer.from(body)
    if (body === undefined || body instanceof Uint8Array) return body
    if (!(body instanceof Readable)) return Buffer.concat(body)
    this.#isSent = false
    this.#upload = derivedStream(body, this.#chunks(body))
    return this.#upload
  }

  async *#chunks(body: Readable): AsyncGenerator<Uint8Array> {
    try {
      for await (const bytes of measured(body, this.call.checked.length)) {
        this.call.ctx.progress()
        yield bytes
      }
      this.#isSent = true
      this.uploaded()
    } catch (error) {
      // If the upload was destroyed, the stream has not failed.
      if (!this.#upload!.destroyed) this.sourceFailed(error)
      throw error
    } finally {
      this.cut()
    }
  }

  protected override stop(error?: unknown): void {
    this.#controller.abort(error)
    this.#body?.destroy()
  }
}

/** Returns the error of the connection, which `fetch` wraps. */
function innermost(error: unknown): unknown {
  const { cause } = (error ?? {}) as { cause?: unknown }
  return error instanceof TypeError && cause instanceof Error ? cause : error
}
