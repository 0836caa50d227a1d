import { Readable } from 'node:stream'
import { createHttpHeaders, createPipelineRequest, setClientRequestIdPolicyName } from '@azure/core-rest-pipeline'
import { BlobServiceClient, newPipeline, type RequestPolicy, StorageSharedKeyCredential } from '@azure/storage-blob'
import { BytesBody } from '../../../src/core/body.ts'
import type { HttpClient } from '../../../src/http/request.ts'

/** A request as either client would send it. */
export interface Sent {
  readonly method: string
  readonly url: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** An answer to it, of which either client makes what it wants. */
export interface Canned {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: string | undefined
}

/** The official client for one endpoint, and the requests that it would send. */
export class Official {
  readonly client: BlobServiceClient
  readonly sent: Sent[] = []
  #signing = false

  constructor(url: string, account: string, key: string, answer: (request: Sent) => Canned = () => ({ status: 200 })) {
    const httpClient: RequestPolicy = {
      sendRequest: async request => {
        const headers = lower(request.headers.rawHeaders())
        const sent = { method: request.method, url: request.url, headers, body: bytesOf(request.body) }
        this.sent.push(sent)
        const { status, headers: given = {}, body = '' } = this.#signing ? { status: 200 } : answer(sent)
        const answered = request.headers.clone()
        for (const { name } of answered.headersArray()) answered.remove(name)
        for (const [name, value] of Object.entries(given)) answered.set(name, value)
        return {
          request,
          status,
          headers: answered,
          bodyAsText: body,
          readableStreamBody: Readable.from([Buffer.from(body)]),
        }
      },
    }
    this.client = new BlobServiceClient(url, newPipeline(new StorageSharedKeyCredential(account, key), { httpClient }))
  }

  /** The headers of a request of any kind, the signature among them, without an id that is not among `headers`. */
  async sign(method: string, url: string, headers: Record<string, string>): Promise<Readonly<Record<string, string>>> {
    const request = { method: method as 'GET', url, headers: createHttpHeaders(headers) }
    const { pipeline } = this.client['storageClientContext']
    pipeline.removePolicy({ name: setClientRequestIdPolicyName })
    const wire = createPipelineRequest({ ...request, allowInsecureConnection: true })
    this.#signing = true
    await this.client['storageClientContext'].sendRequest(wire)
    this.#signing = false
    return this.sent.pop()!.headers
  }
}

/** Our client's requests, answered alike. */
export class Recorded implements HttpClient {
  readonly sent: Sent[] = []
  readonly #answer: (request: Sent) => Canned

  constructor(answer: (request: Sent) => Canned) {
    this.#answer = answer
  }

  async request({ method, url, headers, body }: Parameters<HttpClient['request']>[0]) {
    const sent = { method, url, headers: lower(headers), body: bytesOf(body) }
    this.sent.push(sent)
    const answer = this.#answer(sent)
    return {
      status: answer.status,
      headers: { ...answer.headers },
      body: new BytesBody(Buffer.from(answer.body ?? '')),
    }
  }

  async close(): Promise<void> {}
}

function lower(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

function bytesOf(body: unknown): Buffer {
  if (body === undefined || body === null) return Buffer.alloc(0)
  if (typeof body === 'string' || body instanceof Uint8Array) return Buffer.from(body as string)
  if (body instanceof ArrayBuffer) return Buffer.from(body)
  if (Array.isArray(body)) return Buffer.concat(body)
  throw new Error(`a body of another kind: ${Object.prototype.toString.call(body)}`)
}
