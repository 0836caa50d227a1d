import { nodeCrypto } from '../../core/builtin.ts'
import type { CallContext } from '../../core/call.ts'
import type { ListedFile, Page, PageRequest } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { compareKeys } from '../../core/key-order.ts'
import { bodySize, type HttpResponse } from '../../http/request.ts'
import { type Expected, jsonOf } from '../../remote/answers.ts'
import type { Bytes } from '../../remote/checksums.ts'
import { checkedPage } from '../../remote/page-range.ts'
import { encodeComponent } from '../../remote/sign/encode.ts'
import {
  type GcsApi,
  type GcsRequest,
  type GcsTarget,
  type GcsVersion,
  known,
  locationOf,
  resourcePath,
} from './api.ts'
import type { GcsClient } from './client.ts'
import { type GcsStat, statOfResource } from './resource.ts'

type Query = NonNullable<GcsRequest['query']>
type Generation = Pick<GcsVersion, 'generation'>

const OBJECT: Expected = { statuses: [200], fields: ['name', 'generation'] }
const SESSION: Expected = { statuses: [200], headers: ['location'] }
const LISTING: Expected = { statuses: [200], fields: ['kind'] }
const JSON_TYPE = 'application/json; charset=UTF-8'
/** Maximum size in bytes for which a copy costs less than another write. */
const SMALL = 65_536
const CRLF = '\r\n'

/** The JSON API, which uses tokens. (https://cloud.google.com/storage/docs/json_api/v1) */
export class JsonApi implements GcsApi {
  readonly #client: GcsClient
  readonly #bucket: string

  constructor(client: GcsClient) {
    this.#client = client
    this.#bucket = encodeComponent(client.bucketName)
  }

  /** Objects: get. */
  async stat(key: string, version: Generation, ctx: CallContext): Promise<GcsStat> {
    return known(statOfResource(await this.resource(key, version, ctx)))
  }

  /** The complete answer to Objects: get. */
  async resource(
    key: string,
    { generation }: Generation,
    ctx: CallContext,
  ): Promise<Readonly<Record<string, unknown>>> {
    const path = resourcePath(this.#client.bucketName, key)
    const query: Query = generation === undefined ? [] : [['generation', generation]]
    const request = { method: 'GET', path, query, expected: OBJECT, seeksFile: true } as const
    return (await this.#client.json(request, ctx)).value
  }

  /** Objects: insert, fields and bytes in one request of `multipart/related`. */
  async put(target: GcsTarget, body: Bytes, crc32c: string, ctx: CallContext): Promise<GcsStat> {
    const { resource } = target.fields
    const boundary = `holdall_${nodeCrypto().randomUUID()}`
    const type = String(resource['contentType'] ?? 'application/octet-stream')
    const fields = JSON.stringify({ name: target.key, ...resource, crc32c })
    const head =
      `--${boundary}${CRLF}content-type: ${JSON_TYPE}${CRLF}${CRLF}${fields}${CRLF}` +
      `--${boundary}${CRLF}content-type: ${type}${CRLF}${CRLF}`
    const chunks = body instanceof Uint8Array ? [body] : body
    const { value } = await this.#client.json(
      {
        method: 'POST',
        path: `/upload/storage/v1/b/${this.#bucket}/o`,
        query: insertQuery('multipart', target),
        headers: { 'content-type': `multipart/related; boundary=${boundary}` },
        body: joined([Buffer.from(head), ...chunks, Buffer.from(`${CRLF}--${boundary}--${CRLF}`)]),
        expected: OBJECT,
        conditional: target.ifGeneration !== undefined,
      },
      ctx,
    )
    return known(statOfResource(value))
  }

  /** Starts a resumable upload. */
  async begin(target: GcsTarget, ctx: CallContext): Promise<string> {
    const { resource } = target.fields
    const headers: Record<string, string> = { 'content-type': JSON_TYPE }
    const type = resource['contentType']
    if (typeof type === 'string') headers['x-upload-content-type'] = type
    const query = insertQuery('resumable', target)
    const body = Buffer.from(JSON.stringify({ name: target.key, ...resource }))
    const path = `/upload/storage/v1/b/${this.#bucket}/o`
    return locationOf(await this.#client.done({ method: 'POST', path, query, headers, body, expected: SESSION }, ctx))
  }

  written(_answer: HttpResponse, text: string): GcsStat {
    const value = jsonOf(text)
    return known(statOfResource(typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}))
  }

  /** Objects: list. */
  async page(prefix: string, page: PageRequest, ctx: CallContext): Promise<Page> {
    const path = `/storage/v1/b/${this.#bucket}/o`
    const request = { method: 'GET', path, query: listQuery(prefix, page), expected: LISTING } as const
    return pageOf((await this.#client.json(request, ctx)).value, prefix, page)
  }

  /** Objects: delete. */
  deletion(key: string, { ifGeneration }: Pick<GcsVersion, 'ifGeneration'> = {}): GcsRequest {
    const path = resourcePath(this.#client.bucketName, key)
    // Emulators answer 200.
    const expected = { statuses: this.#client.endpoint.isEmulator ? [204, 200] : [204] }
    const query = ifGeneration === undefined ? [] : [['ifGenerationMatch', ifGeneration] as const]
    return { method: 'DELETE', path, query, expected, seeksFile: true }
  }
}

/** Joins small chunks, so that they are sent together with the head of the request. */
function joined(chunks: readonly Uint8Array[]): Bytes {
  const size = bodySize(chunks)
  return size <= SMALL ? Buffer.concat(chunks, size) : chunks
}

function insertQuery(uploadType: string, { key, fields, ifGeneration }: GcsTarget): Query {
  const query: Array<[string, string]> = [
    ['uploadType', uploadType],
    ['name', key],
  ]
  if (fields.acl !== undefined) query.push(['predefinedAcl', fields.acl])
  if (fields.kmsKeyName !== undefined) query.push(['kmsKeyName', fields.kmsKeyName])
  if (ifGeneration !== undefined) query.push(['ifGenerationMatch', ifGeneration])
  return query
}

const MAX_ENTRIES = 1000
const FIELDS =
  'kind,items(name,size,generation,updated,timeCreated,contentType,contentEncoding,contentDisposition,contentLanguage,' +
  'cacheControl,storageClass,metadata,md5Hash,crc32c),prefixes,nextPageToken'

/** The number of entries of a page, if the caller set one. */
export function limitOf({ limit }: PageRequest): number | undefined {
  return limit === undefined ? undefined : Math.min(MAX_ENTRIES, Math.max(1, limit))
}

/**
 * The query of Objects: list. `startOffset` includes its own key, which is removed from the page.
 * (https://cloud.google.com/storage/docs/json_api/v1/objects/list)
 */
export function listQuery(prefix: string, page: PageRequest): Array<[string, string]> {
  const { recursive, token, startAfter, until } = page
  const query: Array<[string, string]> = [['fields', FIELDS]]
  const limit = limitOf(page)
  if (prefix !== '') query.push(['prefix', prefix])
  if (!recursive) query.push(['delimiter', '/'])
  if (token !== undefined) query.push(['pageToken', token])
  if (startAfter !== undefined && compareKeys(startAfter, prefix) > 0) query.push(['startOffset', startAfter])
  if (until !== undefined) query.push(['endOffset', recursive ? until : endAfterFolder(until, prefix)])
  if (limit !== undefined) query.push(['maxResults', String(limit)])
  return query
}

/** A folder precedes its contents. If the end is inside a folder, the whole folder is requested, and the page is cut at the end. */
function endAfterFolder(until: string, prefix: string): string {
  const slash = until.startsWith(prefix) ? until.indexOf('/', prefix.length) : -1
  // '0' follows '/'.
  return slash === -1 || slash === until.length - 1 ? until : `${until.slice(0, slash)}0`
}

/** The page in an answer. Folder markers are left out, and so are fields that cannot be parsed; a missing size is NaN. */
export function pageOf(value: Readonly<Record<string, unknown>>, prefix: string, request: PageRequest): Page {
  const { kind, nextPageToken } = value
  if (kind !== 'storage#objects') {
    throw new StorageError('unavailable', 'The answer is not a listing of objects.', { outcome: 'not_applied' })
  }
  const files = listIn(value, 'items').map(listedFile)
  const directories = listIn(value, 'prefixes').filter(item => typeof item === 'string')
  const next = typeof nextPageToken === 'string' && nextPageToken !== '' ? nextPageToken : undefined
  return checkedPage({ files, directories, next }, prefix, request)
}

/** A list in the answer, which is absent if it is empty. */
function listIn(value: Readonly<Record<string, unknown>>, name: string): unknown[] {
  const list = value[name]
  if (list === undefined) return []
  if (Array.isArray(list)) return list
  throw new StorageError('unavailable', `'${name}' of the listing is not an array.`, { outcome: 'not_applied' })
}

function listedFile(item: unknown): ListedFile {
  const { name, ...resource } = { ...(item as Record<string, unknown>) }
  if (typeof name !== 'string') throw new StorageError('unavailable', 'The listing has a file without a name.')
  const { crc32c: _, ...stat } = statOfResource(resource)
  return { key: name, ...stat }
}
