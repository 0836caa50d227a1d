import { pipeline, type Readable, Transform } from 'node:stream'
import { attributesOf } from '../core/attributes.ts'
import { nodeCrypto } from '../core/builtin.ts'
import { asContent, type Content, type ContentProvider } from '../core/content.ts'
import type { FileAttributes } from '../core/driver.ts'
import { isStorageError, StorageError } from '../core/errors.ts'
import { strongEtag } from '../core/etags.ts'
import type { AnyStorage } from '../storage/storage.ts'
import type { Entry } from '../storage/types.ts'

/** How two files are known to be equal: an etag that is the MD5 of the bytes, the mark of an earlier copy, or the bytes of both. */
export type Proof = 'etag' | 'mark' | 'bytes'

/** The result for a file. */
export interface CopiedFile {
  readonly state: 'copied' | 'unchanged'
  /** How the target was found to be equal: before a copy, or after it. */
  readonly by: Proof
}

/**
 * The metadata of a copy that identify the state of its source: size, time, etag, and the MD5 of the bytes of a file that was held in
 * memory.
 */
export const MARK = 'holdall-source'
/** Maximum size in bytes of a file that is held in memory, so that its MD5 is known before it is sent. */
const IN_MEMORY = 8 * 1024 * 1024
/** Prefix of the mark of a copy whose source had just been changed: a later listing cannot be known to be of the same state. */
const CHANGING = 'changing'
/** Time in milliseconds within which two changes may have the same time; whole seconds are the coarsest supported resolution. */
const SAME_TIME_MS = 2000

/** Options of `ResumedCopy`. */
export interface ResumedCopyOptions {
  /** Whether another file of the same name is replaced; otherwise it is `exists`. */
  readonly overwrite: boolean
  readonly signal: AbortSignal
}

/**
 * Copies files to the same names in another storage, skips those that exist there and are known to be equal, and verifies the written
 * files. An equal name, size and time prove nothing.
 */
export class ResumedCopy {
  readonly #source: AnyStorage
  readonly #target: AnyStorage
  readonly #overwrite: boolean
  readonly #call: { readonly signal: AbortSignal }
  /** Errors from reading the source. */
  readonly #unread = new WeakSet<Error>()

  constructor(source: AnyStorage, target: AnyStorage, { overwrite, signal }: ResumedCopyOptions) {
    this.#source = source
    this.#target = target
    this.#overwrite = overwrite
    this.#call = { signal }
  }

  /**
   * Returns how the target is known to have the file; undefined if it does not have it. Another file is `exists`, unless it may be
   * replaced; a folder is `is_directory`.
   */
  async found(entry: Entry, name: string): Promise<Proof | undefined> {
    const stat = await this.#targetStat(name)
    if (stat === undefined) return undefined
    if (stat.isDirectory) {
      throw new StorageError('is_directory', `'${name}' is a folder.`, { operation: 'copy', fileName: name })
    }
    const proof = await this.#proof(entry, stat)
    if (proof !== undefined || this.#overwrite) return proof
    throw new StorageError('exists', `'${name}' is a different file from its source; --overwrite replaces it.`, {
      operation: 'copy',
      fileName: name,
    })
  }

  /**
   * Copies a file unless it exists. `checksum_mismatch` if the target has other bytes than were sent; a new file with its mark is then
   * removed.
   */
  async copy(entry: Entry, name: string): Promise<CopiedFile> {
    const before = await this.found(entry, name)
    if (before !== undefined) return { state: 'unchanged', by: before }
    const stat = await this.#source.stat(entry, this.#call)
    const sent = new Sent()
    const content = await this.#contentOf(entry, stat, sent)
    const attributes = this.#attributesOf(entry, stat, content instanceof Buffer ? sent.hash : undefined)
    const written = await this.#target.save(name, content, {
      ...attributes,
      overwrite: this.#overwrite,
      ...this.#call,
    })
    if (written !== name) {
      await this.#target.delete(written)
      const made = await this.found(entry, name)
      if (made !== undefined) return { state: 'unchanged', by: made }
      throw new StorageError('exists', `'${name}' was made by another writer meanwhile.`, { fileName: name })
    }
    return { state: 'copied', by: await this.#verified(name, sent, attributes.metadata?.[MARK]) }
  }

  /**
   * Whether an error means that only this file cannot be read, while the source answers: a permission for it is missing, or its bytes are
   * lost.
   */
  async isUnreadable(entry: Entry, error: StorageError): Promise<boolean> {
    if (!this.#unread.has(error) && !(error.cause instanceof Error && this.#unread.has(error.cause))) return false
    if (error.code === 'permission_denied') return true
    return this.#source.stat(entry, this.#call).then(
      () => true,
      () => false,
    )
  }

  async #targetStat(name: string): Promise<Entry | undefined> {
    try {
      return await this.#target.stat(name, this.#call)
    } catch (error) {
      if (isStorageError(error, 'not_found')) return undefined
      throw error
    }
  }

  async #proof(entry: Entry, found: Entry): Promise<Proof | undefined> {
    const stat = Number.isNaN(entry.size) ? await this.#source.stat(entry, this.#call) : entry
    const arePlain = this.#source.decoder(stat) === undefined && this.#target.decoder(found) === undefined
    if (arePlain && stat.size !== found.size) return undefined
    const [ours, theirs] = arePlain ? [md5In(stat.etag), md5In(found.etag)] : []
    if (isMarked(found, markOf(entry), theirs)) return 'mark'
    if (ours !== undefined && ours === theirs) return 'etag'
    const hash = await this.#hashOf(this.#source, entry)
    if (hash === theirs) return 'etag'
    return hash === (await this.#hashOf(this.#target, found)) ? 'bytes' : undefined
  }

  /** Returns how the written file is known to be what was sent. */
  async #verified(name: string, sent: Sent, mark: string | undefined): Promise<Proof> {
    const stat = await this.#target.stat(name, this.#call)
    const isPlain = this.#target.decoder(stat) === undefined
    if (!isPlain || stat.size === sent.bytes) {
      if (isPlain && md5In(stat.etag) === sent.hash) return 'etag'
      // An etag of parts, or of encrypted bytes, is not the MD5 of the bytes.
      if ((await this.#hashOf(this.#target, stat)) === sent.hash) return 'bytes'
    }
    // Without the mark it may be the file of another writer by now.
    const isOwn = !this.#overwrite && mark !== undefined && stat.metadata?.[MARK] === mark
    if (isOwn) await this.#target.delete(name)
    const text = `'${name}' contains other bytes than were sent${isOwn ? ', and was removed' : ''}.`
    const outcome = isOwn ? 'not_applied' : 'unknown'
    throw new StorageError('checksum_mismatch', text, { operation: 'copy', fileName: name, outcome })
  }

  async #hashOf(storage: AnyStorage, entry: Entry): Promise<string> {
    const sent = new Sent()
    const body = this.#stream(storage, entry)
    for await (const chunk of sent.through(body)) void chunk
    return sent.hash
  }

  #stream(storage: AnyStorage, entry: Entry, etag: string | undefined = entry.etag): Readable {
    const body = storage.createReadStream(entry, { ...this.#call, etag: strongEtag(etag) })
    return storage === this.#source ? body.once('error', error => this.#unread.add(error)) : body
  }

  async #contentOf(entry: Entry, stat: Entry, sent: Sent): Promise<ContentProvider | Buffer> {
    if (stat.size <= IN_MEMORY) {
      const options = { ...this.#call, etag: strongEtag(stat.etag) }
      const bytes = await this.#source.readBytes(entry, options).catch((error: Error) => {
        this.#unread.add(error)
        throw error
      })
      sent.add(bytes)
      return bytes
    }
    const content: Content = {
      size: this.#source.decoder(stat) === undefined ? stat.size : undefined,
      replayable: true,
      open: () => sent.through(this.#stream(this.#source, entry, stat.etag)),
    }
    return { [asContent]: () => content }
  }

  #attributesOf(entry: Entry, stat: Entry, md5 = '-'): FileAttributes {
    const { contentEncoding, metadata: given = {}, ...attributes } = attributesOf(stat)
    const { [MARK]: _, ...metadata } = given
    const state = this.#target.supports('metadata') ? markOf(entry) : undefined
    const mark = state !== undefined && mayChangeUnseen(entry) ? `${CHANGING} ${state}` : state
    return {
      ...attributes,
      contentEncoding: this.#source.decoder(stat) === undefined ? contentEncoding : undefined,
      metadata: mark === undefined ? metadata : { ...metadata, [MARK]: `${mark} ${md5}` },
    }
  }
}

/** The bytes that the last attempt has sent, and their MD5. */
class Sent {
  #hash = nodeCrypto().createHash('md5')
  bytes = 0

  /** Returns a stream of the same bytes that counts from the beginning. */
  through(body: Readable): Readable {
    this.#hash = nodeCrypto().createHash('md5')
    this.bytes = 0
    const counting = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        this.add(chunk)
        done(null, chunk)
      },
    })
    // An error of the source becomes an error of the stream, and the end of the stream ends the source.
    return pipeline(body, counting, () => undefined)
  }

  add(bytes: Uint8Array): void {
    this.#hash.update(bytes)
    this.bytes += bytes.byteLength
  }

  get hash(): string {
    return this.#hash.copy().digest('hex')
  }
}

/** Returns the state of a file from its listing; undefined if the listing is not sufficient to distinguish two states. */
function markOf({ size, etag, modifiedAt, versionId, isRoughTime }: Entry): string | undefined {
  const time = isRoughTime === true ? undefined : modifiedAt?.toISOString()
  if (etag === undefined && versionId === undefined && time === undefined) return undefined
  return [Number.isNaN(size) ? '-' : size, time ?? '-', etag ?? versionId ?? '-'].join(' ')
}

/** Whether the bytes may have changed after the listing without a visible change: within the second of their last change. */
function mayChangeUnseen({ etag, versionId, modifiedAt }: Entry): boolean {
  if (etag !== undefined || versionId !== undefined || modifiedAt === undefined) return false
  return Date.now() - modifiedAt.getTime() < SAME_TIME_MS
}

/** Whether a file has the mark of this state of its source, and the bytes that it had then as far as its etag shows. */
function isMarked({ metadata }: Entry, mark: string | undefined, etag: string | undefined): boolean {
  const found = metadata?.[MARK]
  if (mark === undefined || found === undefined || !found.startsWith(`${mark} `)) return false
  const md5 = found.slice(mark.length + 1)
  return md5 === '-' || etag === undefined || md5 === etag
}

/** Returns the MD5 that an etag may be. */
function md5In(etag: string | undefined): string | undefined {
  return etag !== undefined && /^[0-9a-f]{32}$/i.test(etag) ? etag.toLowerCase() : undefined
}
