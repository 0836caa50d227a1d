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

/** The process or the machine has too little of something: no file is at fault. */
const EXHAUSTED: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN'])
/** What the system refuses before it has done anything. `unavailable` would else mean that the answer was lost. */
const REFUSED: ReadonlySet<string> = new Set([...EXHAUSTED, 'EBUSY', 'ETXTBSY', 'ENOLCK'])

/** The system's name of an error (`ENOENT`), or undefined when the value is no system error (errno(3)). */
export function errnoOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown }
  return typeof code === 'string' ? code : undefined
}

/** The code of a file system's error; undefined when it is none. */
export function classifyErrno(error: unknown): ErrorCode | undefined {
  const errno = errnoOf(error)
  return errno !== undefined && Object.hasOwn(CODES, errno) ? CODES[errno] : undefined
}

/** Whether an error concerns the process or the machine (descriptors, memory), not the file. */
export function isExhaustion(error: unknown): boolean {
  return EXHAUSTED.has(errnoOf(error) ?? '')
}

/** Whether what failed with this error may have been done all the same: its code says nothing else, and the system may have lost the answer. */
export function isUncertain(error: unknown): boolean {
  const code = classifyErrno(error)
  return code === undefined || (code === 'unavailable' && !REFUSED.has(errnoOf(error) ?? ''))
}

/** The same error with the outcome of the operation, if it is the system's and has none yet. */
export function withKnownOutcome(error: unknown, outcome: 'not_applied' | 'unknown'): unknown {
  if (!(error instanceof Error) || errnoOf(error) === undefined || 'outcome' in error) return error
  return Object.assign(error, { outcome })
}

/** Awaits `work`; undefined when it failed with one of `codes`. */
export async function unless<T>(codes: readonly string[], work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    const errno = errnoOf(error)
    if (errno !== undefined && codes.includes(errno)) return undefined
    throw error
  }
}
