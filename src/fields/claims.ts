import type { AnyStorage } from '../storage/storage.ts'

/** A stored file: its storage, its name there, and the same text for all storages in which it is this file. */
export interface StoredFile {
  readonly storage: AnyStorage
  readonly name: string
  readonly address: string
  /** Whether the name was free when this process stored the file: no row can have held it before. */
  readonly isNew?: boolean | undefined
}

/** A file that a row no longer names. It is done once the file has been deleted by this process. */
export interface Release extends StoredFile {
  done: boolean
}

/** A file whose removal waits until no one needs it. */
export interface Postponed {
  readonly file: StoredFile
  /** Removes it if it is not used then. */
  readonly remover: { removeUnused(files: readonly StoredFile[]): Promise<unknown> }
}

interface Claim {
  /** Writes under way and transactions not yet ended that need the file. */
  holds: number
  /** How often `hold` was called. */
  uses: number
  /** Removals that have asked whether the file is used, and have not ended. */
  questions: number
  /** Ends with the deletion that the storage carries out now. */
  deletion: Promise<void> | undefined
  readonly releases: Set<Release>
  postponed: Postponed[]
}

/** What this process does with a file at this moment, by address; a file without work has no entry. */
const claims = new Map<string, Claim>()

function claimOf(address: string): Claim {
  let claim = claims.get(address)
  if (claim === undefined) {
    claim = { holds: 0, uses: 0, questions: 0, deletion: undefined, releases: new Set(), postponed: [] }
    claims.set(address, claim)
  }
  return claim
}

/** Files that this process works with at this moment: 0 when all writes and transactions have ended. */
export function claimedCount(): number {
  return claims.size
}

function tidy(address: string, claim: Claim): void {
  const { holds, questions, deletion, releases, postponed } = claim
  if (holds + questions + releases.size + postponed.length === 0 && deletion === undefined) claims.delete(address)
}

/** Keeps the file from deletion until `drop`; a deletion that the storage carries out already is waited for with `whenNotDeleting`. */
export function hold(address: string): void {
  const claim = claimOf(address)
  claim.holds += 1
  claim.uses += 1
}

/** Ends one `hold`; returns the removals that waited for the end of the last one. */
export function drop(address: string): readonly Postponed[] {
  const claim = claimOf(address)
  claim.holds -= 1
  const due = claim.holds === 0 ? claim.postponed : []
  if (due.length > 0) claim.postponed = []
  tidy(address, claim)
  return due
}

/** Whether the storage deletes the file now. */
export function isDeleting(address: string): boolean {
  return claims.get(address)?.deletion !== undefined
}

/** Waits until the storage does not delete the file. */
export async function whenNotDeleting(address: string): Promise<void> {
  for (let claim = claims.get(address); claim?.deletion !== undefined; claim = claims.get(address)) await claim.deletion
}

/** Whether a write or a transaction of this process needs the file. */
export function isHeld(address: string): boolean {
  return (claims.get(address)?.holds ?? 0) > 0
}

/** Notes that a row no longer names the file. */
export function release(file: StoredFile): Release {
  const released = { ...file, done: false }
  claimOf(file.address).releases.add(released)
  return released
}

/** Takes a release back. */
export function forget(released: Release): void {
  const claim = claimOf(released.address)
  claim.releases.delete(released)
  tidy(released.address, claim)
}

/** What became of a file that no row named when it was asked for: `used` when it was needed again since then. */
export type Fate = 'deleted' | 'done' | 'held' | 'used'

/** A removal of one file, from the question whether it is used to its deletion. The question keeps no one waiting. */
export class Removal {
  readonly file: StoredFile
  readonly #claim: Claim
  #uses = 0

  constructor(file: StoredFile) {
    this.file = file
    this.#claim = claimOf(file.address)
    this.#claim.questions += 1
  }

  /** Begins a question; false for a file that is deleted already, or is needed. */
  ask(): boolean {
    this.#uses = this.#claim.uses
    return !isDone(this.file) && this.#claim.holds === 0
  }

  /** Deletes the file, unless it was needed since `ask`; all earlier releases of it are done then. */
  async delete(remove: () => Promise<void>): Promise<Fate> {
    const claim = this.#claim
    while (claim.deletion !== undefined) await claim.deletion
    if (isDone(this.file)) return 'done'
    if (claim.holds > 0) return 'held'
    if (claim.uses !== this.#uses) return 'used'
    const { promise, resolve } = Promise.withResolvers<void>()
    claim.deletion = promise
    try {
      // A file that is stored under the name afterwards must not be taken for this one.
      const releases = [...claim.releases]
      await remove()
      for (const released of releases) released.done = true
    } finally {
      claim.deletion = undefined
      resolve()
    }
    return 'deleted'
  }

  /** Leaves the removal to the one who needs the file last; false when no one needs it. */
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
