import type { IncomingHttpHeaders } from 'node:http'
import type { CallContext } from '../core/call.ts'
import { type ErrorCode, isStorageError, StorageError, wrapError } from '../core/errors.ts'
import type { HttpClient } from '../http/request.ts'
import { sharedContext } from './aftermath.ts'
import { type Expected, textOf } from './answers.ts'
import { classifyHttp, type ServiceCodes } from './codes.ts'
import { readDocument } from './document.ts'
import { dateOf } from './headers.ts'
import { HttpStatusError } from './http-error.ts'
import { hiding } from './redact.ts'
import { isSkewed, readRefusal, skewHint } from './refusal.ts'
import { Service, type ServiceRequest } from './service.ts'

/** A request for a token, for a signature, or to the metadata server. */
export interface AuthRequest extends ServiceRequest {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly expected: Expected
  /** Texts that no message may contain. */
  readonly secrets: ReadonlyArray<string | undefined>
}

/** Words of OAuth (RFC 6749, section 5.2) and of Google's APIs. */
const CODES: ServiceCodes = new Map<string, ErrorCode>([
  ['invalid_grant', 'permission_denied'],
  ['invalid_client', 'permission_denied'],
  ['unauthorized_client', 'permission_denied'],
  ['invalid_scope', 'permission_denied'],
  ['RESOURCE_EXHAUSTED', 'throttled'],
])

/** Requests to services that issue tokens or return an identity. */
export class AuthService {
  readonly #service: Service<AuthRequest, undefined>

  constructor(http: Pick<HttpClient, 'request'>) {
    this.#service = new Service<AuthRequest, undefined>(
      {
        expected: ({ expected }) => expected,
        prepare: ({ method, url, headers, body, secrets }) => ({
          wire: { method, url, headers, body },
          hide: hiding(secrets),
        }),
        async refuse(_request, { wire, hide }, answer) {
          const refusal = await readRefusal(wire, answer)
          const { error = soleFault(refusal.json), error_description: said } = { ...refusal.json }
          const { status: word, message } = (typeof error === 'object' && error !== null ? error : {}) as Fields
          const serverTime = dateOf(refusal.headers.date)
          const skew = error === 'invalid_grant' && isSkewed(serverTime) ? `${skewHint(serverTime)}.` : undefined
          // Dropbox writes a description after the error word.
          const [code, ...rest] = (textOf(error) ?? '').split(': ')
          const serviceMessage = [textOf(said) ?? textOf(message) ?? rest.join(': '), skew].filter(Boolean).join(' ')
          const serviceCode = textOf(code) ?? textOf(word)
          return new HttpStatusError(wire, { ...refusal, serviceCode, serviceMessage, seeksFile: false, hide })
        },
      },
      http,
      undefined,
    )
  }

  /** Returns the fields of a JSON answer. */
  async json(purpose: string, request: AuthRequest, ctx: CallContext): Promise<Fields> {
    return (await this.document(purpose, request, ctx)).value
  }

  /** Returns the fields of a JSON answer, and its headers: Keystone sends the token in one. */
  async document(purpose: string, request: AuthRequest, ctx: CallContext): Promise<AuthDocument> {
    return this.#told(purpose, () => this.#service.json<Record<string, unknown>>(request, ctx))
  }

  /** Returns the headers of an answer whose body is not used. */
  async headers(purpose: string, request: AuthRequest, ctx: CallContext): Promise<IncomingHttpHeaders> {
    return this.#told(purpose, () => this.#service.done(request, ctx))
  }

  /** Returns an answer in plain text. */
  async text(purpose: string, request: AuthRequest, ctx: CallContext): Promise<string> {
    return this.#told(purpose, async () => (await readDocument(await this.#service.send(request, ctx))).trim())
  }

  /** Marks the outcome as `not_applied`: the call that needs this answer has not changed anything yet. */
  async #told<T>(purpose: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (failure) {
      const wrapped = wrapError(failure, { operation: purpose }, error => classifyHttp(error, CODES))
      const code = wrapped.code === 'not_found' ? 'improperly_configured' : wrapped.code
      const { message, status, retryAfterMs, retryable, cause } = wrapped
      const details = { status, retryAfterMs, retryable, cause, outcome: 'not_applied' } as const
      throw isStorageError(failure) && code === 'aborted' ? failure : new StorageError(code, message, details)
    }
  }
}

/** Fields of a JSON object. */
export type Fields = Readonly<Record<string, unknown>>

/** A JSON answer with its headers. */
export interface AuthDocument {
  readonly headers: IncomingHttpHeaders
  readonly value: Fields
}

/**
 * The error in a document that has the error's name as its only field, as Rackspace's: `{"unauthorized": {"code": 401, "message": "..."}}`.
 */
function soleFault(json: Fields | undefined): unknown {
  const [fault, ...others] = Object.values(json ?? {})
  return others.length === 0 && typeof fault === 'object' ? fault : undefined
}

/** A token that a request carries. */
export interface AccessToken {
  /** Secret. */
  readonly text: string
  /** Undefined if the service does not report it. */
  readonly expiresAt: Date | undefined
}

const LONGEST_SECS = 86_400

/** The token in an OAuth answer (RFC 6749, section 5.1). Code `unavailable` for an answer without a token that fits into a header. */
export function tokenOf({ access_token: given, expires_in: secs }: Fields, purpose: string): AccessToken {
  const text = textOf(given)
  if (text === undefined || /[^!-~]/.test(text)) {
    throw new StorageError('unavailable', `${purpose}: the answer has no token.`, { outcome: 'not_applied' })
  }
  const lifeSecs = typeof secs === 'string' && /^\d{1,9}$/.test(secs) ? Number(secs) : secs
  const isKnown = typeof lifeSecs === 'number' && lifeSecs > 0
  return { text, expiresAt: isKnown ? new Date(Date.now() + Math.min(lifeSecs, LONGEST_SECS) * 1000) : undefined }
}

/** Requests a token with a form, such as one with a refresh token (RFC 6749, sections 4.1.3 and 6). */
export async function grantedToken(
  auth: AuthService,
  purpose: string,
  url: string,
  form: Readonly<Record<string, string>>,
  secrets: ReadonlyArray<string | undefined>,
): Promise<AccessToken> {
  const request = {
    method: 'POST',
    url,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
    expected: { statuses: [200], fields: ['access_token'] },
    secrets,
  } as const
  return tokenOf(await auth.json(purpose, request, sharedContext()), purpose)
}
