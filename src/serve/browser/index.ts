export type {
  MigrationCounts,
  MigrationPass,
  MigrationState,
  MigrationStatus,
  MigrationWorkerStatus,
} from '../../core/migration-status.ts'
export { createStorageBrowser, type StorageBrowserOptions } from './browser.ts'
export type { MigrationSource } from './migrations.ts'
export type { BrowsedStorage } from './place.ts'
