// The bare server of the JSON API, and of downloads by the XML API: `/storage/v1/b/bucket/o/<anything>-<bytes>?alt=media` and
// `/bucket/<anything>-<bytes>` give so many bytes, with their CRC-32C and MD5. `/token` gives a token.
import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  document,
  fillSums,
  KEYS,
  listedName,
  MODIFIED,
  MODIFIED_ISO,
  page,
  type Received,
  sendFile,
  serve,
  sizeIn,
  sumsOf,
} from '../remote/sink.ts'

const PAGE = 1000
const JSON_TYPE = 'application/json; charset=UTF-8'
const GENERATION = '1445412480000000'
const ETAG = 'CICAgICAgMgCEAE='
/** Clients that take it for an emulator leave `/storage/v1` out. */
const OBJECT = /^(?:\/download)?(?:\/storage\/v1)?\/b\/bucket\/o\/([^/]+)$/
/** Bytes that the sessions have. */
const sessions = new Map<string, number>()

function resource(name: string, size: number, sums?: { readonly crc32c: string; readonly md5: string }) {
  const hashes = sums === undefined ? {} : { crc32c: sums.crc32c, md5Hash: sums.md5 }
  return {
    kind: 'storage#object',
    id: `bucket/${name}/${GENERATION}`,
    name,
    bucket: 'bucket',
    generation: GENERATION,
    metageneration: '1',
    contentType: 'application/octet-stream',
    storageClass: 'STANDARD',
    size: String(size),
    ...hashes,
    etag: ETAG,
    timeCreated: MODIFIED_ISO,
    updated: MODIFIED_ISO,
  }
}

function listed(start: number, end: number): string {
  const items = Array.from({ length: end - start }, (_, n) => resource(listedName(start + n), start + n))
  const next = end < KEYS ? { nextPageToken: String(end) } : {}
  return JSON.stringify({ kind: 'storage#objects', ...next, items })
}

/** Bytes of the file within a body of `multipart/related`. */
function sizeWithin({ bytes, head, tail }: Received): number {
  const start = head.indexOf('\r\n\r\n', head.indexOf('\r\n\r\n') + 4) + 4
  return bytes - start - (tail.byteLength - tail.lastIndexOf('\r\n--'))
}

function made(response: ServerResponse, name: string, size: number): void {
  document(response, JSON_TYPE, JSON.stringify(resource(name, size, sumsOf(size))))
}

function start(response: ServerResponse, url: string, endpoint: string): void {
  const id = String(sessions.size + 1)
  sessions.set(id, 0)
  const location = `${endpoint}${url}&upload_id=${id}`
  response.writeHead(200, { location, 'x-guploader-uploadid': id, 'content-length': 0 }).end()
}

function part({ headers }: IncomingMessage, response: ServerResponse, query: URLSearchParams, bytes: number): void {
  const id = query.get('upload_id')!
  const has = sessions.get(id)! + bytes
  sessions.set(id, has)
  const [, last, total] = /^bytes (?:\d+-(\d+|\*)|\*)\/(\d+|\*)$/.exec(headers['content-range'] ?? 'bytes 0-*/*') ?? []
  if (last === '*' || total !== '*') made(response, query.get('name') ?? 'large.bin', has)
  else {
    const range: Record<string, string> = has === 0 ? {} : { range: `bytes=0-${has - 1}` }
    response.writeHead(308, { ...range, 'content-length': 0 }).end()
  }
}

function answer(request: IncomingMessage, response: ServerResponse, received: Received, endpoint: string): void {
  const { method, url = '' } = request
  const at = url.indexOf('?')
  const path = at < 0 ? url : url.slice(0, at)
  const query = new URLSearchParams(at < 0 ? '' : url.slice(at))
  const object = OBJECT.exec(path)?.[1]
  if (path.startsWith('/bucket/')) sendMedia(request, response, sizeIn(path))
  else if (path === '/token') {
    document(response, JSON_TYPE, '{"access_token":"bench","expires_in":86400,"token_type":"Bearer"}')
  } else if (method === 'PUT') part(request, response, query, received.bytes)
  else if (query.get('uploadType') === 'resumable') start(response, url, endpoint)
  else if (method === 'POST') made(response, query.get('name') ?? 'small.bin', sizeWithin(received))
  else if (object === undefined) {
    const length = Math.min(PAGE, Number(query.get('maxResults') ?? PAGE))
    document(response, JSON_TYPE, page(Number(query.get('pageToken') ?? 0), length, listed))
  } else if (query.get('alt') === 'media') sendMedia(request, response, sizeIn(object))
  else made(response, decodeURIComponent(object), sizeIn(object))
}

function sendMedia(request: IncomingMessage, response: ServerResponse, size: number): void {
  const { crc32c, md5 } = sumsOf(size)
  sendFile(request, response, size, {
    'content-type': 'application/octet-stream',
    etag: ETAG,
    'last-modified': MODIFIED,
    'x-goog-generation': GENERATION,
    'x-goog-metageneration': '1',
    'x-goog-hash': [`crc32c=${crc32c}`, `md5=${md5}`],
    'x-goog-storage-class': 'STANDARD',
    'x-goog-stored-content-encoding': 'identity',
    'x-goog-stored-content-length': size,
  })
}

fillSums([4096, 16 * 1024 ** 2, 256 * 1024 ** 2])
serve(answer)
