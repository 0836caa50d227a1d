import { type Agent, ClientRequest, type IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import type { CallContext } from '../core/driver.ts'
import { StorageError } from '../core/errors.ts'
import { Answer, watchBody } from './answer.ts'
import { type HttpRequest, type HttpResponse, shownUrl } from './request.ts'
import { abortError, isReset, transportError } from './transport-error.ts'
import { sendBytes, sendStream, type Upload } from './upload.ts'

/** Where the requests of one scheme, host and port go; resolved once. */
export interface Origin {
  /** `http:` or `https:`, of the connection. */
  readonly protocol: string
  /** Of the server, or of the proxy that requests are sent to. */
  readonly hostname: string
  readonly port: number
  /** Value of the `Host` header. */
  readonly host: string
  /** Whether whole URLs are asked for: there is a forward proxy. */
  readonly absolute: boolean
  readonly proxyAuthorization: string | undefined
  readonly agent: Agent
  /** Never gives a connection that was used before. */
  freshAgent(): Agent
  /** Milliseconds that an answer's body may stand still while it is read; 0 for no limit. */
  readonly idleMs: number
  /** Whether the transport was closed, which breaks the connections. */
  readonly closed: boolean
}

const CONTINUE_WAIT_MS = 1000
const SMALL = 64 * 1024

/** Sends one request and gives its answer as soon as its headers are there. */
export function exchange(origin: Origin, path: string, request: HttpRequest, ctx: CallContext): Promise<HttpResponse> {
  return new Promise((resolve, reject) => new Exchange(origin, path, request, ctx, resolve, reject).start())
}

class Exchange {
  readonly #origin: Origin
  readonly #path: string
  readonly #request: Omit<HttpRequest, 'body'>
  readonly #ctx: CallContext
  readonly #resolve: (response: HttpResponse) => void
  readonly #reject: (error: unknown) => void
  #bytes: Uint8Array | undefined
  readonly #stream: Readable | undefined
  readonly #headers: string[] = []
  #length: number | undefined
  #expects = false
  #outgoing: ClientRequest | undefined
  #incoming: IncomingMessage | undefined
  #upload: Upload | undefined
  #timer: NodeJS.Timeout | undefined
  #stopWatch: (() => void) | undefined
  #retried = false
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
    const { method, url, headers, body } = request
    this.#request = { method, url, headers }
    this.#ctx = ctx
    this.#resolve = resolve
    this.#reject = reject
    if (typeof body === 'string') this.#bytes = Buffer.from(body, 'utf8')
    else if (body instanceof Uint8Array) this.#bytes = body
    else this.#stream = body
  }

  start(): void {
    const { signal } = this.#ctx
    if (signal.aborted) {
      this.#onAbort()
      return
    }
    signal.addEventListener('abort', this.#onAbort)
    this.#tryToSend()
  }

  readonly #onAbort = (): void => {
    this.#fail(abortError(this.#ctx.signal, this.#request.method, this.#request.url))
  }

  #collectHeaders(): void {
    const { headers: given, method } = this.#request
    const headers = this.#headers
    let host = false
    let chunked = false
    for (const name in given) {
      const value = given[name]
      if (value === undefined) continue
      headers.push(name, value)
      const { length } = name
      if (length === 4) host ||= name.toLowerCase() === 'host'
      else if (length === 6) this.#expects ||= name.toLowerCase() === 'expect' && value.toLowerCase() === '100-continue'
      else if (length === 14 && name.toLowerCase() === 'content-length') this.#length = Number(value)
      else if (length === 17 && name.toLowerCase() === 'transfer-encoding') chunked = true
    }
    if (!host) headers.push('Host', this.#origin.host)
    const auth = this.#origin.proxyAuthorization
    if (auth !== undefined) headers.push('Proxy-Authorization', auth)
    if (this.#stream !== undefined) {
      if (this.#length === undefined && !chunked) headers.push('Transfer-Encoding', 'chunked')
      return
    }
    const size = this.#bytes?.byteLength
    if (this.#length === undefined) {
      if (size !== undefined || method === 'PUT' || method === 'POST' || method === 'PATCH') {
        headers.push('Content-Length', String(size ?? 0))
      }
    } else if (this.#length !== (size ?? 0) && method !== 'HEAD') {
      const text = `The content has ${size ?? 0} bytes, but ${this.#length} were announced.`
      throw new StorageError('invalid_argument', text)
    }
  }

  #tryToSend(): void {
    try {
      if (!this.#retried) this.#collectHeaders()
      this.#send(this.#retried ? this.#origin.freshAgent() : this.#origin.agent)
    } catch (error) {
      // What cannot be sent at all: a character in a header or the path, a wrong length.
      this.#fail(transportError(error, this.#request.method, this.#request.url))
    }
  }

  #send(agent: Agent): void {
    const { protocol, hostname, port, absolute } = this.#origin
    const path = absolute ? this.#request.url : this.#path
    const headers = this.#headers
    const outgoing = new ClientRequest({ protocol, hostname, port, agent, method: this.#request.method, path, headers })
    this.#outgoing = outgoing
    outgoing.on('response', response => this.#onResponse(response))
    outgoing.on('error', error => {
      if (outgoing === this.#outgoing) this.#onError(error)
    })
    outgoing.on('close', () => {
      if (outgoing === this.#outgoing) this.#onClose()
    })
    if (this.#expects) this.#awaitContinue(outgoing)
    else this.#sendBody(outgoing)
  }

  #sendBody(outgoing: ClientRequest): void {
    const bytes = this.#bytes
    if (bytes !== undefined) {
      if (bytes.byteLength <= SMALL) outgoing.end(bytes)
      else this.#upload = sendBytes(outgoing, bytes, this.#onProgress)
    } else if (this.#stream !== undefined) {
      this.#upload = sendStream(outgoing, this.#stream, this.#length, this.#onProgress, error => this.#fail(error))
    } else outgoing.end()
  }

  readonly #onProgress = (): void => this.#ctx.progress()

  // RFC 9110 section 10.1.1: a client must not wait for ever, since an old server may not know the expectation.
  #awaitContinue(outgoing: ClientRequest): void {
    const proceed = (): void => {
      this.#stopWaiting()
      this.#ctx.progress()
      this.#sendBody(outgoing)
    }
    this.#upload = { active: true, stop: () => this.#stream?.destroy() }
    this.#stream?.once('error', error => this.#fail(error))
    this.#timer = setTimeout(proceed, CONTINUE_WAIT_MS)
    outgoing.once('continue', () => {
      if (this.#timer !== undefined) proceed()
    })
  }

  #stopWaiting(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #onResponse(incoming: IncomingMessage): void {
    if (this.#over) {
      incoming.destroy()
      return
    }
    this.#incoming = incoming
    this.#ctx.progress()
    if (this.#timer !== undefined || (this.#upload?.active && (incoming.statusCode ?? 0) >= 300)) {
      // The server does not want the rest; what is left of the request makes the connection useless afterwards.
      this.#stopWaiting()
      this.#upload?.stop()
      incoming.once('close', () => this.#outgoing?.destroy())
    }
    if (!this.#upload?.active) this.#letGo()
    this.#stopWatch = watchBody(incoming, {
      idleMs: this.#origin.idleMs,
      progress: this.#onProgress,
      broken: cause => this.#broken(cause),
      stalled: () => this.#fail(this.#stalled()),
    })
    if (this.#request.method === 'HEAD' || incoming.headers['content-length'] === '0') incoming.resume()
    this.#resolve(new Answer(incoming, this.#retried))
  }

  // The body is not needed any more, and the exchange stays as long as its connection's next turn.
  #letGo(): void {
    this.#bytes = undefined
    this.#upload = undefined
  }

  #stalled(): StorageError {
    const text = `no byte of the answer came for ${this.#origin.idleMs / 1000} s`
    return new StorageError('timeout', `${this.#request.method} ${shownUrl(this.#request.url)}: ${text}`)
  }

  #closed(): StorageError {
    const text = 'the HTTP transport was closed before the answer came'
    const subject = `${this.#request.method} ${shownUrl(this.#request.url)}`
    return new StorageError('closed', `${subject}: ${text}`, { outcome: 'unknown' })
  }

  #broken(cause: unknown): StorageError {
    const text = 'the connection broke before the whole answer was there'
    return transportError({ code: 'ECONNRESET', message: text, cause }, this.#request.method, this.#request.url)
  }

  #onError(error: unknown): void {
    if (this.#over || this.#incoming !== undefined) return
    if (this.#origin.closed && !(error instanceof StorageError)) {
      this.#fail(this.#closed())
      return
    }
    if (!this.#retried && this.#stream === undefined && this.#outgoing?.reusedSocket && isReset(error)) {
      // The server had closed the idle connection: nothing was answered, so the request goes to a new one, once.
      this.#retried = true
      this.#stopWaiting()
      this.#upload?.stop()
      this.#tryToSend()
      return
    }
    this.#fail(transportError(error, this.#request.method, this.#request.url))
  }

  #onClose(): void {
    if (this.#incoming === undefined) this.#onError({ code: 'ECONNRESET', message: 'the connection was closed' })
    else this.#finish()
  }

  #finish(): void {
    this.#over = true
    this.#ctx.signal.removeEventListener('abort', this.#onAbort)
    if (this.#timer !== undefined) this.#stopWaiting()
    this.#stopWatch?.()
    if (this.#upload?.active) this.#upload.stop()
  }

  // An error of the caller's stream stays as it is.
  #fail(error: unknown): void {
    if (this.#over) return
    this.#finish()
    this.#stream?.destroy()
    if (this.#incoming === undefined) {
      this.#outgoing?.destroy()
      this.#reject(error)
    } else this.#incoming.destroy(error as Error)
  }
}
