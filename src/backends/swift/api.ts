import type { HttpRequest } from '../../http/request.ts'
import type { Expected } from '../../remote/answers.ts'
import type { ServiceRequest } from '../../remote/service.ts'
import { encodeComponent, encodeKey } from '../../remote/sign/encode.ts'
import type { Query } from '../../remote/sign/query.ts'

/** Headers by lower-case names. */
export type Headers = Readonly<Record<string, string>>

/** The target of a request: an object, a container, the account, or the cluster's own information. */
export type Place =
  | { readonly container: string; readonly key?: string | undefined }
  | { readonly account: true }
  | { readonly info: true }

/** One request of the protocol. */
export interface SwiftRequest extends ServiceRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  readonly place: Place
  /** The expected answer of a success. */
  readonly expected: Expected
  readonly query?: Query | undefined
  readonly headers?: Headers | undefined
  readonly body?: Exclude<HttpRequest['body'], string>
  /** Whether a 404 means that the target of the request is missing. Default: true for requests for an object except PUT. */
  readonly seeks?: boolean | undefined
}

/** Headers of every answer of Swift; an HTML page of a proxy does not have them. */
const OWN = ['x-trans-id', 'x-openstack-request-id', 'x-timestamp'] as const

/** A whole object. The manifest of a dynamic large object may come without an ETag. */
export const OBJECT: Expected = { statuses: [200], fileHas: OWN, headers: ['last-modified'] }
/** An object or a range of it. */
export const RANGE: Expected = { ...OBJECT, statuses: [200, 206] }
/** The answer to the creation of an object. */
export const STORED: Expected = { statuses: [201], headers: ['etag'], fileHas: OWN }
/** An object whose metadata was replaced. */
export const CHANGED: Expected = { statuses: [202], fileHas: OWN }
/** The answer to a deletion. */
export const DELETED: Expected = { statuses: [204], fileHas: OWN }
/** A listing: a JSON array, or an empty body. */
export const LISTING: Expected = { statuses: [200, 204], fileHas: OWN }
/** The headers that the answer to a HEAD of a container always has. */
export const CONTAINER: Expected = { statuses: [200, 204], headers: ['x-container-object-count'] }
/** A container that was created (201) or existed (202). */
export const CREATED: Expected = { statuses: [201, 202], fileHas: OWN }
/** Metadata of a container or an account that was changed. */
export const UPDATED: Expected = { statuses: [202, 204], fileHas: OWN }

/** The path of a place below the address of the account, percent-encoded. */
export function pathOf(place: Place): string {
  if (!('container' in place)) return ''
  const container = `/${encodeComponent(place.container)}`
  return place.key === undefined ? container : `${container}/${encodeKey(place.key)}`
}

/**
 * The text of a place in `X-Copy-From`, in a manifest with a prefix of segments, and in a bulk deletion: encoded, without a leading slash.
 */
export function encodedPath(container: string, key: string): string {
  return `${encodeComponent(container)}/${encodeKey(key)}`
}

/** Whether a 404 to a request means that a file is missing. */
export function seeksFile({ method, place, seeks }: SwiftRequest): boolean {
  return seeks ?? ('container' in place && place.key !== undefined && method !== 'PUT')
}
