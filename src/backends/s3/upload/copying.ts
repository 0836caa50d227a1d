import { ATTRIBUTES, givenAttributes } from '../../../core/attributes.ts'
import type { CallContext } from '../../../core/call.ts'
import type { Stat, StatOptions, WriteOptions } from '../../../core/driver.ts'
import { parallel } from '../../../remote/pieces.ts'
import { encodeComponent, encodeKey } from '../../../remote/sign/encode.ts'
import type { S3Client } from '../client.ts'
import { addAttributes, otherHeaders, statOf, writeHeaders } from '../headers.ts'
import { inUpload, type MultipartOptions, partSizeFor } from './multipart.ts'
import { partQuery } from './requests.ts'

/** What a copy within the bucket needs besides the keys. */
export interface CopySettings {
  /** Parameters of every upload under the target's key. */
  readonly parameters: Readonly<Record<string, unknown>>
  readonly partSize: number
  /** Bytes that every part but the last must have. Default: 5 MiB. */
  readonly minPartSize?: number | undefined
  readonly concurrency: number
  /** On the target. */
  readonly conditions: Readonly<Record<string, string>>
}

/** Copies up to 5 GiB by one request (CopyObject); attributes that are not given are those of the source. */
export async function copyObject(
  client: S3Client,
  from: string,
  to: string,
  options: WriteOptions,
  settings: CopySettings,
  ctx: CallContext,
): Promise<void> {
  const replaces = ATTRIBUTES.some(name => options[name] !== undefined)
  const headers: Record<string, string> = {
    ...keptParameters(settings.parameters, options),
    ...settings.conditions,
    'x-amz-copy-source': sourceOf(client, from),
    'x-amz-metadata-directive': replaces ? 'REPLACE' : 'COPY',
  }
  if (headers[TAGGING] !== undefined) headers['x-amz-tagging-directive'] = 'REPLACE'
  if (replaces) {
    const source = await statSource(client, from, settings.parameters, ctx)
    addAttributes(headers, { ...source, ...givenAttributes(options) })
    if (source.etag !== undefined) headers['x-amz-copy-source-if-match'] = `"${source.etag}"`
  }
  await client.document({ method: 'PUT', key: to, headers, body: '' }, ctx)
}

/** Copies any size by ranges (UploadPartCopy). The source must stay the same meanwhile, else `precondition_failed`. */
export async function copyParts(
  client: S3Client,
  from: string,
  to: string,
  source: Stat,
  options: WriteOptions,
  settings: CopySettings,
  ctx: CallContext,
): Promise<void> {
  const headers = { ...keptParameters(settings.parameters, options) }
  addAttributes(headers, { ...source, ...givenAttributes(options) })
  const upload: MultipartOptions = {
    concurrency: settings.concurrency,
    checksum: 'none',
    headers,
    partHeaders: otherHeaders('part', settings.parameters),
    conditions: settings.conditions,
  }
  const size = partSizeFor(source.size, settings.partSize, settings.minPartSize)
  const starts = Array.from({ length: Math.max(1, Math.ceil(source.size / size)) }, (_, index) => index * size)
  const partHeaders: Record<string, string> = {
    ...sourceKeyHeaders(settings.parameters),
    ...upload.partHeaders,
    'x-amz-copy-source': sourceOf(client, from),
  }
  if (source.etag !== undefined) partHeaders['x-amz-copy-source-if-match'] = `"${source.etag}"`
  await client.uploads.run(ctx, (inner, stop) =>
    inUpload(client, to, upload, inner, ({ uploadId }) =>
      parallel(starts.entries(), settings.concurrency, stop, ([index, start]) =>
        inner.step('uploadPartCopy', true, async step => {
          const end = Math.min(source.size, start + size)
          const headers = { ...partHeaders, 'x-amz-copy-source-range': `bytes=${start}-${end - 1}` }
          const query = partQuery(uploadId, index + 1)
          const { root } = await client.document({ method: 'PUT', key: to, query, headers, body: '' }, step)
          return { number: index + 1, etag: root.child('ETag')?.text ?? '', size: end - start }
        }),
      ),
    ),
  )
}

/** The storage's parameters that a copy does not take from its source (ACL, encryption, class), and the caller's own, tags among them. */
function keptParameters(parameters: CopySettings['parameters'], options: WriteOptions): Record<string, string> {
  const { extra } = options
  const headers = writeHeaders(parameters, { extra })
  for (const name of Object.keys(headers)) if (isDescriptive(name)) delete headers[name]
  const tags = writeHeaders({}, { extra })[TAGGING]
  if (tags !== undefined) headers[TAGGING] = tags
  return { ...headers, ...sourceKeyHeaders(parameters) }
}

const TAGGING = 'x-amz-tagging'

function isDescriptive(header: string): boolean {
  if (header.startsWith('content-') || header.startsWith('x-amz-meta-')) return true
  return header === 'cache-control' || header === 'expires' || header === TAGGING
}

/** A customer's key also opens the source. */
function sourceKeyHeaders(parameters: CopySettings['parameters']): Record<string, string> {
  const headers: Record<string, string> = {}
  const prefix = 'x-amz-server-side-encryption-customer-'
  for (const [name, value] of Object.entries(otherHeaders('part', parameters))) {
    if (name.startsWith(prefix))
      headers[`x-amz-copy-source-server-side-encryption-customer-${name.slice(prefix.length)}`] = value
  }
  return headers
}

/** HEAD of an object, with the parameters that reading it needs. */
export async function statSource(
  client: S3Client,
  key: string,
  parameters: CopySettings['parameters'],
  ctx: CallContext,
): Promise<Stat> {
  const headers = otherHeaders('read', parameters)
  return statOf((await client.call({ method: 'HEAD', key, headers }, ctx)).headers)
}

/** The query that names a version. */
export function versionQuery({ versionId }: StatOptions): Array<[string, string]> {
  return versionId === undefined ? [] : [['versionId', versionId]]
}

function sourceOf(client: S3Client, key: string): string {
  return `/${encodeComponent(client.bucketName)}/${encodeKey(key)}`
}
