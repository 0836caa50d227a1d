import type { CallContext } from '../../core/call.ts'
import type { ListedFile, Page, PageRequest } from '../../core/driver.ts'
import { bodySize, type HttpResponse } from '../../http/request.ts'
import type { Expected } from '../../remote/answers.ts'
import type { Bytes } from '../../remote/checksums.ts'
import { countOf, headerTextOf } from '../../remote/headers.ts'
import { objectsPage, objectsQuery } from '../../remote/object-listing.ts'
import { encodeComponent } from '../../remote/sign/encode.ts'
import type { XmlNode } from '../../remote/xml.ts'
import { type GcsApi, type GcsRequest, type GcsTarget, type GcsVersion, known, locationOf, objectPath } from './api.ts'
import type { GcsClient } from './client.ts'
import { fieldHeaders, type GcsStat, statOfAnswer } from './resource.ts'

const OBJECT: Expected = { statuses: [200], headers: ['x-goog-generation'] }
const WRITTEN: Expected = { statuses: [200, 201], headers: ['x-goog-generation'] }
const SESSION: Expected = { statuses: [201], headers: ['location'] }
/** Keys may contain control characters, which XML cannot. They spoil only their own keys. */
const LISTING: Expected = { statuses: [200], root: ['ListBucketResult'], replacesForbidden: true }

/** The XML API, which uses HMAC keys. (https://cloud.google.com/storage/docs/xml-api/overview) */
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
    const path = `/${encodeComponent(this.#client.bucketName)}`
    const query = objectsQuery(prefix, page)
    const { root } = await this.#client.xml({ method: 'GET', path, query, expected: LISTING }, ctx)
    return objectsPage(root, prefix, page, generationOf)
  }

  /** DELETE Object. */
  deletion(key: string, version: Pick<GcsVersion, 'ifGeneration'> = {}): GcsRequest {
    return { ...this.#request('DELETE', key, version), expected: { statuses: [204] }, seeksFile: true }
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

/** Size of the stored file in bytes. */
function storedSize(headers: HttpResponse['headers']): number | undefined {
  return countOf(headerTextOf(headers['x-goog-stored-content-length']))
}

/** Etag and version of a listed file: its generation. */
function generationOf(node: XmlNode): Pick<ListedFile, 'etag' | 'versionId'> {
  const generation = node.child('Generation')?.text.trim() || undefined
  return { etag: generation, versionId: generation }
}
