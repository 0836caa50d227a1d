import type { Command } from 'commander'
import { type CliContext, UsageError } from './context.ts'
import { fleetUrlOf } from './fleet-url.ts'
import type { MigrationBook } from './migration-book.ts'

/** Options that name where migrations are recorded. */
export interface BookFlags {
  readonly ledger?: string
  readonly fleet?: string
}

/** Declares `--ledger` and `--fleet`. */
export function declareBook(command: Command): Command {
  return command
    .option('--ledger <file>', 'this ledger instead of those in the state folder of this user')
    .option('--fleet <url>', 'the PostgreSQL database of a fleet; or HOLDALL_FLEET_URL')
}

/** Returns the URL of the fleet that a command is about; undefined for a ledger of this machine. */
export async function fleetOf(context: CliContext, { ledger, fleet }: BookFlags): Promise<string | undefined> {
  if (ledger !== undefined && fleet !== undefined) throw new UsageError('--ledger and --fleet exclude each other.')
  return ledger === undefined ? fleetUrlOf(context, fleet) : undefined
}

/** Returns the book that a command reads. */
export async function bookOf(context: CliContext, flags: BookFlags): Promise<MigrationBook> {
  const url = await fleetOf(context, flags)
  if (url === undefined) return new (await import('./ledger-book.ts')).LedgerBook(flags.ledger)
  return new (await import('./fleet-commands.ts')).FleetBook(url)
}
