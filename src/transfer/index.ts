export type {
  MigrationCounts,
  MigrationPass,
  MigrationState,
  MigrationStatus,
  MigrationWorkerStatus,
} from '../core/migration-status.ts'
export { compare } from './compare.ts'
export { migrate, retryFailures } from './migrate/migrate.ts'
export type { FinishedRun } from './migrate/run-table.ts'
export type { LedgerFailure, LedgerStatus } from './migrate/status.ts'
export { lastFinishedRun, ledgerFailures, listLedgers, readStatus } from './migrate/status.ts'
export type {
  LeftBehind,
  MeterLike,
  MigrateEvent,
  MigrateOptions,
  MigrationHeldBack,
  MigrationReport,
  RetryOptions,
  VerifyMode,
} from './migrate/types.ts'
export { sync } from './sync.ts'
export type {
  Basis,
  Compared,
  CompareEvent,
  CompareOptions,
  CompareReport,
  HeldBack,
  PlacesOptions,
  SyncEvent,
  SyncOptions,
  SyncProgress,
  SyncReport,
} from './types.ts'
