import { createHash, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

interface StoredFile {
  readonly bytes: Buffer
  readonly etag: string
  readonly modified: Date
  readonly headers: Readonly<Record<string, string>>
}

interface OpenUpload {
  readonly key: string
  readonly headers: Readonly<Record<string, string>>
  readonly parts: Map<number, { readonly bytes: Buffer; readonly etag: string }>
}

/** Answers a request in place of the server, or lets the server answer: then it returns false. */
export type Intercept = (request: IncomingMessage, response: ServerResponse) => boolean

/** An error as the service tells it. */
class Refusal extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string) {
    super(code.replaceAll('_', ' '))
    this.status = status
    this.code = code
  }
}

const KEPT = /^(content-(?:type|encoding|disposition|language)|cache-control|x-meta-.*|x-keep-until)$/

/** The service that `examples/shelf-storage.ts` speaks to: files in memory, JSON, bearer tokens. */
export class ShelfServer {
  readonly secret = 'open sesame'
  readonly files: Map<string, StoredFile> = new Map()
  readonly uploads: Map<string, OpenUpload> = new Map()
  /** Tokens that are valid. */
  readonly tokens: Set<string> = new Set()
  /** `GET /files/a.txt` and so on, in the order of arrival; of uploads without their ids. */
  readonly log: string[] = []
  /** Tried in order; one that answers is taken out. */
  readonly intercepts: Intercept[] = []
  readonly #server: Server = createServer((request, response) => void this.#answer(request, response))

  static async start(): Promise<ShelfServer> {
    const it = new ShelfServer()
    await new Promise<void>(done => it.#server.listen(0, '127.0.0.1', done))
    return it
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(done => this.#server.close(done))
  }

  /** How many requests began so. */
  count(start: string): number {
    return this.log.filter(line => line.startsWith(start)).length
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url!, 'http://shelf')
    this.log.push(`${request.method} ${pathname.replace(/^(\/uploads\/)[^/]+/, '$1*')}`)
    try {
      const at = this.intercepts.findIndex(intercept => intercept(request, response))
      if (at >= 0) {
        this.intercepts.splice(at, 1)
        return
      }
      const body = await bodyOf(request)
      this.#route(request, pathname, searchParams, body, response)
    } catch (error) {
      if (!(error instanceof Refusal)) return void response.destroy(error as Error)
      const text = JSON.stringify({ code: error.code, message: error.message })
      response.writeHead(error.status, { 'content-type': 'application/json' })
      response.end(request.method === 'HEAD' ? undefined : text)
    }
  }

  #route(request: IncomingMessage, path: string, query: URLSearchParams, body: Buffer, response: ServerResponse): void {
    const { method, headers } = request
    const [, room, id = '', number] = path.split('/')
    if (path !== '/tokens' && !this.tokens.has(headers.authorization?.replace(/^Bearer /, '') ?? '')) {
      throw new Refusal(401, 'no_token')
    }
    if (path === '/tokens') this.#giveToken(body, response)
    else if (path === '/files') this.#list(query, response)
    else if (path === '/uploads') this.#begin(query.get('key')!, request, response)
    else if (room === 'uploads') this.#changeUpload(id, Number(number), body, request, response)
    else {
      const key = decodeURIComponent(path.slice('/files/'.length))
      if (method === 'PUT') this.#store(key, body, keptHeaders(request), request, response)
      else if (method === 'DELETE') this.#remove(key, response)
      else this.#send(key, request, response)
    }
  }

  #begin(key: string, request: IncomingMessage, response: ServerResponse): void {
    const id = randomUUID()
    this.uploads.set(id, { key, headers: keptHeaders(request), parts: new Map() })
    json(response, 201, { id })
  }

  #changeUpload(id: string, number: number, body: Buffer, request: IncomingMessage, response: ServerResponse): void {
    const upload = this.uploads.get(id)
    if (upload === undefined) throw new Refusal(404, 'no_such_upload')
    if (request.method === 'DELETE') {
      this.uploads.delete(id)
      response.writeHead(204).end()
    } else if (request.method === 'PUT') {
      const etag = etagOf(body)
      upload.parts.set(number, { bytes: body, etag })
      response.writeHead(201, { etag: `"${etag}"` }).end()
    } else this.#finish(id, upload, body, request, response)
  }

  #giveToken(body: Buffer, response: ServerResponse): void {
    if (JSON.parse(body.toString()).secret !== this.secret) throw new Refusal(401, 'wrong_secret')
    const token = randomUUID()
    this.tokens.add(token)
    json(response, 201, { token, expiresInSecs: 3600 })
  }

  #finish(id: string, upload: OpenUpload, body: Buffer, request: IncomingMessage, response: ServerResponse): void {
    const named = JSON.parse(body.toString()).parts as Array<{ number: number; etag: string }>
    const bytes = named.map(({ number, etag }) => {
      const part = upload.parts.get(number)
      if (part === undefined || `"${part.etag}"` !== etag) throw new Refusal(400, 'no_such_part')
      return part.bytes
    })
    this.#store(upload.key, Buffer.concat(bytes), { ...upload.headers, 'x-upload': id }, request, response)
    this.uploads.delete(id)
  }

  #store(
    key: string,
    bytes: Buffer,
    headers: Record<string, string>,
    request: IncomingMessage,
    response: ServerResponse,
  ): void {
    const old = this.files.get(key)
    if (request.headers['if-none-match'] === '*' && old !== undefined) throw new Refusal(412, 'taken')
    const match = request.headers['if-match']
    if (match !== undefined && match !== `"${old?.etag}"`) throw new Refusal(412, 'changed')
    // Files of the same bytes that were stored at two times are two versions.
    const etag = `${etagOf(bytes)}-${randomUUID().slice(0, 8)}`
    this.files.set(key, { bytes, etag, modified: new Date(), headers })
    response.writeHead(201, { etag: `"${etag}"` }).end()
  }

  #remove(key: string, response: ServerResponse): void {
    if (!this.files.delete(key)) throw new Refusal(404, 'no_such_file')
    response.writeHead(204).end()
  }

  #send(key: string, request: IncomingMessage, response: ServerResponse): void {
    const file = this.files.get(key)
    if (file === undefined) throw new Refusal(404, 'no_such_file')
    const { bytes, etag, modified } = file
    const match = request.headers['if-match']
    if (match !== undefined && match !== `"${etag}"`) throw new Refusal(412, 'changed')
    const headers = { ...file.headers, etag: `"${etag}"`, 'last-modified': modified.toUTCString() }
    const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? []
    if (first === undefined) {
      response.writeHead(200, { ...headers, 'content-length': bytes.length })
      return void response.end(request.method === 'HEAD' ? undefined : bytes)
    }
    const start = Number(first)
    if (start >= bytes.length) throw new Refusal(416, 'no_such_range')
    const part = bytes.subarray(start, last ? Number(last) + 1 : undefined)
    const place = `bytes ${start}-${start + part.length - 1}/${bytes.length}`
    response.writeHead(206, { ...headers, 'content-range': place, 'content-length': part.length }).end(part)
  }

  /** Keys in the order of their UTF-8 bytes; a folder stands at its key with a slash. */
  #list(query: URLSearchParams, response: ServerResponse): void {
    const [prefix, after, until] = ['prefix', 'after', 'until'].map(name => query.get(name) ?? '') as [
      string,
      string,
      string,
    ]
    const limit = Math.min(1000, Number(query.get('limit') ?? 1000))
    const names = new Set<string>()
    for (const key of this.files.keys()) {
      if (!key.startsWith(prefix)) continue
      const slash = query.get('delimiter') === null ? -1 : key.indexOf('/', prefix.length)
      const name = slash < 0 ? key : key.slice(0, slash + 1)
      if (compare(name, after) > 0 && (until === '' || compare(name, until) < 0)) names.add(name)
    }
    const sorted = [...names].sort(compare)
    const page = sorted.slice(0, limit)
    const isFile = (name: string) => query.get('delimiter') === null || !name.slice(prefix.length).includes('/')
    json(response, 200, {
      files: page.filter(isFile).map(key => {
        const { bytes, etag, modified } = this.files.get(key)!
        return { key, size: bytes.length, etag, modified: modified.toISOString() }
      }),
      folders: page.filter(name => !isFile(name)),
      next: sorted.length > limit ? page.at(-1) : undefined,
    })
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function json(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

function keptHeaders({ headers }: IncomingMessage): Record<string, string> {
  const kept = Object.entries(headers).filter(([name]) => KEPT.test(name))
  return Object.fromEntries(kept) as Record<string, string>
}

function etagOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 32)
}

function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
