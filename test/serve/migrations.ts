/** Migrations as the sources of the storage browser return them. */
import type { MigrationCounts, MigrationStatus } from '../../src/core/migration-status.ts'

const NO_COUNTS: MigrationCounts = {
  seen: 0,
  copied: 0,
  unchanged: 0,
  skipped: 0,
  failed: 0,
  verified: 0,
  different: 0,
  compared: 0,
  withoutDigest: 0,
  sizeOnly: 0,
  extra: 0,
  deleted: 0,
  bytes: 0,
}

/** What differs from a migration that has just begun. */
export type Given = Omit<Partial<MigrationStatus>, 'counts'> & { readonly counts?: Partial<MigrationCounts> }

/** A migration that began two hours ago and is copying. */
export function migration(given: Given = {}): MigrationStatus {
  const now = Date.now()
  return {
    id: 'one',
    source: 's3:photos',
    target: 'azure:photos',
    state: 'running',
    pass: 'copy',
    startedAt: new Date(now - 7_200_000),
    updatedAt: new Date(now),
    filesPerSec: 0,
    bytesPerSec: 0,
    failures: {},
    ...given,
    counts: { ...NO_COUNTS, ...given.counts },
  }
}

/** A migration of 100 million files by 64 workers, 2 of which are missing. */
export function fleet(given: Given = {}): MigrationStatus {
  const now = Date.now()
  const workers = Array.from({ length: 64 }, (_, at) => ({
    name: `ip-10-0-${at % 4}-${at + 11}.eu-central-1.compute.internal:${4000 + at * 7}`,
    seenAt: new Date(now - (at === 17 || at === 40 ? 245_000 : (at % 9) * 1000)),
    files: 980_000 + at * 1237,
    bytes: 41_000_000_000 + at * 77_000_000,
    filesPerSec: 28 + (at % 7),
  }))
  return migration({
    id: 'fleet',
    counts: { seen: 63_518_204, copied: 61_004_113, unchanged: 2_513_877, failed: 214, bytes: 2_712_345_678_901 },
    total: { files: 100_000_000, bytes: 4_300_000_000_000, isComplete: true },
    filesPerSec: 1893.4,
    bytesPerSec: 81_200_000,
    etaSecs: 275_000,
    failures: { permission_denied: 120, not_found: 71, too_large: 23 },
    pages: { waiting: 36_420, running: 62, failed: 0 },
    workers,
    slowedTo: 1900,
    startedAt: new Date(now - 122_400_000),
    ...given,
  })
}
