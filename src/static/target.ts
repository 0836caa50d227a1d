import type { CallOptions } from '../core/call.ts'
import { EMPTY_MANIFEST, parseManifest, type StaticManifest, shortHash } from '../core/static-manifest.ts'
import type { AnyStorage } from '../storage/storage.ts'
import type { Entry, NameOrEntry } from '../storage/types.ts'
import type { ManifestPlan } from './options.ts'
import { CollectedRecord, RECORD_NAME, type StoredFile, versionOf } from './record.ts'

/** The expected state of a file in the target. */
export interface Wanted {
  /** MD5 of the bytes, in hexadecimal. */
  readonly md5: string
  readonly size: number
  /** Hash of the headers. */
  readonly headers: string
}

/** A file in the target: as few fields of its entry as a run needs, since there may be very many. */
export interface Listed {
  readonly size: number
  readonly etag: string | undefined
  readonly version: string
  /** Milliseconds since 1970; NaN where the listing has no time. */
  readonly modifiedMs: number
  /** The argument for `delete`: the name, or the entry where its name is not in its normal form. */
  readonly address: NameOrEntry
}

/** The target according to one listing, and the records of former runs. */
export class Target {
  readonly storage: AnyStorage
  readonly record: CollectedRecord
  #recordHash: string
  readonly manifest: StaticManifest
  /** Hash of the manifest's text; '' where there is none. */
  readonly manifestHash: string
  readonly #listed: Map<string, Listed>
  readonly #recordMs: number

  private constructor(
    storage: AnyStorage,
    listed: Map<string, Listed>,
    recordText: string,
    manifestText: string,
    name: string,
  ) {
    this.storage = storage
    this.#listed = listed
    this.record = CollectedRecord.parse(recordText)
    this.#recordHash = hashOf(recordText)
    this.manifest = manifestText === '' ? EMPTY_MANIFEST : parseManifest(manifestText, name)
    this.manifestHash = hashOf(manifestText)
    this.#recordMs = listed.get(RECORD_NAME)?.modifiedMs ?? Number.NaN
  }

  /** Lists the target, and reads the record and the manifest in it. A damaged record counts as missing, a damaged manifest is an error. */
  static async read(storage: AnyStorage, plan: ManifestPlan | undefined, options: CallOptions): Promise<Target> {
    // The record is read first: a run that changes the target after that changes the record, too.
    const record = await readText(storage, RECORD_NAME, options)
    const manifest = plan === undefined ? '' : await readText(plan.storage, plan.name, options)
    const listed = new Map<string, Listed>()
    for await (const entry of storage.entries('', { ...options, recursive: true })) {
      if (!entry.isDirectory) listed.set(entry.name, listedOf(storage, entry))
    }
    return new Target(storage, listed, record, manifest, plan?.name ?? '')
  }

  /** Writes to the record that only these files remain, so that another run knows that the files it has listed may be missing. */
  async announceClearing(left: ReadonlySet<string>, options: CallOptions): Promise<void> {
    const record = new CollectedRecord()
    record.deploy = this.record.deploy + 1
    record.manifest = this.record.manifest
    for (const name of this.record.names()) {
      const file = left.has(name) ? this.record.get(name) : undefined
      if (file !== undefined) record.set(name, file)
    }
    const text = record.toText()
    await saveText(this.storage, RECORD_NAME, text, options)
    this.#recordHash = hashOf(text)
  }

  /** Returns the current record if another run has written it since this one has read it, else undefined. */
  async othersRecord(options: CallOptions): Promise<CollectedRecord | undefined> {
    const text = await readText(this.storage, RECORD_NAME, options)
    return hashOf(text) === this.#recordHash ? undefined : CollectedRecord.parse(text)
  }

  /** Hash of the record's text that this run has last read or written; '' where there is none. */
  get recordHash(): string {
    return this.#recordHash
  }

  /** Files in the target by their names. */
  get listed(): ReadonlyMap<string, Listed> {
    return this.#listed
  }

  /** Records that a file is no longer in the target. */
  forget(name: string): void {
    this.#listed.delete(name)
  }

  /** Returns the entry of a former run for a name, if it matches the listing. */
  stored(name: string): StoredFile | undefined {
    const stored = this.record.get(name)
    const listed = this.#listed.get(name)
    if (stored === undefined || listed === undefined) return undefined
    if (stored.version !== '' && listed.version !== '') return stored.version === listed.version ? stored : undefined
    // Where listings have neither etags nor versions: a file that was changed after the record was written has a later time.
    return listed.size === stored.size && listed.modifiedMs <= this.#recordMs ? stored : undefined
  }

  /**
   * Whether the target has this file, headers included, according to record and listing: 'yes', 'no', or 'unknown' where only the stored
   * bytes can decide. `stored` is the result of `stored(name)`.
   */
  holds(name: string, { md5, size, headers }: Wanted, stored: StoredFile | undefined): 'yes' | 'no' | 'unknown' {
    const listed = this.#listed.get(name)
    if (listed === undefined) return 'no'
    if (stored !== undefined) return stored.md5 === md5 && stored.headers === headers ? 'yes' : 'no'
    if (listed.etag === md5 && listed.size === size) return 'yes'
    // An etag that is an MD5 proves other bytes, unless the storage compresses them.
    return 'unknown'
  }
}

function listedOf(storage: AnyStorage, entry: Entry): Listed {
  const { name, size, etag, modifiedAt } = entry
  const address = isNormal(storage, name) ? name : entry
  return { size, etag, version: versionOf(entry), modifiedMs: modifiedAt?.getTime() ?? Number.NaN, address }
}

function isNormal(storage: AnyStorage, name: string): boolean {
  try {
    return storage.isSpelled(name, storage.keyOf(name))
  } catch {
    return false
  }
}

/** Returns the hash of a text; '' for the empty one. */
export function hashOf(text: string): string {
  return text === '' ? '' : shortHash(text)
}

/** Returns the text of a file; '' for a missing one. */
export async function readText(storage: AnyStorage, name: string, options: CallOptions): Promise<string> {
  try {
    return await storage.readText(name, options)
  } catch (error) {
    // The storage may come from another copy of the package, whose errors have another class.
    if ((error as { readonly code?: unknown }).code === 'not_found') return ''
    throw error
  }
}

/** Stores a manifest or a record, which no cache may keep. */
export async function saveText(storage: AnyStorage, name: string, text: string, options: CallOptions): Promise<void> {
  const headers = { contentType: 'application/json', cacheControl: 'no-cache' }
  await storage.save(name, text, { ...options, ...headers, overwrite: true })
}
