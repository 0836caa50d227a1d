import type { SignUrlOptions } from './driver.ts'
import { StorageError } from './errors.ts'
import { kindOf } from './kind.ts'

const METHODS: ReadonlySet<unknown> = new Set(['GET', 'HEAD', 'PUT', 'DELETE'])

/** Whether signed URLs exist for this method; methods are in capitals. */
export function isUrlMethod(method: unknown): method is SignUrlOptions['method'] {
  return METHODS.has(method)
}

/** Rejects a method for which there are no signed URLs: `invalid_argument`. */
export function checkUrlMethod(method: unknown): void {
  if (isUrlMethod(method)) return
  const got = typeof method === 'string' ? JSON.stringify(method) : kindOf(method)
  throw new StorageError('invalid_argument', `method: expected GET, HEAD, PUT or DELETE, got ${got}.`)
}

/** Rejects a lifetime that is not a whole number of seconds: `invalid_argument`. The backend checks zero and negative numbers. */
export function checkSeconds(expiresInSecs: unknown): void {
  if (Number.isInteger(expiresInSecs)) return
  const got = typeof expiresInSecs === 'string' ? 'a string' : kindOf(expiresInSecs)
  const wrong =
    typeof expiresInSecs === 'number'
      ? `expected a whole number, got ${expiresInSecs}`
      : `expected a number, got ${got}`
  throw new StorageError('invalid_argument', `expiresInSecs: ${wrong}. It is a number of seconds.`)
}

/**
 * Checks the lifetime of a signed URL: whole seconds from 1 to `limit`; anything else is `invalid_argument` and names the limit and `what`.
 */
export function checkLifetime(expiresInSecs: number, limit: number, what: string): number {
  if (typeof expiresInSecs !== 'number') checkSeconds(expiresInSecs)
  if (Number.isInteger(expiresInSecs) && expiresInSecs >= 1 && expiresInSecs <= limit) return expiresInSecs
  const wanted = `expected a whole number of seconds from 1 to ${limit} for ${what}`
  throw new StorageError('invalid_argument', `expiresInSecs: ${wanted}, got ${expiresInSecs}.`)
}

/**
 * Returns a name as the path of a URL: `\` becomes '/', and besides the unreserved characters ``/ ~ ! * ( ) '`` are not encoded. (Django
 * `filepath_to_uri`)
 */
export function filepathToUri(name: string): string {
  return encodeURIComponent(name.toWellFormed().replaceAll('\\', '/')).replaceAll('%2F', '/')
}

/** Returns the URL of a name below a base, which gets a trailing slash; a name can never replace the base. */
export function joinUrl(base: string, name: string): string {
  return `${withSlash(base)}${filepathToUri(name).replace(/^\/+/, '')}`
}

/** Returns a URL with a slash at its end. */
export function withSlash(base: string): string {
  return base.endsWith('/') ? base : `${base}/`
}

/** Returns a URL that begins at the root of the site if it has neither a scheme nor a leading slash. (Django `_add_script_prefix`) */
export function rootedUrl(url: string): string {
  return /^(?:[a-z][a-z\d+.-]*:|\/)/i.test(url) ? url : `/${url}`
}
