import type { MigrationPass } from '../core/migration-status.ts'

/**
 * The stages of a migration, in their order. `retry` copies what failed in `copy`, `differences` what `verify` found to differ; `again` is a
 * retry that was asked for.
 */
export type Stage = 'copy' | 'retry' | 'verify' | 'differences' | 'delete' | 'again'

/** The pass that a stage belongs to. */
export const PASSES: Readonly<Record<Stage, MigrationPass>> = {
  copy: 'copy',
  retry: 'copy',
  verify: 'verify',
  differences: 'verify',
  delete: 'delete',
  again: 'copy',
}

/** Where a stage gets its names from: a listing of one place or both, the failures in the ledger, or pages that are held. */
export const ORIGINS: Readonly<Record<Stage, 'source' | 'both' | 'failures' | 'held'>> = {
  copy: 'source',
  retry: 'failures',
  verify: 'both',
  differences: 'failures',
  delete: 'held',
  again: 'failures',
}

/** Number of times that failed names are copied again. */
export const MAX_ROUNDS = 3

/** Codes of failures that another attempt does not change. */
export const LASTING_CODES: readonly string[] = [
  'suspicious_name',
  'exists',
  'is_directory',
  'not_a_directory',
  'invalid_argument',
  'unsupported',
  'too_large',
]

/** What is known when the last page of a stage is finished. */
export interface StageEnd {
  readonly stage: Stage
  readonly round: number
  readonly verify: boolean
  readonly delete: boolean
  /** Number of failed names that another attempt may change, by the stage that found them. */
  readonly retryable: number
  readonly differing: number
  /** Why nothing may be deleted. */
  readonly heldBack: string | undefined
}

/** Returns the next stage; undefined at the end. */
export function nextStage(end: StageEnd): { readonly stage: Stage; readonly round: number } | undefined {
  const { stage, round } = end
  if (stage === 'again' || stage === 'delete') return undefined
  if ((stage === 'copy' || stage === 'retry') && end.retryable > 0 && round < MAX_ROUNDS) {
    return { stage: 'retry', round: round + 1 }
  }
  if ((stage === 'copy' || stage === 'retry') && end.verify) return { stage: 'verify', round: 0 }
  if (stage === 'verify' && end.differing > 0) return { stage: 'differences', round: 1 }
  return end.delete && end.heldBack === undefined ? { stage: 'delete', round: 0 } : undefined
}
