import { once } from 'node:events'
import { type Readable, Transform, type TransformCallback } from 'node:stream'
import type { ErrorCode } from '../core/errors.ts'
import { isStorageError, StorageError } from '../core/errors.ts'
import type { Storage } from '../storage/storage.ts'
import type { Entry } from '../storage/types.ts'
import { streamResponse } from './body.ts'
import { checkConditions, type Part, requestedPart } from './conditions.ts'
import { failure } from './failure.ts'
import { fileHeaders, type HeaderOptions } from './headers.ts'
import { type ServedUrl, storeUpload } from './upload.ts'

/** What of a storage is served. */
export type ServedStorage = Pick<Storage, 'stat' | 'createReadStream' | 'save' | 'decoder'>

/** A storage that can tell its own signed URLs, as `LocalStorage` does. */
export interface UrlVerifier {
  readonly urlsAreSigned: boolean
  /** Throws `permission_denied` for a tampered or expired URL. */
  verifyUrl(method: string, name: string, query: URLSearchParams): ServedUrl
}

/** How files are served. */
export interface FileHandlerOptions extends Partial<HeaderOptions> {
  /** Path below which the files are; '/' unless told. */
  readonly basePath?: string | undefined
  /** Whether reading needs a signed URL; where the storage signs its URLs unless told. Writing always needs one. */
  readonly signed?: boolean | undefined
  /** Largest upload in bytes; 100 MiB unless told. A signed URL's parameter `max-bytes` may only lower it. */
  readonly maxUploadBytes?: number | undefined
  /** Told of failures that are the server's: answers 500, 503 and 504. */
  readonly onError?: ((error: unknown, request: Request) => void) | undefined
}

/** Answers a request for a file. Never rejects. */
export type FileHandler = (request: Request) => Promise<Response>

const STATUS: Partial<Record<ErrorCode, number>> = {
  not_found: 404,
  is_directory: 404,
  not_a_directory: 404,
  suspicious_name: 404,
  permission_denied: 403,
  precondition_failed: 412,
  too_large: 413,
  no_space: 507,
  throttled: 503,
  unavailable: 503,
  timeout: 504,
  invalid_argument: 400,
}

/**
 * Serves the files of any storage to GET and HEAD, and takes PUT where the storage's signed URLs allow it. Single ranges,
 * `If-Range`, entity tags, 304 and 416 as in RFC 9110. Unknown, hidden and escaping names are a 404; a bad signature is a 403.
 */
export function createFileHandler(storage: ServedStorage, options: FileHandlerOptions = {}): FileHandler {
  const verifier = verifierOf(storage)
  if (options.signed === true && verifier === undefined) {
    throw new StorageError('improperly_configured', 'signed: the storage has no secret to check URLs with (urlSecret).')
  }
  const needsSignature = options.signed ?? verifier !== undefined
  const shown: HeaderOptions = {
    cacheControl: options.cacheControl ?? (needsSignature ? 'private, no-cache' : 'no-cache'),
    disposition: options.disposition ?? 'inline',
    trusted: options.trusted ?? false,
  }
  const basePath = `/${(options.basePath ?? '').replace(/^\/+|\/+$/g, '')}/`.replace('//', '/')
  const allowed = verifier === undefined ? 'GET, HEAD' : 'GET, HEAD, PUT'

  async function answer(request: Request): Promise<Response> {
    const { method } = request
    if (!allowed.split(', ').includes(method)) return failure(405, { allow: allowed })
    const { pathname, searchParams } = new URL(request.url)
    const name = nameOf(pathname, basePath)
    if (name === undefined) return failure(404)
    const signed = needsSignature || method === 'PUT' || searchParams.has('signature')
    const url = signed ? verifier?.verifyUrl(method, name, searchParams) : undefined
    if (method === 'PUT') {
      if (url === undefined) return failure(403)
      return storeUpload(storage, name, request, url, options.maxUploadBytes ?? 104_857_600)
    }
    return sendFile(storage, name, request, url?.parameters ?? {}, shown)
  }

  return async request => {
    try {
      return await answer(request)
    } catch (error) {
      const status = (isStorageError(error) ? STATUS[error.code] : undefined) ?? 500
      if (status >= 500 && !request.signal.aborted) options.onError?.(error, request)
      const wait = isStorageError(error) ? error.retryAfterMs : undefined
      return failure(status, wait === undefined ? {} : { 'retry-after': String(Math.ceil(wait / 1000)) })
    }
  }
}

function verifierOf(storage: object): UrlVerifier | undefined {
  const candidate = storage as Partial<UrlVerifier>
  return typeof candidate.verifyUrl === 'function' && candidate.urlsAreSigned === true
    ? (candidate as UrlVerifier)
    : undefined
}

/** The name in a path; undefined where there is none, or one that no URL of ours can hold. */
function nameOf(pathname: string, basePath: string): string | undefined {
  if (!pathname.startsWith(basePath)) return undefined
  const encoded = pathname.slice(basePath.length)
  if (encoded === '' || /%2f|%5c|%00|\\/i.test(encoded)) return undefined
  try {
    const name = decodeURIComponent(encoded)
    return name.split('/').some(part => part === '' || part === '.' || part === '..') ? undefined : name
  } catch {
    return undefined
  }
}

async function sendFile(
  storage: ServedStorage,
  name: string,
  request: Request,
  overrides: Readonly<Record<string, string>>,
  options: HeaderOptions,
): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await sendVersion(storage, name, request, overrides, options)
    } catch (error) {
      // The file was replaced since its headers were made: the new one has others.
      if (attempt === 4 || !isStorageError(error, 'precondition_failed')) throw error
    }
  }
}

async function sendVersion(
  storage: ServedStorage,
  name: string,
  request: Request,
  overrides: Readonly<Record<string, string>>,
  options: HeaderOptions,
): Promise<Response> {
  const stat = await storage.stat(name, { signal: request.signal })
  if (stat.isDirectory) return failure(404)
  const unpacked = storage.decoder(stat) !== undefined
  const headers = fileHeaders(name, unpacked ? { ...stat, contentEncoding: undefined } : stat, overrides, options)
  const condition = checkConditions(request.headers, stat)
  if (condition === 412) return failure(412)
  if (condition === 304) return new Response(null, { status: 304, headers: withoutContent(headers) })
  if (!unpacked) headers.set('accept-ranges', 'bytes')
  const part = unpacked || request.method !== 'GET' ? undefined : requestedPart(request.headers, stat)
  if (part === 'unsatisfiable') return failure(416, { 'content-range': `bytes */${stat.size}` })
  const { start, end } = part ?? { start: 0, end: stat.size }
  if (!unpacked) headers.set('content-length', String(end - start))
  if (part !== undefined) headers.set('content-range', `bytes ${start}-${end - 1}/${stat.size}`)
  const status = part === undefined ? 200 : 206
  if (request.method === 'HEAD' || (!unpacked && end === start)) return new Response(null, { status, headers })
  const body = await openBody(storage, stat, part, unpacked ? undefined : end - start, request)
  return streamResponse(body, { status, headers })
}

/** A stream that has begun, so that a failure up to here is still an answer; it fails unless it gives exactly `length` bytes. */
async function openBody(
  storage: ServedStorage,
  { name, etag }: Entry,
  part: Part | undefined,
  length: number | undefined,
  request: Request,
): Promise<Readable> {
  const source = storage.createReadStream(name, { start: part?.start, end: part?.end, etag, signal: request.signal })
  // A client may go away at any moment: an error that nobody waits for then must not end the process.
  source.on('error', () => {})
  if (!source.readableEnded && source.readableLength === 0) await once(source, 'readable', { signal: request.signal })
  if (length === undefined) return source
  const exact = new ExactLength(length)
  source.on('error', error => exact.destroy(error))
  exact.on('close', () => source.destroy())
  return source.pipe(exact)
}

class ExactLength extends Transform {
  #left: number

  constructor(length: number) {
    super({ highWaterMark: 262_144 })
    this.#left = length
  }

  override _transform(chunk: Buffer, _encoding: string, done: TransformCallback): void {
    this.#left -= chunk.byteLength
    if (this.#left < 0) done(changed())
    else done(null, chunk)
  }

  override _flush(done: TransformCallback): void {
    if (this.#left === 0) done()
    else done(changed())
  }
}

function changed(): StorageError {
  return new StorageError('precondition_failed', 'The file was replaced while it was sent.')
}

function withoutContent(headers: Headers): Headers {
  for (const name of ['content-type', 'content-encoding', 'content-language', 'content-disposition'])
    headers.delete(name)
  return headers
}
