import { finished, pipeline, type Readable, Transform, type TransformCallback } from 'node:stream'
import { isStorageError, StorageError } from '../core/errors.ts'
import type { Entry } from '../storage/types.ts'
import { streamResponse } from './body.ts'
import { checkConditions, type Part, requestedPart } from './conditions.ts'
import { failure } from './failure.ts'
import { fileHeaders, type HeaderOptions } from './headers.ts'
import type { ServedStorage } from './served-storage.ts'

/** A request for a file. */
export interface FileRequest {
  readonly storage: Omit<ServedStorage, 'save'>
  readonly name: string
  readonly request: Request
  /** What a signed URL sets for its answer. */
  readonly overrides: Readonly<Record<string, string>>
  readonly options: HeaderOptions
}

/** How often a file may be replaced between its headers and its bytes. */
const MAX_VERSIONS = 4

/** Answers a GET or HEAD for a file; a folder, a pipe, a socket or a device is a 404. */
export async function sendFile(file: FileRequest): Promise<Response> {
  let asked = file
  for (let version = 1; ; version++) {
    try {
      return await sendVersion(asked)
    } catch (error) {
      // The backend's server ignores ranges, and the place is too far from the beginning: all of the file is an answer too.
      if (isStorageError(error, 'unsupported') && asked.request.headers.has('range')) {
        asked = { ...asked, request: withoutRange(asked.request) }
        continue
      }
      if (isStorageError(error, 'unsupported')) return failure(404)
      // The file was replaced since its headers were made: the new one has others.
      if (version === MAX_VERSIONS || !isStorageError(error, 'precondition_failed')) throw error
    }
  }
}

function withoutRange(request: Request): Request {
  const headers = new Headers(request.headers)
  headers.delete('range')
  return new Request(request.url, { method: request.method, headers, signal: request.signal })
}

async function sendVersion({ storage, name, request, overrides, options }: FileRequest): Promise<Response> {
  const stat = await storage.stat(name, { signal: request.signal })
  if (stat.isDirectory) return failure(404)
  const unpacked = storage.decoder(stat) !== undefined
  const headers = fileHeaders(name, unpacked ? { ...stat, contentEncoding: undefined } : stat, overrides, options)
  // Pipes and the files of /proc have a size of 0 as well: what is there is known once it was opened.
  if (stat.size === 0 && !unpacked) return sendUnsized(storage, stat, request, headers)
  const condition = checkConditions(request.headers, stat)
  if (condition !== 200) return unchanged(condition, headers)
  if (!unpacked) headers.set('accept-ranges', 'bytes')
  const part = unpacked || request.method !== 'GET' ? undefined : requestedPart(request.headers, stat)
  if (part === 'unsatisfiable') return failure(416, { 'content-range': `bytes */${stat.size}` })
  const { start, end } = part ?? { start: 0, end: stat.size }
  if (!unpacked) headers.set('content-length', String(end - start))
  if (part !== undefined) headers.set('content-range', `bytes ${start}-${end - 1}/${stat.size}`)
  const status = part === undefined ? 200 : 206
  if (request.method === 'HEAD') return new Response(null, { status, headers })
  const source = await openBody(storage, stat, part, request)
  return streamResponse(unpacked ? source : exactly(source, end - start), { status, headers })
}

/**
 * Sends a file that is said to be empty: to its end and without a length where it is not, and then also without an etag, which says
 * nothing of its bytes.
 */
async function sendUnsized(
  storage: FileRequest['storage'],
  stat: Entry,
  request: Request,
  headers: Headers,
): Promise<Response> {
  const source = await openBody(storage, stat, undefined, request)
  const isEmpty = source.readableLength === 0
  if (isEmpty || request.method === 'HEAD') source.destroy()
  if (!isEmpty) {
    for (const name of ['etag', 'last-modified']) headers.delete(name)
    return request.method === 'HEAD' ? new Response(null, { headers }) : streamResponse(source, { headers })
  }
  const condition = checkConditions(request.headers, stat)
  if (condition !== 200) return unchanged(condition, headers)
  headers.set('accept-ranges', 'bytes')
  if (request.method === 'GET' && requestedPart(request.headers, stat) === 'unsatisfiable') {
    return failure(416, { 'content-range': 'bytes */0' })
  }
  headers.set('content-length', '0')
  return new Response(null, { headers })
}

/** A stream that has begun, so that a failure up to here is still an answer; at its end when it has no byte. */
async function openBody(
  storage: FileRequest['storage'],
  { name, etag }: Entry,
  part: Part | undefined,
  { signal }: Request,
): Promise<Readable> {
  const source = storage.createReadStream(name, { start: part?.start, end: part?.end, etag, signal })
  // A client may go away at any moment: an error that comes while no one reads must not end the process.
  source.on('error', () => {})
  try {
    await begun(source, signal)
  } catch (error) {
    source.destroy()
    throw error
  }
  return source
}

/** Waits for the first byte or the end; fails when the stream fails, is closed or is aborted before. */
function begun(source: Readable, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (source.readableLength > 0) return resolve()
    const stop = finished(source, { writable: false, signal }, error => (error == null ? resolve() : reject(error)))
    source.once('readable', () => {
      stop()
      resolve()
    })
  })
}

/** The same bytes; an error unless they are exactly so many. */
function exactly(source: Readable, length: number): Readable {
  const exact = new ExactLength(length)
  exact.on('error', () => {})
  pipeline(source, exact, () => {})
  return exact
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

function unchanged(status: 304 | 412, headers: Headers): Response {
  if (status === 412) return failure(412)
  for (const name of ['content-type', 'content-encoding', 'content-language', 'content-disposition'])
    headers.delete(name)
  return new Response(null, { status, headers })
}
