/** What the server keeps, all in memory. */
import { randomBytes } from 'node:crypto'
import type { AccessControl } from './access-control.ts'

/** One archived version of a key. */
export interface ArchivedVersion {
  readonly version: string
  /** Versions of a key are ordered by when they were begun; default now. */
  readonly order?: number
  readonly body: Buffer
  readonly archivedAt: number
  readonly meta: Readonly<Record<string, string>>
}

/** A version that has its place. */
export type OrderedVersion = ArchivedVersion & { readonly order: number }

/** An archive in parts. */
export interface Conjoined {
  readonly id: string
  readonly order: number
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

/** What is kept of a key. */
export interface KeptKey {
  versions: readonly OrderedVersion[]
  isDeleted: boolean
}

/** One collection. */
export class NimbusCollection {
  readonly name: string
  readonly owner: string
  readonly createdAt: number
  versioning: boolean
  accessControl: AccessControl | undefined
  /** Newest version first; a key that was deleted has none, and is there only where that is remembered. */
  readonly keys: Map<string, KeptKey> = new Map()
  readonly conjoined: Map<string, Conjoined> = new Map()
  /** Keys that were deleted: what was begun before that never shows, whenever it ends. */
  readonly #deleted = new Map<string, number>()
  #last = 0

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

  /** The place of what begins now. */
  nextOrder(): number {
    return ++this.#last
  }

  /** Adds a version, or changes it. What was begun later, or deleted since, wins; where versions are not kept only the newest stays. */
  put(key: string, given: ArchivedVersion): void {
    const archived = { ...given, order: given.order ?? this.nextOrder() }
    if ((this.#deleted.get(key) ?? 0) > archived.order) return
    const others = (this.keys.get(key)?.versions ?? []).filter(({ order }) => order !== archived.order)
    const all = [...others, archived].toSorted((a, b) => b.order - a.order)
    this.keys.set(key, { versions: this.versioning ? all : all.slice(0, 1), isDeleted: false })
  }

  /** Takes away one version, or all that there are; what was deleted may be remembered. */
  remove(key: string, version: string | undefined, { remembers = false } = {}): void {
    if (version === undefined) this.#deleted.set(key, this.nextOrder())
    const entry = this.keys.get(key)
    if (entry === undefined) return
    entry.versions = version === undefined ? [] : entry.versions.filter(one => one.version !== version)
    if (entry.versions.length > 0) return
    if (remembers) entry.isDeleted = true
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
