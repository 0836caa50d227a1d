/** One request as the server sees it. */
import type { IncomingMessage } from 'node:http'
import { readRequest, type StrictRequest } from '../strict/request.ts'
import { AzureError } from './errors.ts'

/** A parsed request. */
export interface AzureRequest extends StrictRequest {
  readonly account: string
  readonly container: string
  /** The blob's name. */
  readonly key: string
  /** Where the client is, for SAS that name an address. */
  readonly remoteAddress: string
  /** Header names as they were sent, by their lower-case form. */
  readonly rawNames: ReadonlyMap<string, string>
}

/** Decodes %XX once; 400 InvalidUri when it is not UTF-8. */
export function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new AzureError(400, 'InvalidUri', 'The requested URI does not represent any resource on the server.')
  }
}

/** Where a path leads: by the host `account.blob.DOMAIN`, or else by its first segment. */
export function placeOf(
  rawPath: string,
  host: string,
  domains: readonly string[],
): { account: string; container: string; key: string } {
  const name = host.replace(/:\d+$/, '').toLowerCase()
  const domain = domains.find(one => name.endsWith(`.${one}`))
  const segments = rawPath.replace(/^\//, '').split('/')
  const account = domain === undefined ? decode(segments.shift() ?? '') : name.slice(0, -domain.length - 1)
  const [container = '', ...rest] = segments
  return { account, container: decode(container), key: normalKey(decode(rest.join('/'))) }
}

/** What the service makes of a name: a backslash is a slash, and segments of dots lead elsewhere. */
function normalKey(key: string): string {
  const kept: string[] = []
  for (const segment of key.replaceAll('\\', '/').split('/')) {
    if (segment === '..') kept.pop()
    else if (segment !== '.') kept.push(segment)
  }
  return kept.join('/')
}

/** Reads a request without its body. */
export function parseRequest(message: IncomingMessage, domains: readonly string[], requestId: string): AzureRequest {
  const request = readRequest(message, requestId, decode)
  const place = placeOf(request.rawPath, request.headers['host'] ?? '', domains)
  const names = message.rawHeaders.filter((_, at) => at % 2 === 0)
  const rawNames = new Map(names.map(name => [name.toLowerCase(), name]))
  return { ...request, ...place, remoteAddress: message.socket.remoteAddress ?? '', rawNames }
}
