import { join } from 'node:path'
import { StorageError } from '../core/errors.ts'
import type { MigrationPlaces } from './migration-book.ts'
import { hashOfPlaces, makeWritable, userFolder } from './place-files.ts'

/** Returns the folder of the ledgers of this user. */
export function ledgerFolder(): string {
  return userFolder('state', 'migrations')
}

/** Returns the path of the ledger of two places: the same for the same places, whatever their aliases. Creates nothing. */
export async function ledgerPathOf({ source, target }: MigrationPlaces): Promise<string> {
  return join(ledgerFolder(), `${await hashOfPlaces(source, target)}.sqlite`)
}

/** Creates the folder of the ledgers, unless it exists. `permission_denied` or another code of the system if it cannot be written to. */
export async function makeLedgerFolder(): Promise<void> {
  try {
    await makeWritable(ledgerFolder())
  } catch (cause) {
    const { message } = cause as Error
    throw new StorageError(
      'permission_denied',
      `The ledger of this migration cannot be stored: ${message}; --ledger names another file.`,
      { cause },
    )
  }
}
