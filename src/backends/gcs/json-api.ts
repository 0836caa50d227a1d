import { nodeCrypto } from '../../core/builtin.ts'
import type { CallContext } from '../../core/call.ts'
import type { Page, PageRequest } from '../../core/driver.ts'
import { bodySize, type HttpResponse } from '../../http/request.ts'
import type { Expected } from '../../remote/answers.ts'
import { jsonOf } from '../../remote/answers.ts'
import type { Bytes } from '../../remote/checksums.ts'
import { encodeComponent } from '../../remote/sign/encode.ts'
import { type GcsApi, type GcsTarget, known, locationOf } from './api.ts'
import type { GcsClient } from './client.ts'
import { listQuery, pageOf } from './listing.ts'
import { type GcsRequest, type GcsVersion, resourcePath } from './operations.ts'
import { type GcsStat, statOfResource } from './resource.ts'

type Query = NonNullable<GcsRequest['query']>

const OBJECT: Expected = { statuses: [200], fields: ['name', 'generation'] }
const SESSION: Expected = { statuses: [200], headers: ['location'] }
const LISTING: Expected = { statuses: [200], fields: ['kind'] }
const JSON_TYPE = 'application/json; charset=UTF-8'
/** Bytes up to which copying costs less than another write. */
const SMALL = 65_536
const CRLF = '\r\n'

/** The JSON API, which takes tokens. (https://cloud.google.com/storage/docs/json_api/v1) */
export class JsonApi implements GcsApi {
  readonly #client: GcsClient
  readonly #bucket: string

  constructor(client: GcsClient) {
    this.#client = client
    this.#bucket = encodeComponent(client.bucketName)
  }

  /** Objects: get. */
  async stat(key: string, version: GcsVersion, ctx: CallContext): Promise<GcsStat> {
    const path = resourcePath(this.#client.bucketName, key)
    const request = { method: 'GET', path, query: versionQuery(version), expected: OBJECT, seeksFile: true } as const
    return known(statOfResource((await this.#client.json(request, ctx)).value))
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
  deletion(key: string, version: GcsVersion = {}): GcsRequest {
    const path = resourcePath(this.#client.bucketName, key)
    return { method: 'DELETE', path, query: versionQuery(version), expected: { statuses: [204] }, seeksFile: true }
  }
}

/** Small chunks in one piece, which goes out with the head of its request. */
function joined(chunks: readonly Uint8Array[]): Bytes {
  const size = bodySize(chunks)
  return size <= SMALL ? Buffer.concat(chunks, size) : chunks
}

function versionQuery({ generation, ifGeneration }: GcsVersion): Query {
  const query: Array<[string, string]> = []
  if (generation !== undefined) query.push(['generation', generation])
  if (ifGeneration !== undefined) query.push(['ifGenerationMatch', ifGeneration])
  return query
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
