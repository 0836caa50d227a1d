import type { CallContext } from '../../core/call.ts'
import type { ListedFile, Page, PageRequest } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { compareKeys } from '../../core/key-order.ts'
import { bodySize, type HttpResponse } from '../../http/request.ts'
import type { Expected } from '../../remote/answers.ts'
import type { Bytes } from '../../remote/checksums.ts'
import { countOf, dateOf, headerTextOf } from '../../remote/headers.ts'
import { checkedPage } from '../../remote/page-range.ts'
import { encodeComponent } from '../../remote/sign/encode.ts'
import type { XmlNode } from '../../remote/xml.ts'
import { type GcsApi, type GcsRequest, type GcsTarget, type GcsVersion, known, locationOf, objectPath } from './api.ts'
import type { GcsClient } from './client.ts'
import { limitOf } from './json-api.ts'
import { fieldHeaders, type GcsStat, statOfAnswer } from './resource.ts'

const OBJECT: Expected = { statuses: [200], headers: ['x-goog-generation'] }
const WRITTEN: Expected = { statuses: [200, 201], headers: ['x-goog-generation'] }
const SESSION: Expected = { statuses: [201], headers: ['location'] }
const LISTING: Expected = { statuses: [200], root: ['ListBucketResult'] }

/** The XML API, which takes HMAC keys. (https://cloud.google.com/storage/docs/xml-api/overview) */
export class XmlApi implements GcsApi {
  readonly #client: GcsClient

  constructor(client: GcsClient) {
    this.#client = client
  }

  /** HEAD Object. */
  async stat(key: string, version: Pick<GcsVersion, 'generation'>, ctx: CallContext): Promise<GcsStat> {
    const request = {
      ...this.#request('HEAD', key, version, { 'accept-encoding': 'gzip' }),
      expected: OBJECT,
      seeksFile: true,
    }
    const headers = await this.#client.done(request, ctx)
    const stat = statOfAnswer(headers)
    return known({ ...stat, size: storedSize(headers) ?? stat.size })
  }

  /** PUT Object. */
  async put(target: GcsTarget, body: Bytes, crc32c: string, ctx: CallContext): Promise<GcsStat> {
    const { key, ifGeneration } = target
    const headers = { ...fieldHeaders(target.fields), 'x-goog-hash': `crc32c=${crc32c}` }
    const request = { ...this.#request('PUT', key, { ifGeneration }, headers), body, expected: WRITTEN }
    const answer = await this.#client.done({ ...request, conditional: ifGeneration !== undefined }, ctx)
    return known({ ...statOfAnswer(answer), size: bodySize(body) })
  }

  /** Starts a resumable upload. (https://cloud.google.com/storage/docs/xml-api/post-object-resumable) */
  async begin({ key, fields, ifGeneration }: GcsTarget, ctx: CallContext): Promise<string> {
    const headers = { ...fieldHeaders(fields), 'x-goog-resumable': 'start' }
    const request = { ...this.#request('POST', key, { ifGeneration }, headers), body: Buffer.alloc(0) }
    return locationOf(await this.#client.done({ ...request, expected: SESSION }, ctx))
  }

  written({ headers }: HttpResponse): GcsStat {
    return known({ ...statOfAnswer(headers), size: storedSize(headers) })
  }

  /** GET Bucket, version 2 of the listing. (https://cloud.google.com/storage/docs/xml-api/get-bucket-list) */
  async page(prefix: string, page: PageRequest, ctx: CallContext): Promise<Page> {
    const query: Array<[string, string]> = [['list-type', '2']]
    const limit = limitOf(page)
    const { token, startAfter } = page
    if (prefix !== '') query.push(['prefix', prefix])
    if (!page.recursive) query.push(['delimiter', '/'])
    if (token !== undefined) query.push(['continuation-token', token])
    else if (startAfter !== undefined && compareKeys(startAfter, prefix) > 0) query.push(['start-after', startAfter])
    if (limit !== undefined) query.push(['max-keys', String(limit)])
    const path = `/${encodeComponent(this.#client.bucketName)}`
    const { root } = await this.#client.xml({ method: 'GET', path, query, expected: LISTING }, ctx)
    return checkedPage(listed(root), prefix, page)
  }

  /** DELETE Object. */
  deletion(key: string): GcsRequest {
    return { ...this.#request('DELETE', key, {}), expected: { statuses: [204] }, seeksFile: true }
  }

  #request<M extends GcsRequest['method']>(
    method: M,
    key: string,
    { generation, ifGeneration }: GcsVersion,
    headers: Record<string, string> = {},
  ) {
    const condition = ifGeneration === undefined ? {} : { 'x-goog-if-generation-match': ifGeneration }
    const query: Array<[string, string]> = generation === undefined ? [] : [['generation', generation]]
    return { method, path: objectPath(this.#client.bucketName, key), query, headers: { ...headers, ...condition } }
  }
}

/** Bytes of the file as it is stored. */
function storedSize(headers: HttpResponse['headers']): number | undefined {
  return countOf(headerTextOf(headers['x-goog-stored-content-length']))
}

/** A listing in XML, whose namespace is Amazon's or none. */
function listed(root: XmlNode): Page {
  const files = root.children('Contents').map(listedFile)
  const directories = root.children('CommonPrefixes').map(node => node.child('Prefix')?.text ?? '')
  const next = root.child('NextContinuationToken')?.text || undefined
  if (root.child('IsTruncated')?.text.trim() !== 'true') return { files, directories }
  if (next !== undefined) return { files, directories, next }
  const text = 'The listing is cut off and names no next page.'
  throw new StorageError('unavailable', text, { retryable: false, outcome: 'not_applied' })
}

function listedFile(node: XmlNode): ListedFile {
  const key = node.child('Key')?.text
  if (key === undefined) throw new StorageError('unavailable', 'The listing has a file without a name.')
  const generation = node.child('Generation')?.text.trim() || undefined
  return {
    key,
    size: countOf(node.child('Size')?.text) ?? Number.NaN,
    etag: generation,
    versionId: generation,
    modifiedAt: dateOf(node.child('LastModified')?.text),
    storageClass: node.child('StorageClass')?.text,
  }
}
