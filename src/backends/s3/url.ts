import type { CallContext } from '../../core/call.ts'
import type { DirectUpload, DirectUploadLimits } from '../../core/direct-uploads.ts'
import type { RequestOptions, SignUrlOptions, WriteOptions } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { checkUrlMethod } from '../../core/urls.ts'
import { addAttributes } from '../../remote/attribute-headers.ts'
import { formOptions, formUpload, refuseMaxSize } from '../../remote/direct-upload.ts'
import { type DownloadOptions, downloadQuery } from '../../remote/download-query.ts'
import { uploadForm } from '../../remote/upload-form.ts'
import type { S3Client } from './client.ts'
import { writeHeaders } from './headers.ts'
import { addParameters, METADATA_PREFIX } from './settings/object-parameters.ts'
import type { Preset } from './settings/presets.ts'

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

/** Parameters that set headers of the answer, by the portable attribute. */
const OVERRIDES = {
  cacheControl: 'response-cache-control',
  contentDisposition: 'response-content-disposition',
  contentEncoding: 'response-content-encoding',
  contentLanguage: 'response-content-language',
  contentType: 'response-content-type',
} as const

/** A URL that anyone can use until it expires. Code `invalid_argument` for an unknown S3 parameter or method. */
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
    addAttributes(headers, options, METADATA_PREFIX)
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

/** A form that stores exactly this key, with the attributes and parameters of the options; a signed PUT if the service has no forms. */
export async function directUpload(
  client: S3Client,
  { forms, provider }: Preset,
  target: { readonly key: string; readonly options: WriteOptions; readonly limits: DirectUploadLimits },
  ctx: CallContext,
): Promise<DirectUpload> {
  const { key, options, limits } = target
  const { expiresInSecs } = limits
  const headers = writeHeaders(options.objectParameters ?? {}, options)
  if (forms) {
    const form = formOptions(headers, limits)
    return formUpload(uploadForm(await client.credentials(), client.formTarget(key), form, expiresInSecs))
  }
  refuseMaxSize(limits, `this service (${provider})`)
  const url = await client.presign({ method: 'PUT', key, query: [], headers, expiresInSecs }, ctx)
  // Version 4 moves these to the query; they must not be sent again.
  const sent = Object.entries(headers).filter(([name]) => !/^x-amz-(?!server-side-encryption)/.test(name))
  return { method: 'PUT', url, headers: Object.fromEntries(sent) }
}

/** The query parameters of a download: overrides of the answer's headers, and other parameters of the caller. */
export function responseQuery(options: DownloadOptions): Array<[string, string]> {
  return queryOf(options, name => {
    if (isHeaderName(name)) return name
    throw new StorageError('invalid_argument', `'${name}' is not a parameter of an S3 download.`)
  })
}

/** The same for a custom domain, which may support parameters of any name. */
export function customQuery(options: DownloadOptions): Array<[string, string]> {
  return queryOf(options, name => name)
}

function queryOf(options: DownloadOptions, otherName: (name: string) => string): Array<[string, string]> {
  return downloadQuery(options, OVERRIDES, name => QUERY.get(name) ?? otherName(name))
}

/** Names that start in lower case are query parameters; S3's own names start with a capital. */
function isHeaderName(name: string): boolean {
  return /^[a-z]/.test(name)
}
