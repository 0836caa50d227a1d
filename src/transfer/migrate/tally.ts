import type { MigrationCounts } from '../../core/migration-status.ts'

/** The counts of a migration, or of a part of it. They can be added up, and stored as JSON. */
export class Tally implements MigrationCounts {
  seen = 0
  copied = 0
  unchanged = 0
  skipped = 0
  failed = 0
  verified = 0
  different = 0
  compared = 0
  withoutDigest = 0
  sizeOnly = 0
  extra = 0
  deleted = 0
  bytes = 0
  /** Files of the target that take part, counted by the verify pass. */
  atTarget = 0

  constructor(counts: Partial<MigrationCounts> & { readonly atTarget?: number } = {}) {
    this.add(counts)
  }

  /** Adds the counts of another part. */
  add(counts: Partial<MigrationCounts> & { readonly atTarget?: number }): void {
    if (counts instanceof Tally) {
      this.#addAll(counts)
      return
    }
    for (const name in counts) {
      if (Object.hasOwn(this, name)) this[name as keyof MigrationCounts] += counts[name as keyof MigrationCounts] ?? 0
    }
  }

  /** Called several times for each file. */
  #addAll(counts: Tally): void {
    this.seen += counts.seen
    this.copied += counts.copied
    this.unchanged += counts.unchanged
    this.skipped += counts.skipped
    this.failed += counts.failed
    this.verified += counts.verified
    this.different += counts.different
    this.compared += counts.compared
    this.withoutDigest += counts.withoutDigest
    this.sizeOnly += counts.sizeOnly
    this.extra += counts.extra
    this.deleted += counts.deleted
    this.bytes += counts.bytes
    this.atTarget += counts.atTarget
  }
}
