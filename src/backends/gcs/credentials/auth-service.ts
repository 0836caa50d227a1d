import type { CallContext } from '../../../core/call.ts'
import { type ErrorCode, isStorageError, StorageError, wrapError } from '../../../core/errors.ts'
import type { HttpClient } from '../../../http/request.ts'
import type { Expected } from '../../../remote/answers.ts'
import { classifyHttp, type ServiceCodes } from '../../../remote/codes.ts'
import { readDocument } from '../../../remote/document.ts'
import { dateOf } from '../../../remote/headers.ts'
import { HttpStatusError } from '../../../remote/http-error.ts'
import { hiding } from '../../../remote/redact.ts'
import { isSkewed, readRefusal, skewHint } from '../../../remote/refusal.ts'
import { Service, type ServiceRequest } from '../../../remote/service.ts'
import { textOf } from '../errors.ts'

/** A request for a token, for a signature, or for what the metadata server knows. */
export interface AuthRequest extends ServiceRequest {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly expected: Expected
  /** What no message may show. */
  readonly secrets: ReadonlyArray<string | undefined>
}

/** What a token may be used for: the bucket, and signing by the IAM service. (https://cloud.google.com/storage/docs/oauth-scopes) */
export const SCOPES: readonly string[] = [
  'https://www.googleapis.com/auth/devstorage.full_control',
  'https://www.googleapis.com/auth/cloud-platform',
]

/** Words of OAuth (RFC 6749, section 5.2) and of Google's APIs. */
const CODES: ServiceCodes = new Map<string, ErrorCode>([
  ['invalid_grant', 'permission_denied'],
  ['invalid_client', 'permission_denied'],
  ['unauthorized_client', 'permission_denied'],
  ['invalid_scope', 'permission_denied'],
  ['RESOURCE_EXHAUSTED', 'throttled'],
])

/** Requests to Google's services for identities. */
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
          const { error, error_description: said } = { ...refusal.json }
          const { status: word, message } = (typeof error === 'object' && error !== null ? error : {}) as Fields
          const serverTime = dateOf(refusal.headers.date)
          const skew = error === 'invalid_grant' && isSkewed(serverTime) ? `${skewHint(serverTime)}.` : undefined
          const serviceMessage = [textOf(said) ?? textOf(message), skew].filter(Boolean).join(' ')
          const serviceCode = textOf(error) ?? textOf(word)
          return new HttpStatusError(wire, { ...refusal, serviceCode, serviceMessage, seeksFile: false, hide })
        },
      },
      http,
      undefined,
    )
  }

  /** Returns the fields of a JSON answer. */
  async json(purpose: string, request: AuthRequest, ctx: CallContext): Promise<Fields> {
    return this.#told(purpose, async () => (await this.#service.json<Record<string, unknown>>(request, ctx)).value)
  }

  /** Returns an answer in plain text. */
  async text(purpose: string, request: AuthRequest, ctx: CallContext): Promise<string> {
    return this.#told(purpose, async () => (await readDocument(await this.#service.send(request, ctx))).trim())
  }

  /** The call that needed this has done nothing yet, whatever became of the request. */
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
