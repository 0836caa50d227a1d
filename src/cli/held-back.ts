import type { MigrationHeldBack } from '../core/migration-status.ts'

/** Why `sync` and `migrate` deleted nothing, for messages. */
export const HELD_BACK: Readonly<Record<MigrationHeldBack, string>> = {
  failures: 'because not every file was copied',
  differences: 'because both places differ',
  incomplete_source: 'because a listing left something out, which may be there',
  empty_source: 'because the source is empty; --allow-empty-source deletes them',
  max_delete: 'because they are more of the target than --max-delete allows (50 % by default)',
}
