import type { HttpRequest } from '../../http/request.ts'
import type { Expected } from '../../remote/answers.ts'
import type { ServiceRequest } from '../../remote/service.ts'
import { encodeComponent, encodeKey } from '../../remote/sign/encode.ts'
import type { Query } from '../../remote/sign/query.ts'

/** Headers by lower-case names. */
export type Headers = Readonly<Record<string, string>>

/** What a request is for: an object, a container, the account, or what the cluster reports about itself. */
export type Place =
  | { readonly container: string; readonly key?: string | undefined }
  | { readonly account: true }
  | { readonly info: true }

/** One request of the protocol. */
export interface SwiftRequest extends ServiceRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  readonly place: Place
  /** What a success looks like. */
  readonly expected: Expected
  readonly query?: Query | undefined
  readonly headers?: Headers | undefined
  readonly body?: Exclude<HttpRequest['body'], string>
  /** Whether a 404 says that what the request is for is missing. Default: for requests for an object, but PUT. */
  readonly seeks?: boolean | undefined
}

/** Headers that every answer of Swift has, and a page that something between sent has not. */
const OWN = ['x-trans-id', 'x-openstack-request-id', 'x-timestamp'] as const

/** A whole object. The manifest of a dynamic large object may come without an ETag. */
export const OBJECT: Expected = { statuses: [200], fileHas: OWN, headers: ['last-modified'] }
/** An object or a range of it. */
export const RANGE: Expected = { ...OBJECT, statuses: [200, 206] }
/** An object that was stored. */
export const STORED: Expected = { statuses: [201], headers: ['etag'], fileHas: OWN }
/** An object whose metadata was replaced. */
export const CHANGED: Expected = { statuses: [202], fileHas: OWN }
/** What was deleted. */
export const DELETED: Expected = { statuses: [204], fileHas: OWN }
/** A listing: a JSON array, or nothing. */
export const LISTING: Expected = { statuses: [200, 204], fileHas: OWN }
/** What the answer of a HEAD of a container always has. */
export const CONTAINER: Expected = { statuses: [200, 204], headers: ['x-container-object-count'] }
/** A container that was created (201) or was there (202). */
export const CREATED: Expected = { statuses: [201, 202], fileHas: OWN }
/** Metadata of a container or an account that was changed. */
export const UPDATED: Expected = { statuses: [202, 204], fileHas: OWN }

/** The path of a place below the address of the account, percent-encoded. */
export function pathOf(place: Place): string {
  if (!('container' in place)) return ''
  const container = `/${encodeComponent(place.container)}`
  return place.key === undefined ? container : `${container}/${encodeKey(place.key)}`
}

/** The text of a place in `X-Copy-From`, in a manifest of segments by their beginning, and in a bulk deletion: encoded, without a leading slash. */
export function encodedPath(container: string, key: string): string {
  return `${encodeComponent(container)}/${encodeKey(key)}`
}

/** Whether a 404 to a request says that a file is missing. */
export function seeksFile({ method, place, seeks }: SwiftRequest): boolean {
  return seeks ?? ('container' in place && place.key !== undefined && method !== 'PUT')
}
