/** One request as the server sees it: which host it is for, and which function it calls. */
import type { IncomingMessage } from 'node:http'
import { readRequest, type StrictRequest } from '../strict/request.ts'
import { badInput } from './errors.ts'

/** The hosts behind the one address, told by the first segment of the path. */
export type Host = 'api' | 'content' | 'dl'

/** A parsed request. */
export interface DropboxRequest extends StrictRequest {
  readonly host: Host | undefined
  /** The function's name, as `files/upload`; undefined for the token endpoint and for links. */
  readonly route: string | undefined
  /** The path behind the host. */
  readonly path: string
  readonly message: IncomingMessage
}

/** Decodes %XX once; 400 when it is not UTF-8. */
export function decode(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    throw badInput('The address of the request is not UTF-8.')
  }
}

/** The path that a request to the content host is about, for plans of faults and the log; lenient. */
function pathOf(text: string | undefined): string | undefined {
  try {
    const arg = JSON.parse(text ?? 'null') as { path?: unknown; commit?: { path?: unknown } } | null
    const path = arg?.path ?? arg?.commit?.path
    return typeof path === 'string' ? path : undefined
  } catch {
    return undefined
  }
}

/** Reads a request from the wire. */
export function parseRequest(message: IncomingMessage, requestId: string): DropboxRequest {
  const request = readRequest(message, requestId, decode)
  const [, first = '', ...rest] = request.rawPath.split('/')
  const host = first === 'api' || first === 'content' || first === 'dl' ? first : undefined
  const path = rest.join('/')
  const route = path.startsWith('2/') ? path.slice(2) : undefined
  const key = pathOf(request.headers['dropbox-api-arg'] ?? request.query['arg'])
  return { ...request, host, route, path, message, ...(key === undefined ? {} : { key }) }
}
