/** A strict server of any HTTP service: it parses, checks the signature, runs the operation, logs, and commits faults on request. */
import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { exchange } from '../../faults/exchange.ts'
import type { Answer, Fault, Refuse } from '../../faults/faults.ts'
import { Refusal, type StrictAnswer } from './answer.ts'
import { FaultList } from './faults.ts'
import type { LoggedRequest } from './log.ts'
import type { StrictRequest } from './request.ts'

/** What a service says of itself: `R` is its request, `I` who asks, `L` what its log has besides. */
export interface StrictService<R extends StrictRequest, I, L extends object = object> {
  /** The request without its body; `readRequest` does what does not depend on the service. Throws a `Refusal`. */
  parse(message: IncomingMessage, requestId: string): R
  /** The operation's name in the service's reference. */
  operation(request: R): string
  /** Checks the signature and all else that can be checked before the body is asked for; throws a `Refusal`. */
  authenticate(request: R, operation: string): I
  /** What the operation gets once the body is there, where that is not the body as it was sent; throws a `Refusal`. */
  unwrap?(request: R, identity: I): R
  /** Carries an operation out; throws a `Refusal`. */
  run(operation: string, request: R, identity: I): StrictAnswer | Promise<StrictAnswer>
  /** The error document of a refusal; the request is undefined where it could not be parsed. */
  errorAnswer(refusal: Refusal, request: R | undefined, requestId: string): StrictAnswer
  /** Headers of every answer. */
  headers?(requestId: string): Readonly<Record<string, string>>
  /** What the log has besides; who asks is undefined where that could not be told. */
  logged(request: R, identity: I | undefined): L
}

/** A running strict server. */
export interface StrictServer<R extends StrictRequest, L extends object = object> {
  /** `http://127.0.0.1:`, or `https://127.0.0.1:` with a certificate, and the port, without a slash at its end. */
  readonly url: string
  readonly port: number
  /** Every request so far; empty it with `requests.length = 0`. */
  readonly requests: (LoggedRequest & L)[]
  readonly faults: FaultList<R>
  /** Fetches without a signature. */
  anonymous(path: string, init?: RequestInit): Promise<Response>
  close(): Promise<void>
}

/** A certificate and its key, as PEM. */
export interface ServerCertificate {
  readonly cert: Buffer | string
  readonly key: Buffer | string
}

/** Starts a strict server on a free loopback port; over TLS where a certificate is given. */
export async function startStrictServer<R extends StrictRequest, I, L extends object>(
  service: StrictService<R, I, L>,
  { tls }: { readonly tls?: ServerCertificate | undefined } = {},
): Promise<StrictServer<R, L>> {
  const requests: (LoggedRequest & L)[] = []
  const faults = new FaultList<R>()
  const timers = new Set<NodeJS.Timeout>()
  const wait = (ms: number): Promise<void> => new Promise(resolve => timers.add(setTimeout(resolve, ms)))
  const manners = { keepAliveTimeout: 60_000, maxHeaderSize: 64 * 1024 }
  const http = tls === undefined ? createServer(manners) : createTlsServer({ ...manners, cert: tls.cert, key: tls.key })
  const start = (message: IncomingMessage, response: ServerResponse, expects: boolean): void => {
    const visit = new Visit(service, message)
    const fault = visit.fault(faults)
    const work = exchange({
      message,
      response,
      expects,
      fault,
      wait,
      carryOut: read => visit.carryOut(read),
      refusal: refused => visit.refusal(refused),
      answering: answer => {
        const entry = visit.entry(answer)
        if (entry !== undefined) requests.push(entry)
      },
    })
    work.catch(() => message.socket.destroy())
  }
  http.on('request', (message, response) => start(message, response, false))
  http.on('checkContinue', (message, response) => start(message, response, true))
  await new Promise<void>((resolve, reject) => {
    http.once('error', reject)
    http.listen(0, '127.0.0.1', resolve)
  })
  const { port } = http.address() as AddressInfo
  const url = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`
  return {
    url,
    port,
    requests,
    faults,
    anonymous: (path, init) => fetch(new URL(path, url), init),
    close: () =>
      new Promise<void>((resolve, reject) => {
        for (const timer of timers) clearTimeout(timer)
        http.close(error => (error ? reject(error) : resolve()))
        http.closeAllConnections()
      }),
  }
}

/** One request and what became of it. */
class Visit<R extends StrictRequest, I, L extends object> {
  readonly #service: StrictService<R, I, L>
  readonly #message: IncomingMessage
  readonly #requestId: string = randomBytes(8).toString('hex').toUpperCase()
  #request: R | undefined
  #operation = 'Unknown'
  #identity: I | undefined
  /** Why the request could not even be parsed. */
  #unread: Refusal | undefined
  #code: string | undefined

  constructor(service: StrictService<R, I, L>, message: IncomingMessage) {
    this.#service = service
    this.#message = message
    try {
      this.#request = service.parse(message, this.#requestId)
      this.#operation = service.operation(this.#request)
    } catch (error) {
      this.#unread = refusalOf(error)
    }
  }

  /** The fault that was planned for this request. */
  fault(faults: FaultList<R>): Fault | undefined {
    return this.#request === undefined ? undefined : faults.take(this.#operation, this.#request)
  }

  async carryOut(read: () => Promise<Buffer>): Promise<Answer> {
    const { socket } = this.#message
    let answer: StrictAnswer
    try {
      answer = await this.#run(read)
    } catch (error) {
      if (socket.destroyed) throw error
      this.#message.resume()
      return this.#refused(refusalOf(error))
    }
    return this.#whole(answer)
  }

  async #run(read: () => Promise<Buffer>): Promise<StrictAnswer> {
    const service = this.#service
    if (this.#request === undefined) throw this.#unread ?? new Error('no request')
    const identity = service.authenticate(this.#request, this.#operation)
    this.#identity = identity
    this.#request = { ...this.#request, body: await read() }
    this.#request = service.unwrap?.(this.#request, identity) ?? this.#request
    return service.run(this.#operation, this.#request, identity)
  }

  /** The answer of a planned refusal: as it says, or the service's document of its code. */
  refusal({ status, code, headers = {}, body }: Refuse): Answer {
    const name = code ?? 'InternalError'
    const refusal = new Refusal(status, name, 'A fault that the test asked for.', {}, headers)
    if (body === undefined) return this.#refused(refusal)
    this.#code = name
    return this.#whole({ status, headers, body })
  }

  #refused(refusal: Refusal): Answer {
    this.#code = refusal.code
    return this.#whole(this.#service.errorAnswer(refusal, this.#request, this.#requestId))
  }

  /** An answer with the headers of every answer; HEAD tells the length of what it does not send, except of an error. */
  #whole(answer: StrictAnswer): Answer {
    const body = Buffer.from(answer.body ?? '')
    const headers: Record<string, string> = { ...this.#service.headers?.(this.#requestId), ...answer.headers }
    const tells = this.#message.method === 'HEAD' && this.#code === undefined
    if (tells && answer.status !== 204 && answer.status !== 304) headers['content-length'] = String(body.length)
    return { status: answer.status, headers: Object.entries(headers), body }
  }

  /** The log's entry; undefined for what could not be parsed. */
  entry({ status }: Answer): (LoggedRequest & L) | undefined {
    const request = this.#request
    if (request === undefined) return undefined
    const { method, headers, body } = request
    const own = this.#service.logged(request, this.#identity)
    const entry = { operation: this.#operation, method, headers, code: this.#code, status }
    return { ...own, ...entry, url: this.#message.url ?? '', bodySize: body.length }
  }
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  return new Refusal(500, 'InternalError', `Test server: ${(error as Error).stack}`)
}
