import { type ErrorCode, StorageError } from '../../core/errors.ts'
import type { HttpRequest, HttpResponse } from '../../http/request.ts'
import { textOf } from '../../remote/answers.ts'
import { classifyHttp } from '../../remote/codes.ts'
import { type HttpErrorDetails, HttpStatusError } from '../../remote/http-error.ts'
import type { Hide } from '../../remote/redact.ts'
import { type Refusal, readRefusal } from '../../remote/refusal.ts'

/** Fields of a JSON object. */
export type Fields = Readonly<Record<string, unknown>>

/** The details of a refused request. (https://www.dropbox.com/developers/documentation/http/documentation#error-handling) */
export interface DropboxErrorDetails extends HttpErrorDetails {
  readonly tags?: readonly string[] | undefined
  readonly correctOffset?: number | undefined
}

/** An answer by which Dropbox refused a request. `serviceCode` contains the tags of its error: `path/conflict/file`. */
export class DropboxError extends HttpStatusError {
  readonly tags: readonly string[]
  /** The offset of an upload session, if the request had another one. */
  readonly correctOffset: number | undefined

  static {
    DropboxError.prototype.name = 'DropboxError'
  }

  constructor(request: Pick<HttpRequest, 'method' | 'url'>, details: DropboxErrorDetails) {
    super(request, details)
    this.tags = details.tags ?? []
    this.correctOffset = details.correctOffset
  }
}

/** Makes an error from a refusal with any body: JSON, plain text, an HTML page, or none. */
export async function dropboxError(
  request: Pick<HttpRequest, 'method' | 'url'>,
  response: HttpResponse,
  hide: Hide,
): Promise<DropboxError> {
  const refusal = await readRefusal(request, response)
  const { json, headers } = refusal
  const plain = json === undefined ? plainTextOf(refusal) : undefined
  const isMalformed = refusal.status === 400 && /access token/i.test(plain ?? '')
  const tags = isMalformed ? ['invalid_access_token'] : tagsOf(json?.['error'])
  const said = fieldsOf(json?.['error'])['retry_after']
  const wait = headers['retry-after'] ?? (typeof said === 'number' && said >= 0 ? String(said) : undefined)
  return new DropboxError(request, {
    ...refusal,
    headers: wait === undefined ? headers : { ...headers, 'retry-after': wait },
    hide,
    tags,
    // An error with tags means that the function did nothing.
    outcome: refusal.outcome ?? (refusal.status === 409 && tags.length > 0 ? 'not_applied' : undefined),
    serviceCode: tags.join('/') || undefined,
    serviceMessage: plain ?? textOf(fieldsOf(json?.['user_message'])['text']),
    correctOffset: offsetIn(json?.['error']),
    seeksFile: false,
    hint: hintFor(tags, json),
  })
}

function plainTextOf({ bodyText, headers }: Refusal): string | undefined {
  const isPlain = /^text\/plain/i.test(headers['content-type'] ?? '') && !bodyText.trimStart().startsWith('<')
  return isPlain ? bodyText.trim() || undefined : undefined
}

/** A value as an object; an empty object for any other value. */
export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}

/** The tag of a union. */
export function tagOf(value: unknown): string | undefined {
  return textOf(fieldsOf(value)['.tag'])
}

/** Maximum depth of an error's unions that is read. */
const DEPTH = 6

/** The tags of nested unions, the outer one first: `['path', 'conflict', 'file']`. */
export function tagsOf(error: unknown): string[] {
  const tags: string[] = []
  for (let at = error; tags.length < DEPTH; ) {
    const tag = tagOf(at)
    const { reason } = fieldsOf(at)
    if (tag === undefined && reason === undefined) break
    if (tag !== undefined) tags.push(tag)
    const inner = tag === undefined ? undefined : fieldsOf(at)[tag]
    at = tagOf(inner) === undefined ? reason : inner
  }
  return tags
}

function offsetIn(error: unknown): number | undefined {
  for (const union of [error, fieldsOf(error)['lookup_failed']]) {
    const offset = fieldsOf(union)['correct_offset']
    if (Number.isSafeInteger(offset) && (offset as number) >= 0) return offset as number
  }
  return undefined
}

const APP_CONSOLE = "tick it under Permissions in the app's console, then make a new token"

function hintFor([tag = '']: readonly string[], json: Fields | undefined): string | undefined {
  switch (tag) {
    case 'expired_access_token':
      return 'A token lives 4 hours: set DROPBOX_OAUTH2_REFRESH_TOKEN, DROPBOX_APP_KEY and DROPBOX_APP_SECRET, which renew it'
    case 'invalid_access_token':
      return 'The token was refused: see DROPBOX_OAUTH2_TOKEN'
    case 'missing_scope':
      return `The app lacks the permission ${textOf(fieldsOf(json?.['error'])['required_scope']) ?? 'for it'}: ${APP_CONSOLE}`
    case 'invalid_root':
    case 'no_permission':
      return 'The root of the team cannot be used: see DROPBOX_TEAM_ROOT'
    default:
      return undefined
  }
}

/** Error codes by the innermost tag that is more precise than the others. */
const CODES: ReadonlyMap<string, ErrorCode> = new Map(
  Object.entries<ErrorCode>({
    not_found: 'not_found',
    not_file: 'is_directory',
    not_folder: 'not_a_directory',
    malformed_path: 'suspicious_name',
    disallowed_name: 'suspicious_name',
    file: 'precondition_failed',
    folder: 'is_directory',
    file_ancestor: 'not_a_directory',
    conflict: 'precondition_failed',
    incorrect_offset: 'unavailable',
    closed: 'unavailable',
    not_closed: 'unavailable',
    content_hash_mismatch: 'checksum_mismatch',
    too_many_write_operations: 'throttled',
    too_many_requests: 'throttled',
    upload_traffic_limit_reached: 'throttled',
    insufficient_space: 'no_space',
    insufficient_quota: 'no_space',
    team_folder_insufficient_space: 'no_space',
    member_folder_insufficient_space: 'no_space',
    team_folder_insufficient_quota: 'no_space',
    member_folder_insufficient_quota: 'no_space',
    too_large: 'too_large',
    payload_too_large: 'too_large',
    too_many_files: 'too_large',
    duplicated_or_nested_paths: 'invalid_argument',
    unsupported_file: 'unsupported',
    unsupported_content_type: 'unsupported',
    not_allowed: 'permission_denied',
    locked: 'permission_denied',
    restricted_content: 'permission_denied',
    access_restricted: 'permission_denied',
    access_denied: 'permission_denied',
    no_write_permission: 'permission_denied',
    team_folder: 'permission_denied',
    operation_suppressed: 'permission_denied',
    email_not_verified: 'permission_denied',
    settings_error: 'permission_denied',
    no_permission: 'permission_denied',
    invalid_root: 'improperly_configured',
    invalid_access_token: 'permission_denied',
    internal_error: 'unavailable',
    reset: 'unavailable',
  }),
)

/** The code for the tags of an error; undefined if they are unknown. */
export function codeOfTags(tags: readonly string[]): ErrorCode | undefined {
  // A missing session does not mean a missing file.
  if (isSessionGone(tags)) return 'unavailable'
  for (const tag of tags.toReversed()) {
    const code = CODES.get(tag)
    if (code !== undefined) return code
  }
  return undefined
}

/** Whether the tags mean that the upload session no longer exists. */
export function isSessionGone(tags: readonly string[]): boolean {
  const [first, second = first] = tags
  if (first !== 'lookup_failed' && tags.length > 1) return false
  return second === 'not_found' || second === 'closed'
}

/** The code of an answer of Dropbox, or of a `StorageError`; undefined for any other value. */
export function classifyDropbox(error: unknown): ErrorCode | undefined {
  if (!(error instanceof DropboxError)) return classifyHttp(error)
  const { tags, status } = error
  // By the status alone, a 409 would be a refused condition. Without a tag, the answer does not come from the service.
  return codeOfTags(tags) ?? (status !== 409 ? classifyHttp(error) : tags.length > 0 ? 'unknown' : 'unavailable')
}

/** The service's own error, also if it is the cause of a `StorageError`. */
export function dropboxErrorOf(error: unknown): DropboxError | undefined {
  const native = error instanceof StorageError ? error.cause : error
  return native instanceof DropboxError ? native : undefined
}
