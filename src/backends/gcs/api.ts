import type { CallContext } from '../../core/call.ts'
import type { Page, PageRequest } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import type { HttpRequest, HttpResponse } from '../../http/request.ts'
import type { Expected } from '../../remote/answers.ts'
import type { Bytes } from '../../remote/checksums.ts'
import { headerTextOf } from '../../remote/headers.ts'
import type { UploadTarget } from '../../remote/part-protocol.ts'
import type { ServiceRequest } from '../../remote/service.ts'
import { encodeComponent, encodeKey } from '../../remote/sign/encode.ts'
import type { GcsStat, ObjectFields } from './resource.ts'

/** One request to the service. */
export interface GcsRequest extends ServiceRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  /** The path below the endpoint, encoded. */
  readonly path: string
  /** Not encoded. */
  readonly query?: ReadonlyArray<readonly [name: string, value: string]> | undefined
  /** Lower-case names; the client adds the authorisation. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: HttpRequest['body']
  readonly expected: Expected
  /** Whether a 404 means that a file is missing. */
  readonly seeksFile?: boolean | undefined
  /** Whether the request is about a bucket itself: it then never creates a missing bucket. */
  readonly ofBucket?: boolean | undefined
  /** Whether the address alone authorises the request, as that of a session does. An HMAC key then does not sign it. */
  readonly isSession?: boolean | undefined
}

/** A version of a file and conditions on it. */
export interface GcsVersion {
  readonly generation?: string | undefined
  readonly ifGeneration?: string | undefined
}

/**
 * The path of an object in the XML API, with the bucket. Segments that clients and proxies would resolve as folders (`.` and `..`) are
 * protected by encoding the slashes around them.
 */
export function objectPath(bucketName: string, key: string): string {
  const isOdd = /(?:^|\/)\.{1,2}(?:\/|$)/.test(key)
  return `/${encodeComponent(bucketName)}/${isOdd ? encodeComponent(key) : encodeKey(key)}`
}

/** The path of an object in the JSON API, where a name is one segment. */
export function resourcePath(bucketName: string, key: string): string {
  return `/storage/v1/b/${encodeComponent(bucketName)}/o/${encodeComponent(key)}`
}

/** Whether a text is a generation: a 63-bit number. */
export function isGeneration(text: string): boolean {
  return /^[1-9]\d{0,18}$/.test(text) && BigInt(text) < 2n ** 63n
}

/** A generation for a condition. For any other etag, a generation that no object has, so that the condition fails. */
export function generationOf(etag: string): string {
  return isGeneration(etag) ? etag : '1'
}

/** A file to write. */
export interface GcsTarget extends UploadTarget {
  readonly fields: ObjectFields
  /** The generation that the file must have: `0` for none, undefined for any. */
  readonly ifGeneration: string | undefined
}

/** The operations of both APIs of the service. */
export interface GcsApi {
  stat(key: string, version: Pick<GcsVersion, 'generation'>, ctx: CallContext): Promise<GcsStat>
  /** Writes a whole file; the service verifies the checksum. */
  put(target: GcsTarget, body: Bytes, crc32c: string, ctx: CallContext): Promise<GcsStat>
  /** Starts a session; returns its address as the service sent it. */
  begin(target: GcsTarget, ctx: CallContext): Promise<string>
  /** Parses the file's attributes in the answer to the last part of a session. */
  written(answer: HttpResponse, text: string): GcsStat
  page(prefix: string, request: PageRequest, ctx: CallContext): Promise<Page>
  /** The request that deletes a file, optionally only if it has a certain generation. */
  deletion(key: string, version?: Pick<GcsVersion, 'ifGeneration'>): GcsRequest
}

/** A stat with the fields that every file has. Code `unavailable`, outcome `unknown`, for an answer without them. */
export function known(stat: Omit<GcsStat, 'size'> & { readonly size: number | undefined }): GcsStat {
  const { size, etag } = stat
  if (etag !== undefined && size !== undefined && !Number.isNaN(size)) return { ...stat, size }
  const text = `The answer does not contain the ${etag === undefined ? 'generation' : 'size'} of the file.`
  throw new StorageError('unavailable', text, { outcome: 'unknown' })
}

/** The address of a session in an answer. */
export function locationOf({ location }: HttpResponse['headers']): string {
  return headerTextOf(location) ?? ''
}
