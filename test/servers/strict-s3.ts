/**
 * A strict S3 server in memory, for tests. It verifies signatures, hashes and conditions the way Amazon S3 documents them
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/) and answers with its error documents.
 */
import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { authenticate, type Identity } from './strict-s3/access.ts'
import type { OperationContext, S3Answer, ServerState, StrictS3Options } from './strict-s3/context.ts'
import { errorDocument, S3Error } from './strict-s3/errors.ts'
import { applyAfter, applyBefore, type Fault, FaultList } from './strict-s3/faults.ts'
import { checkWriteConditions } from './strict-s3/object-headers.ts'
import { decodeAwsChunked, parseRequest, type S3Request } from './strict-s3/request.ts'
import { operationName, runOperation } from './strict-s3/routes.ts'
import { checkPayload, type S3Credentials } from './strict-s3/sigv4.ts'
import { Bucket, type BucketOptions, type StoredObject } from './strict-s3/store.ts'

export type { BucketOptions, Fault, S3Credentials, StoredObject, StrictS3Options }

/** One request as it was answered, in order. */
export interface LoggedRequest {
  /** The operation's name in the API reference: `PutObject`. */
  readonly operation: string
  readonly method: string
  /** Path and query as on the wire. */
  readonly url: string
  readonly bucket: string
  readonly key: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /** Bytes of the body. */
  readonly bodySize: number
  readonly status: number
  /** The error code, if any. */
  readonly code: string | undefined
  readonly anonymous: boolean
}

/** A running strict server. */
export interface StrictS3 {
  /** Path-style endpoint without a slash at its end; with Host `bucket.localhost` it serves virtual style too. */
  readonly url: string
  readonly port: number
  readonly region: string
  readonly credentials: S3Credentials
  /** Every request so far; empty it with `requests.length = 0`. */
  readonly requests: LoggedRequest[]
  readonly faults: FaultList
  /** What was switched on or off by the options. */
  readonly features: Readonly<Record<string, boolean>>
  /** A bucket's state, to look behind the protocol; throws when there is none. */
  bucket(name?: string): Bucket
  /** Fetches without a signature. */
  anonymous(path: string, init?: RequestInit): Promise<Response>
  close(): Promise<void>
}

async function readBody(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

class Server {
  readonly state: ServerState
  readonly domains: readonly string[]
  readonly requests: LoggedRequest[] = []
  readonly faults: FaultList = new FaultList()

  constructor(options: StrictS3Options) {
    const region = options.region ?? 'us-east-1'
    const now = options.now ?? Date.now
    const credentials = options.credentials ?? [{ accessKeyId: 'AKIDSTRICT', secretAccessKey: 'strict+secret/key' }]
    const buckets = new Map<string, Bucket>()
    for (const one of options.buckets ?? ['media']) {
      const bucket = new Bucket(typeof one === 'string' ? { name: one } : one, region, now())
      buckets.set(bucket.name, bucket)
    }
    this.state = { options, region, credentials, buckets, now }
    this.domains = options.domains ?? ['localhost']
  }

  /** Checks what can be checked before the body is asked for. */
  #begin(request: S3Request, operation: string): Identity {
    const form = operation === 'PostObject'
    const identity = form ? { accessKeyId: undefined, payload: 'UNSIGNED-PAYLOAD' } : authenticate(request, this.state)
    const bucket = this.state.buckets.get(request.bucket)
    if (operation === 'PutObject' && bucket !== undefined && identity.accessKeyId !== undefined) {
      checkWriteConditions({ state: this.state, request, accessKeyId: identity.accessKeyId }, bucket)
    }
    return identity
  }

  #unwrap(request: S3Request, payload: string): S3Request {
    const chunked = request.headers['content-encoding']?.split(/\s*,\s*/).includes('aws-chunked')
    if (!payload.startsWith('STREAMING-') && !chunked) return request
    if (!this.state.options.awsChunked) {
      throw new S3Error(501, 'NotImplemented', 'A header you provided implies functionality that is not implemented')
    }
    const { bytes, trailers } = decodeAwsChunked(request.body)
    const announced = request.headers['x-amz-decoded-content-length']
    if (Number(announced) !== bytes.length) {
      throw new S3Error(400, 'IncompleteBody', 'The request body does not have x-amz-decoded-content-length bytes')
    }
    const headers = { ...request.headers, ...trailers, 'content-length': String(bytes.length) }
    return { ...request, headers, body: bytes }
  }

  async handle(message: IncomingMessage, response: ServerResponse, expectsContinue: boolean): Promise<void> {
    const requestId = randomBytes(8).toString('hex').toUpperCase()
    const hostId = randomBytes(32).toString('base64')
    const { socket } = message
    let operation = 'Unknown'
    let request: S3Request | undefined
    let anonymous = true
    let answer: S3Answer
    let code: string | undefined
    let fault: Fault | undefined
    try {
      request = parseRequest(message, this.domains, requestId)
      operation = operationName(request)
      fault = this.faults.take(operation, request)
      await applyBefore(fault, message)
      const identity = this.#begin(request, operation)
      anonymous = identity.accessKeyId === undefined
      if (expectsContinue) response.writeContinue()
      request = { ...request, body: await readBody(message) }
      checkPayload(identity.payload, request.body)
      request = this.#unwrap(request, identity.payload)
      const context: OperationContext = { state: this.state, request, accessKeyId: identity.accessKeyId }
      answer = runOperation(operation, context)
      applyAfter(fault, message)
    } catch (error) {
      if (socket.destroyed) return
      const known =
        error instanceof S3Error ? error : new S3Error(500, 'InternalError', `Test server: ${(error as Error).stack}`)
      code = known.code
      const resource = request === undefined ? '/' : `/${request.bucket}${request.key === '' ? '' : `/${request.key}`}`
      const headers = { 'content-type': 'application/xml', ...known.headers }
      answer = { status: known.status, headers, body: errorDocument(known, resource, requestId, hostId) }
      message.resume()
    }
    if (request !== undefined) {
      const { method, bucket, key, headers, body } = request
      const entry = { operation, method, bucket, key, headers, code, anonymous }
      this.requests.push({ ...entry, url: message.url ?? '', bodySize: body.length, status: answer.status })
    }
    const body = Buffer.from(answer.body ?? '')
    const bodyless = message.method === 'HEAD' || answer.status === 204 || answer.status === 304
    const headers: Record<string, string> = {
      'x-amz-request-id': requestId,
      'x-amz-id-2': hostId,
      server: 'AmazonS3',
      ...answer.headers,
    }
    // HEAD answers an error without a body and without its length, as S3 does.
    if (answer.status !== 204 && answer.status !== 304 && !(message.method === 'HEAD' && code !== undefined)) {
      headers['content-length'] = String(body.length)
    }
    response.writeHead(answer.status, headers)
    if (fault?.truncateAt !== undefined && !bodyless) {
      response.write(body.subarray(0, fault.truncateAt), () => socket.destroySoon())
      return
    }
    response.end(bodyless ? undefined : body)
  }
}

/** Starts a strict S3 server on a free loopback port. */
export async function startStrictS3(options: StrictS3Options = {}): Promise<StrictS3> {
  const server = new Server(options)
  const http = createServer({ keepAliveTimeout: 60_000, maxHeaderSize: 64 * 1024 })
  const fail = (response: ServerResponse): void => void response.destroy()
  http.on('request', (message, response) => void server.handle(message, response, false).catch(() => fail(response)))
  http.on(
    'checkContinue',
    (message, response) => void server.handle(message, response, true).catch(() => fail(response)),
  )
  await new Promise<void>((resolve, reject) => {
    http.once('error', reject)
    http.listen(0, '127.0.0.1', resolve)
  })
  const { port } = http.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    port,
    region: server.state.region,
    credentials: server.state.credentials[0] as S3Credentials,
    requests: server.requests,
    faults: server.faults,
    features: {
      acl: true,
      sigV2: options.signatures?.includes('v2') ?? true,
      sigV4: options.signatures?.includes('v4') ?? true,
      awsChunked: options.awsChunked ?? false,
      conditionalWrites: !options.ignoreConditions && !options.refuseConditions,
      conditionalComplete: !options.ignoreConditions && !options.refuseConditions,
      checksums: options.echoChecksums !== false,
      virtualHost: true,
      versions: true,
    },
    bucket: (name = 'media') => {
      const bucket = server.state.buckets.get(name)
      if (bucket === undefined) throw new Error(`no bucket ${name}`)
      return bucket
    },
    anonymous: (path, init) => fetch(new URL(path, url), init),
    close: () =>
      new Promise<void>((resolve, reject) => {
        http.close(error => (error ? reject(error) : resolve()))
        http.closeAllConnections()
      }),
  }
}
