import { StorageError } from '../core/errors.ts'
import type { MigrationStatus } from '../core/migration-status.ts'
import { isLocalPath, placeOf, type SyncPlace } from './commands/places.ts'
import { type CliContext, UsageError } from './context.ts'
import { hasAlias } from './target.ts'

/** A file that failed, as a ledger has it. */
export interface FailedName {
  readonly name: string
  readonly code: string
  readonly message: string
}

/** Source and target of a migration. */
export interface MigrationPlaces {
  readonly source: SyncPlace
  readonly target: SyncPlace
}

/** Which migrations a command is about: all, one by its id, or those between two places. */
export type MigrationChoice = { readonly id: string } | MigrationPlaces | undefined

/** Where migrations are recorded: ledgers of this machine, or the database of a fleet. */
export interface MigrationBook {
  /** Its place, for messages; without secrets. */
  readonly title: string
  /** Returns the chosen migrations, the newest first. */
  find(choice: MigrationChoice): Promise<readonly MigrationStatus[]>
  /** Returns the names that failed in a migration that was found, in any number. */
  failures(id: string): AsyncIterable<FailedName> | Iterable<FailedName>
}

/** Returns which migrations the arguments of a command name. */
export async function choiceOf(
  context: CliContext,
  first: string | undefined,
  second: string | undefined,
): Promise<MigrationChoice> {
  if (first === undefined) return undefined
  if (second !== undefined) {
    return { source: await placeOf(context, first, false), target: await placeOf(context, second, true) }
  }
  if (!hasAlias(first) && !isLocalPath(first)) return { id: first }
  throw new UsageError(`'${first}' is a place: name source and target, or the id of a migration.`)
}

/** Returns the chosen migrations. `not_found` if one was named, and the book has none. */
export async function chosen(book: MigrationBook, choice: MigrationChoice): Promise<readonly MigrationStatus[]> {
  const found = await book.find(choice)
  if (choice === undefined || found.length > 0) return found
  const isId = 'id' in choice
  const which = isId ? `with the id '${choice.id}'` : `from '${choice.source.title}' to '${choice.target.title}'`
  throw new StorageError('not_found', `There is no migration ${which} in ${book.title}.`)
}
