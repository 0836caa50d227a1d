import { Readable } from 'node:stream'
import { attributesOf } from '../core/attributes.ts'
import { bytesContent, type Content } from '../core/content.ts'
import type { FileAttributes, ReadStat, Stat } from '../core/driver.ts'
import { strongEtag } from '../core/etags.ts'
import { validateFileName } from '../core/names.ts'
import type { ResumedBody } from '../files/resume.ts'
import { readVersion, withAttributes } from '../storage/bodies.ts'
import type { Entry, NameOrEntry, OnProgress } from '../storage/types.ts'
import { writeContent } from '../storage/write.ts'
import type { Item } from './item.ts'
import { settledState, stateOf } from './record.ts'
import type { Side } from './side.ts'
import { SmallFiles } from './small-files.ts'
import { Changed, isChange, Unchanged } from './unchanged.ts'

/** Maximum size in bytes of a file that is held in memory, so that it is known to be complete before it is sent. */
const IN_MEMORY = 4 * 1024 * 1024
/** Maximum number of copies of a file that changes meanwhile. */
const MAX_TRIES = 3

/** Options of copying files. */
export interface FileCopyOptions {
  readonly signal: AbortSignal
  /** Whether the states of both files are needed afterwards; this may cost a request if the answer to the upload does not contain it. */
  readonly isRecorded: boolean
  /** Waits until so many bytes may be transferred through this machine, best in turns of this size; default: never waits. */
  readonly bandwidth?: { readonly turn: number; take(bytes: number, signal: AbortSignal): Promise<void> } | undefined
  /** Sets what is not sent with the bytes; returns whether the target was changed. `modifiedAt` is the time of the bytes, if known. */
  readonly carried?:
    | { carry(source: Entry, target: NameOrEntry, signal: AbortSignal, modifiedAt?: Date): Promise<boolean> }
    | undefined
}

/** A copied file. */
export interface CopiedFile {
  /** Size in bytes. */
  readonly size: number
  /** How both files will be listed, as far as this is known. */
  readonly source: string | undefined
  readonly target: string | undefined
}

/** A copied file before its other attributes are set. */
interface Written extends CopiedFile {
  /** The time of the bytes; undefined if only the listing has one. */
  readonly modifiedAt?: Date | undefined
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
    const file = this.#target.fileOf(item.name)
    const { signal, isRecorded, carried } = this.#options
    const { modifiedAt, ...found } =
      source === target && typeof file === 'string'
        ? await this.#onServer(item, file)
        : await this.#through(item, file, onProgress)
    const isChanged = await carried?.carry(item.entry, file, signal, modifiedAt)
    // The time is part of the state.
    if (!isRecorded || (found.target !== undefined && isChanged !== true)) return found
    return { ...found, target: stateOf(await target.stat(file, { signal }), target.supports('path')) }
  }

  /** Copies within one storage: on the server where it can. */
  async #onServer({ entry }: Item, name: string): Promise<Written> {
    await this.#source.storage.copy(entry, name, { overwrite: true, signal: this.#options.signal })
    const isLocal = this.#source.storage.supports('path')
    return { size: entry.size, source: settledState(entry, isLocal), target: undefined }
  }

  async #through(item: Item, file: NameOrEntry, onProgress: OnProgress): Promise<Written> {
    const { storage: source } = this.#source
    const { storage: target } = this.#target
    const { signal } = this.#options
    const { entry } = item
    const ref = target.newRef(typeof file === 'string' ? validateFileName(file) : file)
    target.calls.begin('save', ref.name, { signal }, true)
    const small = this.#small.read(entry)
    if (small !== undefined) {
      if (small.hasChanged) throw new Changed(item.name)
      await this.#take(small.bytes.byteLength)
      const { modifiedAt } = small.stat
      const state = settledState(small.stat, true)
      const content = bytesContent(small.bytes)
      const written = await writeContent(target, ref, content, target.writeOptions(ref, content, {}), {
        signal,
        onProgress,
      })
      return { size: small.stat.size, source: state, target: this.#stateOf(written), modifiedAt }
    }
    // Before the request, so that no connection has to wait.
    const paid = entry.size <= IN_MEMORY ? entry.size : 0
    await this.#take(paid)
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
      const content = await this.#contentOf(item, stat, take, check, paid)
      const attributes = this.#attributesOf(stat)
      const options = { signal, onProgress }
      const written = await writeContent(target, ref, content, target.writeOptions(ref, content, attributes), options)
      return {
        size: content.size ?? written?.size ?? entry.size,
        source: check.state,
        target: this.#stateOf(written),
        modifiedAt: stat.isRoughTime === true ? undefined : stat.modifiedAt,
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
    paid: number,
  ): Promise<Content> {
    const { storage: source } = this.#source
    const decode = source.decoder(stat)
    if (decode === undefined && stat.size !== undefined && stat.size <= IN_MEMORY) {
      await this.#take(stat.size - paid)
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
      open: () => {
        const chunks = this.#paced(open(), paid)
        paid = 0
        return Readable.from(check.through(chunks), { objectMode: false })
      },
    }
  }

  /**
   * Passes on the chunks at the speed that the bandwidth allows, in parts that do not wait long: each counts as progress of the request.
   * `paid` bytes have already waited.
   */
  async *#paced(body: Readable, paid: number): AsyncGenerator<Buffer> {
    const { bandwidth } = this.#options
    let free = paid
    for await (const chunk of body as AsyncIterable<Buffer>) {
      for (let at = 0; at < chunk.byteLength; ) {
        const part = bandwidth === undefined ? chunk : chunk.subarray(at, at + Math.max(free, bandwidth.turn))
        await this.#take(part.byteLength - free)
        free = Math.max(0, free - part.byteLength)
        at += part.byteLength
        yield part
      }
    }
  }

  async #take(bytes: number): Promise<void> {
    const { bandwidth, signal } = this.#options
    if (bytes > 0) await bandwidth?.take(bytes, signal)
  }

  /** Returns the attributes that are stored with the bytes. Decoded bytes have no content encoding. */
  #attributesOf(stat: ReadStat & { readonly name: string }): FileAttributes {
    const attributes = attributesOf(stat)
    return this.#source.storage.decoder(stat) === undefined ? attributes : { ...attributes, contentEncoding: undefined }
  }
}
