import type { CallContext } from '../../core/call.ts'
import type { SignUrlOptions } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { checkLifetime, checkUrlMethod } from '../../core/urls.ts'
import { type DownloadOptions, downloadQuery } from '../../remote/download-query.ts'
import { encodeQuery } from '../../remote/sign/query.ts'
import type { AzureClient } from './client.ts'
import { type BlobSasOptions, sasEnd } from './sas.ts'

/** Letters of the rights that a method needs. (https://learn.microsoft.com/rest/api/storageservices/create-service-sas#permissions-for-a-blob) */
const RIGHTS: Readonly<Record<SignUrlOptions['method'], string>> = { GET: 'r', HEAD: 'r', PUT: 'w', DELETE: 'd' }

/** Fields of a SAS that set headers of the answer, by the portable attribute. */
const OVERRIDES = {
  cacheControl: 'rscc',
  contentDisposition: 'rscd',
  contentEncoding: 'rsce',
  contentLanguage: 'rscl',
  contentType: 'rsct',
} as const

/** Fields of a SAS by the names that `parameters` may have, in lower case and without underscores. */
const PARAMETERS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    cachecontrol: 'rscc',
    contentdisposition: 'rscd',
    contentencoding: 'rsce',
    contentlanguage: 'rscl',
    contenttype: 'rsct',
    encryptionscope: 'ses',
    ip: 'sip',
    protocol: 'spr',
    snapshot: 'snapshot',
    startsat: 'st',
    versionid: 'versionid',
  }),
)

/** Ten years in seconds; a delegation key covers at most a week. */
const MAX_LIFE_SECS = 315_360_000

/** The fields that a URL's options ask for; a parameter that no SAS has is `invalid_argument`. */
export function sasFields(options: DownloadOptions): ReadonlyMap<string, string> {
  return new Map(
    downloadQuery(options, OVERRIDES, name => {
      const plain = name.toLowerCase().replaceAll('_', '')
      const field = PARAMETERS.get(plain) ?? [...PARAMETERS.values()].find(each => each === name)
      if (field !== undefined) return field
      throw new StorageError('invalid_argument', `'${name}' is not a parameter of an Azure URL.`)
    }),
  )
}

/**
 * A URL that anybody may use until it expires. One for uploading is for a PUT with the header `x-ms-blob-type: BlockBlob`; what type the blob gets
 * is said by that request, so attributes are `unsupported` here.
 */
export async function signedUrl(
  client: AzureClient,
  base: string,
  key: string,
  { method, expiresInSecs, ...options }: SignUrlOptions,
  ctx: CallContext,
): Promise<string> {
  checkUrlMethod(method)
  const fields = sasFields(options)
  if (method === 'PUT' || method === 'DELETE') checkChange(fields)
  const secs = checkLifetime(expiresInSecs, MAX_LIFE_SECS, 'an Azure URL')
  const sas = await client.sas(
    {
      blob: key,
      permissions: RIGHTS[method],
      expiresAt: sasEnd(client.time(), secs),
      startsAt: dateField(fields.get('st')),
      ip: fields.get('sip'),
      protocol: protocolField(fields.get('spr')),
      encryptionScope: fields.get('ses'),
      snapshot: fields.get('snapshot'),
      versionId: fields.get('versionid'),
      cacheControl: fields.get('rscc'),
      contentDisposition: fields.get('rscd'),
      contentEncoding: fields.get('rsce'),
      contentLanguage: fields.get('rscl'),
      contentType: fields.get('rsct'),
    },
    ctx,
  )
  return withQuery(base, [encodeQuery(versionPairs(fields)), sas])
}

/** A URL without a signature, in which only a version or a snapshot can be named. */
export function plainUrl(base: string, options: DownloadOptions): string {
  const fields = sasFields(options)
  const pairs = versionPairs(fields)
  if (pairs.length === fields.size) return withQuery(base, [encodeQuery(pairs)])
  throw new StorageError(
    'unsupported',
    'Only a URL that ends (expirationSecs, expiresInSecs) can set headers of the answer.',
  )
}

function checkChange(fields: ReadonlyMap<string, string>): void {
  const odd = [...fields.keys()].find(name => name.startsWith('rs') || name === 'snapshot' || name === 'versionid')
  if (odd === undefined) return
  const text = `A URL for changes cannot carry '${odd}': the request itself says it, as x-ms-blob-content-type and its like.`
  throw new StorageError('unsupported', text)
}

function versionPairs(fields: ReadonlyMap<string, string>): Array<[string, string]> {
  return [...fields].filter(([name]) => name === 'snapshot' || name === 'versionid')
}

function withQuery(base: string, queries: readonly string[]): string {
  const query = queries.filter(Boolean).join('&')
  return query === '' ? base : `${base}?${query}`
}

function dateField(text: string | undefined): Date | undefined {
  return text === undefined ? undefined : new Date(/^\d+$/.test(text) ? Number(text) : text)
}

function protocolField(text: string | undefined): BlobSasOptions['protocol'] {
  if (text === undefined || text === 'https' || text === 'https,http') return text
  throw new StorageError('invalid_argument', "protocol: expected 'https' or 'https,http'.")
}
