/** One request as the server sees it. */
import type { IncomingMessage } from 'node:http'
import { S3Error } from './errors.ts'

/** A parsed request: the raw parts for the signature, the decoded ones for the operation. */
export interface S3Request {
  readonly requestId: string
  readonly method: string
  /** Path as on the wire, without the query. */
  readonly rawPath: string
  readonly rawQuery: string
  /** Decoded pairs in the order sent; a parameter without `=` has the value ''. */
  readonly pairs: readonly (readonly [string, string])[]
  /** First value of every parameter. */
  readonly query: Readonly<Record<string, string | undefined>>
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly bucket: string
  readonly key: string
  /** Whether the bucket came from the Host header. */
  readonly virtualHosted: boolean
  /** Filled in before the operation runs. */
  body: Buffer
}

/** Decodes %XX once; 400 InvalidURI when it is not UTF-8. */
export function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new S3Error(400, 'InvalidURI', "Couldn't parse the specified URI.", { URI: text })
  }
}

function queryPairs(rawQuery: string): [string, string][] {
  if (rawQuery === '') return []
  return rawQuery.split('&').map(part => {
    const at = part.indexOf('=')
    const name = at === -1 ? part : part.slice(0, at)
    const value = at === -1 ? '' : part.slice(at + 1)
    return [decode(name.replaceAll('+', ' ')), decode(value.replaceAll('+', ' '))]
  })
}

/** Finds bucket and key, path style or virtual style (`bucket.localhost` or one of the `domains`). */
export function parseRequest(message: IncomingMessage, domains: readonly string[], requestId: string): S3Request {
  const target = message.url ?? '/'
  const at = target.indexOf('?')
  const rawPath = at === -1 ? target : target.slice(0, at)
  const rawQuery = at === -1 ? '' : target.slice(at + 1)
  const headers: Record<string, string> = {}
  for (let index = 0; index < message.rawHeaders.length; index += 2) {
    const name = (message.rawHeaders[index] as string).toLowerCase()
    const value = (message.rawHeaders[index + 1] as string).trim()
    headers[name] = name in headers ? `${headers[name]},${value}` : value
  }
  const host = (headers['host'] ?? '').replace(/:\d+$/, '').toLowerCase()
  const domain = domains.find(name => host.endsWith(`.${name}`))
  const path = rawPath.startsWith('/') ? rawPath.slice(1) : rawPath
  const slash = path.indexOf('/')
  const pathBucket = slash === -1 ? path : path.slice(0, slash)
  const pathKey = slash === -1 ? '' : path.slice(slash + 1)
  const pairs = queryPairs(rawQuery)
  const query: Record<string, string | undefined> = {}
  for (const [name, value] of pairs) query[name] ??= value
  return {
    requestId,
    method: message.method ?? 'GET',
    rawPath,
    rawQuery,
    pairs,
    query,
    headers,
    bucket: domain === undefined ? decode(pathBucket) : host.slice(0, -domain.length - 1),
    key: decode(domain === undefined ? pathKey : path),
    virtualHosted: domain !== undefined,
    body: Buffer.alloc(0),
  }
}

/** Undoes `STREAMING-UNSIGNED-PAYLOAD-TRAILER` framing; gives the bytes and the trailing headers. */
export function decodeAwsChunked(body: Buffer): { bytes: Buffer; trailers: Record<string, string> } {
  const chunks: Buffer[] = []
  const broken = new S3Error(400, 'IncompleteBody', 'The request body terminated unexpectedly')
  let at = 0
  for (;;) {
    const end = body.indexOf('\r\n', at)
    if (end === -1) throw broken
    const size = Number.parseInt(body.toString('latin1', at, end), 16)
    at = end + 2
    if (!(size >= 0)) throw broken
    if (size === 0) break
    if (body.toString('latin1', at + size, at + size + 2) !== '\r\n') throw broken
    chunks.push(body.subarray(at, at + size))
    at += size + 2
  }
  const trailers: Record<string, string> = {}
  for (const line of body.toString('latin1', at).split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) trailers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim()
  }
  return { bytes: Buffer.concat(chunks), trailers }
}
