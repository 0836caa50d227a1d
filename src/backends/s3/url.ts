import type { SignUrlOptions } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { filepathToUri } from '../../core/urls.ts'
import type { S3Client } from './client.ts'
import type { S3DriverOptions } from './driver.ts'
import { addAttributes } from './headers.ts'
import { addParameters } from './object-parameters.ts'
import type { UrlSigner } from './settings.ts'

/** Parameters of GET by their S3 names (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html). */
const QUERY: Readonly<Record<string, string>> = {
  PartNumber: 'partNumber',
  RequestPayer: 'x-amz-request-payer',
  ResponseCacheControl: 'response-cache-control',
  ResponseContentDisposition: 'response-content-disposition',
  ResponseContentEncoding: 'response-content-encoding',
  ResponseContentLanguage: 'response-content-language',
  ResponseContentType: 'response-content-type',
  ResponseExpires: 'response-expires',
  VersionId: 'versionId',
}

type Parameters = SignUrlOptions['parameters']
type Attributes = Omit<SignUrlOptions, 'method' | 'expiresInSecs'>

/** A URL that anybody may use until it expires; an unknown S3 parameter is `invalid_argument`. */
export async function signedUrl(
  client: S3Client,
  key: string,
  options: SignUrlOptions,
  settings: Pick<S3DriverOptions, 'parametersOf'>,
): Promise<string> {
  const { method, expiresInSecs } = options
  const headers: Record<string, string> = {}
  const query: Array<[string, string]> = []
  if (method === 'PUT') {
    addAttributes(headers, options)
    for (const [name, value] of Object.entries(options.parameters ?? {})) {
      if (isHeaderName(name)) query.push([name, String(value)])
      else addParameters(headers, { [name]: value }, 'write')
    }
  } else {
    query.push(...responseQuery(options))
  }
  if (method !== 'DELETE') addParameters(headers, settings.parametersOf(key), 'base')
  return client.presign({ method, key, query, headers, expiresInSecs })
}

/** The query parameters of a download: overrides of the answer's headers, and whatever else the caller names. */
export function responseQuery(options: Attributes): Array<[string, string]> {
  const query: Array<[string, string]> = []
  const add = (name: string, value: string | undefined) => {
    if (value !== undefined) query.push([name, value])
  }
  add('response-cache-control', options.cacheControl)
  add('response-content-disposition', options.contentDisposition)
  add('response-content-encoding', options.contentEncoding)
  add('response-content-language', options.contentLanguage)
  add('response-content-type', options.contentType)
  for (const [name, value] of Object.entries(options.parameters ?? {})) add(queryName(name), String(value))
  return query
}

function queryName(name: string): string {
  const known = QUERY[name]
  if (known !== undefined) return known
  if (isHeaderName(name)) return name
  throw new StorageError('invalid_argument', `'${name}' is not a parameter of an S3 download.`)
}

/** Names that start in lower case are query parameters as they stand; S3's own names are in capitals. */
function isHeaderName(name: string): boolean {
  return /^[a-z]/.test(name)
}

/** What URLs on a domain of one's own need. */
export interface CustomDomain {
  readonly domain: string
  /** With its colon. */
  readonly protocol: string
  readonly signer: UrlSigner | undefined
}

/** A URL on the custom domain, signed for CloudFront where there is a signer. */
export function customUrl(
  { domain, protocol, signer }: CustomDomain,
  key: string,
  parameters: Parameters,
  expiresAt: Date,
): string {
  const host = domain.replace(/\/+$/, '')
  const url = `${protocol}//${host}/${filepathToUri(key)}${formQuery(parameters)}`
  return signer === undefined ? url : signer.url(url, { expiresAt })
}

/** Parameters as a form-encoded query with its `?`; empty when there are none. */
export function formQuery(parameters: Parameters): string {
  const entries = Object.entries(parameters ?? {})
  if (entries.length === 0) return ''
  return `?${new URLSearchParams(entries.map(([name, value]): [string, string] => [name, String(value)]))}`
}
