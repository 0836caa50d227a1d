// What the sinks share: bare HTTP servers that answer as a service would and keep nothing, run as child processes, so that their work is not
// the client's. They listen on a free port of the loopback interface and tell by IPC where; with `--tls` by a certificate of their own.
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Crc32c } from '../../src/core/digests/crc.ts'
import { makeIdentity } from '../../test/http/support.ts'
import type { SinkPlace } from './team.ts'

/** Names in a list. */
export const KEYS = 100_000
export const MODIFIED = 'Wed, 21 Oct 2015 07:28:00 GMT'
export const MODIFIED_ISO = '2015-10-21T07:28:00.000Z'

/** What every file consists of, and every body that is sent: so the checksums of both are known by the size. */
const CHUNK = Buffer.alloc(256 * 1024, 'holdall ')

/** Checksums in base64. */
export interface Sums {
  readonly md5: string
  readonly crc32c: string
}

const sums = new Map<number, Sums>()

/** Checksums of a file of a size. */
export function sumsOf(size: number): Sums {
  if (!sums.has(size)) fillSums([size])
  return sums.get(size)!
}

/** Hashes the files of some sizes, the largest one once; beforehand, so that no client waits for it. */
export function fillSums(sizes: readonly number[]): void {
  const md5 = createHash('md5')
  const crc = new Crc32c()
  let done = 0
  for (const size of sizes.toSorted((a, b) => a - b)) {
    while (done < size) {
      const at = done % CHUNK.byteLength
      const chunk = CHUNK.subarray(at, at + Math.min(CHUNK.byteLength - at, size - done))
      md5.update(chunk)
      crc.update(chunk)
      done += chunk.byteLength
    }
    sums.set(size, { md5: md5.copy().digest('base64'), crc32c: crc.digest().toString('base64') })
  }
}

/** The size that the name of a file ends in: `/bucket/<anything>-<bytes>`. */
export function sizeIn(path: string): number {
  return Number(/-(\d+)$/.exec(path)?.[1] ?? 0)
}

/** Name of a listed file. */
export function listedName(n: number): string {
  return `list/${String(n).padStart(6, '0')}.txt`
}

const pages = new Map<string, Buffer>()

/** A page of a list, made once. */
export function page(start: number, length: number, make: (start: number, end: number) => string): Buffer {
  const id = `${start} ${length}`
  let made = pages.get(id)
  if (made === undefined) pages.set(id, (made = Buffer.from(make(start, Math.min(KEYS, start + length)))))
  return made
}

/** Answers with a document. */
export function document(response: ServerResponse, type: string, body: Buffer | string): void {
  response.writeHead(200, { 'content-type': type, 'content-length': Buffer.byteLength(body) }).end(body)
}

/** Answers a GET or HEAD of a file, or of the range of it that is asked for. */
export function sendFile(
  { method, headers }: IncomingMessage,
  response: ServerResponse,
  size: number,
  head: Readonly<Record<string, string | number | string[]>>,
  range: string | undefined = headers.range,
): void {
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? []
  const from = Number(first ?? 0)
  const to = last ? Math.min(Number(last) + 1, size) : size
  const placed = first === undefined ? {} : { 'content-range': `bytes ${from}-${to - 1}/${size}` }
  let left = to - from
  response.writeHead(first === undefined ? 200 : 206, { ...head, ...placed, 'content-length': left })
  if (method === 'HEAD' || left === 0) {
    response.end()
    return
  }
  let at = from % CHUNK.byteLength
  const more = (): void => {
    while (left > 0) {
      const chunk = CHUNK.subarray(at, Math.min(CHUNK.byteLength, at + left))
      at = 0
      left -= chunk.byteLength
      if (left === 0) response.end(chunk)
      else if (!response.write(chunk)) return
    }
  }
  response.on('drain', more)
  more()
}

/** A body that was thrown away. */
export interface Received {
  readonly bytes: number
  /** Its first and its last bytes, for those that have an envelope. */
  readonly head: Buffer
  readonly tail: Buffer
}

const HEAD = 4096
const TAIL = 256

/** Throws a body away but for its ends. */
class Receiver implements Received {
  bytes = 0
  readonly #head: Buffer[] = []
  readonly #tail: Buffer[] = []
  #tailBytes = 0

  add(chunk: Buffer): void {
    if (this.bytes < HEAD) this.#head.push(chunk)
    this.bytes += chunk.byteLength
    this.#tail.push(chunk)
    this.#tailBytes += chunk.byteLength
    while (this.#tailBytes - this.#tail[0]!.byteLength >= TAIL) this.#tailBytes -= this.#tail.shift()!.byteLength
  }

  get head(): Buffer {
    return Buffer.concat(this.#head)
  }

  get tail(): Buffer {
    return Buffer.concat(this.#tail)
  }
}

/** Serves until the parent process goes; answers when the body of a request has come. */
export function serve(
  answer: (request: IncomingMessage, response: ServerResponse, received: Received, endpoint: string) => void,
): void {
  let endpoint = ''
  const take = (request: IncomingMessage, response: ServerResponse): void => {
    const received = new Receiver()
    request.on('data', (chunk: Buffer) => received.add(chunk))
    if (request.method === 'GET' || request.method === 'HEAD') answer(request, response, received, endpoint)
    else request.on('end', () => answer(request, response, received, endpoint))
  }
  const identity = process.argv.includes('--tls') ? makeIdentity() : undefined
  const server = identity
    ? createTlsServer({ keepAliveTimeout: 60_000, key: identity.key, cert: identity.cert }, take)
    : createServer({ keepAliveTimeout: 60_000 }, take)
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo
    endpoint = `${identity ? 'https' : 'http'}://127.0.0.1:${port}`
    const place: SinkPlace = { endpoint, ca: identity?.certPath }
    process.send?.(place)
  })
  process.on('disconnect', () => {
    identity?.[Symbol.dispose]()
    process.exit()
  })
  if (process.argv.includes('--awake')) stayAwake()
}

/** Waking a process that sleeps costs the one that sends to it: slow clients would pay for it, fast ones would not. */
function stayAwake(): void {
  setImmediate(stayAwake)
}
