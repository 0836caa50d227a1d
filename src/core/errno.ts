import type { ErrorCode } from './errors.ts'

const CODES: Readonly<Record<string, ErrorCode>> = {
  ENOENT: 'not_found',
  ENOTDIR: 'not_found',
  EEXIST: 'exists',
  EISDIR: 'is_directory',
  ENOTEMPTY: 'is_directory',
  EACCES: 'permission_denied',
  EPERM: 'permission_denied',
  EROFS: 'permission_denied',
  ENOSPC: 'no_space',
  EDQUOT: 'no_space',
  EMLINK: 'no_space',
  EFBIG: 'too_large',
  EOVERFLOW: 'too_large',
  ENAMETOOLONG: 'suspicious_name',
  EINVAL: 'suspicious_name',
  EILSEQ: 'suspicious_name',
  ELOOP: 'suspicious_name',
  EXDEV: 'unsupported',
  ENXIO: 'unsupported',
  ENODEV: 'unsupported',
  ENOSYS: 'unsupported',
  ENOTSUP: 'unsupported',
  EOPNOTSUPP: 'unsupported',
  EMFILE: 'unavailable',
  ENFILE: 'unavailable',
  ENOMEM: 'unavailable',
  EBUSY: 'unavailable',
  EAGAIN: 'unavailable',
  EINTR: 'unavailable',
  ETXTBSY: 'unavailable',
  ENOLCK: 'unavailable',
  ESTALE: 'unavailable',
  ENOTCONN: 'unavailable',
  ESHUTDOWN: 'unavailable',
}

/** The process or the machine has run out of a resource: the error is not about one file. */
const EXHAUSTED: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN'])
/**
 * Errors of operations that the system rejects before it does anything. Without this, `unavailable` would mean that the answer was lost.
 */
const REFUSED: ReadonlySet<string> = new Set([...EXHAUSTED, 'EBUSY', 'ETXTBSY', 'ENOLCK'])

/** Returns the system's name of an error (`ENOENT`), or undefined for any other value (errno(3)). */
export function errnoOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown }
  return typeof code === 'string' ? code : undefined
}

/** Returns the code of a file system's error; undefined for any other value. */
export function classifyErrno(error: unknown): ErrorCode | undefined {
  const errno = errnoOf(error)
  return errno !== undefined && Object.hasOwn(CODES, errno) ? CODES[errno] : undefined
}

/** Whether an error concerns the process or the machine (descriptors, memory), not the file. */
export function isExhaustion(error: unknown): boolean {
  return EXHAUSTED.has(errnoOf(error) ?? '')
}

/**
 * Whether an operation that failed with this error may have taken effect: the error does not exclude it, and the system may have lost the
 * answer.
 */
export function isUncertain(error: unknown): boolean {
  const code = classifyErrno(error)
  return code === undefined || (code === 'unavailable' && !REFUSED.has(errnoOf(error) ?? ''))
}

/** Returns the same error; a system error without an outcome gets this one. */
export function withKnownOutcome(error: unknown, outcome: 'not_applied' | 'unknown'): unknown {
  if (!(error instanceof Error) || errnoOf(error) === undefined || 'outcome' in error) return error
  return Object.assign(error, { outcome })
}

/** Awaits `work`; returns undefined when it failed with one of `codes`. */
export async function unless<T>(codes: readonly string[], work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    const errno = errnoOf(error)
    if (errno !== undefined && codes.includes(errno)) return undefined
    throw error
  }
}
