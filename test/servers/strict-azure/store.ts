/** What the server keeps, all in memory. */
import { randomUUID } from 'node:crypto'

/** One block of a committed blob, or one that waits for a list. */
export interface Block {
  readonly id: string
  readonly body: Buffer
}

/** How a blob is copied, as its headers tell. */
export interface CopyState {
  readonly id: string
  readonly source: string
  status: 'pending' | 'success' | 'failed' | 'aborted'
  /** Bytes copied and bytes in all. */
  progress: string
  completed: number | undefined
  description: string | undefined
  /** Questions that are still answered `pending`. */
  polls: number
  /** What happens when it is over. */
  readonly finish: () => void
}

/** A lease of a blob. */
export interface Lease {
  id: string
  state: 'leased' | 'breaking' | 'broken' | 'expired'
  /** Milliseconds since 1970; undefined for one without end. */
  until: number | undefined
}

/** What a write says besides the bytes. */
export interface BlobSettings {
  /** content-type, content-md5, cache-control and the like, lower-case. */
  readonly properties: Readonly<Record<string, string>>
  /** Names as they were sent, without the prefix. */
  readonly metadata: Readonly<Record<string, string>>
  readonly tags: Readonly<Record<string, string>>
  /** Undefined: the account's default. */
  readonly tier: string | undefined
}

/** One version of a blob, or a snapshot. */
export interface StoredBlob extends BlobSettings {
  readonly body: Buffer
  readonly blocks: readonly Block[]
  /** Without quotes. */
  readonly etag: string
  /** Milliseconds since 1970. */
  readonly created: number
  readonly modified: number
  readonly versionId?: string | undefined
  readonly snapshot?: string | undefined
  readonly archiveStatus?: string | undefined
  readonly isDirectory?: boolean | undefined
  readonly copy?: CopyState | undefined
}

/** How a container is set up. */
export interface ContainerOptions {
  readonly name: string
  readonly publicAccess?: 'blob' | 'container' | undefined
}

/** One container. */
export class Container {
  readonly name: string
  readonly publicAccess: 'blob' | 'container' | undefined
  metadata: Readonly<Record<string, string>> = {}
  etag: string
  modified: number
  readonly blobs: Map<string, StoredBlob> = new Map()
  readonly snapshots: Map<string, StoredBlob[]> = new Map()
  /** Earlier versions, oldest first. */
  readonly versions: Map<string, StoredBlob[]> = new Map()
  /** Blocks that wait for a list, by blob and id. */
  readonly uncommitted: Map<string, Map<string, Block>> = new Map()
  readonly leases: Map<string, Lease> = new Map()
  readonly #versioning: boolean
  readonly #hierarchical: boolean
  #last = 0

  constructor(options: ContainerOptions, now: number, account: { versioning: boolean; hierarchical: boolean }) {
    this.name = options.name
    this.publicAccess = options.publicAccess
    this.modified = now
    this.etag = newEtag()
    this.#versioning = account.versioning
    this.#hierarchical = account.hierarchical
  }

  /** Bytes of a blob, to look behind the protocol. */
  bytes(key: string): Buffer | undefined {
    return this.blobs.get(key)?.body
  }

  /** A time that no snapshot and no version has yet. */
  instant(now: number): string {
    const micros = Math.max(now * 1000, this.#last + 1)
    this.#last = micros
    const seconds = new Date(Math.floor(micros / 1000)).toISOString().slice(0, -1)
    return `${seconds}${String(micros % 1000).padStart(3, '0')}0Z`
  }

  /** Stores new bytes as the newest version; blocks that were waiting are gone. */
  put(key: string, blob: Omit<StoredBlob, 'etag' | 'created' | 'modified' | 'versionId'>, now: number): StoredBlob {
    const old = this.blobs.get(key)
    const stored: StoredBlob = {
      ...blob,
      etag: newEtag(),
      created: this.#versioning ? now : (old?.created ?? now),
      modified: now,
      versionId: this.#versioning ? this.instant(now) : undefined,
    }
    this.#keep(key, old)
    this.blobs.set(key, stored)
    this.uncommitted.delete(key)
    if (this.#hierarchical) this.#directories(key, now)
    return stored
  }

  /** Changes what is said of a blob, without a new version. */
  update(key: string, change: Partial<StoredBlob>, now?: number): StoredBlob {
    const old = this.blobs.get(key) as StoredBlob
    const stored = { ...old, ...change, ...(now === undefined ? {} : { etag: newEtag(), modified: now }) }
    this.blobs.set(key, stored)
    return stored
  }

  /** Removes the newest version. */
  remove(key: string): void {
    this.#keep(key, this.blobs.get(key))
    this.blobs.delete(key)
    this.leases.delete(key)
  }

  #keep(key: string, old: StoredBlob | undefined): void {
    if (!this.#versioning || old === undefined) return
    this.versions.set(key, [...(this.versions.get(key) ?? []), old])
  }

  /** The folders above a blob, which an account with a hierarchical namespace really has. */
  #directories(key: string, now: number): void {
    for (let at = key.indexOf('/'); at !== -1; at = key.indexOf('/', at + 1)) {
      const path = key.slice(0, at)
      if (path === '' || this.blobs.has(path)) continue
      this.blobs.set(path, directory(now))
    }
  }
}

function directory(now: number): StoredBlob {
  return {
    body: Buffer.alloc(0),
    blocks: [],
    properties: { 'content-type': 'application/octet-stream' },
    metadata: { hdi_isfolder: 'true' },
    tags: {},
    tier: undefined,
    etag: newEtag(),
    created: now,
    modified: now,
    isDirectory: true,
  }
}

/** An etag as the service makes them. */
export function newEtag(): string {
  return `0x8D${randomUUID().replaceAll('-', '').slice(0, 13).toUpperCase()}`
}

/** Orders names by their UTF-8 bytes. */
export function compareNames(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
