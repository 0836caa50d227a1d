import type { MigrationPass } from '../core/migration-status.ts'

/**
 * The stages of a migration, in their order. `retry` copies what failed in `copy`, `differences` what `verify` found to differ; `again` is a
 * retry that was asked for. `sweep` removes unfinished uploads of lost workers.
 */
export type Stage = 'copy' | 'retry' | 'verify' | 'differences' | 'delete' | 'again' | 'sweep'

/** The pass that a stage belongs to. */
export const PASSES: Readonly<Record<Stage, MigrationPass>> = {
  copy: 'copy',
  retry: 'copy',
  verify: 'verify',
  differences: 'verify',
  delete: 'delete',
  again: 'copy',
  sweep: 'delete',
}

/** Where a stage gets its names from: a listing of one place or both, the failures in the ledger, or pages that are held. `sweep` has none. */
export const ORIGINS: Readonly<Record<Stage, 'source' | 'both' | 'failures' | 'held' | 'none'>> = {
  copy: 'source',
  retry: 'failures',
  verify: 'both',
  differences: 'failures',
  delete: 'held',
  again: 'failures',
  sweep: 'none',
}

/** Number of times that failed names are copied again. */
export const MAX_ROUNDS = 3

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
  /** Whether work was lost, which may have left unfinished uploads. */
  readonly hasLost: boolean
}

/** Returns the next stage; undefined at the end. */
export function nextStage(end: StageEnd): { readonly stage: Stage; readonly round: number } | undefined {
  const { stage, round } = end
  if (stage === 'sweep') return undefined
  const isCopied = stage === 'copy' || stage === 'retry'
  if (isCopied && end.retryable > 0 && round < MAX_ROUNDS) return { stage: 'retry', round: round + 1 }
  if (isCopied && end.verify) return { stage: 'verify', round: 0 }
  if (stage === 'verify' && end.differing > 0) return { stage: 'differences', round: 1 }
  const isVerified = stage === 'verify' || stage === 'differences'
  if (isVerified && end.delete && end.heldBack === undefined) return { stage: 'delete', round: 0 }
  return end.hasLost ? { stage: 'sweep', round: 0 } : undefined
}
