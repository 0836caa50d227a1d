import type { ErrorCode } from '../../core/errors.ts'
import { isStorageError } from '../../core/errors.ts'
import { STATUS } from '../handler.ts'

/** What a person can do about an error. The storage's own message may contain paths of the server, and is passed to `onError` instead. */
const WORDS: Partial<Record<ErrorCode, string>> = {
  not_found: 'There is no such file or folder. It may have been deleted or renamed.',
  is_directory: 'This is a folder that is not empty.',
  not_a_directory: 'This is a file, not a folder.',
  suspicious_name: 'The storage does not accept this name.',
  permission_denied: 'The storage refused access.',
  precondition_failed: 'The file was changed meanwhile.',
  too_large: 'The file is too large.',
  no_space: 'The storage is full.',
  throttled: 'The storage is busy. Try again in a moment.',
  unavailable: 'The storage cannot be reached. Try again in a moment.',
  timeout: 'The storage did not answer in time. Try again in a moment.',
  unsupported: 'This storage cannot do that.',
  improperly_configured: 'The storage is not configured correctly. The server has reported the details.',
  invalid_argument: 'The request is not valid.',
}

/** Headers of every answer: no type is guessed, pages of other origins cannot embed or read it, and no address is sent as a referrer. */
const COMMON = {
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
} as const

/** Allowed sources of scripts, styles and frames of the page. No text becomes markup or a script. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "media-src 'self'",
  "connect-src 'self'",
  "frame-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

/** For answers that are only shown: they may load nothing, and no page may frame them. */
const CLOSED_POLICY = "default-src 'none'; frame-ancestors 'none'"

/** A rejection whose message is shown unchanged. */
export class Refusal extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** Adds the common headers to an answer. */
export function guarded(answer: Response): Response {
  for (const [name, value] of Object.entries(COMMON)) answer.headers.set(name, value)
  return answer
}

/** An answer of the JSON interface. */
export function json(value: unknown, status = 200): Response {
  const headers = {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    'content-security-policy': CLOSED_POLICY,
  }
  return new Response(JSON.stringify(value), { status, headers })
}

/** Returns a file of the page itself. */
export function pageFile(text: string, type: string, method: string): Response {
  const headers = {
    'content-type': `${type}; charset=utf-8`,
    'cache-control': 'no-cache',
    'content-security-policy': type === 'text/html' ? PAGE_POLICY : CLOSED_POLICY,
    'content-length': String(Buffer.byteLength(text)),
  }
  return new Response(method === 'HEAD' ? null : text, { headers })
}

/** Returns the answer for an error, in words for the page; `isOurs` where the server's operator should be notified. */
export function errorAnswer(error: unknown): { readonly answer: Response; readonly isOurs: boolean } {
  if (error instanceof Refusal) return { answer: json({ error: error.message }, error.status), isOurs: false }
  const code = isStorageError(error) ? error.code : 'unknown'
  const status = code === 'is_directory' ? 409 : (STATUS[code] ?? 500)
  const answer = json(
    { error: WORDS[code] ?? 'The request failed. The server has reported the details.', code },
    status,
  )
  return { answer, isOurs: status >= 500 || code === 'permission_denied' }
}
