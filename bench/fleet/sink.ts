/**
 * A server that answers S3's PUT and ListObjectsV2 a fixed time after each request, in its own process: it keeps names, sizes and digests, no bytes.
 * `node sink.ts DELAY_MS`; it sends its address by IPC, and ends with its parent.
 */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

const PAGE = 1000
const delayMs = Number(process.argv[2])

interface Stored {
  readonly size: number
  readonly md5: string
}

/** The objects of each bucket. */
const buckets = new Map<string, Map<string, Stored>>()
/** Their keys in the order of the listings, made when one is asked for. */
const orders = new Map<string, string[]>()

const compare = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

function orderOf(bucket: string): string[] {
  let order = orders.get(bucket)
  if (order === undefined) orders.set(bucket, (order = [...(buckets.get(bucket)?.keys() ?? [])].sort(compare)))
  return order
}

/** The index of the first key after another one. */
function after(order: readonly string[], key: string): number {
  let [low, high] = [0, order.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (compare(order[middle]!, key) <= 0) low = middle + 1
    else high = middle
  }
  return low
}

function list(bucket: string, query: URLSearchParams): string {
  const order = orderOf(bucket)
  const start = query.get('continuation-token') ?? query.get('start-after')
  const prefix = query.get('prefix') ?? ''
  const most = Math.min(PAGE, Number(query.get('max-keys') ?? PAGE))
  const from = start === null ? 0 : after(order, start)
  const keys: string[] = []
  let at = from
  for (; at < order.length && keys.length < most; at++) if (order[at]!.startsWith(prefix)) keys.push(order[at]!)
  const isTruncated = at < order.length
  const objects = buckets.get(bucket)!
  const contents = keys.map(key => {
    const { size, md5 } = objects.get(key)!
    const shown = encodeURIComponent(key).replaceAll('%2F', '/')
    return `<Contents><Key>${shown}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>"${md5}"</ETag><Size>${size}</Size></Contents>`
  })
  const next = isTruncated ? `<NextContinuationToken>${encode(keys.at(-1)!)}</NextContinuationToken>` : ''
  return `<?xml version="1.0"?><ListBucketResult><Name>${bucket}</Name><EncodingType>url</EncodingType><KeyCount>${keys.length}</KeyCount><MaxKeys>${most}</MaxKeys><IsTruncated>${isTruncated}</IsTruncated>${next}${contents.join('')}</ListBucketResult>`
}

function encode(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

function answer(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
  const { method, url = '' } = request
  const { pathname, searchParams } = new URL(url, 'http://x')
  const [bucket = '', ...parts] = pathname.slice(1).split('/').map(decodeURIComponent)
  const key = parts.join('/')
  if (method === 'PUT' && key === '') {
    buckets.set(bucket, new Map())
    response.writeHead(200, { 'content-length': 0 }).end()
  } else if (method === 'PUT') {
    const md5 = createHash('md5').update(body).digest('hex')
    buckets.get(bucket)!.set(key, { size: body.byteLength, md5 })
    orders.delete(bucket)
    response.writeHead(200, { etag: `"${md5}"`, 'content-length': 0 }).end()
  } else if (method === 'GET' && key === '' && searchParams.has('list-type')) {
    const text = list(bucket, searchParams)
    response.writeHead(200, { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(text) }).end(text)
  } else if (method === 'GET' && key === '' && searchParams.has('uploads')) {
    const text =
      '<?xml version="1.0"?><ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>'
    response.writeHead(200, { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(text) }).end(text)
  } else if (method === 'HEAD' && key === '') {
    response.writeHead(200, { 'x-amz-bucket-region': 'us-east-1' }).end()
  } else if (method === 'HEAD' && buckets.get(bucket)?.has(key)) {
    const { size, md5 } = buckets.get(bucket)!.get(key)!
    const head = { etag: `"${md5}"`, 'content-length': size, 'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT' }
    response.writeHead(200, head).end()
  } else {
    if (method !== 'HEAD') console.error(`the sink has no answer to ${method} ${url}`)
    response.writeHead(404, { 'content-length': 0 }).end()
  }
}

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const work = (): void => answer(request, response, Buffer.concat(chunks))
    if (delayMs > 0) setTimeout(work, delayMs)
    else work()
  })
})
server.listen(0, '127.0.0.1', () => process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
process.on('disconnect', () => process.exit())
