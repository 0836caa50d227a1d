import type { HttpRequest } from '../../http/request.ts'
import type { Expected } from '../../remote/answers.ts'
import type { ServiceRequest } from '../../remote/service.ts'

/** The operations on an object besides reading and writing its bytes. */
export type AtmosQuery = 'metadata/system' | 'metadata/user' | 'rename'

/** One request of the protocol. */
export interface AtmosRequest extends ServiceRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'
  /**
   * The path in the namespace, not encoded, without a slash before it. The path of a folder ends in a slash. Absent: the service itself.
   */
  readonly path?: string | undefined
  readonly query?: AtmosQuery | undefined
  /** Lower-case names; the client adds the headers for signing. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: Exclude<HttpRequest['body'], string>
}

/** Headers of which the answer about an object always has at least one. */
const OF_OBJECTS = ['x-emc-meta', 'x-emc-policy', 'x-emc-useracl']

const OBJECT: Expected = { statuses: [200], fileHas: OF_OBJECTS }
const RANGE: Expected = { statuses: [200, 206], fileHas: OF_OBJECTS }
const TAGS: Expected = { statuses: [200], headers: ['x-emc-meta'] }
const CREATED: Expected = { statuses: [201], headers: ['Location'] }
const CHANGED: Expected = { statuses: [200] }
const DELETED: Expected = { statuses: [204] }
const LISTING: Expected = { statuses: [200], root: ['ListDirectoryResponse'], replacesForbidden: true }
const VERSION: Expected = { statuses: [200], root: ['Version'] }

/** The expected answer of Atmos to a successful request. (Atmos Programmer's Guide, "REST commands") */
export function expectedOf({ method, path, query, headers }: AtmosRequest): Expected {
  if (path === undefined) return VERSION
  switch (method) {
    case 'HEAD':
      return OBJECT
    case 'GET':
      if (query !== undefined) return TAGS
      if (isFolder(path)) return LISTING
      return headers?.['range'] === undefined ? OBJECT : RANGE
    case 'POST':
      return query === undefined ? CREATED : CHANGED
    case 'PUT':
      return CHANGED
    case 'DELETE':
      return DELETED
  }
}

/** Whether a path is that of a folder. */
export function isFolder(path: string): boolean {
  return path === '' || path.endsWith('/')
}
