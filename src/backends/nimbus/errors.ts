import type { ErrorCode } from '../../core/errors.ts'
import type { HttpRequest, HttpResponse } from '../../http/request.ts'
import { textOf } from '../../remote/answers.ts'
import { classifyHttp, type ServiceCodes } from '../../remote/codes.ts'
import { dateOf } from '../../remote/headers.ts'
import { HttpStatusError } from '../../remote/http-error.ts'
import type { Hide } from '../../remote/redact.ts'
import { isSkewed, type Refusal, readRefusal, skewHint } from '../../remote/refusal.ts'

/** The kind of a refused request. */
export interface RefusedRequest {
  readonly collection?: string | undefined
  /** Whether a 404 means that a file or a collection is missing. */
  readonly seeksFile: boolean
  readonly hide: Hide
}

/** Words for refusals that the service reports only with a message. */
const CODES: ServiceCodes = new Map<string, ErrorCode>([['BadDigest', 'checksum_mismatch']])

/**
 * Makes an error from a refusal. Errors are short texts, or JSON with `error_message`, `error_list` or `error-messages`; an HTML page does
 * not come from the service.
 */
export async function nimbusError(
  request: Pick<HttpRequest, 'method' | 'url'>,
  response: HttpResponse,
  { collection, seeksFile, hide }: RefusedRequest,
): Promise<HttpStatusError> {
  const refusal = await readRefusal(request, response)
  const { status, headers } = refusal
  const message = messageIn(refusal)
  const isMd5 = status === 400 && /\bmd5\b/i.test(message ?? '')
  return new HttpStatusError(request, {
    ...refusal,
    hide,
    serviceCode: isMd5 ? 'BadDigest' : undefined,
    serviceMessage: message,
    seeksFile: seeksFile && isOwn(refusal),
    hint: hintFor(status, collection, dateOf(headers.date)),
  })
}

/** Whether a 404 may come from the service, which sends no HTML to a client that does not accept HTML. */
function isOwn({ bodyText, headers }: Refusal): boolean {
  return !bodyText.trimStart().startsWith('<') && !/html/i.test(headers['content-type'] ?? '')
}

function messageIn({ json, bodyText }: Refusal): string | undefined {
  if (json !== undefined) {
    const { error_message: message, error_list: list, 'error-messages': messages } = json
    const said = [message, list, messages].flat().map(textOf)
    return said.find(text => text !== undefined)
  }
  if (bodyText.trimStart().startsWith('<')) return undefined
  // The status, an empty line, a message of the server's framework, and the service's message.
  return bodyText.replace(/\s+/g, ' ').trim() || undefined
}

function hintFor(status: number, collection: string | undefined, serverTime: Date | undefined): string | undefined {
  if (status === 401) {
    if (isSkewed(serverTime)) return skewHint(serverTime)
    const about = collection === undefined ? 'the credentials' : `the credentials or the collection '${collection}'`
    return `Nimbus.io answers alike for wrong credentials and for a collection that does not exist or is another user's: look at ${about}`
  }
  if (status === 403) return 'The access control of the collection does not allow it'
  return undefined
}

/** The code of an answer of the service, or of a `StorageError`; undefined for any other value. */
export function classifyNimbus(error: unknown): ErrorCode | undefined {
  return classifyHttp(error, CODES)
}
