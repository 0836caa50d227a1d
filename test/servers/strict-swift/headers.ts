/** Headers and parameters that each operation knows; any other is one that the client should not have sent. */
import { complaint, failed } from './errors.ts'
import type { SwiftRequest } from './request.ts'

/** What every HTTP client may send, and Swift reads or ignores. */
const COMMON = [
  'host connection user-agent accept accept-encoding accept-language content-length content-type transfer-encoding expect te',
  'keep-alive cache-control pragma sec-fetch-mode x-auth-token x-storage-token x-service-token x-trans-id-extra',
].flatMap(line => line.split(' '))

const READS = ['range', 'if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since', 'x-newest']
/** What an object keeps besides its metadata; `x-delete-at` and the manifest are kept apart. */
export const KEPT = [
  'content-encoding',
  'content-disposition',
  'content-language',
  'cache-control',
  'expires',
  'x-robots-tag',
]
const WRITES = [...KEPT, 'x-object-meta-*', 'x-delete-at', 'x-delete-after', 'x-object-manifest']
const PUTS = [...WRITES, 'etag', 'if-none-match', 'x-detect-content-type']
const COPIES = ['x-fresh-metadata', 'range', 'if-match', 'if-modified-since', 'if-unmodified-since']
const CONTAINER_WRITES = ['x-container-read', 'x-container-write', 'x-container-meta-*', 'x-storage-policy']
const CONTAINER_REMOVALS = ['x-remove-container-read', 'x-remove-container-write', 'x-remove-container-meta-*']
const CDN = ['x-cdn-enabled', 'x-ttl', 'x-log-retention']
const LISTING = 'format limit marker end_marker prefix delimiter reverse'.split(' ')
const SIGNED = 'temp_url_sig temp_url_expires temp_url_prefix temp_url_ip_range filename inline'.split(' ')

interface Known {
  readonly headers?: readonly string[]
  readonly parameters?: readonly string[]
  /** Whether a body may come. */
  readonly body?: boolean
}

const KNOWN: Readonly<Record<string, Known>> = {
  'account.get': { parameters: LISTING },
  'account.head': {},
  'account.post': { headers: ['x-account-meta-*', 'x-remove-account-meta-*'] },
  'container.get': { parameters: [...LISTING, 'path'] },
  'container.head': {},
  'container.put': { headers: CONTAINER_WRITES },
  'container.post': { headers: [...CONTAINER_WRITES, ...CONTAINER_REMOVALS] },
  'container.delete': {},
  'object.get': { headers: READS, parameters: ['multipart-manifest', ...SIGNED] },
  'object.head': { headers: READS, parameters: ['multipart-manifest', 'symlink', ...SIGNED] },
  'object.put': { headers: PUTS, parameters: SIGNED, body: true },
  'object.put.copy': { headers: [...PUTS, ...COPIES, 'x-copy-from'], parameters: ['multipart-manifest'], body: true },
  'object.copy': { headers: [...PUTS, ...COPIES, 'destination'], parameters: ['multipart-manifest'] },
  'object.post': { headers: WRITES, parameters: SIGNED },
  'object.delete': { parameters: SIGNED },
  'slo.put': { headers: PUTS, parameters: ['multipart-manifest', 'heartbeat'], body: true },
  'slo.get': { headers: READS, parameters: ['multipart-manifest'] },
  'slo.delete': { parameters: ['multipart-manifest'] },
  'bulk.delete': { parameters: ['bulk-delete'], body: true },
  'auth.v1': { headers: ['x-auth-user', 'x-auth-key', 'x-storage-user', 'x-storage-pass'] },
  'auth.v1.1': { body: true },
  'auth.v2': { body: true },
  'auth.v3': { parameters: ['nocatalog'], body: true },
  'auth.v3.validate': { headers: ['x-subject-token'], parameters: ['nocatalog'] },
  'auth.v3.revoke': { headers: ['x-subject-token'] },
  'cdn.list': { parameters: ['format', 'limit', 'marker', 'end_marker', 'enabled_only'] },
  'cdn.head': {},
  'cdn.put': { headers: CDN },
  'cdn.post': { headers: CDN },
  'cdn.delete': {},
  'cdn.purge': { headers: ['x-purge-email'] },
  'cdn.file': { headers: READS },
}

function knows(list: readonly string[], name: string): boolean {
  return list.some(one => (one.endsWith('*') ? name.startsWith(one.slice(0, -1)) : one === name))
}

/** Refuses what an operation does not know. libcloud adds `format=json` to every call, and Swift ignores it. */
export function checkKnown(operation: string, request: SwiftRequest): void {
  const { headers = [], parameters = [], body = false } = KNOWN[operation] ?? {}
  for (const name of Object.keys(request.headers)) {
    if (!knows(COMMON, name) && !knows(headers, name)) throw complaint(`${operation} does not know the header ${name}`)
  }
  const seen = new Set<string>()
  for (const [name] of request.pairs) {
    if (name !== 'format' && !knows(parameters, name))
      throw complaint(`${operation} does not know the parameter ${name}`)
    if (seen.has(name)) throw complaint(`the parameter ${name} comes twice`)
    seen.add(name)
  }
  const length = request.headers['content-length']
  const isChunked = request.headers['transfer-encoding'] !== undefined
  if (!body && ((length ?? '0') !== '0' || isChunked)) throw complaint(`${operation} takes no body`)
}

/** Metadata of a request, checked as by Swift: 90 names of 128 bytes, values of 256, 4096 together. */
export function metadataOf(request: SwiftRequest, kind: 'account' | 'container' | 'object'): Map<string, string> {
  const prefix = `x-${kind}-meta-`
  const found = new Map<string, string>()
  let sum = 0
  for (const [name, value] of Object.entries(request.headers)) {
    if (!name.startsWith(prefix)) continue
    const short = name.slice(prefix.length)
    if (short === '') throw failed(400, 'Metadata name cannot be empty')
    if (short.length > 128) throw failed(400, `Metadata name too long: ${name}`)
    if (value.length > 256) throw failed(400, `Metadata value longer than 256: ${name}`)
    // A letter of a header is a byte.
    if (!isUtf8(value)) throw complaint(`the value of ${name} is no UTF-8`)
    sum += short.length + value.length
    found.set(name, value)
  }
  if (found.size > 90) throw failed(400, 'Too many metadata items; max 90')
  if (sum > 4096) throw failed(400, 'Total metadata too large; max 4096')
  return found
}

/** Whether a header's value is UTF-8. */
export function isUtf8(value: string): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(value, 'latin1'))
    return true
  } catch {
    return false
  }
}

/** The text of a header's value. */
export function textOf(value: string): string {
  return Buffer.from(value, 'latin1').toString('utf8')
}

/** Text as a header's value: one letter a byte. */
export function headerText(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

/** Whether a text means yes, as in Swift's settings and headers. */
export function isYes(text: string | undefined): boolean {
  return ['true', '1', 'yes', 'on', 't', 'y'].includes((text ?? '').toLowerCase())
}
