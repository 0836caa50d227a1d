import type { AnyStorage } from '../storage/storage.ts'

/** A stored file: its storage, its name there, and its address, which is the same text for all storages that contain the file. */
export interface StoredFile {
  readonly storage: AnyStorage
  readonly name: string
  readonly address: string
  /** Whether the name was free when this process stored the file: then no row can have named it before. */
  readonly isNew?: boolean | undefined
}

/** A file that a row no longer names. It is `done` after this process has deleted the file. */
export interface Release extends StoredFile {
  done: boolean
}

/** A file whose removal waits until it is no longer needed. */
export interface Postponed {
  readonly file: StoredFile
  /** Removes the file if it is unused then. */
  readonly remover: { removeUnused(files: readonly StoredFile[]): Promise<unknown> }
}

interface Claim {
  /** Number of writes in progress and open transactions that need the file. */
  holds: number
  /** Number of calls of `hold`. */
  uses: number
  /** Number of removals that are checking whether the file is used. */
  questions: number
  /** Resolves after the deletion that the storage is carrying out now. */
  deletion: Promise<void> | undefined
  readonly releases: Set<Release>
  postponed: Postponed[]
}

/** The current work of this process on each file, by address; a file without work has no entry. */
const claims = new Map<string, Claim>()

function claimOf(address: string): Claim {
  let claim = claims.get(address)
  if (claim === undefined) {
    claim = { holds: 0, uses: 0, questions: 0, deletion: undefined, releases: new Set(), postponed: [] }
    claims.set(address, claim)
  }
  return claim
}

/** Returns the number of files that this process is working on: 0 when all writes and transactions have ended. */
export function claimedCount(): number {
  return claims.size
}

function tidy(address: string, claim: Claim): void {
  const { holds, questions, deletion, releases, postponed } = claim
  if (holds + questions + releases.size + postponed.length === 0 && deletion === undefined) claims.delete(address)
}

/** Protects the file from deletion until `drop`. Use `whenNotDeleting` to wait for a deletion that has already begun. */
export function hold(address: string): void {
  const claim = claimOf(address)
  claim.holds += 1
  claim.uses += 1
}

/** Ends one `hold`; the last one returns the removals that waited for it. */
export function drop(address: string): readonly Postponed[] {
  const claim = claimOf(address)
  claim.holds -= 1
  const due = claim.holds === 0 ? claim.postponed : []
  if (due.length > 0) claim.postponed = []
  tidy(address, claim)
  return due
}

/** Whether the storage is deleting the file now. */
export function isDeleting(address: string): boolean {
  return claims.get(address)?.deletion !== undefined
}

/** Waits until no deletion of the file is in progress. */
export async function whenNotDeleting(address: string): Promise<void> {
  for (let claim = claims.get(address); claim?.deletion !== undefined; claim = claims.get(address)) await claim.deletion
}

/** Whether a write or a transaction of this process needs the file. */
export function isHeld(address: string): boolean {
  return (claims.get(address)?.holds ?? 0) > 0
}

/** Records that a row no longer names the file. */
export function release(file: StoredFile): Release {
  const released = { ...file, done: false }
  claimOf(file.address).releases.add(released)
  return released
}

/** Withdraws a release. */
export function forget(released: Release): void {
  const claim = claimOf(released.address)
  claim.releases.delete(released)
  tidy(released.address, claim)
}

/** The result of the removal of a file that no row named: `used` if it was needed again since the check. */
export type Fate = 'deleted' | 'done' | 'held' | 'used'

/** A removal of one file, from the check whether it is used to its deletion. The check blocks no other work. */
export class Removal {
  readonly file: StoredFile
  readonly #claim: Claim
  #uses = 0

  constructor(file: StoredFile) {
    this.file = file
    this.#claim = claimOf(file.address)
    this.#claim.questions += 1
  }

  /** Begins a check; false for a file that is already deleted, or is needed. */
  ask(): boolean {
    this.#uses = this.#claim.uses
    return !isDone(this.file) && this.#claim.holds === 0
  }

  /** Deletes the file, unless it was needed since `ask`; all earlier releases of it are then done. */
  async delete(remove: () => Promise<void>): Promise<Fate> {
    const claim = this.#claim
    while (claim.deletion !== undefined) await claim.deletion
    if (isDone(this.file)) return 'done'
    if (claim.holds > 0) return 'held'
    if (claim.uses !== this.#uses) return 'used'
    const { promise, resolve } = Promise.withResolvers<void>()
    claim.deletion = promise
    try {
      // A file that is stored later under the same name is a different file.
      const releases = [...claim.releases]
      await remove()
      for (const released of releases) released.done = true
    } finally {
      claim.deletion = undefined
      resolve()
    }
    return 'deleted'
  }

  /** Leaves the removal to the last user of the file; false when the file has no user. */
  postpone(remover: Postponed['remover']): boolean {
    if (this.#claim.holds === 0 || isDone(this.file)) return false
    this.#claim.postponed.push({ file: this.file, remover })
    return true
  }

  end(): void {
    this.#claim.questions -= 1
    tidy(this.file.address, this.#claim)
  }
}

function isDone(file: StoredFile): boolean {
  return isRelease(file) && file.done
}

/** Whether the file was made by `release`. */
export function isRelease(file: StoredFile): file is Release {
  return 'done' in file
}
