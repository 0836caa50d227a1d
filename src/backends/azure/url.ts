import type { CallContext } from '../../core/call.ts'
import type { SignUrlOptions } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { checkLifetime, checkUrlMethod } from '../../core/urls.ts'
import { type DownloadOptions, downloadQuery } from '../../remote/download-query.ts'
import { encodeQuery } from '../../remote/sign/query.ts'
import type { AzureClient } from './client.ts'
import { type BlobSasOptions, sasEnd } from './sas.ts'

/** Permission letters for each method. (https://learn.microsoft.com/rest/api/storageservices/create-service-sas#permissions-for-a-blob) */
const RIGHTS: Readonly<Record<SignUrlOptions['method'], string>> = { GET: 'r', HEAD: 'r', PUT: 'w', DELETE: 'd' }

/** Options of a URL besides its method and lifetime, by the SAS fields that set them. */
const FIELDS = {
  rscc: 'cacheControl',
  rscd: 'contentDisposition',
  rsce: 'contentEncoding',
  rscl: 'contentLanguage',
  rsct: 'contentType',
  ses: 'encryptionScope',
  sip: 'ip',
  snapshot: 'snapshot',
  spr: 'protocol',
  st: 'startsAt',
  versionid: 'versionId',
} as const
type Field = (typeof FIELDS)[keyof typeof FIELDS]
type Wanted = Partial<Record<Field, string>>

/** Options that set headers of the answer. */
const OVERRIDES = {
  cacheControl: 'cacheControl',
  contentDisposition: 'contentDisposition',
  contentEncoding: 'contentEncoding',
  contentLanguage: 'contentLanguage',
  contentType: 'contentType',
} as const

/** Ten years in seconds; a delegation key covers at most a week. */
const MAX_LIFE_SECS = 315_360_000

/** The fields for a URL's options. Code `invalid_argument` for a parameter that no SAS has. */
function wantedOf(options: DownloadOptions): Wanted {
  const nameOf = (name: string): Field => {
    const plain = name.toLowerCase().replaceAll('_', '')
    const found = Object.entries(FIELDS).find(([code, field]) => code === plain || field.toLowerCase() === plain)
    if (found !== undefined) return found[1]
    throw new StorageError('invalid_argument', `'${name}' is not a parameter of an Azure URL.`)
  }
  return Object.fromEntries(downloadQuery(options, OVERRIDES, nameOf))
}

/**
 * A URL that anyone can use until it expires. A URL for uploading needs a PUT with the header `x-ms-blob-type: BlockBlob`. That request
 * sets the content type of the blob, so attributes are `unsupported` here.
 */
export async function signedUrl(
  client: AzureClient,
  base: string,
  key: string,
  { method, expiresInSecs, ...options }: SignUrlOptions,
  ctx: CallContext,
): Promise<string> {
  checkUrlMethod(method)
  const wanted = wantedOf(options)
  if (method === 'PUT' || method === 'DELETE') checkChange(wanted)
  const secs = checkLifetime(expiresInSecs, MAX_LIFE_SECS, 'an Azure URL')
  const { startsAt, protocol, ...texts } = wanted
  const limits = { expiresAt: sasEnd(client.time(), secs), startsAt: dateOf(startsAt), protocol: protocolOf(protocol) }
  const sas = await client.sas({ ...texts, ...limits, blob: key, permissions: RIGHTS[method] }, ctx)
  return withQuery(base, [encodeQuery(versionPairs(wanted)), sas])
}

/** A URL without a signature. Only a version or a snapshot can be selected in it. */
export function plainUrl(base: string, options: DownloadOptions): string {
  const wanted = wantedOf(options)
  const pairs = versionPairs(wanted)
  if (pairs.length === Object.keys(wanted).length) return withQuery(base, [encodeQuery(pairs)])
  throw new StorageError(
    'unsupported',
    'Only a URL that ends (expirationSecs, expiresInSecs) can set headers of the answer.',
  )
}

function checkChange(wanted: Wanted): void {
  const odd = Object.keys(wanted).find(name => name in OVERRIDES || name === 'snapshot' || name === 'versionId')
  if (odd === undefined) return
  const text = `A URL for changes cannot set '${odd}': the request itself sets it, with headers such as x-ms-blob-content-type.`
  throw new StorageError('unsupported', text)
}

function versionPairs({ snapshot, versionId }: Wanted): Array<[string, string]> {
  const pairs: Array<[string, string]> = []
  if (snapshot !== undefined) pairs.push(['snapshot', snapshot])
  if (versionId !== undefined) pairs.push(['versionid', versionId])
  return pairs
}

function withQuery(base: string, queries: readonly string[]): string {
  const query = queries.filter(Boolean).join('&')
  return query === '' ? base : `${base}?${query}`
}

function dateOf(text: string | undefined): Date | undefined {
  return text === undefined ? undefined : new Date(/^\d+$/.test(text) ? Number(text) : text)
}

function protocolOf(text: string | undefined): BlobSasOptions['protocol'] {
  if (text === undefined || text === 'https' || text === 'https,http') return text
  throw new StorageError('invalid_argument', "protocol: expected 'https' or 'https,http'.")
}
