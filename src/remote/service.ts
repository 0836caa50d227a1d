import type { IncomingHttpHeaders } from 'node:http'
import { Readable } from 'node:stream'
import { drain } from '../core/body.ts'
import type { CallContext } from '../core/call.ts'
import { isStorageError, StorageError } from '../core/errors.ts'
import { type HttpClient, type HttpRequest, type HttpResponse, shownUrl } from '../http/request.ts'
import { type Expected, type Intent, isRead, isRefusal, jsonOf, noAnswer, problemOf, unread } from './answers.ts'
import { readDocument } from './document.ts'
import { HttpStatusError, shownText } from './http-error.ts'
import type { Hide } from './redact.ts'
import { parseXml, readXml, type XmlNode } from './xml.ts'

/** The fields of a request that `Service` needs; each protocol adds its own. */
export interface ServiceRequest extends Intent {
  /** A stream can be sent only once. */
  readonly body?: HttpRequest['body']
  /** Whether sending the write twice would break its own condition. Default: it has `if-match` or `if-none-match`. */
  readonly conditional?: boolean | undefined
  /**
   * Statuses that a repeated write gets if its first try was carried out: 409 when it creates a container, 404 when it deletes one. After a
   * resend they do not show what happened. Default: those of the protocol, for a conditional write.
   */
  readonly conflicts?: readonly number[] | undefined
}

/** A request with its address and signature. */
export interface Prepared {
  readonly wire: HttpRequest
  /** The token or the keys of the request. `learn` drops them if the service refuses them. */
  readonly credential?: object | undefined
  /** Hides the request's secrets in texts of the service. */
  readonly hide: Hide
}

/** A correction learnt from an error. The request is sent again with it. */
export interface Lesson<K> {
  /** One word for the cause: `region`, `clock`, `token`, `container`. Each is learnt at most once per request. */
  readonly about: string
  /** The new value for preparing requests. It is kept if the service then accepts the request. */
  readonly known: K
}

/** The protocol of one service. Requests are prepared with `K`, which an answer may correct: a region, a clock, a token. */
export interface ServiceProtocol<R extends ServiceRequest, K> {
  /** Addresses and signs a request. */
  prepare(request: R, known: K, ctx: CallContext): Prepared | Promise<Prepared>
  expected(request: R): Expected
  /** Statuses that mean that the condition of a write does not hold. Default: 412. */
  readonly conflicts?: readonly number[] | undefined
  /** Returns the error of an answer with an error status; reads or drains its body. */
  refuse(request: R, sent: Prepared, answer: HttpResponse): Promise<HttpStatusError>
  /** Returns the error in a document that came with a success status; undefined if there is none. */
  inside?(sent: Prepared, document: XmlNode, headers: IncomingHttpHeaders): HttpStatusError | undefined
  /** A request whose answer explains a refusal without a body, such as that of a HEAD; undefined if the error is clear. */
  explain?(request: R, error: HttpStatusError): R | undefined
  /** The correction for an error; undefined if the error is final. `sent` is the request that was refused. */
  learn?(
    error: HttpStatusError,
    known: K,
    request: R,
    sent: Prepared,
    ctx: CallContext,
  ): Lesson<K> | undefined | Promise<Lesson<K> | undefined>
}

/** A document that answered a request. */
export interface Answered {
  readonly headers: IncomingHttpHeaders
  /** Hides the request's secrets in texts of the document. */
  readonly hide: Hide
  /** Whether the request was sent twice, so that it may have been carried out twice. */
  readonly resent: boolean
}

/** An XML document that answered a request. */
export interface XmlAnswer extends Answered {
  readonly root: XmlNode
}

interface Exchange {
  readonly sent: Prepared
  readonly response: HttpResponse
  readonly expected: Expected
  readonly resent: boolean
}

/** Error statuses that prove that the service accepted the signature. */
const TAKEN: ReadonlySet<number> = new Set([304, 404, 409, 412, 416])
/** Maximum number of bytes that are read of an unexpected body. */
const STRAY_LIMIT = 64 * 1024

/**
 * Sends signed requests to one HTTP service. It checks answers, lets the protocol learn from errors and then sends the request once more,
 * and tracks whether a request may have been sent twice. An error status is thrown as the protocol's `HttpStatusError`; an answer that is
 * not from the service is thrown as `unavailable`.
 *
 * @example
 * const service = new Service(
 *   {
 *     expected: () => ({ statuses: [200], fields: ['files'] }),
 *     prepare: async ({ method, path }: MyRequest, _known, { signal }) => {
 *       const credential = await tokens.get(signal)
 *       const headers = { authorization: `Bearer ${credential.text}` }
 *       return { wire: { method, url: `${base}${path}`, headers }, hide: hiding([credential.text]), credential }
 *     },
 *     refuse: async (_request, { wire, hide }, answer) =>
 *       new HttpStatusError(wire, { ...(await readRefusal(wire, answer)), hide }),
 *     learn: ({ status }, known, _request, { credential }) => {
 *       if (status !== 401) return undefined
 *       tokens.drop(credential)
 *       return { about: 'token', known }
 *     },
 *   },
 *   new NodeClient(),
 *   undefined,
 * )
 * const { value } = await service.json<{ files: string[] }>({ method: 'GET', path: '/files' }, ctx)
 */
export class Service<R extends ServiceRequest, K> {
  readonly #protocol: ServiceProtocol<R, K>
  readonly #http: Pick<HttpClient, 'request'>
  #known: K

  constructor(protocol: ServiceProtocol<R, K>, http: Pick<HttpClient, 'request'>, known: K) {
    this.#protocol = protocol
    this.#http = http
    this.#known = known
  }

  /** The values that requests are prepared with now. */
  get known(): K {
    return this.#known
  }

  /** Returns a successful answer; the caller must read or drain its body. */
  async send(request: R, ctx: CallContext): Promise<HttpResponse> {
    return (await this.#exchange(request, ctx)).response
  }

  /** Sends a request whose answer has no useful body; returns its headers. An HTML page or an error in that body is thrown as an error. */
  async done(request: R, ctx: CallContext): Promise<IncomingHttpHeaders> {
    const exchange = await this.#exchange(request, ctx)
    const { response } = exchange
    if (isRead(request) || response.headers['content-length'] === '0') await drain(response)
    else await this.#checkStray(request, exchange)
    return response.headers
  }

  /** Sends a request and returns its XML answer. Another root element is an error, even with a success status. */
  async xml(request: R, ctx: CallContext): Promise<XmlAnswer> {
    const exchange = await this.#exchange(request, ctx)
    const { sent, response, expected, resent } = exchange
    const root = await readXml(response, expected).catch(error => {
      throw unread(request, error)
    })
    this.#checkInside(exchange, root)
    if (expected.root !== undefined && !expected.root.includes(root.name)) {
      const text = `expected a document ${expected.root[0]}, got ${shownText(root.name, sent.hide)}.`
      throw noAnswer(aboutOf(request, sent), response, text)
    }
    const missing = expected.fields?.find(name => !root.child(name)?.text.trim())
    if (missing !== undefined)
      throw noAnswer(aboutOf(request, sent), response, `the document ${root.name} has no ${missing}.`)
    return { root, headers: response.headers, hide: sent.hide, resent }
  }

  /** Sends a request and returns its JSON answer: an object with the expected fields. */
  async json<T extends object>(request: R, ctx: CallContext): Promise<Answered & { readonly value: T }> {
    const { sent, response, expected, resent } = await this.#exchange(request, ctx)
    const text = await readDocument(response).catch(error => {
      throw unread(request, error)
    })
    const value = jsonOf(text)
    if (typeof value !== 'object' || value === null) {
      throw noAnswer(aboutOf(request, sent), response, 'expected a JSON object, got something else.')
    }
    const missing = expected.fields?.find(name => !Object.hasOwn(value, name))
    if (missing !== undefined) throw noAnswer(aboutOf(request, sent), response, `the JSON object has no '${missing}'.`)
    const odd = expected.lists?.find(name => !Array.isArray((value as Record<string, unknown>)[name]))
    if (odd !== undefined)
      throw noAnswer(aboutOf(request, sent), response, `'${odd}' of the JSON object is not an array.`)
    return { value: value as T, headers: response.headers, hide: sent.hide, resent }
  }

  async #exchange(request: R, ctx: CallContext): Promise<Exchange> {
    let known = this.#known
    let learnt: Set<string> | undefined
    let resent = false
    for (;;) {
      // An error of `prepare` is not an answer to this request, so nothing is learnt from it.
      const prepared = this.#protocol.prepare(request, known, ctx)
      const sent = prepared instanceof Promise ? await prepared : prepared
      try {
        const exchange = await this.#sendOnce(request, sent, resent, ctx)
        if (learnt !== undefined) this.#known = known
        return exchange
      } catch (failure) {
        if (!(failure instanceof HttpStatusError)) throw failure
        const error = await this.#explained(request, failure, known, ctx)
        if (learnt !== undefined && TAKEN.has(error.status)) this.#known = known
        const lesson = await this.#lesson(error, known, request, sent, ctx)
        if (lesson === undefined || learnt?.has(lesson.about)) throw error
        learnt = (learnt ?? new Set()).add(lesson.about)
        known = lesson.known
        resent ||= error.outcome === 'unknown'
      }
    }
  }

  /** The protocol's correction; undefined for a stream, which cannot be sent again, and after an abort. */
  async #lesson(
    error: HttpStatusError,
    known: K,
    request: R,
    sent: Prepared,
    ctx: CallContext,
  ): Promise<Lesson<K> | undefined> {
    if (request.body instanceof Readable || ctx.signal.aborted) return undefined
    return this.#protocol.learn?.(error, known, request, sent, ctx)
  }

  /** Sends a second request for an explanation; returns its error if it has the same cause. */
  async #explained(request: R, error: HttpStatusError, known: K, ctx: CallContext): Promise<HttpStatusError> {
    const question = this.#protocol.explain?.(request, error)
    if (question === undefined) return error
    try {
      const sent = await this.#protocol.prepare(question, known, ctx)
      await drain((await this.#sendOnce(question, sent, false, ctx)).response)
    } catch (told) {
      // A 404 without the service's own code does not come from the service, so no file is missing.
      const says = told instanceof HttpStatusError && (told.serviceCode !== undefined || !told.seeksFile)
      if (says && isAlike(told, error)) return told
    }
    return error
  }

  async #sendOnce(request: R, sent: Prepared, sentBefore: boolean, ctx: CallContext): Promise<Exchange> {
    const response = await this.#http.request(sent.wire, ctx)
    const resent = sentBefore || response.resent === true
    const expected = this.#protocol.expected(request)
    const problem = problemOf(expected, response)
    if (problem === undefined) return { sent, response, expected, resent }
    if (!isRefusal(sent.wire, response)) {
      void drain(response)
      throw noAnswer(aboutOf(request, sent), response, problem)
    }
    const isConflict = (request.conflicts ?? this.#protocol.conflicts ?? [412]).includes(response.status)
    if (resent && isConflict && isConditional(request, sent.wire)) {
      void drain(response)
      throw lostAnswer(sent.wire, response.status)
    }
    throw await this.#protocol.refuse(request, sent, resent ? { ...answerOf(response), resent } : response)
  }

  /** Refuses an HTML page or an error document if no body was expected. */
  async #checkStray(request: R, exchange: Exchange): Promise<void> {
    const { sent, response } = exchange
    const text = await readDocument(response, STRAY_LIMIT).catch(error => {
      if (isStorageError(error, 'too_large')) throw unread(request, error)
      // The status and the headers are enough.
      return ''
    })
    const start = text.trimStart()
    if (!start.startsWith('<')) return
    if (/^<(?:!doctype\s+)?html\b/i.test(start)) throw noAnswer(aboutOf(request, sent), response, 'got a page of HTML.')
    const root = await parseXml(start).catch(() => undefined)
    if (root !== undefined) this.#checkInside(exchange, root)
  }

  #checkInside({ sent, response }: Exchange, root: XmlNode): void {
    const error = this.#protocol.inside?.(sent, root, response.headers)
    if (error !== undefined) throw error
  }
}

/** Whether two errors may have the same cause. Several statuses report a wrong region or address. */
function isAlike({ status }: HttpStatusError, other: HttpStatusError): boolean {
  return status === other.status || (status <= 400 && other.status <= 400)
}

/** The request, with the address it went to. */
function aboutOf({ reads }: ServiceRequest, { wire: { method, url } }: Prepared): Intent & Pick<HttpRequest, 'url'> {
  return { method, url, reads }
}

function answerOf({ status, headers, body }: HttpResponse): HttpResponse {
  return { status, headers, body }
}

function isConditional(request: ServiceRequest, { headers }: HttpRequest): boolean {
  if (isRead(request)) return false
  if (request.conflicts !== undefined) return true
  return request.conditional ?? (headers['if-none-match'] !== undefined || headers['if-match'] !== undefined)
}

function lostAnswer({ method, url }: HttpRequest, status: number): StorageError {
  const now = status === 404 ? 'what it asked for is missing' : 'the key is taken or changed'
  const text = `${method} ${shownUrl(url)}: the answer was lost, and ${now} now, perhaps by this very request.`
  return new StorageError('unavailable', text, { outcome: 'unknown', retryable: false, status })
}
