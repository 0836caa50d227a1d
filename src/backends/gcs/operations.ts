import type { HttpRequest } from '../../http/request.ts'
import type { Expected } from '../../remote/answers.ts'
import type { ServiceRequest } from '../../remote/service.ts'
import { encodeComponent, encodeKey } from '../../remote/sign/encode.ts'

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

/** A generation that a condition can name; for any other etag one that no object has, so that the condition fails. */
export function generationOf(etag: string): string {
  return /^[1-9]\d{0,17}$/.test(etag) ? etag : '1'
}
