/** Why an operation failed. Callers branch on this, never on a message. */
export type ErrorCode =
  | 'not_found'
  | 'exists'
  | 'is_directory'
  | 'not_a_directory'
  | 'not_empty'
  | 'suspicious_name'
  | 'invalid_argument'
  | 'invalid_range'
  | 'improperly_configured'
  | 'unsupported'
  | 'unsupported_mode'
  | 'permission_denied'
  | 'precondition_failed'
  | 'throttled'
  | 'unavailable'
  | 'timeout'
  | 'aborted'
  | 'checksum_mismatch'
  | 'too_large'
  | 'no_space'
  | 'source_failed'
  | 'no_file'
  | 'closed'
  | 'unknown'

/** Whether the operation took effect: `unknown` when the answer was lost after the request may have been carried out. */
export type Outcome = 'applied' | 'not_applied' | 'unknown'

/** What a caller may want to know besides the code and the message. */
export interface ErrorDetails {
  /** The public operation or wire request that failed: `save`, `read`, `PUT`. */
  readonly operation?: string | undefined
  /** The name that the user gave, or the key where only that is known. */
  readonly fileName?: string | undefined
  /** The container, where the operation was about one: `deleteContainer`. */
  readonly containerName?: string | undefined
  /** The backend's short name: `local`, `s3`. */
  readonly backend?: string | undefined
  readonly cause?: unknown
  /** Overrides what the code implies. */
  readonly retryable?: boolean | undefined
  /** Overrides what the code implies. */
  readonly outcome?: Outcome | undefined
  /** HTTP or FTP status, where there was one. */
  readonly status?: number | undefined
  /** The service's id of the request, for its support desk. */
  readonly requestId?: string | undefined
  /** How long the service asked to wait, in milliseconds. */
  readonly retryAfterMs?: number | undefined
}

const RETRYABLE: ReadonlySet<ErrorCode> = new Set(['throttled', 'unavailable', 'timeout', 'checksum_mismatch'])
const UNCERTAIN: ReadonlySet<ErrorCode> = new Set(['unavailable', 'timeout', 'aborted', 'unknown'])

/** The one error of every backend: `code` says why, the other fields say where. Its text never carries a secret. */
export class StorageError extends Error {
  readonly code: ErrorCode
  readonly operation: string | undefined
  readonly fileName: string | undefined
  readonly containerName: string | undefined
  readonly backend: string | undefined
  readonly retryable: boolean
  readonly outcome: Outcome
  readonly status: number | undefined
  readonly requestId: string | undefined
  readonly retryAfterMs: number | undefined

  static {
    StorageError.prototype.name = 'StorageError'
  }

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.operation = details.operation
    this.fileName = details.fileName
    this.containerName = details.containerName
    this.backend = details.backend
    this.retryable = details.retryable ?? RETRYABLE.has(code)
    this.outcome = details.outcome ?? (UNCERTAIN.has(code) ? 'unknown' : 'not_applied')
    this.status = details.status
    this.requestId = details.requestId
    this.retryAfterMs = details.retryAfterMs
  }

  /** What `JSON.stringify` and loggers see: no cause, since foreign errors may quote requests. */
  toJSON(): Record<string, unknown> {
    const { name, code, message, operation, fileName, containerName, backend } = this
    const { retryable, outcome, status, requestId } = this
    return {
      name,
      code,
      message,
      operation,
      fileName,
      containerName,
      backend,
      retryable,
      outcome,
      status,
      requestId,
    }
  }
}

/** A setting is missing, unknown or has a bad value; the message names the key that the user wrote. */
export class ImproperlyConfigured extends StorageError {
  static {
    ImproperlyConfigured.prototype.name = 'ImproperlyConfigured'
  }
  constructor(message: string, details: ErrorDetails = {}) {
    super('improperly_configured', message, details)
  }
}

/** A name points outside the storage, or no file name can be made of it. Nothing was touched. */
export class SuspiciousFileOperation extends StorageError {
  static {
    SuspiciousFileOperation.prototype.name = 'SuspiciousFileOperation'
  }
  constructor(message: string, details: ErrorDetails = {}) {
    super('suspicious_name', message, details)
  }
}

/** Tells a `StorageError`, where codes are given one of them, from any other value. */
export function isStorageError<C extends ErrorCode = ErrorCode>(
  error: unknown,
  ...codes: readonly C[]
): error is StorageError & { readonly code: C } {
  return error instanceof StorageError && (codes.length === 0 || (codes as readonly ErrorCode[]).includes(error.code))
}

/** The error of a call whose signal fired: the signal's reason where it is one of ours, else code `aborted`. */
export function abortedError(details: ErrorDetails, reason: unknown): StorageError {
  if (reason instanceof StorageError) return reason
  return new StorageError('aborted', `${subjectOf(details)}: the call was aborted.`, {
    ...details,
    cause: reason,
  })
}

/** What to report of a call that failed while its signal was aborted: that it was aborted, unless the failure says more. */
export function abortReason(signal: AbortSignal, error: unknown, details: ErrorDetails = {}): StorageError {
  if (error instanceof StorageError && error.code !== 'unavailable' && error.code !== 'unknown') return error
  return abortedError(details, signal.reason)
}

/** The error of a call whose signal was aborted before anything was begun. */
export function notBegun(signal: AbortSignal, details: ErrorDetails): StorageError {
  return abortedError({ ...details, outcome: 'not_applied' }, signal.reason)
}

/** The same error for a call of which more was done than its last step tells. */
export function withOutcome(error: unknown, outcome: Outcome): unknown {
  return isStorageError(error) && error.outcome === 'not_applied' ? Object.assign(error, { outcome }) : error
}

/** The error of content, or of `what` else the caller gives, that could not be read: its source failed, not the storage. */
export function sourceError(error: unknown, what = 'content'): StorageError {
  if (error instanceof StorageError) return error
  return new StorageError('source_failed', `The ${what} could not be read: ${messageOf(error)}`, { cause: error })
}

/** The error of a caller's `onProgress` that threw. Whether the bytes were stored is `unknown` unless the place where it was called says more. */
export function progressError(error: unknown, outcome: Outcome = 'unknown'): StorageError {
  if (error instanceof StorageError) return Object.assign(error, { outcome })
  return new StorageError('source_failed', `onProgress threw: ${messageOf(error)}`, { cause: error, outcome })
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/**
 * The one place where a driver's native error becomes a `StorageError`. A `StorageError` keeps its code and gains what it lacks. That a file
 * or container does not exist is said in the same words on every backend.
 */
export function wrapError(
  error: unknown,
  details: ErrorDetails,
  classify: (error: unknown) => ErrorCode | undefined,
): StorageError {
  if (error instanceof StorageError) {
    const { operation = details.operation, fileName = details.fileName, backend = details.backend } = error
    const { containerName = details.containerName } = error
    const known = { operation, fileName, containerName, backend }
    if (error.code === 'not_found' && error.operation === undefined) {
      error.message = `${subjectOf(known)}: ${notFound(known)}`
    }
    return Object.assign(error, known)
  }
  const code = classify(error) ?? classifyCommon(error)
  const reason = code === 'not_found' ? notFound(details) : messageOf(error)
  return new StorageError(code, `${subjectOf(details)}: ${reason}`, {
    ...told(error),
    ...details,
    cause: error,
  })
}

function notFound({ fileName, containerName }: ErrorDetails): string {
  return `the ${fileName === undefined && containerName !== undefined ? 'container' : 'file'} does not exist.`
}

function subjectOf({ operation = 'call', fileName, containerName }: ErrorDetails): string {
  const name = fileName ?? containerName
  return name === undefined ? operation : `${operation} '${name}'`
}

/** What an HTTP error knows of its answer, and any error of the outcome. */
function told(error: unknown): ErrorDetails {
  const { status, requestId, retryAfterMs, outcome } = (error ?? {}) as Record<string, unknown>
  return {
    status: typeof status === 'number' ? status : undefined,
    requestId: typeof requestId === 'string' ? requestId : undefined,
    retryAfterMs: typeof retryAfterMs === 'number' ? retryAfterMs : undefined,
    outcome: outcome === 'unknown' || outcome === 'not_applied' ? outcome : undefined,
  }
}

/** Codes of errors that any platform call may throw: aborts and broken connections. */
export function classifyCommon(error: unknown): ErrorCode {
  const { name, code } = (error ?? {}) as { name?: unknown; code?: unknown }
  if (name === 'AbortError' || code === 'ABORT_ERR') return 'aborted'
  if (name === 'TimeoutError' || code === 'ETIMEDOUT') return 'timeout'
  return typeof code === 'string' && CONNECTION_ERRORS.has(code) ? 'unavailable' : 'unknown'
}

const CONNECTION_ERRORS: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ERR_STREAM_PREMATURE_CLOSE',
])
