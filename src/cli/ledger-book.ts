import type { MigrationStatus } from '../core/migration-status.ts'
import { ledgerFailures, listLedgers, readStatus } from '../transfer/migrate/status.ts'
import { ledgerFolder, ledgerPathOf } from './ledger-path.ts'
import type { FailedName, MigrationBook, MigrationChoice } from './migration-book.ts'
import { printable } from './output.ts'

/** The ledgers of this machine: those of this user, or one file. */
export class LedgerBook implements MigrationBook {
  readonly #file: string | undefined
  readonly #paths = new Map<string, string>()

  constructor(file: string | undefined) {
    this.#file = file
  }

  get title(): string {
    return printable(this.#file ?? ledgerFolder())
  }

  async find(choice: MigrationChoice): Promise<readonly MigrationStatus[]> {
    const file = this.#file ?? (choice !== undefined && !('id' in choice) ? await ledgerPathOf(choice) : undefined)
    const all = file === undefined ? await listLedgers(ledgerFolder()) : await one(file)
    for (const { id, ledger } of all) this.#paths.set(id, ledger)
    return choice !== undefined && 'id' in choice ? all.filter(({ id }) => id === choice.id) : all
  }

  /** Returns the path of the ledger of a migration that was found. */
  pathOf(id: string): string {
    const path = this.#paths.get(id)
    if (path === undefined) throw new TypeError(`The migration '${id}' was not found before.`)
    return path
  }

  failures(id: string): AsyncIterable<FailedName> {
    return ledgerFailures(this.pathOf(id))
  }
}

async function one(ledger: string): Promise<ReadonlyArray<MigrationStatus & { readonly ledger: string }>> {
  const status = await readStatus(ledger)
  return status === undefined ? [] : [{ ...status, ledger }]
}
