/** What the server keeps, all in memory. */
import { checksum, md5 } from '../strict-s3/checksums.ts'
import { GcsError, noSuchObject } from './errors.ts'

/** One entry of an access control list. */
export interface AclEntry {
  /** `allUsers`, `allAuthenticatedUsers`, `user-EMAIL`, `project-owners-NUMBER`. */
  readonly entity: string
  readonly role: 'OWNER' | 'WRITER' | 'READER'
}

/** What a caller says of an object besides the bytes. */
export interface ObjectSettings {
  readonly contentType?: string | undefined
  readonly contentEncoding?: string | undefined
  readonly contentDisposition?: string | undefined
  readonly contentLanguage?: string | undefined
  readonly cacheControl?: string | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
  readonly storageClass: string
  /** RFC 3339. */
  readonly customTime?: string | undefined
  readonly temporaryHold?: boolean | undefined
  readonly eventBasedHold?: boolean | undefined
  readonly kmsKeyName?: string | undefined
  readonly acl: readonly AclEntry[]
}

/** One generation of an object. */
export interface StoredObject extends ObjectSettings {
  readonly name: string
  /** As they are stored; gzip stays gzip. */
  readonly body: Buffer
  readonly generation: bigint
  readonly metageneration: bigint
  /** Milliseconds since 1970. */
  readonly created: number
  readonly updated: number
  /** When it was replaced or deleted; undefined for a live one. */
  readonly deleted?: number | undefined
  readonly owner: string
  /** Base64. */
  readonly crc32c: string
  /** Base64; undefined for a composed object. */
  readonly md5: string | undefined
  readonly componentCount?: number | undefined
}

/** How a bucket is set up. */
export interface BucketOptions {
  readonly name: string
  /** Default US. */
  readonly location?: string | undefined
  readonly storageClass?: string | undefined
  readonly versioning?: boolean | undefined
  /** Uniform bucket-level access: every ACL is refused with 400. */
  readonly uniform?: boolean | undefined
  /** Whether all users may read objects by IAM (role Storage Object Viewer). */
  readonly publicRead?: boolean | undefined
  /** Refuses public ACLs with 412. */
  readonly preventPublic?: boolean | undefined
  readonly acl?: readonly AclEntry[] | undefined
  readonly defaultObjectAcl?: readonly AclEntry[] | undefined
  readonly labels?: Readonly<Record<string, string>> | undefined
}

/** One bucket. */
export class Bucket {
  readonly name: string
  readonly location: string
  readonly created: number
  storageClass: string
  versioning: boolean
  uniform: boolean
  publicRead: boolean
  preventPublic: boolean
  acl: readonly AclEntry[]
  defaultObjectAcl: readonly AclEntry[]
  labels: Readonly<Record<string, string>>
  metageneration = 1n
  updated: number
  /** Oldest generation first; never an empty array. */
  readonly objects: Map<string, StoredObject[]> = new Map()
  #newest = 0n

  constructor(options: BucketOptions, now: number) {
    this.name = options.name
    this.location = (options.location ?? 'US').toUpperCase()
    this.storageClass = options.storageClass ?? 'STANDARD'
    this.created = now
    this.updated = now
    this.versioning = options.versioning ?? false
    this.uniform = options.uniform ?? false
    this.publicRead = options.publicRead ?? false
    this.preventPublic = options.preventPublic ?? false
    this.acl = options.acl ?? []
    this.defaultObjectAcl = options.defaultObjectAcl ?? []
    this.labels = options.labels ?? {}
  }

  /** The live object, or undefined. */
  live(name: string): StoredObject | undefined {
    const newest = this.objects.get(name)?.at(-1)
    return newest?.deleted === undefined ? newest : undefined
  }

  /** The live object, or one generation; undefined where there is none. */
  find(name: string, generation?: bigint): StoredObject | undefined {
    if (generation === undefined) return this.live(name)
    return this.objects.get(name)?.find(one => one.generation === generation)
  }

  /** As `find`; 404 where there is none. */
  need(name: string, generation?: bigint): StoredObject {
    const found = this.find(name, generation)
    if (found === undefined) throw noSuchObject(this.name, name)
    return found
  }

  /** Stores a new generation; the one before becomes noncurrent, or is gone without versioning. */
  put(name: string, bytes: Buffer, settings: ObjectSettings, more: NewObject): StoredObject {
    this.#retire(name, more.now)
    const wanted = BigInt(more.now) * 1000n
    this.#newest = wanted > this.#newest ? wanted : this.#newest + 1n
    const stored: StoredObject = {
      ...settings,
      name,
      body: bytes,
      generation: this.#newest,
      metageneration: 1n,
      created: more.now,
      updated: more.now,
      owner: more.owner,
      crc32c: checksum('crc32c', bytes).toString('base64'),
      md5: more.componentCount === undefined ? md5(bytes).toString('base64') : undefined,
      componentCount: more.componentCount,
    }
    this.objects.set(name, [...(this.objects.get(name) ?? []), stored])
    return stored
  }

  /** Changes what is said of an object; a new metageneration. */
  change(object: StoredObject, settings: ObjectSettings, now: number): StoredObject {
    const changed = { ...object, ...settings, metageneration: object.metageneration + 1n, updated: now }
    const all = this.objects.get(object.name) ?? []
    this.objects.set(
      object.name,
      all.map(one => (one === object ? changed : one)),
    )
    return changed
  }

  /** Deletes one generation for good, or the live object, which versioning keeps. */
  remove(name: string, generation: bigint | undefined, now: number): void {
    const object = this.need(name, generation)
    needNoHold(this.name, object)
    if (generation === undefined) {
      this.#retire(name, now)
      return
    }
    const rest = (this.objects.get(name) ?? []).filter(one => one !== object)
    if (rest.length === 0) this.objects.delete(name)
    else this.objects.set(name, rest)
  }

  #retire(name: string, now: number): void {
    const live = this.live(name)
    if (live === undefined) return
    needNoHold(this.name, live)
    const rest = (this.objects.get(name) ?? []).filter(one => one !== live)
    if (this.versioning) rest.push({ ...live, deleted: now })
    if (rest.length === 0) this.objects.delete(name)
    else this.objects.set(name, rest)
  }
}

/** What a new generation has besides. */
export interface NewObject {
  readonly now: number
  readonly owner: string
  /** Only of a composed object. */
  readonly componentCount?: number | undefined
}

/** 403 where a hold keeps an object from being replaced or deleted. */
function needNoHold(bucket: string, object: StoredObject): void {
  if (!object.temporaryHold && !object.eventBasedHold) return
  const message = `Object '${bucket}/${object.name}' is under active Temporary hold and cannot be deleted, overwritten or archived until hold is removed.`
  throw new GcsError(403, 'objectUnderActiveHold', message)
}

/** Orders names by their UTF-8 bytes. */
export function compareNames(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
