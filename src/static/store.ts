import { lstatSync } from 'node:fs'
import type { Content } from '../core/content.ts'
import type { Stat } from '../core/driver.ts'
import { isStorageError } from '../core/errors.ts'
import type { AnyStorage } from '../storage/storage.ts'
import { writeContent } from '../storage/write.ts'
import { type Digest, streamDigest } from './digest.ts'
import type { FileHeaders } from './headers.ts'
import { CollectedRecord, type StoredFile, versionOf } from './record.ts'
import type { Target, Wanted } from './target.ts'

/** The part of a record's entry that the caller knows. */
type Known = Partial<Pick<StoredFile, 'siblingOf' | 'deploy'>>

/** Options of a `Store`. */
export interface StoreOptions {
  readonly dryRun: boolean
  /** Whether all files are stored again. */
  readonly clear: boolean
  readonly signal: AbortSignal
}

/** Stores files that are not in the target yet, and records them. */
export class Store {
  /** The files in the target at the end of the run. */
  readonly record: CollectedRecord = new CollectedRecord()
  #hasWritten = false
  readonly #target: Target
  readonly #storage: AnyStorage
  readonly #options: StoreOptions
  readonly #isLocal: boolean

  constructor(target: Target, options: StoreOptions) {
    this.#target = target
    this.#storage = target.storage
    this.#options = options
    this.#isLocal = target.storage.supports('path')
  }

  /** Whether nothing is written. */
  get dryRun(): boolean {
    return this.#options.dryRun
  }

  /** Whether anything was stored. */
  get hasWritten(): boolean {
    return this.#hasWritten
  }

  /**
   * Whether the target already has the file; then it is in the record. `content` is read only where listing and record are not sufficient:
   * the storage compresses, or the file is on this machine.
   */
  async holds(
    name: string,
    digest: Digest,
    headers: FileHeaders,
    content: () => Promise<Content>,
    known: Known = {},
  ): Promise<boolean> {
    if (this.#options.clear || (this.#isLocal && this.#isLink(name))) return false
    const wanted: Wanted = { ...digest, headers: headers.hash }
    const stored = this.#target.stored(name)
    const answer = this.#target.holds(name, wanted, stored)
    if (answer === 'no' || (answer === 'unknown' && !(await this.#compare(name, digest, headers, content))))
      return false
    const { version, size } = this.#target.listed.get(name)!
    const { siblingOf = '', deploy = 0 } = known
    if (stored === undefined) this.record.set(name, entry(digest, headers, { etag: version, size }, known))
    // The number of the deploy is set at the end of the run.
    else if (stored.siblingOf === siblingOf && (stored.deploy === 0) === (deploy === 0))
      this.record.take(name, this.#target.record)
    else this.record.set(name, { ...stored, siblingOf, deploy })
    return true
  }

  /** Stores a file under exactly this name. */
  async put(name: string, content: Content, digest: Digest, headers: FileHeaders, known: Known = {}): Promise<void> {
    const { dryRun, signal } = this.#options
    // A dry run must not treat as stale what a real run stores.
    if (dryRun) return this.record.set(name, entry(digest, headers, { size: content.size }, known))
    const storage = this.#storage
    this.#hasWritten = true
    const stat = await storage.calls.guard('save', name, { signal }, () => {
      storage.calls.begin('save', name, { signal }, true)
      return writeContent(storage, storage.newRef(name), content, headers.write, { signal })
    })
    this.record.set(name, entry(digest, headers, { size: content.size, ...stat }, known))
  }

  /** Keeps a file in the target, and its entry of a former run in the record. */
  keep(name: string): void {
    if (this.#target.stored(name) !== undefined) this.record.take(name, this.#target.record)
  }

  /** Removes a file in the target. */
  async remove(name: string): Promise<void> {
    const { dryRun, signal } = this.#options
    if (!dryRun) await this.#storage.delete(this.#target.listed.get(name)?.address ?? name, { signal })
    this.record.delete(name)
    this.#target.forget(name)
  }

  /** Compares with the stored bytes, if they are on this machine, or with the storage's result for the content. */
  async #compare(
    name: string,
    digest: Digest,
    { write }: FileHeaders,
    content: () => Promise<Content>,
  ): Promise<boolean> {
    const { size, etag } = this.#target.listed.get(name)!
    if (this.#isLocal) {
      if (size !== digest.size) return false
      return (await this.#storedDigest(name))?.md5 === digest.md5
    }
    if (etag === undefined || !/^[0-9a-f]{32}$/.test(etag)) return false
    if ((this.#storage.options as { readonly gzip?: unknown }).gzip !== true) return false
    const plain = await content()
    const { content: prepared } = this.#storage.prepareContent(name, plain, write)
    if (prepared === plain) return false
    return (await streamDigest(prepared.open() as AsyncIterable<Uint8Array>)).md5 === etag
  }

  async #storedDigest(name: string): Promise<Digest | undefined> {
    const { signal } = this.#options
    try {
      return await streamDigest(this.#storage.createReadStream(name, { signal }) as AsyncIterable<Uint8Array>)
    } catch (error) {
      if (isStorageError(error, 'not_found')) return undefined
      throw error
    }
  }

  /** Whether there is a link in place of a file on this machine. */
  #isLink(name: string): boolean {
    return lstatSync(this.#storage.path(name), { throwIfNoEntry: false })?.isSymbolicLink() === true
  }
}

function entry(
  { md5 }: Digest,
  { hash }: FileHeaders,
  stat: Pick<Stat, 'etag' | 'versionId'> & { readonly size?: number | undefined },
  { siblingOf = '', deploy = 0 }: Known,
): StoredFile {
  const { size = Number.NaN } = stat
  return { md5, version: versionOf(stat), size: Number.isNaN(size) ? -1 : size, headers: hash, siblingOf, deploy }
}
