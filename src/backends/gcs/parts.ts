import { drain } from '../../core/body.ts'
import type { CallContext } from '../../core/call.ts'
import type { Stat } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import type { HttpResponse } from '../../http/request.ts'
import { bodySize } from '../../http/request.ts'
import { type Bytes, checksumOf, RunningChecksum } from '../../remote/checksums.ts'
import { readDocument } from '../../remote/document.ts'
import { onlyOnce as writeOnce } from '../../remote/only-once.ts'
import type { PartProtocol, ResumedUpload } from '../../remote/part-protocol.ts'
import { type PartLimits, type Piece, restOf } from '../../remote/pieces.ts'
import type { GcsApi, GcsTarget } from './api.ts'
import type { GcsClient } from './client.ts'
import { savedSession, sessionTarget } from './endpoint.ts'
import { classifyGcs, GcsError, gcsErrorOf } from './errors.ts'
import type { GcsStat } from './resource.ts'

/** A session for the upload of a file. */
export interface GcsUpload {
  readonly target: GcsTarget
  /** Secret: anyone who has it can write. */
  readonly session: string
  /** Checksum of the bytes before `hashed`; unknown for an upload that another process began. */
  readonly crc: RunningChecksum | undefined
  hashed: number
  /** Total number of bytes, known after the last part was sent. */
  total: number | undefined
  /** The file, after the service has written it. */
  done: GcsStat | undefined
}

/** Every part but the last is a multiple of this number of bytes. */
export const ALIGN: number = 256 * 1024
/** Maximum size of an object divided by the smallest part size. */
const MAX_PARTS = (5 * 1024 ** 4) / ALIGN
const EMPTY = Buffer.alloc(0)

/**
 * Files in one request, or in a resumable upload, whose last part creates the file.
 * (https://cloud.google.com/storage/docs/performing-resumable-uploads)
 */
export class GcsParts implements PartProtocol<GcsUpload, undefined, GcsTarget> {
  readonly limits: PartLimits = { minPart: ALIGN, maxParts: MAX_PARTS, align: ALIGN, sequential: true }
  readonly #client: GcsClient
  readonly #api: GcsApi

  constructor(client: GcsClient, api: GcsApi) {
    this.#client = client
    this.#api = api
  }

  /** One request, which is repeated even under a condition: after a lost answer, the file shows the result. */
  async put(target: GcsTarget, body: Bytes, ctx: CallContext): Promise<GcsStat> {
    const crc32c = checksumOf('CRC32C', body)
    const size = bodySize(body)
    const send = async (step: CallContext) =>
      verified(await this.#api.put(target, body, crc32c, step), { size, crc32c })
    return onlyOnce(this.#api, target, { size, crc32c }, send, ctx)
  }

  async begin(target: GcsTarget, ctx: CallContext): Promise<GcsUpload> {
    const session = sessionTarget(await this.#api.begin(target, ctx), this.#client.endpoint)
    return { target, session, crc: new RunningChecksum('CRC32C'), hashed: 0, total: undefined, done: undefined }
  }

  /** Sends a part until the service has all of it; the service may store less than was sent. */
  async part(upload: GcsUpload, piece: Piece, ctx: CallContext): Promise<undefined> {
    if (upload.done !== undefined) return
    hash(upload, piece)
    const end = piece.offset + piece.size
    if (piece.last === true) upload.total = end
    for (let rest = piece, tries = 0; ; tries++) {
      const stored = await this.#send(upload, rest, ctx)
      if (stored === end && piece.last !== true) return
      if (upload.done !== undefined) return
      if (stored > end) throw misplaced(`has ${stored} bytes of the upload, of which only ${end} were sent`, false)
      if (stored < rest.offset || (stored === rest.offset && tries > 0)) {
        throw misplaced(`keeps ${stored} bytes of the upload and accepts no more`, true)
      }
      rest = restOf(rest, stored)
      ctx.progress()
    }
  }

  /** The file that the last part created. */
  async finish({ done }: GcsUpload): Promise<Stat> {
    if (done !== undefined) return withoutCrc(done)
    throw new StorageError('unavailable', 'The last part was sent, but made no file.', { outcome: 'unknown' })
  }

  /** Cancels the session, unless it has created its file or is gone. */
  async end(upload: GcsUpload, _state: object, ctx: CallContext): Promise<boolean> {
    if (upload.done !== undefined) return true
    const expected = { statuses: [204, 499] }
    const request = { method: 'DELETE', path: upload.session, expected, body: EMPTY, isSession: true } as const
    try {
      await ctx.step('endUpload', true, step => this.#client.done(request, step))
      return true
    } catch (error) {
      // A session whose condition was not met at its last part has ended.
      if (this.isGone(error) || gcsErrorOf(error)?.status === 412) return true
    }
    // A session that has created its file meanwhile cannot be cancelled, and leaves nothing behind.
    await ctx.step('askUpload', true, step => this.stored(upload, step)).catch(() => undefined)
    return upload.done !== undefined
  }

  /** Requests how much has arrived. A session that has created its file returns the file. */
  stored(upload: GcsUpload, ctx: CallContext): Promise<number> {
    return this.#ask(upload, `bytes */${upload.total ?? '*'}`, EMPTY, ctx)
  }

  async save({ session }: GcsUpload): Promise<string> {
    return session
  }

  /** Requests the state of the session. */
  async resume(
    target: GcsTarget,
    saved: string,
    ctx: CallContext,
  ): Promise<ResumedUpload<GcsUpload, undefined> | undefined> {
    const session = savedSession(saved, this.#client.bucketName, target.key)
    const offset = await ctx
      .step('askUpload', true, step => this.#storedIn(session, step))
      .catch(error => {
        if (!this.isGone(error) && gcsErrorOf(error)?.status !== 499) throw error
      })
    if (offset === undefined) return undefined
    const upload = { target, session, crc: undefined, hashed: offset, total: undefined, done: undefined }
    return { upload, parts: [], offset }
  }

  /** Number of bytes that a session has; undefined if it has created its file. */
  async #storedIn(path: string, ctx: CallContext): Promise<number | undefined> {
    const headers = { 'content-range': 'bytes */*' }
    const expected = { statuses: [200, 201, 308] }
    const answer = await this.#client.send(
      { method: 'PUT', path, headers, body: EMPTY, expected, isSession: true },
      ctx,
    )
    await drain(answer)
    return answer.status === 308 ? storedBytes(answer) : undefined
  }

  isGone(error: unknown): boolean {
    const { status = 0, lacksBucket } = gcsErrorOf(error) ?? {}
    return (status === 404 || status === 410) && lacksBucket !== true
  }

  /** Sends the rest of a part; returns how many bytes the service has now. A refused last part may have been accepted before. */
  async #send(upload: GcsUpload, { offset, size, chunks }: Piece, ctx: CallContext): Promise<number> {
    const { total = '*' } = upload
    const range = size === 0 ? '*' : `${offset}-${offset + size - 1}`
    try {
      return await this.#ask(upload, `bytes ${range}/${total}`, size === 0 ? EMPTY : chunks, ctx)
    } catch (error) {
      if (upload.total === undefined || !(error instanceof GcsError) || error.status >= 500 || error.status === 429)
        throw error
      await this.stored(upload, ctx).catch(() => undefined)
      if (upload.done === undefined) throw error
      return upload.total
    }
  }

  async #ask(upload: GcsUpload, range: string, body: Bytes, ctx: CallContext): Promise<number> {
    const headers: Record<string, string> = { 'content-range': range }
    const { total, hashed } = upload
    const crc32c = total !== undefined && hashed === total ? upload.crc?.digest() : undefined
    if (crc32c !== undefined) headers['x-goog-hash'] = `crc32c=${crc32c}`
    const answer = await this.#client.send(
      { method: 'PUT', path: upload.session, headers, body, expected: { statuses: [200, 201, 308] }, isSession: true },
      ctx,
    )
    if (answer.status === 308) {
      await drain(answer)
      return storedBytes(answer)
    }
    const text = await readDocument(answer)
    if (total === undefined || hashed !== total) {
      // The file may exist, truncated.
      const text = 'The service reports that the upload is complete before its last part was sent.'
      throw new StorageError('unavailable', text, { outcome: 'unknown', retryable: false })
    }
    upload.done = verified(this.#api.written(answer, text), { size: total, crc32c })
    return total
  }
}

/** Adds a part to the checksum, only once even if it is sent several times. */
function hash(upload: GcsUpload, { offset, size, chunks }: Piece): void {
  if (offset !== upload.hashed) return
  for (const chunk of chunks) upload.crc?.update(chunk)
  upload.hashed += size
}

/** Number of bytes that the service has, from `Range: bytes=0-<last>`; 0 without that header. */
function storedBytes({ headers }: HttpResponse): number {
  const { range } = headers
  if (range === undefined) return 0
  const last = /^bytes\s?[=:]?\s?0-(\d{1,15})$/.exec(range.trim())?.[1]
  if (last !== undefined) return Number(last) + 1
  throw misplaced('reports the stored bytes in an invalid form', true)
}

function misplaced(what: string, retryable: boolean): StorageError {
  return new StorageError('unavailable', `The service ${what}.`, { outcome: 'not_applied', retryable })
}

/** The size and checksum of sent bytes. */
export interface Bytes32 {
  readonly size: number
  readonly crc32c: string | undefined
}

/** The file in an answer, if its bytes are the ones that were sent. */
export function verified(stat: GcsStat, { size, crc32c }: Bytes32): GcsStat {
  if (stat.size === size && (crc32c === undefined || (stat.crc32c ?? crc32c) === crc32c)) return stat
  const text = 'The checksum of the stored bytes differs from that of the sent bytes.'
  throw new StorageError('checksum_mismatch', text, { outcome: 'unknown' })
}

/** A stat for callers. */
export function withoutCrc({ crc32c: _, ...stat }: GcsStat): Stat {
  return stat
}

/** Runs a write that may be conditional. After a lost answer, the size and the checksum show who wrote the file. */
export function onlyOnce(
  api: GcsApi,
  { key, ifGeneration }: Pick<GcsTarget, 'key' | 'ifGeneration'>,
  { size, crc32c }: Bytes32,
  send: (ctx: CallContext) => Promise<GcsStat>,
  ctx: CallContext,
): Promise<GcsStat> {
  if (ifGeneration === undefined) return send(ctx)
  const found = async (step: CallContext): Promise<GcsStat | undefined> => {
    const stat = await api.stat(key, {}, step)
    if (stat.crc32c === undefined || crc32c === undefined) {
      throw new StorageError('unavailable', 'The service does not report the checksum of the file.')
    }
    return stat.size === size && stat.crc32c === crc32c ? stat : undefined
  }
  return writeOnce({ send, found, isRefused: ({ status }) => status === 412, classify: classifyGcs }, ctx)
}
