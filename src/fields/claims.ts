import type { AnyStorage } from '../storage/storage.ts'

/** A stored file: its storage, its name there, and the same text for all storages in which it is this file. */
export interface StoredFile {
  readonly storage: AnyStorage
  readonly name: string
  readonly address: string
  /** Whether the name was free when this process stored the file: no row can have held it before. */
  readonly isNew?: boolean | undefined
}

/** A file that a row no longer names. It is done once the file has been deleted, by anybody in this process. */
export interface Release extends StoredFile {
  done: boolean
}

interface Claim {
  /** Writes under way and transactions not yet ended that need the file. */
  holds: number
  /** Ends when the last deletion that was begun has ended. */
  deletion: Promise<void> | undefined
  readonly releases: Set<Release>
}

/** What this process does with a file at this moment, by address; a file that nobody works with has no entry. */
const claims = new Map<string, Claim>()

function claimOf(address: string): Claim {
  let claim = claims.get(address)
  if (claim === undefined) claims.set(address, (claim = { holds: 0, deletion: undefined, releases: new Set() }))
  return claim
}

function tidy(address: string, claim: Claim): void {
  if (claim.holds === 0 && claim.releases.size === 0 && claim.deletion === undefined) claims.delete(address)
}

/** Keeps the file from deletion until `drop`. */
export function hold(address: string): void {
  claimOf(address).holds += 1
}

/** Ends one `hold`. */
export function drop(address: string): void {
  const claim = claimOf(address)
  claim.holds -= 1
  tidy(address, claim)
}

/** Waits until no deletion of the file is under way. */
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

/**
 * Runs a deletion of files, of each one at a time, and without a write to it meanwhile. `remove` returns the addresses of those it deleted; all
 * earlier releases of these are done then, so that a file stored under the same name afterwards is not taken for the old one.
 */
export async function deleting(addresses: readonly string[], remove: () => Promise<readonly string[]>): Promise<void> {
  let end = (): void => undefined
  const ended = new Promise<void>(resolve => (end = resolve))
  const taken: string[] = []
  try {
    // In one order for all, so that no two wait for each other.
    for (const address of [...new Set(addresses)].sort()) {
      await whenNotDeleting(address)
      claimOf(address).deletion = ended
      taken.push(address)
    }
    const pending = new Map(taken.map(address => [address, [...claimOf(address).releases]]))
    for (const address of await remove()) for (const released of pending.get(address) ?? []) released.done = true
  } finally {
    for (const address of taken) {
      const claim = claimOf(address)
      claim.deletion = undefined
      tidy(address, claim)
    }
    end()
  }
}
