/** One request as the server sees it: which API it is for, and which bucket and object it is about. */
import type { IncomingMessage } from 'node:http'
import { readRequest, type StrictRequest } from '../strict/request.ts'
import type { ServerState } from './context.ts'
import { type ErrorStyle, GcsError, invalid } from './errors.ts'

/** The APIs behind the one address. */
export type Api = 'json' | 'upload' | 'download' | 'batch' | 'xml' | 'token' | 'sts' | 'metadata' | 'iam'

/** A parsed request. */
export interface GcsRequest extends StrictRequest {
  readonly api: Api
  /** Decoded segments of the path behind the API's prefix; none for the XML API. */
  readonly segments: readonly string[]
  /** Empty where there is none. */
  readonly bucket: string
  /** The object's name; empty where there is none, or where only the body tells it. */
  readonly key: string
  /** The message itself; undefined for a part of a batch. */
  readonly message: IncomingMessage | undefined
}

const prefixes: readonly (readonly [prefix: string, api: Api])[] = [
  ['/storage/v1/', 'json'],
  ['/upload/storage/v1/', 'upload'],
  ['/download/storage/v1/', 'download'],
  ['/batch/storage/v1', 'batch'],
  ['/computeMetadata/', 'metadata'],
  ['/v1/projects/-/serviceAccounts/', 'iam'],
  ['/v1/token', 'sts'],
  ['/token', 'token'],
]

/** Decodes %XX once; 400 when it is not UTF-8. */
export function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new GcsError(400, 'badRequest', 'The request is malformed: its address is not UTF-8.', { xml: 'InvalidURI' })
  }
}

function apiOf(request: StrictRequest): readonly [prefix: string, api: Api] {
  const { rawPath, headers } = request
  const found = prefixes.find(([prefix]) =>
    prefix.endsWith('/') ? rawPath.startsWith(prefix) : rawPath === prefix || rawPath === `${prefix}/`,
  )
  if (found !== undefined) return found
  return rawPath === '/' && headers['metadata-flavor'] !== undefined ? ['/', 'metadata'] : ['/', 'xml']
}

/** The bucket and the path below it: path style, `bucket.localhost`, or a host that stands for a bucket. */
function xmlAddress(request: StrictRequest, state: ServerState): { bucket: string; key: string } {
  const host = (request.headers['host'] ?? '').replace(/:\d+$/, '').toLowerCase()
  const path = request.rawPath.slice(1)
  const own = state.options.domains?.[host] ?? (host.endsWith('.localhost') ? host.slice(0, -10) : undefined)
  if (own !== undefined) return { bucket: own, key: decode(path) }
  const slash = path.indexOf('/')
  if (slash === -1) return { bucket: decode(path), key: '' }
  return { bucket: decode(path.slice(0, slash)), key: decode(path.slice(slash + 1)) }
}

/** Finds out what a request is about. */
export function address(request: StrictRequest, state: ServerState, message: IncomingMessage | undefined): GcsRequest {
  const [prefix, api] = apiOf(request)
  if (api === 'xml') return { ...request, api, segments: [], message, ...xmlAddress(request, state) }
  const segments = request.rawPath.slice(prefix.length).split('/').map(decode)
  const isBucket = (api === 'json' || api === 'upload' || api === 'download') && segments[0] === 'b'
  const bucket = isBucket ? (segments[1] ?? '') : ''
  const session = state.sessions.peek(request.query['upload_id'])
  const named = api === 'upload' ? (session?.name ?? request.query['name']) : undefined
  const key = segments[2] === 'o' ? (segments[3] ?? named ?? '') : ''
  return { ...request, api, segments, bucket, key, message }
}

/** Reads a request from the wire. */
export function parseRequest(message: IncomingMessage, requestId: string, state: ServerState): GcsRequest {
  return address(readRequest(message, requestId, decode), state, message)
}

/** How errors of this request are told: downloads tell them as text. */
export function errorStyle(request: GcsRequest | undefined): ErrorStyle {
  switch (request?.api) {
    case undefined:
    case 'xml':
      return 'xml'
    case 'token':
    case 'sts':
      return 'oauth'
    case 'iam':
      return 'iam'
    case 'metadata':
      return 'text'
    case 'download':
      return 'text'
    default:
      return request?.method === 'GET' && request.query['alt'] === 'media' ? 'text' : 'json'
  }
}

/** The body as a JSON object; {} for an empty one where that is allowed. */
export function jsonBody(request: GcsRequest, { optional = false } = {}): Record<string, unknown> {
  const { body, headers } = request
  if (body.length === 0 && optional) return {}
  const type = headers['content-type'] ?? ''
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new GcsError(400, 'badRequest', `Unsupported content with type: ${type}`)
  }
  return parseObject(body)
}

/** Parses a JSON object; 400 parseError. */
export function parseObject(bytes: Buffer): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch {
    throw new GcsError(400, 'parseError', 'Parse Error')
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new GcsError(400, 'parseError', 'Parse Error')
}

/** A form body; 400 where it is none. */
export function formBody(request: GcsRequest): URLSearchParams {
  const type = request.headers['content-type'] ?? ''
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(type)) {
    throw new GcsError(400, 'invalid_request', `Invalid content type ${type}`)
  }
  return new URLSearchParams(request.body.toString('utf8'))
}

/** A whole number of at most 64 bits from the query; undefined where it is not given. */
export function numberParameter(request: GcsRequest, name: string): bigint | undefined {
  const text = request.query[name]
  if (text === undefined) return undefined
  if (!/^-?\d{1,19}$/.test(text))
    throw invalid(`Invalid value '${text}'. Values must match the following regular expression: '-?\\d+'`, name)
  return BigInt(text)
}

/** A truth value from the query; false where it is not given. */
export function flagParameter(request: GcsRequest, name: string): boolean {
  const text = request.query[name]
  if (text === undefined || text === 'false') return false
  if (text === 'true') return true
  throw invalid(`Invalid boolean value: '${text}'.`, name)
}
