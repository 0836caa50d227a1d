import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import { Readable } from 'node:stream'
import { nodeHttp, nodeHttps } from '../core/builtin.ts'
import { StorageError, withOutcome } from '../core/errors.ts'
import { type Connection, type Connections, idleTimeOf, type Ticket } from './connections.ts'
import { type Call, Exchange } from './exchange.ts'
import { isReset, transportError } from './transport-error.ts'
import { measured, slices } from './upload.ts'

/** RFC 9110 section 9.2.2. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'])
const CONTINUE_WAIT_MS = 1000
const MAX_HEAD = 64 * 1024
/** Maximum size in bytes of a body that is sent in one piece with the head. */
const SHORT = 64 * 1024

/** One request over node:http and its answer. */
export class NodeExchange extends Exchange implements Ticket {
  fresh: boolean
  connection: Connection | undefined
  readonly #agent: Connections
  #out!: ClientRequest
  #message: IncomingMessage | undefined
  /** Resumes the upload. */
  #wake: (() => void) | undefined

  constructor(call: Call, agent: Connections) {
    super(call)
    this.#agent = agent
    this.fresh = call.ctx.attempt > 1
  }

  start(): void {
    const { request, checked } = this.call
    const { method, url } = request
    const body = typeof request.body === 'string' ? Buffer.from(request.body) : request.body
    const agent = this.#agent
    const { secure, hostname, port, proxy } = agent.route
    let { path, headers } = checked
    if (!secure && proxy !== undefined) {
      path = url
      if (proxy.authorization !== undefined) headers = { ...headers, 'proxy-authorization': proxy.authorization }
    }
    const options = { method, path, hostname, port, headers, agent, maxHeaderSize: MAX_HEAD, ticket: this }
    const http = secure ? nodeHttps() : nodeHttp()
    const out = http.request(options as unknown as RequestOptions)
    this.#out = out
    out.on('error', error => this.#onError(out, error))
    out.on('response', message => this.#onResponse(message))
    out.on('close', () => this.#onClose(out))
    if (body === undefined) out.end()
    else if (body instanceof Readable) void this.#upload(measured(body, checked.length))
    else if (checked.expects || checked.length! > SHORT) void this.#upload(slices(body))
    else out.end(body instanceof Uint8Array ? body : Buffer.concat(body))
  }

  // `for await`: a stream runs in the asynchronous context of its request, not of the connection, and ends with the loop.
  async #upload(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    const out = this.#out
    const { length, expects } = this.call.checked
    let sent = 0
    out.on('drain', () => this.#wake?.())
    try {
      if (expects) await this.#continued(out)
      if (this.#isDone(out)) return
      if (length === 0) out.end()
      for await (const bytes of chunks) {
        sent += bytes.byteLength
        const isFull = !out.write(bytes)
        // The server may answer now, whenever the stream itself ends; no write has to wait any more.
        if (sent === length) out.end()
        else if (isFull) await new Promise<void>(resolve => (this.#wake = resolve))
        if (this.#isDone(out)) return
        this.call.ctx.progress()
      }
      out.end()
    } catch (error) {
      if (!this.#isDone(out)) this.fail(error)
    }
  }

  /** Whether nothing more is to be sent. */
  #isDone(out: ClientRequest): boolean {
    return this.over || this.refused || out !== this.#out || out.destroyed
  }

  // RFC 9110 section 10.1.1: a client must not wait indefinitely, since an old server may not know the expectation.
  async #continued(out: ClientRequest): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    out.once('socket', () => (timer = setTimeout(() => this.#wake?.(), CONTINUE_WAIT_MS)))
    out.once('continue', () => this.#wake?.())
    out.flushHeaders()
    await new Promise<void>(resolve => (this.#wake = resolve))
    clearTimeout(timer)
  }

  #onResponse(message: IncomingMessage): void {
    const hint = message.headers['keep-alive']
    if (typeof hint === 'string' && this.connection !== undefined) this.connection.idleMs = idleTimeOf(hint)
    this.#message = message
    // By then everything that arrived together with the headers is available.
    process.nextTick(() => {
      const status = message.statusCode!
      const out = this.#out
      const sent = status < 300 ? out.writableFinished : out.writableEnded
      this.begin(status, message.headers, message, sent, message.complete)
      if (this.held) out.once('finish', () => this.uploaded())
      if (this.refused) this.#wake?.()
    })
  }

  #onError(out: ClientRequest, error: unknown): void {
    if (this.over || out !== this.#out) return
    const { method, url, body, repeatable = IDEMPOTENT.has(method) } = this.call.request
    if (this.#message !== undefined) {
      // An error behind a complete answer is ignored.
      if (!this.#message.complete) this.break(error)
    } else if (repeatable && !(body instanceof Readable) && !this.resent && isReset(error) && this.#isUnanswered) {
      // The server had closed the kept connection before it saw the request, as far as the client can know.
      this.resent = true
      this.fresh = true
      this.#agent.closeIdle()
      this.#wake?.()
      this.start()
    } else {
      const failure = transportError(error, method, url)
      // It is unknown whether the request on the first connection was carried out.
      this.fail(this.resent ? withOutcome(failure, 'unknown') : failure)
    }
  }

  #onClose(out: ClientRequest): void {
    this.#wake?.()
    this.cut()
    // Without an error: closed by an upgrade that was not requested.
    if (this.#message === undefined) this.#onError(out, { code: 'ECONNRESET', message: 'the connection was closed' })
  }

  /** Whether a kept connection delivered no byte for this request. */
  get #isUnanswered(): boolean {
    return this.#out.reusedSocket && this.connection?.socket.bytesRead === this.connection?.bytesRead
  }

  override close(): void {
    super.close(this.resent || this.#out.socket ? 'unknown' : 'not_applied')
  }

  protected override stop(error?: unknown): void {
    // The other idle connections may be dead, too.
    const code = this.#message === undefined && error instanceof StorageError ? error.code : undefined
    if ((code === 'timeout' || code === 'unavailable') && this.#isUnanswered) this.#agent.closeIdle()
    this.#out.destroy()
    this.#agent.cancel(this.#out)
    this.#wake?.()
  }
}
