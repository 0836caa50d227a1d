// The bare server of Azure's answers, path-style: `/account/container/<anything>-<bytes>` gives so many bytes, with their MD5.
import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  document,
  fillSums,
  KEYS,
  listedName,
  MODIFIED,
  page,
  sendFile,
  serve,
  sizeIn,
  sumsOf,
} from '../remote/sink.ts'

const PAGE = 5000
const ETAG = '0x8D4BCC2E4835CD0'
const OWN = {
  'x-ms-request-id': 'b3a5f0d2-001e-0000-0000-000000000000',
  'x-ms-version': '2025-11-05',
}
const MADE = { ...OWN, etag: `"${ETAG}"`, 'last-modified': MODIFIED }
/** Checksums of a body that the answer repeats. */
const REPEATED = ['content-md5', 'x-ms-content-crc64'] as const

function listed(start: number, end: number): string {
  let text = `<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="http://127.0.0.1/" ContainerName="bucket"><Blobs>`
  for (let n = start; n < end; n++) {
    text += `<Blob><Name>${listedName(n)}</Name><Properties><Creation-Time>${MODIFIED}</Creation-Time><Last-Modified>${MODIFIED}</Last-Modified>`
    text += `<Etag>${ETAG}</Etag><Content-Length>${n}</Content-Length><Content-Type>text/plain</Content-Type><Content-MD5 />`
    text += `<BlobType>BlockBlob</BlobType><AccessTier>Hot</AccessTier><LeaseStatus>unlocked</LeaseStatus></Properties></Blob>`
  }
  return `${text}</Blobs><NextMarker>${end < KEYS ? end : ''}</NextMarker></EnumerationResults>`
}

function put({ headers }: IncomingMessage, response: ServerResponse, isBlock: boolean): void {
  const head: Record<string, string | number> = { ...(isBlock ? OWN : MADE), 'content-length': 0 }
  for (const name of REPEATED) {
    const value = headers[name]
    if (value !== undefined) head[name] = String(value)
  }
  response.writeHead(201, head).end()
}

function get(request: IncomingMessage, response: ServerResponse, path: string): void {
  const size = sizeIn(path)
  const range = request.headers['x-ms-range']?.toString() ?? request.headers.range
  const md5 = range === undefined ? 'content-md5' : 'x-ms-blob-content-md5'
  const head = {
    ...MADE,
    'content-type': 'application/octet-stream',
    'accept-ranges': 'bytes',
    'x-ms-blob-type': 'BlockBlob',
    'x-ms-creation-time': MODIFIED,
    'x-ms-lease-state': 'available',
    'x-ms-lease-status': 'unlocked',
    'x-ms-server-encrypted': 'true',
    [md5]: sumsOf(size).md5,
  }
  sendFile(request, response, size, head, range)
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const { method, url = '' } = request
  const at = url.indexOf('?')
  const query = new URLSearchParams(at < 0 ? '' : url.slice(at))
  if (method === 'PUT') put(request, response, query.get('comp') === 'block')
  else if (query.get('comp') === 'list') {
    for (const [name, value] of Object.entries(OWN)) response.setHeader(name, value)
    const length = Math.min(PAGE, Number(query.get('maxresults') ?? PAGE))
    document(response, 'application/xml', page(Number(query.get('marker') ?? 0), length, listed))
  } else if (method === 'GET' || method === 'HEAD') get(request, response, at < 0 ? url : url.slice(0, at))
  else response.writeHead(202, OWN).end()
}

fillSums([4096, 16 * 1024 ** 2, 256 * 1024 ** 2])
serve(answer)
