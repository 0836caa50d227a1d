import type { CallContext } from '../../core/call.ts'
import type { RequestOptions, SignUrlOptions } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { checkUrlMethod } from '../../core/urls.ts'
import type { S3Client } from './client.ts'
import { addAttributes } from './headers.ts'
import { addParameters } from './settings/object-parameters.ts'

/** Parameters of GET by their S3 names (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html). */
const QUERY: ReadonlyMap<string, string> = new Map(
  Object.entries({
    PartNumber: 'partNumber',
    RequestPayer: 'x-amz-request-payer',
    ResponseCacheControl: 'response-cache-control',
    ResponseContentDisposition: 'response-content-disposition',
    ResponseContentEncoding: 'response-content-encoding',
    ResponseContentLanguage: 'response-content-language',
    ResponseContentType: 'response-content-type',
    ResponseExpires: 'response-expires',
    VersionId: 'versionId',
  }),
)

type Attributes = Omit<SignUrlOptions, 'method' | 'expiresInSecs'>

/** A URL that anybody may use until it expires; an unknown S3 parameter or method is `invalid_argument`. */
export async function signedUrl(
  client: S3Client,
  key: string,
  options: SignUrlOptions & RequestOptions,
  ctx: CallContext,
): Promise<string> {
  const { method, expiresInSecs } = options
  checkUrlMethod(method)
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
  addParameters(headers, options.objectParameters ?? {}, 'base')
  return client.presign({ method, key, query, headers, expiresInSecs }, ctx)
}

/** The query parameters of a download: overrides of the answer's headers, and whatever else the caller names. */
export function responseQuery(options: Attributes): Array<[string, string]> {
  return queryOf(options, name => {
    if (isHeaderName(name)) return name
    throw new StorageError('invalid_argument', `'${name}' is not a parameter of an S3 download.`)
  })
}

/** The same for a domain of one's own, which may know parameters of any name. */
export function customQuery(options: Attributes): Array<[string, string]> {
  return queryOf(options, name => name)
}

function queryOf(options: Attributes, otherName: (name: string) => string): Array<[string, string]> {
  const query: Array<[string, string]> = []
  const add = (name: string, value: string | undefined) => {
    if (value !== undefined) query.push([name, value])
  }
  add('response-cache-control', options.cacheControl)
  add('response-content-disposition', options.contentDisposition)
  add('response-content-encoding', options.contentEncoding)
  add('response-content-language', options.contentLanguage)
  add('response-content-type', options.contentType)
  for (const [name, value] of Object.entries(options.parameters ?? {}))
    add(QUERY.get(name) ?? otherName(name), String(value))
  return query
}

/** Names that start in lower case are query parameters as they stand; S3's own names are in capitals. */
function isHeaderName(name: string): boolean {
  return /^[a-z]/.test(name)
}
