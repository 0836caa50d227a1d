import type { ErrorCode } from '../../core/errors.ts'

/** Status codes of answers. (draft-ietf-secsh-filexfer-02, section 7; some servers send those of draft-13) */
export const STATUS = {
  eof: 1,
  noSuchFile: 2,
  permissionDenied: 3,
  failure: 4,
  unsupported: 8,
} as const

const CODES: Readonly<Record<number, ErrorCode>> = {
  2: 'not_found',
  3: 'permission_denied',
  4: 'unknown',
  5: 'suspicious_name',
  6: 'unavailable',
  7: 'unavailable',
  8: 'unsupported',
  10: 'not_found',
  11: 'exists',
  12: 'permission_denied',
  14: 'no_space',
  15: 'no_space',
  17: 'unavailable',
  18: 'is_directory',
  19: 'not_a_directory',
  20: 'suspicious_name',
  21: 'suspicious_name',
  24: 'is_directory',
}

/** A request that the server refused; it had no effect. */
export class SftpError extends Error {
  /** The type of the request: `OPEN`, `RENAME`. */
  readonly request: string
  /** The server's code; undefined if a session was refused. */
  readonly status: number | undefined
  readonly outcome = 'not_applied' as const
  /** Number of files that the session had open, or was opening, besides the refused one. */
  crowd = 0

  static {
    SftpError.prototype.name = 'SftpError'
  }

  constructor(request: string, status: number | undefined, message: string) {
    super(`${request}: ${shown(message)}${status === undefined ? '' : ` (${status})`}`)
    this.request = request
    this.status = status
  }
}

/** Whether a request was refused with one of these codes. */
export function isStatus(error: unknown, ...codes: readonly number[]): error is SftpError {
  return error instanceof SftpError && error.status !== undefined && codes.includes(error.status)
}

/** Whether the file, or a folder in its path, is missing. */
export function isMissing(error: unknown): boolean {
  return isStatus(error, 2, 10)
}

/** The code of a server's refusal; undefined for any other error. */
export function classifySftp(error: unknown): ErrorCode | undefined {
  if (!(error instanceof SftpError)) return undefined
  const { status, message } = error
  // This code has no meaning by itself, but many servers add the system's message.
  if (status === STATUS.failure && /no space left|quota|disk full/i.test(message)) return 'no_space'
  if (status === undefined) return 'unavailable'
  return CODES[status] ?? 'unknown'
}

function shown(message: string): string {
  const text = message.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ').trim()
  return text.length > 200 ? `${text.slice(0, 197)}...` : text
}

/** Thrown if a session has reached the server's limit of open files: the task must be tried on another one. */
export class SessionFull extends Error {
  readonly refusal: unknown
  /** Number of open files. */
  readonly handles: number

  constructor(refusal: unknown, handles: number) {
    super('The session has as many open files as the server lets it.')
    this.refusal = refusal
    this.handles = handles
  }
}
