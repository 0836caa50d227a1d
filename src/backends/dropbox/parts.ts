import type { CallContext } from '../../core/call.ts'
import { BLOCK, type ContentHash } from '../../core/digests/content-hash.ts'
import type { Stat } from '../../core/driver.ts'
import { StorageError, wrapError } from '../../core/errors.ts'
import { bodySize } from '../../http/request.ts'
import { textOf } from '../../remote/answers.ts'
import type { Bytes } from '../../remote/checksums.ts'
import { onlyOnce } from '../../remote/only-once.ts'
import type { FailedFinish, PartProtocol, ResumedUpload, UploadTarget } from '../../remote/part-protocol.ts'
import { type PartLimits, type Piece, restOf } from '../../remote/pieces.ts'
import { notAnId } from '../../remote/resumable.ts'
import type { DropboxClient } from './client.ts'
import type { Commit } from './commit.ts'
import { hashed } from './content-hash.ts'
import { classifyDropbox, dropboxErrorOf, isSessionGone } from './errors.ts'
import type { Lookup } from './lookup.ts'
import { verified, type Wanted } from './metadata.ts'

/** A file to write. */
export interface DropboxTarget extends UploadTarget {
  readonly commit: Commit
}

/** A session for the upload of a file. */
export interface DropboxUpload {
  readonly target: DropboxTarget
  /** Hash of the bytes before `hashedTo`; unknown for an upload that another process began. */
  readonly hash: ContentHash | undefined
  hashedTo: number
  /** Undefined until the first part begins the session. */
  session: string | undefined
  /** Number of bytes that the service is known to have. */
  offset: number
  /** The last part, which is sent with the request that creates the file. */
  tail: { readonly piece: Piece; readonly hash: ContentHash } | undefined
  /** Whether a request that creates the file may have been carried out, independent of later results. */
  isDoubtful: boolean
}

/** Maximum size of a request in bytes. */
export const MAX_REQUEST: number = 150 * 1024 * 1024
/** Maximum size of a file divided by the smallest part size. */
const MAX_PARTS = 2 ** 41 / BLOCK
const START = 'files/upload_session/start'
const APPEND = 'files/upload_session/append_v2'
const FINISH = 'files/upload_session/finish'
const NOTHING = Buffer.alloc(0)

/** Files in one request, or in a session: the first part begins it, the last one creates the file. */
export class DropboxParts implements PartProtocol<DropboxUpload, undefined, DropboxTarget> {
  readonly limits: PartLimits
  readonly #client: DropboxClient
  readonly #lookup: Lookup

  constructor(client: DropboxClient, lookup: Lookup, partSize: number) {
    // Parts are whole blocks if they are large enough, so that no byte is hashed twice.
    const unit = partSize % BLOCK === 0 ? BLOCK : 1
    this.limits = { minPart: unit, maxPart: MAX_REQUEST, maxParts: MAX_PARTS, align: unit, sequential: true }
    this.#client = client
    this.#lookup = lookup
  }

  /** One request, which is repeated even under a condition: after a lost answer, the file shows the result. */
  async put(target: DropboxTarget, body: Bytes, ctx: CallContext): Promise<Stat> {
    const { key, commit } = target
    const wanted = { size: bodySize(body), hash: hashed(body).digest() }
    const arg = { ...commit, content_hash: wanted.hash }
    const send = async (step: CallContext): Promise<Stat> =>
      verified(await this.#client.upload('files/upload', arg, body, ['rev', 'size'], step), commit.path, wanted)
    if (commit.mode === 'overwrite') return send(ctx)
    const found = async (step: CallContext): Promise<Stat | undefined> => this.#written(key, wanted, step)
    const isRefused = ({ code }: StorageError): boolean => code === 'precondition_failed'
    const once = { send, found, isRefused, classify: classifyDropbox }
    return onlyOnce(once, ctx).catch(error => this.#unchanged(target, wanted, error, ctx))
  }

  async begin(target: DropboxTarget): Promise<DropboxUpload> {
    const hash = hashed(NOTHING)
    return { target, hash, hashedTo: 0, session: undefined, offset: 0, tail: undefined, isDoubtful: false }
  }

  /** Sends a part until the service has all of it. The last one is kept for `finish`. */
  async part(upload: DropboxUpload, piece: Piece, ctx: CallContext): Promise<undefined> {
    const hash = hashed(piece.chunks)
    if (piece.offset === upload.hashedTo) {
      if (this.limits.align === BLOCK) upload.hash?.add(hash)
      else for (const chunk of piece.chunks) upload.hash?.update(chunk)
      upload.hashedTo += piece.size
    }
    if (piece.last === true) {
      upload.tail = { piece, hash }
      return
    }
    const end = piece.offset + piece.size
    for (let rest = piece; rest.size > 0; rest = continued(rest, upload.offset)) {
      await this.#send(upload, rest, rest === piece ? hash : hashed(rest.chunks), ctx)
      if (upload.offset === end) return
      ctx.progress()
    }
  }

  /** Creates the file with the last part. Continues after the bytes of it that have arrived before. */
  async finish(upload: DropboxUpload, _parts: readonly undefined[], ctx: CallContext): Promise<Stat> {
    const { target, session } = upload
    const { piece, hash } = upload.tail!
    for (let rest = piece; ; rest = continued(rest, upload.offset)) {
      const cursor = { session_id: session, offset: rest.offset }
      const own = rest === piece ? hash : hashed(rest.chunks)
      const arg = { cursor, commit: target.commit, content_hash: own.digest() }
      try {
        const answer = await this.#client.upload(FINISH, arg, rest.chunks, ['rev', 'size'], ctx)
        return verified(answer, target.commit.path, wantedOf(upload))
      } catch (error) {
        const { correctOffset } = dropboxErrorOf(error) ?? {}
        if (correctOffset === undefined) {
          upload.isDoubtful ||= mayBeDone(error)
          return this.#unchanged(target, wantedOf(upload), error, ctx)
        }
        upload.offset = correctOffset
      }
    }
  }

  /** A session costs nothing and is removed by the service after 7 days. */
  async end(): Promise<boolean> {
    return true
  }

  /** The session, which is begun without bytes. */
  async save(upload: DropboxUpload, ctx: CallContext): Promise<string> {
    const piece = { number: 0, offset: 0, size: 0, chunks: [] }
    await ctx.step('createUpload', true, step => this.#send(upload, piece, hashed(NOTHING), step))
    return upload.session!
  }

  /** Requests the state of the session. */
  async resume(
    target: DropboxTarget,
    session: string,
    ctx: CallContext,
  ): Promise<ResumedUpload<DropboxUpload, undefined> | undefined> {
    if (!/^[\x21-\x7e]{1,512}$/.test(session)) throw notAnId()
    const upload: DropboxUpload = { ...(await this.begin(target)), hash: undefined, session }
    try {
      await ctx.step('askUpload', true, step => this.stored(upload, step))
    } catch (error) {
      if (this.isGone(error)) return undefined
      throw error
    }
    upload.hashedTo = upload.offset
    return { upload, parts: [], offset: upload.offset }
  }

  /** Closes the session, so that nothing can be added. Dropbox removes it after 7 days. */
  async cancel(upload: DropboxUpload, ctx: CallContext): Promise<boolean> {
    await ctx.step('cancelUpload', true, async step => {
      const offset = await this.stored(upload, step)
      const cursor = { session_id: upload.session, offset }
      const arg = { cursor, close: true, content_hash: hashed(NOTHING).digest() }
      await this.#client.append(APPEND, arg, NOTHING, step)
    })
    return true
  }

  /** Finds out how much has arrived: appends no bytes at the known offset. */
  async stored(upload: DropboxUpload, ctx: CallContext): Promise<number> {
    if (upload.session !== undefined) await this.#append(upload, upload.offset, NOTHING, hashed(NOTHING), ctx)
    return upload.offset
  }

  isGone(error: unknown): boolean {
    return isSessionGone(dropboxErrorOf(error)?.tags ?? [])
  }

  /** A session that created its file is gone, and the file has the bytes that were sent. */
  async fate(
    upload: DropboxUpload,
    _parts: readonly undefined[],
    { error, lost }: FailedFinish,
    ctx: CallContext,
  ): Promise<'open' | 'done' | 'gone'> {
    const { key, commit } = upload.target
    const isGone = this.isGone(error)
    if (!lost && !upload.isDoubtful && !isGone) return 'open'
    // Only a request that creates the file closes a session. Without a sign that one was carried out, equal bytes may be another writer's.
    const isOurs = lost || upload.isDoubtful || commit.mode === 'overwrite' || isClosed(error)
    if (!isOurs) throw notMade(error)
    try {
      await ctx.step('askUpload', true, step => this.stored(upload, step))
      return 'open'
    } catch (reason) {
      if (!this.isGone(reason)) throw reason
    }
    const found = await ctx
      .step('stat', true, step => this.#written(key, wantedOf(upload), step))
      .catch(reason => {
        if (classifyDropbox(reason) !== 'not_found') throw reason
      })
    if (found !== undefined) return 'done'
    if (lost || upload.isDoubtful) return 'gone'
    throw notMade(error)
  }

  /** The file, if it has the bytes that were sent. */
  async #written(key: string, wanted: Wanted, ctx: CallContext): Promise<Stat | undefined> {
    const { stat, hash } = await this.#lookup.file(key, ctx)
    return stat.size === wanted.size && hash === (wanted.hash ?? hash) ? stat : undefined
  }

  /**
   * The file, if a revision was not replaced because it already has these bytes; otherwise the error. (`strict_conflict` of the same page)
   */
  async #unchanged(
    { key, commit: { mode } }: DropboxTarget,
    wanted: Wanted,
    error: unknown,
    ctx: CallContext,
  ): Promise<Stat> {
    if (typeof mode === 'object' && classifyDropbox(error) === 'precondition_failed') {
      const stat = await this.#written(key, wanted, ctx).catch(() => undefined)
      if (stat?.etag === mode.update) return stat
    }
    throw error
  }

  async #send(
    upload: DropboxUpload,
    { offset, size, chunks }: Piece,
    hash: ContentHash,
    ctx: CallContext,
  ): Promise<void> {
    if (upload.session !== undefined) return this.#append(upload, offset, chunks, hash, ctx)
    if (offset !== 0) throw misplaced(offset, 0)
    const arg = { close: false, content_hash: hash.digest() }
    const session = textOf((await this.#client.upload(START, arg, chunks, ['session_id'], ctx))['session_id'])
    if (session === undefined) throw new StorageError('unavailable', 'The answer contains no upload session.')
    upload.session = session
    upload.offset = size
  }

  /** Appends bytes. If the service is at another offset, `offset` of the upload is set to it. */
  async #append(
    upload: DropboxUpload,
    offset: number,
    body: Bytes,
    hash: ContentHash,
    ctx: CallContext,
  ): Promise<void> {
    const arg = { cursor: { session_id: upload.session, offset }, close: false, content_hash: hash.digest() }
    try {
      await this.#client.append(APPEND, arg, body, ctx)
      upload.offset = offset + bodySize(body)
    } catch (error) {
      const { correctOffset } = dropboxErrorOf(error) ?? {}
      if (correctOffset === undefined) throw error
      upload.offset = correctOffset
    }
  }
}

/** The rest of a part from the service's offset, which must be further on and within the part. */
function continued(piece: Piece, stored: number): Piece {
  if (stored > piece.offset && stored <= piece.offset + piece.size) return restOf(piece, stored)
  throw misplaced(piece.offset, stored)
}

function misplaced(offset: number, stored: number): StorageError {
  const text = `The service has ${stored} bytes of the upload, which continues at ${offset}.`
  return new StorageError('unavailable', text, { outcome: 'not_applied' })
}

/**
 * Whether a request that creates a file may have created it: an overloaded service may report a failure for a request that it has carried
 * out.
 */
function mayBeDone(error: unknown): boolean {
  const { code, outcome } = wrapError(error, {}, classifyDropbox)
  return outcome === 'unknown' || code === 'throttled'
}

function isClosed(error: unknown): boolean {
  return dropboxErrorOf(error)?.tags.includes('closed') === true
}

/** The session ended before it could create the file. Repeating this request is useless, but sending all bytes again may succeed. */
function notMade({ message, cause }: StorageError): StorageError {
  return new StorageError('unavailable', message, { cause, outcome: 'not_applied', retryable: false })
}

/** The size and hash that the whole file must have. */
function wantedOf({ hash, hashedTo }: DropboxUpload): Wanted {
  return { size: hashedTo, hash: hash?.digest() }
}
