import { statSync } from 'node:fs'
import { Readable } from 'node:stream'
import { statOf } from '../backends/local/stat.ts'
import { attributesOf } from '../core/attributes.ts'
import { bytesContent, type Content } from '../core/content.ts'
import type { FileAttributes, ReadStat, Stat } from '../core/driver.ts'
import { isStorageError, StorageError } from '../core/errors.ts'
import { strongEtag } from '../core/etags.ts'
import { validateFileName } from '../core/names.ts'
import type { ResumedBody } from '../files/resume.ts'
import { readVersion, withAttributes } from '../storage/bodies.ts'
import type { OnProgress } from '../storage/types.ts'
import { writeContent } from '../storage/write.ts'
import type { Item } from './item.ts'
import { settledState, stateOf } from './record.ts'
import type { Side } from './side.ts'
import { SmallFiles } from './small-files.ts'

/** Maximum size in bytes of a file that is held in memory, so that it is known to be complete before it is sent. */
const IN_MEMORY = 4 * 1024 * 1024
/** Maximum number of copies of a file that changes meanwhile. */
const MAX_TRIES = 3

/** Options of copying files. */
export interface FileCopyOptions {
  readonly signal: AbortSignal
  /** Whether the states of both files are needed afterwards; this may cost a request if the answer to the upload does not contain it. */
  readonly isRecorded: boolean
}

/** A copied file. */
export interface CopiedFile {
  /** Size in bytes. */
  readonly size: number
  /** How both files will be listed, as far as this is known. */
  readonly source: string | undefined
  readonly target: string | undefined
}

/** The file changed while it was read. */
class Changed extends StorageError {
  constructor(name: string, cause?: unknown) {
    super('source_failed', `'${name}' changed while it was copied.`, { operation: 'copy', fileName: name, cause })
  }
}

/**
 * Copies files with their attributes: content type, cache control, metadata. The target has the old file or a complete new one. A source
 * that changes while it is read is detected before the last bytes are sent, and the file is copied again, at most three times.
 */
export class FileCopy {
  readonly #source: Side
  readonly #target: Side
  readonly #options: FileCopyOptions
  /** Whether one answer contains the bytes of one version, so that nothing can change while it is read. */
  readonly #isVersioned: boolean
  readonly #small: SmallFiles

  constructor(source: Side, target: Side, options: FileCopyOptions) {
    this.#source = source
    this.#target = target
    this.#options = options
    this.#small = new SmallFiles(source.storage)
    this.#isVersioned = !source.storage.supports('path')
  }

  /** Copies a file to its name in the target, and replaces an existing one. A file that changes in every attempt is `source_failed`. */
  async copy(item: Item, onProgress: OnProgress): Promise<CopiedFile> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#once(item, onProgress)
      } catch (error) {
        if (this.#options.signal.aborted || !isChange(error)) throw error
        if (tries === MAX_TRIES) throw new Changed(item.name, error)
      }
    }
  }

  async #once(item: Item, onProgress: OnProgress): Promise<CopiedFile> {
    const [{ storage: source }, { storage: target }] = [this.#source, this.#target]
    const name = this.#target.nameOf(item.name)
    const { signal, isRecorded } = this.#options
    const found = source === target ? await this.#onServer(item, name) : await this.#through(item, name, onProgress)
    const written = isRecorded && found.target === undefined ? await target.stat(name, { signal }) : undefined
    return {
      ...found,
      target: found.target ?? (written === undefined ? undefined : stateOf(written, target.supports('path'))),
    }
  }

  /** Copies within one storage: on the server where it can. */
  async #onServer({ entry }: Item, name: string): Promise<CopiedFile> {
    await this.#source.storage.copy(entry, name, { overwrite: true, signal: this.#options.signal })
    const isLocal = this.#source.storage.supports('path')
    return { size: entry.size, source: settledState(entry, isLocal), target: undefined }
  }

  async #through(item: Item, name: string, onProgress: OnProgress): Promise<CopiedFile> {
    const { storage: source } = this.#source
    const { storage: target } = this.#target
    const { signal } = this.#options
    const { entry } = item
    target.calls.begin('save', name, { signal }, true)
    const ref = target.newRef(validateFileName(name))
    const small = this.#small.read(entry)
    if (small !== undefined) {
      if (small.hasChanged) throw new Changed(item.name)
      const state = settledState(small.stat, true)
      const content = bytesContent(small.bytes)
      const written = await writeContent(target, ref, content, target.writeOptions(ref, content, {}), {
        signal,
        onProgress,
      })
      return { size: small.stat.size, source: state, target: this.#stateOf(written) }
    }
    const { body, stat: told } = await readVersion(source, source.fileRef(entry), undefined, {}, { signal })
    let isOpen = false
    const take = (): ResumedBody | undefined => {
      if (isOpen) return undefined
      isOpen = true
      return body
    }
    try {
      const stat = {
        ...(told === undefined
          ? await source.stat(entry, { signal })
          : await withAttributes(source, entry, told, { signal })),
        name: entry.name,
      }
      const check = new Unchanged(this.#source, item, stat, this.#isVersioned, signal)
      const content = await this.#contentOf(item, stat, take, check)
      const attributes = this.#attributesOf(stat)
      const options = { signal, onProgress }
      const written = await writeContent(target, ref, content, target.writeOptions(ref, content, attributes), options)
      return {
        size: content.size ?? written?.size ?? entry.size,
        source: check.state,
        target: this.#stateOf(written),
      }
    } finally {
      if (!isOpen) body.release()
    }
  }

  /** Returns how a written file will be listed, if the answer to the upload contains it. */
  #stateOf(written: Stat | undefined): string | undefined {
    return written?.etag === undefined ? undefined : stateOf(written, this.#target.storage.supports('path'))
  }

  async #contentOf(
    { entry }: Item,
    stat: ReadStat & { readonly name: string },
    take: () => ResumedBody | undefined,
    check: Unchanged,
  ): Promise<Content> {
    const { storage: source } = this.#source
    const decode = source.decoder(stat)
    if (decode === undefined && stat.size !== undefined && stat.size <= IN_MEMORY) {
      const bytes = await take()!.bytes()
      await check.run()
      return bytesContent(bytes)
    }
    const open = (): Readable => {
      const first = take()?.stream()
      if (first !== undefined) return decode?.(first) ?? first
      return source.createReadStream(entry, { signal: this.#options.signal, etag: strongEtag(stat.etag) })
    }
    return {
      size: decode === undefined ? stat.size : undefined,
      replayable: true,
      open: () => Readable.from(check.through(open()), { objectMode: false }),
    }
  }

  /** Returns the attributes that are stored with the bytes. Decoded bytes have no content encoding. */
  #attributesOf(stat: ReadStat & { readonly name: string }): FileAttributes {
    const attributes = attributesOf(stat)
    return this.#source.storage.decoder(stat) === undefined ? attributes : { ...attributes, contentEncoding: undefined }
  }
}

/** Whether an error means that the source changed: detected here, by the storage that was read, or wrapped by the one that was written. */
function isChange(error: unknown): boolean {
  if (error instanceof Changed || isStorageError(error, 'precondition_failed')) return true
  return error instanceof Error && error.cause !== undefined && isChange(error.cause)
}

/** Checks whether a file of the source is the same after reading as before: by size, time and etag. */
class Unchanged {
  readonly #source: Side
  readonly #item: Item
  readonly #before: ReadStat
  readonly #signal: AbortSignal
  readonly #isNeeded: boolean
  /** The state of the bytes, as it will be listed; undefined if it may change without a trace. */
  state: string | undefined

  constructor(source: Side, item: Item, before: ReadStat, isVersioned: boolean, signal: AbortSignal) {
    this.#source = source
    this.#item = item
    this.#before = before
    this.#signal = signal
    this.#isNeeded = !isVersioned || strongEtag(before.etag) === undefined
  }

  async run(): Promise<void> {
    if (!this.#isNeeded) return this.#known()
    const { name } = this.#item
    const after = await this.#stat()
    if (!isSameState(this.#before, after)) throw new Changed(name)
    this.state = settledState(after, this.#source.storage.supports('path'))
  }

  /** One answer contained all bytes and the state. */
  #known(): void {
    const { size } = this.#before
    if (size !== undefined) this.state = settledState({ ...this.#before, size }, false)
  }

  /** The state of a local file is read from the system by its path, which takes a tenth of the time of a storage call. */
  async #stat(): Promise<Stat> {
    const { storage } = this.#source
    const { entry } = this.#item
    const path = storage.calls.driver.localPath?.(storage.fileRef(entry).key)
    try {
      if (path !== undefined) return statOf(statSync(path, { bigint: true }), {})
    } catch {
      // The storage reports the error.
    }
    return storage.stat(entry, { signal: this.#signal })
  }

  /**
   * Passes on the chunks of a body. The last one is held back until the file is known to be unchanged, so that no target accepts a mixture
   * as a complete file.
   */
  async *through(body: Readable): AsyncGenerator<Buffer> {
    let held: Buffer | undefined
    for await (const chunk of body as AsyncIterable<Buffer>) {
      if (held !== undefined) yield held
      held = chunk
    }
    await this.run()
    if (held !== undefined) yield held
  }
}

/** Whether two answers report the same state of a file, as far as both report it. */
function isSameState(before: ReadStat, after: Stat): boolean {
  if (before.size !== undefined && before.size !== after.size) return false
  if (before.etag !== undefined && after.etag !== undefined && before.etag !== after.etag) return false
  const [earlier, later] = [before.modifiedAt, after.modifiedAt]
  return earlier === undefined || later === undefined || +earlier === +later
}
