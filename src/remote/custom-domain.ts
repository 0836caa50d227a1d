import { ImproperlyConfigured } from '../core/errors.ts'
import { trimTrailingSlashes } from '../core/names.ts'
import { filepathToUri } from '../core/urls.ts'
import { encodeQuery } from './sign/query.ts'

/** Query parameters before encoding. */
export type UrlQuery = ReadonlyArray<readonly [name: string, value: string]>

/** Refuses a domain that is more than a host and a path; the error names `setting` or `protocolSetting`. */
export function checkCustomDomain(domain: string | null, setting: string, protocolSetting: string): void {
  if (domain === null || !(/[\s?#@*\\]/.test(domain) || domain.includes('//'))) return
  const text = `${setting} must be a host without a scheme, as 'cdn.example.com'; ${protocolSetting} has the scheme.`
  throw new ImproperlyConfigured(text)
}

/** A custom domain in front of a storage: a CDN or a proxy. Its path precedes every key. */
export class CustomDomain {
  /** With a trailing slash. */
  readonly base: string

  /** `protocol` is `https:` or `http:`. */
  constructor(domain: string, protocol: string) {
    this.base = `${protocol}//${trimTrailingSlashes(domain)}/`
  }

  /** The URL of a key. */
  url(key: string, query: UrlQuery): string {
    return this.base + filepathToUri(key) + searchOf(query)
  }
}

/** A query with its `?`, with blanks as `+`; an empty text for an empty query. */
export function searchOf(query: UrlQuery): string {
  return query.length === 0 ? '' : `?${encodeQuery(query).replaceAll('%20', '+')}`
}
