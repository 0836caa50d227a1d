import type { StorageError } from '../core/errors.ts'
import type { Verdict } from './equality.ts'
import type { Basis, SyncProgress } from './types.ts'

/** Maximum number of failures that are kept. */
const MAX_FAILURES = 1000

/** Number of files by what was compared. */
export class ComparedCounts implements Record<Basis, number> {
  record = 0
  listing = 0
  oneRead = 0
  bothRead = 0
  size = 0
}

/** The counts of a run so far. */
export class SyncCounts implements SyncProgress {
  checked = 0
  copied = 0
  unchanged = 0
  deleted = 0
  failed = 0
  bytes = 0
  extra = 0
  excluded = 0
  withoutDigest = 0
  /** Files in the source's listing that take part. */
  wanted = 0
  /** Files of the target that take part. */
  atTarget = 0
  readonly compared: ComparedCounts = new ComparedCounts()
  readonly failures: Array<{ readonly name: string; readonly error: StorageError }> = []

  /** Counts the result of a comparison. */
  add({ isEqual, by, lacksDigest = false }: Verdict): void {
    if (lacksDigest) this.withoutDigest++
    if (!isEqual) return
    this.unchanged++
    if (by !== undefined) this.compared[by]++
  }

  fail(name: string, error: StorageError): void {
    this.failed++
    if (this.failures.length < MAX_FAILURES) this.failures.push({ name, error })
  }

  get progress(): SyncProgress {
    const { checked, copied, unchanged, deleted, failed, bytes } = this
    return { checked, copied, unchanged, deleted, failed, bytes }
  }
}
