/**
 * A bare HTTP server that answers as S3 would and keeps nothing; run as a child process, so that its work is not the client's.
 * It listens on a free port of the loopback interface and tells by IPC where; with `--tls` by a certificate of its own.
 *
 * PUT: the body is thrown away. GET: `/bucket/<anything>-<bytes>` gives so many bytes. Lists: 100,000 names in pages of 1,000.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { makeIdentity } from '../../test/http/support.ts'
import type { SinkPlace } from './team.ts'

const KEYS = 100_000
const PAGE = 1000
const ETAG = '"0123456789abcdef0123456789abcdef"'
const CHUNK = Buffer.alloc(256 * 1024, 'sink ')
const MODIFIED = 'Wed, 21 Oct 2015 07:28:00 GMT'
const pages = new Map<number, Buffer>()

function pageFrom(start: number): Buffer {
  let page = pages.get(start)
  if (page === undefined) {
    let text = `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`
    const end = Math.min(KEYS, start + PAGE)
    const next = end < KEYS ? `<NextContinuationToken>${end}</NextContinuationToken>` : ''
    text += `<Name>bucket</Name><Prefix></Prefix><KeyCount>${end - start}</KeyCount><MaxKeys>${PAGE}</MaxKeys>`
    text += `<EncodingType>url</EncodingType><IsTruncated>${end < KEYS}</IsTruncated>${next}`
    for (let n = start; n < end; n++) {
      text += `<Contents><Key>list/${String(n).padStart(6, '0')}.txt</Key><LastModified>2015-10-21T07:28:00.000Z</LastModified>`
      text += `<ETag>&quot;${ETAG.slice(1, -1)}&quot;</ETag><Size>${n}</Size><StorageClass>STANDARD</StorageClass></Contents>`
    }
    page = Buffer.from(`${text}</ListBucketResult>`)
    pages.set(start, page)
  }
  return page
}

function document(response: ServerResponse, body: Buffer | string): void {
  response.writeHead(200, { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(body) }).end(body)
}

function sendBytes(response: ServerResponse, head: Record<string, string | number>, from: number, to: number): void {
  let left = to - from
  response.writeHead(from === 0 ? 200 : 206, { ...head, 'content-length': left })
  const more = (): void => {
    while (left > 0) {
      const chunk = left < CHUNK.byteLength ? CHUNK.subarray(0, left) : CHUNK
      left -= chunk.byteLength
      if (left === 0) response.end(chunk)
      else if (!response.write(chunk)) return
    }
  }
  response.on('drain', more)
  if (left === 0) response.end()
  else more()
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const { method, url = '' } = request
  const at = url.indexOf('?')
  const query = new URLSearchParams(at < 0 ? '' : url.slice(at))
  if (method === 'PUT') {
    response.writeHead(200, { etag: ETAG, 'content-length': 0 }).end()
  } else if (method === 'POST' && query.has('uploads')) {
    document(
      response,
      '<InitiateMultipartUploadResult><Bucket>bucket</Bucket><Key>k</Key><UploadId>u1</UploadId></InitiateMultipartUploadResult>',
    )
  } else if (method === 'POST') {
    document(
      response,
      '<CompleteMultipartUploadResult><Bucket>bucket</Bucket><Key>k</Key><ETag>"0123456789abcdef0123456789abcdef-1"</ETag></CompleteMultipartUploadResult>',
    )
  } else if (query.has('list-type')) {
    document(response, pageFrom(Number(query.get('continuation-token') ?? 0)))
  } else if (method === 'GET' || method === 'HEAD') {
    const path = at < 0 ? url : url.slice(0, at)
    const size = Number(/-(\d+)$/.exec(path)?.[1] ?? 0)
    const head = { etag: ETAG, 'last-modified': MODIFIED, 'content-type': 'application/octet-stream' }
    if (method === 'HEAD') response.writeHead(200, { ...head, 'content-length': size }).end()
    else sendBytes(response, head, Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0), size)
  } else response.writeHead(204).end()
}

function take(request: IncomingMessage, response: ServerResponse): void {
  request.resume()
  if (request.method === 'PUT' || request.method === 'POST') request.on('end', () => answer(request, response))
  else answer(request, response)
}

const identity = process.argv.includes('--tls') ? makeIdentity() : undefined
const server = identity
  ? createTlsServer({ keepAliveTimeout: 60_000, key: identity.key, cert: identity.cert }, take)
  : createServer({ keepAliveTimeout: 60_000 }, take)
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  const place: SinkPlace = { endpoint: `${identity ? 'https' : 'http'}://127.0.0.1:${port}`, ca: identity?.certPath }
  process.send?.(place)
})
process.on('disconnect', () => {
  identity?.[Symbol.dispose]()
  process.exit()
})
if (process.argv.includes('--awake')) stayAwake()

/** Waking a process that sleeps costs the one that sends to it: slow clients would pay for it, fast ones would not. */
function stayAwake(): void {
  setImmediate(stayAwake)
}
