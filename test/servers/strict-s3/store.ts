/** What the server keeps, all in memory. */
import { randomBytes } from 'node:crypto'
import { S3Error } from './errors.ts'

/** The canned ACLs that are honoured. */
export const cannedAcls: readonly string[] = [
  'private',
  'public-read',
  'public-read-write',
  'authenticated-read',
  'aws-exec-read',
  'bucket-owner-read',
  'bucket-owner-full-control',
]

/** Server-side encryption of one object. */
export interface Encryption {
  readonly algorithm?: string | undefined
  readonly kmsKeyId?: string | undefined
  /** Base64 MD5 of the customer's key. */
  readonly customerKeyMd5?: string | undefined
}

/** What a PUT or CreateMultipartUpload says besides the bytes. */
export interface ObjectSettings {
  /** content-type, cache-control and the like, lower-case. */
  readonly system: Readonly<Record<string, string>>
  /** Without the prefix `x-amz-meta-`. */
  readonly metadata: Readonly<Record<string, string>>
  readonly acl: string
  readonly tags: Readonly<Record<string, string>>
  readonly storageClass: string
  readonly encryption: Encryption
}

/** One stored version. */
export interface StoredObject extends ObjectSettings {
  readonly body: Buffer
  /** Without quotes. */
  readonly etag: string
  /** Whole seconds in headers, milliseconds in XML; milliseconds since 1970. */
  readonly lastModified: number
  readonly versionId: string
  readonly deleteMarker: boolean
  readonly checksums: Readonly<Record<string, string>>
  readonly checksumType: 'FULL_OBJECT' | 'COMPOSITE'
  /** Bytes of each part of a multipart object. */
  readonly partSizes: readonly number[]
}

/** One uploaded part. */
export interface StoredPart {
  readonly body: Buffer
  readonly etag: string
  readonly checksums: Readonly<Record<string, string>>
  readonly lastModified: number
}

/** One multipart upload that is under way. */
export interface Upload {
  readonly id: string
  readonly key: string
  readonly initiated: number
  readonly settings: ObjectSettings
  readonly checksumAlgorithm: string | undefined
  readonly checksumType: 'FULL_OBJECT' | 'COMPOSITE'
  readonly parts: Map<number, StoredPart>
}

/** How a bucket is set up. */
export interface BucketOptions {
  readonly name: string
  /** Default: the server's region. */
  readonly region?: string | undefined
  /** A canned ACL; default private. */
  readonly acl?: string | undefined
  readonly versioning?: boolean | undefined
  /** Object ownership "bucket owner enforced": a PUT with an ACL is refused. */
  readonly ownershipEnforced?: boolean | undefined
  /** Refuses public ACLs with 403. */
  readonly blockPublicAcls?: boolean | undefined
}

/** One bucket. */
export class Bucket {
  readonly name: string
  readonly region: string
  readonly created: number
  readonly ownershipEnforced: boolean
  readonly blockPublicAcls: boolean
  acl: string
  /** Undefined until versioning was switched on for the first time. */
  versioning: 'Enabled' | 'Suspended' | undefined
  /** Newest version first; never an empty array. */
  readonly objects: Map<string, StoredObject[]> = new Map()
  readonly uploads: Map<string, Upload> = new Map()

  constructor(options: BucketOptions, region: string, now: number) {
    this.name = options.name
    this.region = options.region ?? region
    this.created = now
    this.acl = options.acl ?? 'private'
    this.versioning = options.versioning ? 'Enabled' : undefined
    this.ownershipEnforced = options.ownershipEnforced ?? false
    this.blockPublicAcls = options.blockPublicAcls ?? false
  }

  /** The current object, or undefined when there is none or it was deleted. */
  current(key: string): StoredObject | undefined {
    const newest = this.objects.get(key)?.[0]
    return newest?.deleteMarker ? undefined : newest
  }

  /** One version; 404 NoSuchVersion. */
  version(key: string, versionId: string): StoredObject {
    const found = this.objects.get(key)?.find(one => one.versionId === versionId)
    if (found !== undefined) return found
    const message = 'The specified version does not exist.'
    throw new S3Error(404, 'NoSuchVersion', message, { Key: key, VersionId: versionId })
  }

  /** Stores a new version by the bucket's versioning state. */
  put(key: string, object: Omit<StoredObject, 'versionId'>): StoredObject {
    const versionId = this.versioning === 'Enabled' ? newId() : 'null'
    const stored: StoredObject = { ...object, versionId }
    const old = this.objects.get(key) ?? []
    this.objects.set(key, [stored, ...old.filter(one => one.versionId !== versionId)])
    return stored
  }

  /** Deletes one version, or adds a delete marker, or forgets the key. */
  remove(key: string, versionId: string | undefined, now: number): StoredObject | undefined {
    const versions = this.objects.get(key)
    if (versionId !== undefined) {
      const found = versions?.find(one => one.versionId === versionId)
      const rest = (versions ?? []).filter(one => one !== found)
      if (rest.length === 0) this.objects.delete(key)
      else this.objects.set(key, rest)
      return found
    }
    if (this.versioning === undefined) {
      this.objects.delete(key)
      return undefined
    }
    return this.put(key, {
      ...{ system: {}, metadata: {}, acl: 'private', tags: {}, storageClass: 'STANDARD', encryption: {} },
      ...{ body: Buffer.alloc(0), etag: '', checksums: {}, checksumType: 'FULL_OBJECT', partSizes: [] },
      lastModified: now,
      deleteMarker: true,
    })
  }
}

/** A random opaque id. */
export function newId(): string {
  return randomBytes(16).toString('base64url')
}

/** Orders keys by their UTF-8 bytes. */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
