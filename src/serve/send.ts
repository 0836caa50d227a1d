import { finished, pipeline, type Readable, Transform, type TransformCallback } from 'node:stream'
import type { Coding } from '../core/codings.ts'
import { isStorageError, StorageError } from '../core/errors.ts'
import { streamResponse } from './body.ts'
import { checkConditions, type Part, requestedPart } from './conditions.ts'
import { failure } from './failure.ts'
import { fileHeaders, type HeaderOptions } from './headers.ts'
import { chooseRepresentation, type Representation } from './representation.ts'
import type { ServedStorage } from './served-storage.ts'

/** A request for a file. */
export interface FileRequest {
  readonly storage: Omit<ServedStorage, 'save'>
  readonly name: string
  readonly request: Request
  /** The headers that a signed URL sets for its answer. */
  readonly overrides: Readonly<Record<string, string>>
  readonly options: HeaderOptions
  /** The codings of possible compressed siblings. */
  readonly codings: readonly Coding[]
}

/** Maximum number of times that a file may be replaced between its headers and its bytes. */
const MAX_VERSIONS = 4

/** Answers a GET or HEAD for a file; a folder, a pipe, a socket or a device is a 404. */
export async function sendFile(file: FileRequest): Promise<Response> {
  const { storage, name, codings, overrides } = file
  let { request } = file
  const { signal, headers } = request
  // A coding in the URL describes the bytes as they are stored.
  let accepted = overrides['response-content-encoding'] === undefined ? headers.get('accept-encoding') : null
  for (let version = 1; ; version++) {
    let chosen: Representation | undefined
    try {
      chosen = await chooseRepresentation(storage, { name, codings, accepted, signal })
      return await sendRepresentation({ ...file, request }, chosen)
    } catch (error) {
      if (chosen !== undefined && chosen.source.name !== chosen.stat.name && !signal.aborted) {
        // The sibling was removed or cannot be read: the plain file is a correct answer, too.
        accepted = null
        continue
      }
      // The backend's server ignores ranges, and the offset is too far from the beginning: the whole file is a correct answer, too.
      if (isStorageError(error, 'unsupported') && request.headers.has('range')) {
        request = withoutRange(request)
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

async function sendRepresentation(file: FileRequest, chosen: Representation): Promise<Response> {
  const { storage, name, request, overrides, options } = file
  const { stat, isUnpacked, varies } = chosen
  if (stat.isDirectory) return failure(404)
  const headers = fileHeaders(name, stat, overrides, options)
  if (varies) headers.set('vary', 'Accept-Encoding')
  // Pipes and the files of /proc have a size of 0 as well: their content is known only after opening.
  if (stat.size === 0 && !isUnpacked) return sendUnsized(storage, chosen, request, headers)
  const condition = checkConditions(request.headers, stat)
  if (condition !== 200) return unchanged(condition, headers)
  if (!isUnpacked) headers.set('accept-ranges', 'bytes')
  const part = isUnpacked || request.method !== 'GET' ? undefined : requestedPart(request.headers, stat)
  if (part === 'unsatisfiable') return failure(416, { 'content-range': `bytes */${stat.size}` })
  const { start, end } = part ?? { start: 0, end: stat.size }
  if (!isUnpacked) headers.set('content-length', String(end - start))
  if (part !== undefined) headers.set('content-range', `bytes ${start}-${end - 1}/${stat.size}`)
  const status = part === undefined ? 200 : 206
  if (request.method === 'HEAD') return new Response(null, { status, headers })
  const body = await openBody(storage, chosen, part, request)
  return streamResponse(isUnpacked ? body : exactly(body, end - start), { status, headers })
}

/**
 * Sends a file whose reported size is 0. If it has bytes, they are sent to the end without a length, and without an etag, which does not
 * identify them.
 */
async function sendUnsized(
  storage: FileRequest['storage'],
  chosen: Representation,
  request: Request,
  headers: Headers,
): Promise<Response> {
  const { stat } = chosen
  const source = await openBody(storage, chosen, undefined, request)
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

/** Returns a stream that has begun, so that a failure before it can still be answered; an empty stream has ended. */
async function openBody(
  storage: FileRequest['storage'],
  { source: { name, etag }, unpack }: Representation,
  part: Part | undefined,
  { signal }: Request,
): Promise<Readable> {
  const source = storage.createReadStream(name, { start: part?.start, end: part?.end, etag, signal })
  // A client may disconnect at any moment: an error while the stream is not read must not end the process.
  source.on('error', () => {})
  const body = unpack === undefined ? source : pipeline(source, unpack(), () => {})
  if (body !== source) body.on('error', () => {})
  try {
    await begun(body, signal)
  } catch (error) {
    body.destroy()
    throw error
  }
  return body
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

/** Passes on the same bytes; fails unless their number is exactly `length`. */
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
