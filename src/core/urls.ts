import type { SignUrlOptions } from './driver.ts'
import { StorageError } from './errors.ts'
import { kindOf } from './kind.ts'

const METHODS: ReadonlySet<unknown> = new Set(['GET', 'HEAD', 'PUT', 'DELETE'])

/** Whether a signed URL can be for this method; the names are written in capitals. */
export function isUrlMethod(method: unknown): method is SignUrlOptions['method'] {
  return METHODS.has(method)
}

/** Refuses a method that no signed URL can be for: `invalid_argument`. */
export function checkUrlMethod(method: unknown): void {
  if (isUrlMethod(method)) return
  const got = typeof method === 'string' ? JSON.stringify(method) : kindOf(method)
  throw new StorageError('invalid_argument', `method: expected GET, HEAD, PUT or DELETE, got ${got}.`)
}

/** Refuses a life that is no whole number of seconds: `invalid_argument`. Zero and negative numbers are left to the backend. */
export function checkSeconds(expiresInSecs: unknown): void {
  if (Number.isInteger(expiresInSecs)) return
  const got = typeof expiresInSecs === 'string' ? 'a string' : kindOf(expiresInSecs)
  const wrong =
    typeof expiresInSecs === 'number'
      ? `expected a whole number, got ${expiresInSecs}`
      : `expected a number, got ${got}`
  throw new StorageError('invalid_argument', `expiresInSecs: ${wrong}. It is a number of seconds.`)
}

/** Life of a signed URL, in whole seconds from 1 to `limit`; anything else is `invalid_argument` and names the limit and `what`. */
export function checkLifetime(expiresInSecs: number, limit: number, what: string): number {
  if (typeof expiresInSecs !== 'number') checkSeconds(expiresInSecs)
  if (Number.isInteger(expiresInSecs) && expiresInSecs >= 1 && expiresInSecs <= limit) return expiresInSecs
  const wanted = `expected a whole number of seconds from 1 to ${limit} for ${what}`
  throw new StorageError('invalid_argument', `expiresInSecs: ${wanted}, got ${expiresInSecs}.`)
}

/** A name as the path of a URL: `\` becomes '/', and besides the unreserved ones ``/ ~ ! * ( ) '`` stay. (Django `filepath_to_uri`) */
export function filepathToUri(name: string): string {
  return encodeURIComponent(name.toWellFormed().replaceAll('\\', '/')).replaceAll('%2F', '/')
}

/** The URL of a name below a base, which gets a trailing slash; a name can never replace the base. */
export function joinUrl(base: string, name: string): string {
  return `${withSlash(base)}${filepathToUri(name).replace(/^\/+/, '')}`
}

/** A URL with a slash at its end. */
export function withSlash(base: string): string {
  return base.endsWith('/') ? base : `${base}/`
}

/** A URL, which begins at the root of the site where it has neither a scheme nor a slash at its beginning. (Django `_add_script_prefix`) */
export function rootedUrl(url: string): string {
  return /^(?:[a-z][a-z\d+.-]*:|\/)/i.test(url) ? url : `/${url}`
}
