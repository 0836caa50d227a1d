import type { IncomingMessage } from 'node:http'
import * as http from 'node:http'
import * as https from 'node:https'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { PART_SIZE } from './contender.ts'

type Headers = Readonly<Record<string, string | number>>

/** `node:http` or `node:https` with a keep-alive agent and no signature: what no client can go below. */
export class Bare {
  readonly #endpoint: URL
  readonly #request: typeof http.request
  readonly #agent: http.Agent

  constructor(endpoint: string) {
    this.#endpoint = new URL(endpoint)
    const { Agent, request } = this.#endpoint.protocol === 'https:' ? https : http
    this.#request = request
    this.#agent = new Agent({ keepAlive: true })
  }

  #options(method: string, path: string, headers: Headers) {
    const { hostname, port } = this.#endpoint
    return { hostname, port, agent: this.#agent, method, path, headers }
  }

  /** Sends a request with a body in one piece, in several, or none. */
  send(method: string, path: string, given: Headers = {}, ...body: readonly Uint8Array[]): Promise<IncomingMessage> {
    const bytes = body.reduce((sum, { byteLength }) => sum + byteLength, 0)
    const headers = body.length === 0 ? given : { ...given, 'content-length': bytes }
    return new Promise((resolve, reject) => {
      const request = this.#request(this.#options(method, path, headers), resolve).on('error', reject)
      for (const chunk of body.slice(0, -1)) request.write(chunk)
      request.end(body.at(-1))
    })
  }

  /** Sends a body of a known size as it comes. */
  async pipe(method: string, path: string, source: Readable, size: number): Promise<IncomingMessage> {
    const outgoing = this.#request(this.#options(method, path, { 'content-length': size }))
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.on('response', resolve).on('error', reject)
    })
    await pipeline(source, outgoing)
    return answered
  }

  /** Sends a request and reads its answer. */
  async ask(method: string, path: string, headers?: Headers, ...body: readonly Uint8Array[]): Promise<Buffer> {
    return read(await this.send(method, path, headers, ...body))
  }

  /** The size that a HEAD tells. */
  async size(path: string): Promise<number> {
    const response = await this.send('HEAD', path)
    await read(response)
    return Number(response.headers['content-length'])
  }
}

/** The body of an answer. */
export async function read(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  await new Promise((resolve, reject) => {
    response
      .on('data', chunk => chunks.push(chunk))
      .on('end', resolve)
      .on('error', reject)
  })
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
}

/** One part of a body, in the chunks in which it came. */
export interface BarePart {
  readonly offset: number
  readonly size: number
  readonly chunks: readonly Uint8Array[]
}

/** The parts of a body of unknown size. */
export async function* partsOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<BarePart> {
  let chunks: Uint8Array[] = []
  let size = 0
  let offset = 0
  for await (const chunk of source) {
    let rest = chunk
    while (size + rest.byteLength >= PART_SIZE) {
      chunks.push(rest.subarray(0, PART_SIZE - size))
      rest = rest.subarray(PART_SIZE - size)
      yield { offset, size: PART_SIZE, chunks }
      offset += PART_SIZE
      chunks = []
      size = 0
    }
    if (rest.byteLength > 0) chunks.push(rest)
    size += rest.byteLength
  }
  if (size > 0) yield { offset, size, chunks }
}
