import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import { Readable } from 'node:stream'
import { onAbort } from '../core/abort.ts'
import { nodeHttp, nodeHttps } from '../core/builtin.ts'
import type { CallContext } from '../core/call.ts'
import { StorageError, withOutcome } from '../core/errors.ts'
import { Answer, type BodySource, MAX_HELD_PIECES } from './answer.ts'
import type { CheckedRequest } from './checked-request.ts'
import { afterTurn, idleTimeOf, type Origin, type Ticket } from './connections.ts'
import type { HttpRequest, HttpResponse } from './request.ts'
import {
  abortError,
  brokenError,
  closedError,
  hastyError,
  isReset,
  stalledError,
  transportError,
} from './transport-error.ts'
import { discardBody, measured, slices } from './upload.ts'

/** What a client gives of a call. */
export interface ExchangeCall {
  /** Whether the client was closed. */
  readonly client: { readonly closed: boolean }
  readonly origin: Origin
  readonly request: HttpRequest
  readonly checked: CheckedRequest
  readonly ctx: CallContext
  readonly resolve: (response: HttpResponse) => void
  readonly reject: (error: unknown) => void
}

/** RFC 9110 section 9.2.2. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'])
const CONTINUE_WAIT_MS = 1000
const MAX_HEAD = 64 * 1024
/** Bytes of a body up to which it is sent in one piece with the head. */
const SMALL = 64 * 1024

/** One request over node:http and its answer. */
export class NodeExchange implements BodySource {
  readonly idleMs: number
  readonly #call: ExchangeCall
  readonly #stream: Readable | undefined
  readonly #repeatable: boolean
  readonly #unlink: () => void
  #ticket: Ticket
  #out!: ClientRequest
  #message: IncomingMessage | undefined
  #answer: Answer | undefined
  #resent = false
  /** Whether the server answered before it had the body, and did not want it. */
  #refused = false
  /** Whether a success waits for the end of the upload before it is given. */
  #held = false
  #heldPieces = 0
  #complete = false
  #delivered = false
  #over = false
  /** Lets the upload go on. */
  #wake: (() => void) | undefined

  constructor(call: ExchangeCall) {
    const { request, ctx } = call
    const { method, body, repeatable = IDEMPOTENT.has(method) } = request
    this.#call = call
    this.idleMs = call.origin.idleMs
    this.#stream = body instanceof Readable ? body : undefined
    this.#repeatable = repeatable && this.#stream === undefined
    this.#ticket = { fresh: ctx.attempt > 1 }
    this.#unlink = onAbort(ctx.signal, () => this.#fail(abortError(ctx.signal, method, request.url)))
    // From the beginning, since it may fail while a connection is waited for, and for good: what fails after the
    // request is over must not end the process.
    this.#stream?.on('error', error => this.#refused || this.#stream!.readableEnded || this.#fail(error))
  }

  start(): void {
    const { origin, request, checked } = this.#call
    const { hostname, port, agent, proxyHeaders } = origin
    const { method, url, body } = request
    const path = proxyHeaders === undefined ? checked.path : url
    const headers = proxyHeaders === undefined ? checked.headers : { ...checked.headers, ...proxyHeaders }
    const options = { method, path, hostname, port, headers, agent, maxHeaderSize: MAX_HEAD, ticket: this.#ticket }
    const http = agent.protocol === 'https:' ? nodeHttps() : nodeHttp()
    const out = http.request(options as unknown as RequestOptions)
    this.#out = out
    out.on('error', error => this.#onError(out, error))
    out.on('response', message => this.#onResponse(message))
    out.on('close', () => this.#onClose(out))
    if (body === undefined) out.end()
    else if (body instanceof Readable) void this.#upload(measured(body, checked.length))
    else if (checked.expects) void this.#upload(slices(body))
    else if (typeof body === 'string') {
      // As text it would give its encoding to the head.
      out.end(Buffer.from(body))
    } else if (body instanceof Uint8Array && body.byteLength <= SMALL) out.end(body)
    else void this.#upload(slices(body))
  }

  // `for await`: a stream runs in the asynchronous context of its request, not of the connection, and ends with the loop.
  async #upload(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    const out = this.#out
    const { length, expects } = this.#call.checked
    let sent = 0
    out.on('drain', () => this.#wake?.())
    try {
      if (expects) await this.#continued(out)
      if (this.#isDone(out)) return
      if (length === 0) out.end()
      for await (const bytes of chunks) {
        sent += bytes.byteLength
        if (!out.write(bytes)) await new Promise<void>(resolve => (this.#wake = resolve))
        if (this.#isDone(out)) return
        this.#call.ctx.progress()
        // The server may answer now, whenever the stream itself ends.
        if (sent === length) out.end()
      }
      out.end()
    } catch (error) {
      if (!this.#isDone(out)) this.#fail(error)
    }
  }

  /** Whether nothing more is to be sent. */
  #isDone(out: ClientRequest): boolean {
    return this.#over || this.#refused || out !== this.#out || out.destroyed
  }

  // RFC 9110 section 10.1.1: a client must not wait for ever, since an old server may not know the expectation.
  async #continued(out: ClientRequest): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    out.once('socket', () => (timer = setTimeout(() => this.#wake?.(), CONTINUE_WAIT_MS)))
    out.once('continue', () => {
      this.#call.ctx.progress()
      this.#wake?.()
    })
    out.flushHeaders()
    await new Promise<void>(resolve => (this.#wake = resolve))
    clearTimeout(timer)
  }

  #onResponse(message: IncomingMessage): void {
    const hint = message.headers['keep-alive']
    const { connection } = this.#ticket
    if (typeof hint === 'string' && connection !== undefined) connection.idleMs = idleTimeOf(hint)
    this.#call.ctx.progress()
    this.#message = message
    // By then everything is there that came together with the headers.
    process.nextTick(() => this.#begin(message))
  }

  #begin(message: IncomingMessage): void {
    if (this.#over) return
    const { request, ctx } = this.#call
    const { statusCode, headers } = message
    const answer = new Answer(statusCode!, headers, this.#resent, this)
    this.#answer = answer
    if (!this.#out.writableFinished) this.#onEarly(statusCode!)
    if (message.complete) {
      // At once and without events, so that the connection is free before the caller goes on.
      const bytes: Buffer | null = message.read()
      if (bytes !== null) answer.receive(bytes)
      this.#onEnd()
    } else if (message.destroyed) this.#fail(brokenError(message.errored, request.method, request.url))
    else {
      message.on('data', (bytes: Buffer) => {
        ctx.progress()
        answer.receive(bytes)
      })
      message.on('end', () => this.#onEnd())
      message.on('error', error => this.#fail(brokenError(error, request.method, request.url)))
    }
    if (!this.#held) this.#deliver()
  }

  /** An error before the whole body was sent ends the upload; a success is believed when the upload has ended. */
  #onEarly(status: number): void {
    if (status < 300) {
      this.#held = true
      this.#out.once('finish', () => {
        if (!this.#held || this.#over) return
        this.#held = false
        this.#deliver()
        if (this.#complete) this.#onEnd()
      })
    } else if (!this.#out.writableEnded) {
      this.#refused = true
      this.#stream?.destroy()
      this.#wake?.()
    }
  }

  #deliver(): void {
    this.#delivered = true
    this.#call.resolve(this.#answer!)
  }

  #onEnd(): void {
    if (this.#over) return
    this.#complete = true
    if (this.#held) {
      // What the server has read is written by then. Nobody waits for the rest of the upload.
      afterTurn(() => this.#held && this.#failHasty())
      return
    }
    this.#finish()
    this.#answer!.end()
    if (this.#refused) this.#stop()
  }

  #onError(out: ClientRequest, error: unknown): void {
    if (this.#over || out !== this.#out) return
    const { client, origin, request } = this.#call
    const { method, url } = request
    if (this.#message !== undefined) {
      // What is wrong behind a whole answer does not concern it.
      if (!this.#message.complete) this.#fail(brokenError(error, method, url))
    } else if (client.closed && !(error instanceof StorageError)) this.#fail(closedError(method, url))
    else if (this.#repeatable && !this.#resent && isReset(error) && this.#isUnanswered) {
      // The server had closed the kept connection before it saw the request, as far as anybody can tell.
      this.#resent = true
      this.#ticket = { fresh: true }
      origin.agent.closeIdle()
      this.#wake?.()
      this.start()
    } else {
      const failure = transportError(error, method, url)
      // Nobody knows what became of the request on the first connection.
      this.#fail(this.#resent ? withOutcome(failure, 'unknown') : failure)
    }
  }

  #failHasty(): void {
    this.#fail(hastyError(this.#call.request.method, this.#call.request.url))
  }

  #onClose(out: ClientRequest): void {
    this.#wake?.()
    if (this.#held) this.#failHasty()
    // Without an error: by an upgrade that nobody asked for.
    else if (this.#message === undefined)
      this.#onError(out, { code: 'ECONNRESET', message: 'the connection was closed' })
  }

  /** Whether a kept connection gave no byte to this request. */
  get #isUnanswered(): boolean {
    const { connection } = this.#ticket
    return this.#out.reusedSocket && connection?.socket.bytesRead === connection?.bytesRead
  }

  pause(): void {
    // The end of an answer that is held has to be seen.
    if (!this.#held || ++this.#heldPieces > MAX_HELD_PIECES) this.#message!.pause()
  }

  resume(): void {
    this.#message!.resume()
  }

  cancel(): void {
    if (this.#over) return
    this.#finish()
    this.#stop()
  }

  stalled(): void {
    this.#fail(stalledError(this.idleMs, this.#call.request.method, this.#call.request.url))
  }

  #finish(): void {
    this.#over = true
    this.#unlink()
  }

  #stop(): void {
    this.#out.destroy()
    this.#call.origin.agent.cancel(this.#out)
    discardBody(this.#call.request)
    this.#wake?.()
  }

  // An error of the caller's stream stays as it is.
  #fail(error: unknown): void {
    if (this.#over) return
    // The other idle connections may be as dead as this one.
    const code = this.#message === undefined && error instanceof StorageError ? error.code : undefined
    if ((code === 'timeout' || code === 'unavailable') && this.#isUnanswered) this.#call.origin.agent.closeIdle()
    this.#finish()
    this.#stop()
    if (this.#delivered) this.#answer!.fail(error as Error)
    else this.#call.reject(error)
  }
}
