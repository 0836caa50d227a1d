/** One request as the server sees it. */
import type { IncomingMessage } from 'node:http'
import { readRequest, type StrictRequest } from '../strict/request.ts'
import { AtmosError } from './errors.ts'

/** Which part of the interface a path is of. */
export type Interface = 'namespace' | 'objects' | 'service' | 'accesstokens'

/** A parsed request. */
export interface AtmosRequest extends StrictRequest {
  readonly interface: Interface
  /** Decoded, after `/rest/namespace/` and without slashes at its ends; the id where objects are meant by their ids. */
  readonly key: string
  /** Whether the path ends in a slash. */
  readonly isFolder: boolean
  /** What is signed of the path: decoded. */
  readonly signedPath: string
  /** The query where it names an operation, as `metadata/user`. */
  readonly aspect: string
}

const ASPECTS = ['', 'metadata/system', 'metadata/user', 'metadata/tags', 'acl', 'rename', 'info', 'versions']

/** Decodes %XX once; 1002 when that is not UTF-8. */
export function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new AtmosError(1002, 'The path is not encoded in UTF-8.')
  }
}

/** Reads a request of any of the interfaces; 1008 for a path that there is not. */
export function parseRequest(
  message: IncomingMessage,
  requestId: string,
  { driverPath, signsDriverPath }: { readonly driverPath: string; readonly signsDriverPath: boolean },
): AtmosRequest {
  const request = readRequest(message, requestId, decode)
  const { rawPath, rawQuery, query } = request
  if (!rawPath.startsWith(`${driverPath}/rest/`)) throw new AtmosError(1008)
  const path = rawPath.slice(driverPath.length)
  const [, part = '', slash = '', rest = ''] = /^\/rest\/([a-z]+)(\/?)(.*)$/s.exec(path) ?? []
  if (!['namespace', 'objects', 'service', 'accesstokens'].includes(part)) throw new AtmosError(1008)
  const isShared = query['signature'] !== undefined
  if (!isShared && !ASPECTS.includes(rawQuery)) throw new AtmosError(1042, 'The query is not known.')
  const decoded = decode(rest)
  const isFolder = part === 'namespace' && (rest === '' ? slash === '/' : decoded.endsWith('/'))
  return {
    ...request,
    interface: part as Interface,
    key: isFolder ? decoded.replace(/\/$/, '') : decoded,
    isFolder,
    signedPath: decode(signsDriverPath ? rawPath : path),
    aspect: isShared ? '' : rawQuery,
  }
}
