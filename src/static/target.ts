import type { CallOptions } from '../core/call.ts'
import { isStorageError } from '../core/errors.ts'
import { EMPTY_MANIFEST, parseManifest, type StaticManifest } from '../core/static-manifest.ts'
import type { AnyStorage } from '../storage/storage.ts'
import type { Entry } from '../storage/types.ts'
import type { ManifestPlan } from './options.ts'
import { type CollectedRecord, EMPTY_RECORD, parseRecord, RECORD_NAME, type StoredFile, versionOf } from './record.ts'

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
  /** Text of the record; '' where there is none. */
  readonly recordText: string
  readonly manifest: StaticManifest
  readonly manifestText: string
  readonly #recordTime: number

  private constructor(
    storage: AnyStorage,
    listed: Map<string, Entry>,
    recordText: string,
    manifest: string,
    plan?: ManifestPlan,
  ) {
    this.storage = storage
    this.#listed = listed
    this.recordText = recordText
    this.record = parseRecord(recordText) ?? EMPTY_RECORD
    this.manifestText = manifest
    this.manifest = manifest === '' ? EMPTY_MANIFEST : parseManifest(manifest, plan!.name)
    this.#recordTime = listed.get(RECORD_NAME)?.modifiedAt?.getTime() ?? Number.NEGATIVE_INFINITY
  }

  /** Lists the target, and reads the record and the manifest that are in it. A damaged record counts as none, a damaged manifest is an error. */
  static async read(storage: AnyStorage, plan: ManifestPlan | undefined, options: CallOptions): Promise<Target> {
    const listed = new Map<string, Entry>()
    for await (const entry of storage.entries('', { ...options, recursive: true })) {
      if (!entry.isDirectory) listed.set(entry.name, entry)
    }
    const record = listed.has(RECORD_NAME) ? await readText(storage, RECORD_NAME, options) : ''
    const isElsewhere = plan !== undefined && plan.storage !== storage
    const hasManifest = plan !== undefined && (isElsewhere || listed.has(plan.name))
    const manifest = hasManifest ? await readText(plan.storage, plan.name, options) : ''
    return new Target(storage, listed, record, manifest, plan)
  }

  /** Files in the target by their names. */
  get listed(): ReadonlyMap<string, Entry> {
    return this.#listed
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

async function readText(storage: AnyStorage, name: string, options: CallOptions): Promise<string> {
  try {
    return await storage.readText(name, options)
  } catch (error) {
    if (isStorageError(error, 'not_found')) return ''
    throw error
  }
}
