/** Why an operation failed. Callers check this code, never the message. */
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

/** Whether the operation took effect: `unknown` when the answer was lost after the service may have carried out the request. */
export type Outcome = 'applied' | 'not_applied' | 'unknown'

/** Details of an error besides the code and the message. */
export interface ErrorDetails {
  /** The public operation or wire request that failed: `save`, `read`, `PUT`. */
  readonly operation?: string | undefined
  /** The name that the caller passed, or the key where only that is known. */
  readonly fileName?: string | undefined
  /** The container, where the operation was about one: `deleteContainer`. */
  readonly containerName?: string | undefined
  /** The backend's short name: `local`, `s3`. */
  readonly backend?: string | undefined
  readonly cause?: unknown
  /** Whether a repetition may succeed. Default: as the code implies. */
  readonly retryable?: boolean | undefined
  /** Whether the operation took effect. Default: as the code implies. */
  readonly outcome?: Outcome | undefined
  /** HTTP or FTP status, where there was one. */
  readonly status?: number | undefined
  /** The service's id of the request, for its support desk. */
  readonly requestId?: string | undefined
  /** Time to wait before a repetition, as the service requested, in milliseconds. */
  readonly retryAfterMs?: number | undefined
}

const RETRYABLE: ReadonlySet<ErrorCode> = new Set(['throttled', 'unavailable', 'timeout', 'checksum_mismatch'])
const UNCERTAIN: ReadonlySet<ErrorCode> = new Set(['unavailable', 'timeout', 'aborted', 'unknown'])

/**
 * The error class of every backend. `code` is the reason; the other fields name operation, file and service. Its text never contains a
 * secret.
 */
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

  /** Returns the fields for `JSON.stringify` and loggers, without the cause, since foreign errors may quote requests. */
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

/** A setting is missing, unknown or invalid. The message names the key as the user wrote it. */
export class ImproperlyConfigured extends StorageError {
  static {
    ImproperlyConfigured.prototype.name = 'ImproperlyConfigured'
  }
  constructor(message: string, details: ErrorDetails = {}) {
    super('improperly_configured', message, details)
  }
}

/** A name is outside of the storage, or cannot be made a valid file name. Nothing was changed. */
export class SuspiciousFileOperation extends StorageError {
  static {
    SuspiciousFileOperation.prototype.name = 'SuspiciousFileOperation'
  }
  constructor(message: string, details: ErrorDetails = {}) {
    super('suspicious_name', message, details)
  }
}

/** Whether a value is a `StorageError`, with one of the codes if any are passed. */
export function isStorageError<C extends ErrorCode = ErrorCode>(
  error: unknown,
  ...codes: readonly C[]
): error is StorageError & { readonly code: C } {
  return error instanceof StorageError && (codes.length === 0 || (codes as readonly ErrorCode[]).includes(error.code))
}

/** Returns the error of a call whose signal fired: the signal's reason where it is a `StorageError`, else code `aborted`. */
export function abortedError(details: ErrorDetails, reason: unknown): StorageError {
  if (reason instanceof StorageError) return reason
  return new StorageError('aborted', `${subjectOf(details)}: the call was aborted.`, {
    ...details,
    cause: reason,
  })
}

/** Returns the error of a call that failed while its signal was aborted: `aborted`, unless the failure contains more information. */
export function abortReason(signal: AbortSignal, error: unknown, details: ErrorDetails = {}): StorageError {
  if (error instanceof StorageError && error.code !== 'unavailable' && error.code !== 'unknown') return error
  return abortedError(details, signal.reason)
}

/** Returns the error of a call whose signal was aborted before it began. */
export function notBegun(signal: AbortSignal, details: ErrorDetails): StorageError {
  return abortedError({ ...details, outcome: 'not_applied' }, signal.reason)
}

/** Returns the same error with the outcome of the whole call, where more was done than its last step reports. */
export function withOutcome(error: unknown, outcome: Outcome): unknown {
  return isStorageError(error) && error.outcome === 'not_applied' ? Object.assign(error, { outcome }) : error
}

/**
 * Returns the error of content (or of another source, named by `what`) that could not be read: the caller's source failed, not the storage.
 */
export function sourceError(error: unknown, what = 'content'): StorageError {
  if (error instanceof StorageError) return error
  return new StorageError('source_failed', `The ${what} could not be read: ${messageOf(error)}`, { cause: error })
}

/**
 * Returns the error of a caller's `onProgress` that threw. Whether the bytes were stored is `unknown` unless the calling code passes
 * another outcome.
 */
export function progressError(error: unknown, outcome: Outcome = 'unknown'): StorageError {
  if (error instanceof StorageError) return Object.assign(error, { outcome })
  return new StorageError('source_failed', `onProgress threw: ${messageOf(error)}`, { cause: error, outcome })
}

/** Returns the message of any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/**
 * Converts a driver's native error to a `StorageError`; the only place that does. A `StorageError` keeps its code and gets the missing
 * details. The message of a missing file or container is the same for every backend.
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

/** Returns the details that an HTTP error has of its answer, and the outcome that any error may have. */
function told(error: unknown): ErrorDetails {
  const { status, requestId, retryAfterMs, outcome } = (error ?? {}) as Record<string, unknown>
  return {
    status: typeof status === 'number' ? status : undefined,
    requestId: typeof requestId === 'string' ? requestId : undefined,
    retryAfterMs: typeof retryAfterMs === 'number' ? retryAfterMs : undefined,
    outcome: outcome === 'unknown' || outcome === 'not_applied' ? outcome : undefined,
  }
}

/** Returns the code of an error that any platform call may throw: aborts and broken connections. */
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
