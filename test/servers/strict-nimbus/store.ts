/** What the server keeps, all in memory. */
import { randomBytes } from 'node:crypto'
import type { AccessControl } from './access-control.ts'

/** One archived version of a key. */
export interface ArchivedVersion {
  readonly version: string
  readonly body: Buffer
  readonly archivedAt: number
  readonly meta: Readonly<Record<string, string>>
}

/** An archive in parts. */
export interface Conjoined {
  readonly id: string
  readonly key: string
  readonly createdAt: number
  readonly parts: Map<number, Buffer>
  meta: Readonly<Record<string, string>>
  abortedAt: number | undefined
  completedAt: number | undefined
}

/** A public id; what it is made of the client cannot tell. */
export function newId(): string {
  return randomBytes(18).toString('base64url')
}

/** One collection. */
export class NimbusCollection {
  readonly name: string
  readonly owner: string
  readonly createdAt: number
  versioning: boolean
  accessControl: AccessControl | undefined
  /** Newest version first; a key that was deleted has no current one. */
  readonly keys: Map<string, { versions: ArchivedVersion[]; isDeleted: boolean }> = new Map()
  readonly conjoined: Map<string, Conjoined> = new Map()

  constructor(given: {
    readonly name: string
    readonly owner: string
    readonly createdAt: number
    readonly versioning: boolean
    readonly accessControl?: AccessControl | undefined
  }) {
    this.name = given.name
    this.owner = given.owner
    this.createdAt = given.createdAt
    this.versioning = given.versioning
    this.accessControl = given.accessControl
  }

  /** The current version. */
  current(key: string): ArchivedVersion | undefined {
    const entry = this.keys.get(key)
    return entry === undefined || entry.isDeleted ? undefined : entry.versions[0]
  }

  /** A version by its id, or the current one. */
  version(key: string, version: string | undefined): ArchivedVersion | undefined {
    if (version === undefined) return this.current(key)
    return this.keys.get(key)?.versions.find(one => one.version === version)
  }

  /** Adds a version, which takes the place of the others where they are not kept. */
  put(key: string, archived: ArchivedVersion): void {
    const old = this.versioning ? (this.keys.get(key)?.versions ?? []) : []
    this.keys.set(key, { versions: [archived, ...old], isDeleted: false })
  }

  /** Takes away one version, or the key with all that is not kept; what was deleted may be remembered. */
  remove(key: string, version: string | undefined, { remembers = false } = {}): void {
    const entry = this.keys.get(key)
    if (entry === undefined) return
    if (version !== undefined) {
      entry.versions = entry.versions.filter(one => one.version !== version)
      if (entry.versions.length === 0) this.keys.delete(key)
    } else if (this.versioning) entry.isDeleted = true
    else if (remembers) this.keys.set(key, { versions: [], isDeleted: true })
    else this.keys.delete(key)
  }

  /** Archives in parts that are neither finished nor aborted. */
  get openConjoined(): Conjoined[] {
    return [...this.conjoined.values()].filter(one => one.abortedAt === undefined && one.completedAt === undefined)
  }
}

/** All collections. */
export class NimbusStore {
  readonly collections: Map<string, NimbusCollection> = new Map()

  add(collection: NimbusCollection): NimbusCollection {
    this.collections.set(collection.name, collection)
    return collection
  }
}
