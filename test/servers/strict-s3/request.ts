/** One request as the server sees it. */
import type { IncomingMessage } from 'node:http'
import { readRequest, type StrictRequest } from '../strict/request.ts'
import { S3Error } from './errors.ts'

/** A parsed request. */
export interface S3Request extends StrictRequest {
  readonly bucket: string
  readonly key: string
  /** Whether the bucket came from the Host header. */
  readonly virtualHosted: boolean
}

/** Decodes %XX once; 400 InvalidURI when it is not UTF-8. */
export function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new S3Error(400, 'InvalidURI', "Couldn't parse the specified URI.", { URI: text })
  }
}

/** Finds bucket and key, path style or virtual style (`bucket.localhost` or one of the `domains`). */
export function parseRequest(message: IncomingMessage, domains: readonly string[], requestId: string): S3Request {
  const request = readRequest(message, requestId, decode)
  const { rawPath, headers } = request
  const host = (headers['host'] ?? '').replace(/:\d+$/, '').toLowerCase()
  const domain = domains.find(name => host.endsWith(`.${name}`))
  const path = rawPath.startsWith('/') ? rawPath.slice(1) : rawPath
  const slash = path.indexOf('/')
  const pathBucket = slash === -1 ? path : path.slice(0, slash)
  const pathKey = slash === -1 ? '' : path.slice(slash + 1)
  return {
    ...request,
    bucket: domain === undefined ? decode(pathBucket) : host.slice(0, -domain.length - 1),
    key: decode(domain === undefined ? pathKey : path),
    virtualHosted: domain !== undefined,
  }
}

/** The request whose body is without the frames of aws-chunked, which the server's options allow or refuse. */
export function unwrap(request: S3Request, payload: string, allowed: boolean): S3Request {
  const chunked = request.headers['content-encoding']?.split(/\s*,\s*/).includes('aws-chunked')
  if (!payload.startsWith('STREAMING-') && !chunked) return request
  if (!allowed) {
    throw new S3Error(501, 'NotImplemented', 'A header you provided implies functionality that is not implemented')
  }
  const { bytes, trailers } = decodeAwsChunked(request.body)
  const announced = request.headers['x-amz-decoded-content-length']
  if (Number(announced) !== bytes.length) {
    throw new S3Error(400, 'IncompleteBody', 'The request body does not have x-amz-decoded-content-length bytes')
  }
  const headers = { ...request.headers, ...trailers, 'content-length': String(bytes.length) }
  return { ...request, headers, body: bytes }
}

/** Undoes `STREAMING-UNSIGNED-PAYLOAD-TRAILER` framing; gives the bytes and the trailing headers. */
function decodeAwsChunked(body: Buffer): { bytes: Buffer; trailers: Record<string, string> } {
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
