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
  EFBIG: 'too_large',
  ENAMETOOLONG: 'suspicious_name',
  EINVAL: 'suspicious_name',
  EILSEQ: 'suspicious_name',
  ELOOP: 'suspicious_name',
  EMFILE: 'unavailable',
  ENFILE: 'unavailable',
  EBUSY: 'unavailable',
  EAGAIN: 'unavailable',
}

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
