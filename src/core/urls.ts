import { ImproperlyConfigured } from './errors.ts'

/** Percent-encodes UTF-8 except unreserved characters and '/'. (RFC 3986 2.3) */
export function encodePath(path: string): string {
  return encodeURIComponent(path.toWellFormed())
    .replaceAll('%2F', '/')
    .replace(/[!'()*]/g, character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** A name as the path of a URL: `\` becomes '/', and besides the unreserved ones ``/ ~ ! * ( ) '`` stay. (Django `filepath_to_uri`) */
export function filepathToUri(name: string): string {
  return encodeURIComponent(name.toWellFormed().replaceAll('\\', '/')).replaceAll('%2F', '/')
}

/** The URL of a name below a base, which gets a trailing slash; a name can never replace the base. */
export function joinUrl(base: string, name: string): string {
  return `${withSlash(base)}${filepathToUri(name).replace(/^\/+/, '')}`
}

/** A base URL with its trailing slash. */
export function withSlash(base: string): string {
  return base.endsWith('/') ? base : `${base}/`
}

/** A URL with its credentials, query and fragment taken out: fit for error texts. */
export function redactUrl(url: string): string {
  return url.replace(/[?#].*$/s, '').replace(/\/\/[^/@]*@/, '//***@')
}

/** Parses a URL that a setting holds; the error names the setting and shows no credential. */
export function parseUrl(url: string, settingName: string): URL {
  if (URL.canParse(url)) return new URL(url)
  throw new ImproperlyConfigured(`${settingName}: expected a URL, got '${redactUrl(url)}'.`)
}
