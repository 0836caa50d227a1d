import { type ErrorCode, type Outcome, StorageError } from '../../core/errors.ts'
import type { Reply } from './replies.ts'

const MAX_SHOWN = 300

/** An answer of the server that refuses a command. */
export class FtpReplyError extends Error {
  static {
    FtpReplyError.prototype.name = 'FtpReplyError'
  }
  /** Its code, of three digits. */
  readonly status: number
  /** The command without its arguments. */
  readonly verb: string
  /** The server's message. */
  readonly text: string
  /** Absent: the outcome that its code implies. */
  outcome?: Outcome | undefined

  constructor(verb: string, { code, message }: Reply) {
    const lines = message.split('\n').map(line => line.replace(/^\d{3}(?:[ -]|$)/, '').trim())
    const text = lines.filter(line => line !== '').join(' ')
    const shown = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN - 3)}...` : text
    super(`the server answered ${verb} with ${code}: ${shown}`)
    this.status = code
    this.verb = verb
    this.text = text
  }
}

/** Returns an answer below 400; throws any other as an error. */
export function accepted(command: string, reply: Reply): Reply {
  if (reply.code >= 400) throw refusal(command, reply)
  return reply
}

/** The error of a command that was refused. */
export function refusal(command: string, reply: Reply): FtpReplyError {
  return new FtpReplyError(verbOf(command), reply)
}

/** The command without its arguments. */
export function verbOf(command: string): string {
  return command.split(' ', 1)[0]!
}

/** A connection that could not be made, or that broke. */
export class FtpConnectionError extends Error {
  static {
    FtpConnectionError.prototype.name = 'FtpConnectionError'
  }
  readonly kind: 'unavailable' | 'timeout'
  /** Whether the command may have had an effect; absent: unknown. */
  outcome?: Outcome | undefined

  constructor(
    message: string,
    details: { readonly cause?: unknown; readonly kind?: 'timeout' | undefined; readonly outcome?: Outcome } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.kind = details.kind ?? 'unavailable'
    this.outcome = details.outcome
  }
}

/** Messages about missing files; servers return 550 for those and for forbidden access. (RFC 959, section 4.2.2) */
const MISSING =
  /no such|not? (?:exist|found)|n['o]o?t exist|(?:can(?:no|')t|could not|unable to) (?:find|locate)|not found|cannot find|nonexist|invalid path|unknown file/i
const NO_FOLDER = /not a directory|not a folder|is a file/i
const FORBIDDEN = /permission|denied|not allowed|not permitted|forbidden|access|read.?only|privilege/i
const FULL = /too many|maximum|limit|already (?:connected|logged)|connections|try (?:again )?later|busy/i
const BAD_NAME =
  /(?:invalid|illegal|bad) (?:file ?|directory ?|folder ?|path ?)?(?:name|character)|name .{0,20}(?:invalid|illegal|too long)/i
const NO_SPACE = /space|quota|disk full|storage allocation/i
const NEEDS_TLS = /encrypt|TLS|SSL|secur/i

/** Whether the server's message means that the path is missing. `isFolder`: the request was for a folder, so a file may exist. */
export function saysMissing(error: unknown, { isFolder = false }: { readonly isFolder?: boolean } = {}): boolean {
  // pure-ftpd answers 451 to a rename into a missing folder.
  if (!(error instanceof FtpReplyError) || ![550, 450, 451].includes(error.status)) return false
  if (FORBIDDEN.test(error.text)) return false
  return NO_FOLDER.test(error.text) ? !isFolder : MISSING.test(error.text)
}

/** Whether the server refused with one of these codes, so that the connection is still usable. */
export function isRefusal(error: unknown, ...codes: readonly number[]): error is FtpReplyError {
  return error instanceof FtpReplyError && (codes.length === 0 || codes.includes(error.status))
}

/** Whether the server does not support a command. */
export function isUnknownCommand(error: unknown): boolean {
  return isRefusal(error, 500, 501, 502, 504, 202)
}

/** Whether the connection is lost: it broke, or the server ends it. */
export function isLost(error: unknown): boolean {
  return error instanceof FtpConnectionError || isRefusal(error, 421)
}

/** Whether a login was refused because of the number of connections. */
export function isServerFull(error: unknown): boolean {
  return isRefusal(error, 421) || (isRefusal(error, 530) && FULL.test(error.text))
}

/** The code of an error of this protocol. */
export function classifyFtp(error: unknown): ErrorCode | undefined {
  if (error instanceof FtpConnectionError) return error.kind
  return error instanceof FtpReplyError ? codeOf(error) : undefined
}

function codeOf(error: FtpReplyError): ErrorCode {
  const { status, text } = error
  switch (status) {
    case 421:
      return FULL.test(text) ? 'throttled' : 'unavailable'
    case 425:
    case 426:
    case 451:
      return 'unavailable'
    case 450:
    case 550:
      if (saysMissing(error)) return 'not_found'
      if (NO_SPACE.test(text)) return 'no_space'
      if (BAD_NAME.test(text)) return 'suspicious_name'
      return status === 450 ? 'unavailable' : 'permission_denied'
    case 452:
    case 552:
      return 'no_space'
    case 530:
      return FULL.test(text) ? 'throttled' : 'permission_denied'
    case 553:
      return BAD_NAME.test(text) ? 'suspicious_name' : 'permission_denied'
    case 332:
    case 532:
      return 'permission_denied'
    case 522:
    case 533:
    case 534:
    case 535:
    case 536:
      return 'improperly_configured'
    case 500:
    case 501:
    case 502:
    case 504:
      return 'unsupported'
    default:
      return status < 500 ? 'unavailable' : 'unknown'
  }
}

/** The error of a refused login. The server's message is shown without the password. */
export function loginError(error: unknown, user: string): unknown {
  // A temporary refusal (4xx) does not mean that the password is wrong.
  if (!isRefusal(error) || error.status < 500 || classifyFtp(error) !== 'permission_denied') return error
  const hint = NEEDS_TLS.test(error.text) ? ' The server wants TLS: write ftps:// in FTP_STORAGE_LOCATION.' : ''
  const message = `The login of '${user}' was refused: ${error.status} ${error.text.replace(/\.$/, '')}.${hint}`
  return new StorageError('permission_denied', message, { status: error.status, outcome: 'not_applied' })
}

/** The same error, for a call that has changed nothing. */
export function notApplied(error: unknown): unknown {
  const isOurs = error instanceof FtpConnectionError || error instanceof FtpReplyError || error instanceof StorageError
  return isOurs ? Object.assign(error, { outcome: 'not_applied' }) : error
}

/** The file does not exist; the storage writes the message. */
export function notFound(): StorageError {
  return new StorageError('not_found', 'The file does not exist.')
}
