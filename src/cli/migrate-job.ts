import type { MigrateWish } from './migrate-flags.ts'
import type { MigrationPlaces } from './migration-book.ts'

/** A migration as the command line asks for it. */
export interface MigrateJob {
  readonly places: MigrationPlaces
  readonly wish: MigrateWish
}
