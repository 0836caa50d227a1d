import type { CallOptions } from '../core/call.ts'
import { isStorageError } from '../core/errors.ts'
import { EMPTY_MANIFEST, parseManifest, type StaticManifest } from '../core/static-manifest.ts'
import type { AnyStorage } from '../storage/storage.ts'
import type { Entry } from '../storage/types.ts'
import type { ManifestPlan } from './options.ts'
import {
  type CollectedRecord,
  EMPTY_RECORD,
  parseRecord,
  RECORD_NAME,
  type StoredFile,
  serializeRecord,
  versionOf,
} from './record.ts'

/** What a run wants to be in the target under a name. */
export interface Wanted {
  /** MD5 of the bytes, in hexadecimal. */
  readonly md5: string
  readonly size: number
  /** Hash of the headers. */
  readonly headers: string
}

/** The target as one listing shows it, with what former runs have said of it. */
export class Target {
  readonly storage: AnyStorage
  readonly #listed: Map<string, Entry>
  readonly record: CollectedRecord
  #recordText: string
  readonly manifest: StaticManifest
  readonly manifestText: string
  readonly #recordTime: number

  private constructor(
    storage: AnyStorage,
    listed: Map<string, Entry>,
    recordText: string,
    manifest: string,
    { plan, recordTime }: { readonly plan: ManifestPlan | undefined; readonly recordTime: number },
  ) {
    this.storage = storage
    this.#listed = listed
    this.#recordText = recordText
    this.record = parseRecord(recordText) ?? EMPTY_RECORD
    this.manifestText = manifest
    this.manifest = manifest === '' ? EMPTY_MANIFEST : parseManifest(manifest, plan!.name)
    this.#recordTime = recordTime
  }

  /** Lists the target, and reads the record and the manifest that are in it. A damaged record counts as none, a damaged manifest is an error. */
  static async read(storage: AnyStorage, plan: ManifestPlan | undefined, options: CallOptions): Promise<Target> {
    const { recordText, listed, recordTime } = await readListing(storage, options)
    const isElsewhere = plan !== undefined && plan.storage !== storage
    const hasManifest = plan !== undefined && (isElsewhere || listed.has(plan.name))
    const manifest = hasManifest ? await readText(plan.storage, plan.name, options) : ''
    return new Target(storage, listed, recordText, manifest, { plan, recordTime })
  }

  /** Files in the target by their names. */
  get listed(): ReadonlyMap<string, Entry> {
    return this.#listed
  }

  /** Text of the record as this run has last read or written it; '' where there is none. */
  get recordText(): string {
    return this.#recordText
  }

  /** Whether another run has written the record since. */
  async isDisturbed(options: CallOptions): Promise<boolean> {
    return (await readText(this.storage, RECORD_NAME, options)) !== this.#recordText
  }

  /** Writes the record; one that has not changed only where `always` says so. */
  async writeRecord(
    record: CollectedRecord,
    { always, signal }: CallOptions & { readonly always?: boolean },
  ): Promise<void> {
    const text = serializeRecord(record)
    if (text === this.#recordText && always !== true) return
    await saveText(this.storage, RECORD_NAME, text, { signal })
    this.#recordText = text
  }

  /** A file is no longer in the target. */
  forget(name: string): void {
    this.#listed.delete(name)
  }

  /** What a former run has stored under a name, if it is what the listing shows. */
  stored(name: string): StoredFile | undefined {
    const stored = this.record.files.get(name)
    const entry = this.listed.get(name)
    if (stored === undefined || entry === undefined) return undefined
    const version = versionOf(entry)
    if (stored.version !== '' && version !== '') return stored.version === version ? stored : undefined
    // Where listings have neither etags nor versions: what was changed after the record was written has a later time.
    const time = entry.modifiedAt?.getTime() ?? Number.POSITIVE_INFINITY
    return entry.size === stored.size && time <= this.#recordTime ? stored : undefined
  }

  /**
   * Whether the target holds this file, headers included, as far as record and listing show: 'yes', 'no', or 'unknown' where only the
   * stored bytes can tell.
   */
  holds(name: string, { md5, size, headers }: Wanted): 'yes' | 'no' | 'unknown' {
    const entry = this.listed.get(name)
    if (entry === undefined) return 'no'
    const stored = this.stored(name)
    if (stored !== undefined) return stored.md5 === md5 && stored.headers === headers ? 'yes' : 'no'
    if (entry.etag === md5 && entry.size === size) return 'yes'
    // An etag that is some MD5 is that of other bytes, unless the storage compresses them.
    return 'unknown'
  }
}

/** Times that a listing is begun anew because the record has changed meanwhile. */
const MAX_LISTINGS = 3

interface Listing {
  readonly recordText: string
  readonly listed: Map<string, Entry>
  /** When the record was written, in milliseconds; no time where that is not known. */
  readonly recordTime: number
}

/** The record, and after it the listing: when another run removes what is listed, the record is no longer the one that was read. */
async function readListing(storage: AnyStorage, options: CallOptions): Promise<Listing> {
  for (let listings = 1; ; listings++) {
    const recordText = await readText(storage, RECORD_NAME, options)
    const listed = new Map<string, Entry>()
    for await (const entry of storage.entries('', { ...options, recursive: true })) {
      if (!entry.isDirectory) listed.set(entry.name, entry)
    }
    const own = listed.get(RECORD_NAME)
    const recordTime = own?.modifiedAt?.getTime() ?? Number.NEGATIVE_INFINITY
    // Where files have no versions their times are compared with that of the record, which must be of this text.
    if (own === undefined || versionOf(own) !== '') return { recordText, listed, recordTime }
    const isSame = (await readText(storage, RECORD_NAME, options)) === recordText
    if (isSame) return { recordText, listed, recordTime }
    if (listings === MAX_LISTINGS) return { recordText, listed, recordTime: Number.NEGATIVE_INFINITY }
  }
}

/** A small file of the target as text; '' where it is missing. */
export async function readText(storage: AnyStorage, name: string, options: CallOptions): Promise<string> {
  try {
    return await storage.readText(name, options)
  } catch (error) {
    if (isStorageError(error, 'not_found')) return ''
    throw error
  }
}

/** Stores a manifest or a record, which no cache may keep. */
export async function saveText(storage: AnyStorage, name: string, text: string, options: CallOptions): Promise<void> {
  await storage.save(name, text, {
    ...options,
    overwrite: true,
    contentType: 'application/json',
    cacheControl: 'no-cache',
  })
}
