import type { Command } from 'commander'
import type { MigrationStatus } from '../core/migration-status.ts'
import { type CliContext, UsageError } from './context.ts'
import { fleetUrlOf } from './fleet-url.ts'
import type { FailedName, MigrationBook, MigrationChoice } from './migration-book.ts'

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

/**
 * Returns the book that a command reads: a ledger or a fleet that an option names; otherwise the ledgers of this user and, if
 * HOLDALL_FLEET_URL is set, also the fleet.
 */
export async function bookOf(context: CliContext, flags: BookFlags): Promise<MigrationBook> {
  const url = await fleetOf(context, flags)
  const ledgers = async (): Promise<MigrationBook> => new (await import('./ledger-book.ts')).LedgerBook(flags.ledger)
  if (url === undefined) return ledgers()
  const fleet = new (await import('./fleet-commands.ts')).FleetBook(url)
  return flags.fleet !== undefined ? fleet : new JoinedBook([fleet, await ledgers()])
}

/** Several books as one. */
class JoinedBook implements MigrationBook {
  readonly #books: readonly MigrationBook[]
  readonly #owners = new Map<string, MigrationBook>()

  constructor(books: readonly MigrationBook[]) {
    this.#books = books
  }

  get title(): string {
    return this.#books.map(({ title }) => title).join(' and in ')
  }

  async find(choice: MigrationChoice): Promise<readonly MigrationStatus[]> {
    const all: MigrationStatus[] = []
    for (const book of this.#books) {
      const found = await book.find(choice)
      for (const { id } of found) this.#owners.set(id, book)
      all.push(...found)
    }
    return all.sort((one, other) => +other.updatedAt - +one.updatedAt)
  }

  async *failures(id: string): AsyncGenerator<FailedName> {
    const book = this.#owners.get(id)
    if (book !== undefined) yield* book.failures(id)
  }
}
