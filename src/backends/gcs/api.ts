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
  /** Below the endpoint, encoded. */
  readonly path: string
  /** Not encoded. */
  readonly query?: ReadonlyArray<readonly [name: string, value: string]> | undefined
  /** Lower-case names; the client adds what authorises. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: HttpRequest['body']
  readonly expected: Expected
  /** Whether a 404 says that a file is missing. */
  readonly seeksFile?: boolean | undefined
  /** Whether it is about a bucket as such: then none is created because one is missing. */
  readonly ofBucket?: boolean | undefined
  /** Whether the address alone authorises it, as that of a session does; then an HMAC key signs nothing. */
  readonly isSession?: boolean | undefined
}

/** A version of a file and conditions on it. */
export interface GcsVersion {
  readonly generation?: string | undefined
  readonly ifGeneration?: string | undefined
}

/**
 * The path of an object in the XML API, with the bucket. Segments that clients and proxies would take for folders (`.` and `..`) are kept by
 * encoding the slashes around them.
 */
export function objectPath(bucketName: string, key: string): string {
  const isOdd = /(?:^|\/)\.{1,2}(?:\/|$)/.test(key)
  return `/${encodeComponent(bucketName)}/${isOdd ? encodeComponent(key) : encodeKey(key)}`
}

/** The path of an object in the JSON API, where a name is one segment. */
export function resourcePath(bucketName: string, key: string): string {
  return `/storage/v1/b/${encodeComponent(bucketName)}/o/${encodeComponent(key)}`
}

/** Whether a text is a generation: a number of 63 bits. */
export function isGeneration(text: string): boolean {
  return /^[1-9]\d{0,18}$/.test(text) && BigInt(text) < 2n ** 63n
}

/** A generation that a condition can name; for any other etag one that no object has, so that the condition fails. */
export function generationOf(etag: string): string {
  return isGeneration(etag) ? etag : '1'
}

/** A file to be written. */
export interface GcsTarget extends UploadTarget {
  readonly fields: ObjectFields
  /** The generation that the file must have: `0` for none, undefined for any. */
  readonly ifGeneration: string | undefined
}

/** What both of the service's APIs can do, each in its own words. */
export interface GcsApi {
  stat(key: string, version: Pick<GcsVersion, 'generation'>, ctx: CallContext): Promise<GcsStat>
  /** Writes a whole file; the service compares the checksum. */
  put(target: GcsTarget, body: Bytes, crc32c: string, ctx: CallContext): Promise<GcsStat>
  /** Starts a session; returns its address as the service tells it. */
  begin(target: GcsTarget, ctx: CallContext): Promise<string>
  /** What the answer to the last part of a session says of the file. */
  written(answer: HttpResponse, text: string): GcsStat
  page(prefix: string, request: PageRequest, ctx: CallContext): Promise<Page>
  /** The request that deletes a file, where it is of a certain generation. */
  deletion(key: string, version?: Pick<GcsVersion, 'ifGeneration'>): GcsRequest
}

/** A stat that has what every file has; `unavailable`, outcome `unknown`, for an answer that does not tell it. */
export function known(stat: Omit<GcsStat, 'size'> & { readonly size: number | undefined }): GcsStat {
  const { size, etag } = stat
  if (etag !== undefined && size !== undefined && !Number.isNaN(size)) return { ...stat, size }
  const text = `The answer does not tell the ${etag === undefined ? 'generation' : 'size'} of the file.`
  throw new StorageError('unavailable', text, { outcome: 'unknown' })
}

/** The address of a session that an answer tells. */
export function locationOf({ location }: HttpResponse['headers']): string {
  return headerTextOf(location) ?? ''
}
