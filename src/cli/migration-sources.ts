import { existsSync } from 'node:fs'
import type { MigrationStatus } from '../core/migration-status.ts'
import type { MigrationSource } from '../serve/browser/index.ts'
import { FLEET_VARIABLE } from './fleet-url.ts'
import { ledgerFolder } from './ledger-path.ts'

/** The functions that read the state of migrations; a function is called at each refresh of the page. */
export interface MigrationReaders {
  /** Reads the ledgers in a folder. */
  readonly ledgers?: ((folder: string) => Promise<readonly MigrationStatus[]>) | undefined
  /** Reads the database of a fleet. */
  readonly fleet?: ((url: string) => Promise<readonly MigrationStatus[]>) | undefined
}

const READERS: MigrationReaders = {
  ledgers: async folder => (await import('../transfer/index.ts')).listLedgers(folder),
  fleet: async url => (await import('../fleet/index.ts')).fleetStatus(url),
}

/**
 * Returns the sources of the page of migrations: the ledgers of this user, if there is a folder with some, and the fleet of
 * `HOLDALL_FLEET_URL`, if it is set. Reads no ledger and opens no connection.
 */
export function migrationSources({ ledgers, fleet }: MigrationReaders = READERS): readonly MigrationSource[] {
  const sources: MigrationSource[] = []
  const folder = ledgerFolder()
  if (ledgers !== undefined && existsSync(folder)) sources.push(() => ledgers(folder))
  const url = process.env[FLEET_VARIABLE] ?? ''
  if (fleet !== undefined && url !== '') sources.push(() => fleet(url))
  return sources
}
