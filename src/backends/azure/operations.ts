import type { HttpRequest } from '../../http/request.ts'
import type { Expected } from '../../remote/answers.ts'
import type { Prepared, ServiceRequest } from '../../remote/service.ts'

/** One request of the protocol. */
export interface AzureRequest extends ServiceRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  /** Absent for a request to the container itself, or the service. */
  readonly key?: string | undefined
  /** The container. Default: that of the account's options. */
  readonly container?: string | undefined
  /** Whether the request is for the service, not the container. */
  readonly ofService?: boolean | undefined
  /** Not encoded. Each parameter has a value, since services sign parameters without one differently. */
  readonly query?: ReadonlyArray<readonly [name: string, value: string]> | undefined
  /** Lower-case names; the client adds the headers for signing. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: Exclude<HttpRequest['body'], string>
  /** Signs the requests in the body of a batch. It is called again each time the batch is signed again. */
  readonly batch?: ((sign: (part: AzureRequest) => Prepared) => readonly Prepared[]) | undefined
}

/** Headers of every answer of the service; an HTML page of a proxy does not have them. */
const OWN = ['x-ms-request-id', 'x-ms-version']
const OF_BLOBS = ['ETag', 'Last-Modified']

const BLOB: Expected = { statuses: [200], headers: OF_BLOBS }
const RANGE: Expected = { statuses: [200, 206], headers: OF_BLOBS }
const WRITTEN: Expected = { statuses: [201], headers: OF_BLOBS }
const COPIED: Expected = { statuses: [202], headers: ['ETag', 'x-ms-copy-status'] }
const DONE: Expected = { statuses: [201], fileHas: OWN }
const ACCEPTED: Expected = { statuses: [202], fileHas: OWN }
const MOVED: Expected = { statuses: [200, 202], fileHas: OWN }
const ENDED: Expected = { statuses: [204], fileHas: OWN }
const LISTING: Expected = { statuses: [200], root: ['EnumerationResults'] }
const BLOCKS: Expected = { statuses: [200], root: ['BlockList'] }
const KEY: Expected = { statuses: [200], root: ['UserDelegationKey'], fields: ['Value', 'SignedExpiry'] }

/** The expected answer of Azure to a successful request. (https://learn.microsoft.com/rest/api/storageservices/blob-service-rest-api) */
export function expectedOf({ method, key, query, headers }: AzureRequest): Expected {
  const comp = query?.find(([name]) => name === 'comp')?.[1]
  switch (method) {
    case 'HEAD':
      return BLOB
    case 'DELETE':
      return ACCEPTED
    case 'GET':
      if (comp === 'list') return LISTING
      if (comp === 'blocklist') return BLOCKS
      return headers?.['range'] === undefined ? BLOB : RANGE
    case 'POST':
      return comp === 'batch' ? ACCEPTED : KEY
    case 'PUT':
      if (key === undefined || comp === 'block') return DONE
      if (comp === 'copy') return ENDED
      if (comp === 'tier') return MOVED
      return headers?.['x-ms-copy-source'] === undefined ? WRITTEN : COPIED
  }
}

/** Whether a 404 to the request means that a file is missing: for reads, deletions, moves, the source of a copy, and `If-Match`. */
export function seeksFile({ method, key, headers, query }: AzureRequest): boolean {
  if (method !== 'PUT' && method !== 'POST') return key !== undefined
  if (query?.some(([, value]) => value === 'tier')) return true
  return headers?.['x-ms-copy-source'] !== undefined || headers?.['if-match'] !== undefined
}
