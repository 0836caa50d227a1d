import type { SignUrlOptions } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { checkUrlMethod } from '../../core/urls.ts'
import { addAttributes } from '../../remote/attribute-headers.ts'
import { type DownloadOptions, downloadQuery } from '../../remote/download-query.ts'
import { METADATA_PREFIX } from './resource.ts'
import type { UrlRequest } from './sign.ts'

const OVERRIDES = {
  contentDisposition: 'response-content-disposition',
  contentType: 'response-content-type',
  cacheControl: '',
  contentEncoding: '',
  contentLanguage: '',
} as const
const NO_OVERRIDES = ['cacheControl', 'contentEncoding', 'contentLanguage'] as const

/** The query of a download: type and disposition of the answer, and the caller's parameters. */
export function responseQuery(options: DownloadOptions): Array<[string, string]> {
  const odd = NO_OVERRIDES.find(name => options[name] !== undefined)
  if (odd !== undefined) {
    throw new StorageError('unsupported', `A URL of Google Cloud Storage cannot set ${odd}: give it to the upload.`)
  }
  return downloadQuery(options, OVERRIDES, name => (name === 'versionId' ? 'generation' : name))
}

/**
 * What a URL is signed for. One for uploading binds what the request must send: the type and the other attributes, and headers of the service
 * (`x-goog-...`) among the parameters.
 */
export function urlRequest(key: string, options: SignUrlOptions): UrlRequest {
  const { method, expiresInSecs, parameters = {} } = options
  checkUrlMethod(method)
  if (method !== 'PUT') return { method, key, query: responseQuery(options), headers: {}, expiresInSecs }
  const headers: Record<string, string> = {}
  const query: Array<[string, string]> = []
  addAttributes(headers, options, METADATA_PREFIX)
  for (const [name, value] of Object.entries(parameters)) {
    if (/^x-goog-/i.test(name)) headers[name.toLowerCase()] = String(value)
    else query.push([name, String(value)])
  }
  return { method, key, query, headers, expiresInSecs }
}
