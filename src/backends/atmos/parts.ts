import type { IncomingHttpHeaders } from 'node:http'
import type { CallContext } from '../../core/call.ts'
import type { Stat } from '../../core/driver.ts'
import { messageOf, StorageError, wrapError } from '../../core/errors.ts'
import { temporaryName } from '../../core/hidden-names.ts'
import { sharedContext } from '../../remote/aftermath.ts'
import type { Bytes } from '../../remote/checksums.ts'
import { countOf, dateOf, headerTextOf } from '../../remote/headers.ts'
import type { PartProtocol } from '../../remote/part-protocol.ts'
import type { PartLimits, Piece } from '../../remote/pieces.ts'
import { CHECKSUM_HEADER, RunningSums, verifyChecksum } from './checksum.ts'
import type { AtmosClient } from './client.ts'
import { AtmosError, classifyAtmos, EXISTS, NO_CHECKSUM } from './errors.ts'
import { lookFor, UTF8 } from './lookup.ts'
import { MD5_TAG, statOf } from './metadata.ts'
import { folderOf } from './names.ts'
import { publish } from './publication.ts'
import { tagHeaders } from './tags.ts'
import type { AtmosTarget, AtmosUpload } from './upload.ts'

/** Maximum size of a part in bytes: one part is held in memory. */
const MAX_PART = 1024 * 1024 * 1024
/** Milliseconds in which a request whose answer was lost may arrive late. */
const LATE_MS = 2000
/** A limit of this library; the service has none. */
const MAX_PARTS = 1_000_000

/**
 * Writes objects through a temporary object, which grows by ranged writes and is then renamed. Each request has the checksum of all bytes
 * so far, if the service stores one. (Atmos Programmer's Guide, "Creating an object", "Updating an object", "Renaming a file or directory")
 */
export class AtmosParts implements PartProtocol<AtmosUpload, undefined, AtmosTarget> {
  readonly limits: PartLimits = { minPart: 1, maxPart: MAX_PART, maxParts: MAX_PARTS, sequential: true, uniform: true }
  readonly #client: AtmosClient
  /** Whether the service has not refused any checksum. */
  #keepsChecksums: boolean
  /** Temporary objects whose creation was not answered. */
  readonly #doubtful: WeakMap<AtmosTarget, string> = new WeakMap()

  constructor(client: AtmosClient, { checksums }: { readonly checksums: boolean }) {
    this.#client = client
    this.#keepsChecksums = checksums
  }

  async begin(target: AtmosTarget): Promise<AtmosUpload> {
    return {
      target,
      path: folderOf(this.#client.pathOf(target.key)) + temporaryName(),
      sums: new RunningSums(),
      wasSent: false,
      objectId: undefined,
      createdAt: undefined,
      hasChecksum: this.#keepsChecksums,
      isProven: true,
      isTagged: false,
    }
  }

  async part(upload: AtmosUpload, piece: Piece, ctx: CallContext): Promise<undefined> {
    const { sums } = upload
    if (piece.offset === sums.size) for (const chunk of piece.chunks) sums.update(chunk)
    if (upload.objectId === undefined) await this.#create(upload, piece, ctx)
    else if (piece.size > 0) await this.#append(upload, piece, ctx)
  }

  /** Size of the temporary object in bytes. If its creation was not answered, it is created again. */
  async stored(upload: AtmosUpload, ctx: CallContext): Promise<number> {
    if (upload.objectId === undefined) return 0
    const found = await lookFor(this.#client, upload.path, ctx)
    if (found !== undefined) return found.size
    throw new StorageError('unavailable', 'The temporary object of the upload is gone.', { outcome: 'not_applied' })
  }

  /** Publishes the temporary object under its name. */
  async finish(upload: AtmosUpload, _parts: readonly undefined[], ctx: CallContext): Promise<Stat | undefined> {
    if (!upload.isProven) await ctx.step('stat', true, step => this.#needWhole(upload, step))
    if (!upload.isTagged) {
      const headers = tagHeaders({ [MD5_TAG]: upload.sums.md5 })
      const request = { method: 'POST', path: upload.path, query: 'metadata/user', headers, body: NOTHING } as const
      await ctx.step('tagUpload', true, step => this.#client.done(request, step))
      upload.isTagged = true
    }
    return publish(this.#client, upload, ctx)
  }

  /** Checks the size of the temporary object, if answers did not contain it. */
  async #needWhole(upload: AtmosUpload, ctx: CallContext): Promise<void> {
    const stored = await this.stored(upload, ctx)
    if (stored === upload.sums.size) return
    const text = `The service stored ${stored} of ${upload.sums.size} bytes.`
    throw new StorageError('unavailable', text, { outcome: 'not_applied', retryable: false })
  }

  /** Deletes the temporary object. */
  async end({ path, wasSent }: AtmosUpload, _state: unknown, ctx: CallContext): Promise<boolean> {
    if (wasSent) await ctx.step('endUpload', true, step => this.#remove(path, step))
    return true
  }

  idOf({ path }: AtmosUpload): string {
    return path
  }

  async #create(upload: AtmosUpload, piece: Piece, ctx: CallContext): Promise<void> {
    const { target, sums } = upload
    const isWhole = piece.last === true
    const tags = isWhole ? { ...target.tags, [MD5_TAG]: sums.md5 } : target.tags
    const headers: Record<string, string> = { ...target.headers, ...tagHeaders(tags) }
    if (upload.hasChecksum && piece.size > 0) headers[CHECKSUM_HEADER] = sums.header
    upload.wasSent = true
    const made = await this.#made(upload, { headers, body: bodyOf(piece), size: piece.size }, ctx)
    upload.objectId = made.objectId
    upload.createdAt = made.createdAt
    upload.isTagged = isWhole
  }

  /** Makes the temporary object; without a checksum if the service refuses it. */
  async #made(upload: AtmosUpload, { headers, body, size }: Creation, ctx: CallContext): Promise<Made> {
    const { [CHECKSUM_HEADER]: sum, ...plain } = headers
    try {
      const answer = await this.#client.done({ method: 'POST', path: upload.path, headers, body }, ctx)
      upload.isProven &&= isVerified(answer, size, sum)
      return madeBy(answer)
    } catch (error) {
      const code = error instanceof AtmosError ? error.serviceCode : undefined
      if (code === EXISTS) return this.#madeBefore(upload, size, sum, ctx)
      if (sum !== undefined && NO_CHECKSUM.has(code)) {
        this.#dropChecksums(upload)
        return this.#made(upload, { headers: plain, body, size }, ctx)
      }
      if (wrapError(error, {}, classifyAtmos).outcome === 'unknown') this.#doubtful.set(upload.target, upload.path)
      throw error
    }
  }

  /**
   * The object that an earlier request of this upload made, found by its unique name. If it has fewer bytes, it is removed: `unavailable`,
   * and the creation is repeated.
   */
  async #madeBefore({ path }: AtmosUpload, size: number, sum: string | undefined, ctx: CallContext): Promise<Made> {
    const headers = await this.#client.done({ method: 'HEAD', path, headers: UTF8 }, ctx)
    const { size: stored, objectId, createdAt } = statOf(headers)
    if (stored === size && objectId !== undefined) {
      if (sum !== undefined) verifyChecksum(sum, headers)
      return { objectId, createdAt: createdAt?.getTime() }
    }
    await this.#remove(path, ctx)
    throw new StorageError('unavailable', 'An earlier request left a part of the object.', { outcome: 'not_applied' })
  }

  async #append(upload: AtmosUpload, piece: Piece, ctx: CallContext): Promise<void> {
    const { path, target, sums } = upload
    const { offset, size } = piece
    const headers: Record<string, string> = { range: `bytes=${offset}-${offset + size - 1}` }
    const type = target.headers['content-type']
    if (type !== undefined) headers['content-type'] = type
    if (upload.hasChecksum) headers[CHECKSUM_HEADER] = sums.header
    try {
      const answer = await this.#client.done({ method: 'PUT', path, headers, body: bodyOf(piece) }, ctx)
      upload.isProven &&= isVerified(answer, size, headers[CHECKSUM_HEADER])
    } catch (error) {
      throw this.#appendError(upload, error)
    }
  }

  /** The error of a refused append: the bytes before are missing, or the service stores no checksum. */
  #appendError(upload: AtmosUpload, error: unknown): unknown {
    const code = error instanceof AtmosError ? error.serviceCode : undefined
    const isMisplaced = classifyAtmos(error) === 'invalid_range'
    const isUnchecked = upload.hasChecksum && NO_CHECKSUM.has(code)
    // The object cannot lose its checksum, so the next upload has none.
    if (isUnchecked) this.#dropChecksums(upload)
    if (!isMisplaced && !isUnchecked) return error
    return new StorageError('unavailable', messageOf(error), { cause: error, outcome: 'not_applied' })
  }

  #dropChecksums(upload: AtmosUpload): void {
    this.#keepsChecksums = false
    upload.hasChecksum = false
  }

  /** Removes an object that a creation with a lost answer may have made after the end of the upload. Never fails. */
  async begun(target: AtmosTarget, _creation: unknown, ended: Promise<void>): Promise<void> {
    await ended
    const path = this.#doubtful.get(target)
    if (path === undefined) return
    await new Promise(resolve => setTimeout(resolve, LATE_MS))
    const ctx = sharedContext()
    await ctx.step('endUpload', true, step => this.#remove(path, step)).catch(() => undefined)
  }

  async #remove(path: string, ctx: CallContext): Promise<void> {
    try {
      await this.#client.done({ method: 'DELETE', path }, ctx)
    } catch (error) {
      if (classifyAtmos(error) !== 'not_found') throw error
    }
  }
}

/** A request that makes the temporary object. */
interface Creation {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Bytes
  readonly size: number
}

/** The temporary object that a request made. */
interface Made {
  readonly objectId: string
  readonly createdAt: number | undefined
}

function madeBy({ location, date }: IncomingHttpHeaders): Made {
  const objectId = /\/objects\/([0-9a-z]{16,128})$/i.exec(location ?? '')?.[1]
  if (objectId !== undefined) return { objectId, createdAt: dateOf(date)?.getTime() }
  throw new StorageError('unavailable', 'The answer names no object that was created.')
}

const NOTHING = Buffer.alloc(0)

function bodyOf({ chunks, size }: Piece): Uint8Array | readonly Uint8Array[] {
  return size === 0 ? NOTHING : chunks
}

/** Checks the checksum and the size in the answer; returns whether the answer contained them. */
function isVerified(headers: IncomingHttpHeaders, size: number, sum: string | undefined): boolean {
  const stored = countOf(headerTextOf(headers['x-emc-delta']))
  if (stored !== undefined && stored !== size) {
    const text = `The service stored ${stored} of ${size} bytes.`
    throw new StorageError('unavailable', text, { outcome: 'not_applied', retryable: false })
  }
  if (sum !== undefined) verifyChecksum(sum, headers)
  return stored !== undefined
}
