import type { Command } from 'commander'
import { isMigrationDone, type MigrationStatus } from '../../core/migration-status.ts'
import type { CliContext } from '../context.ts'
import { MigrateWatch } from '../migrate-watch.ts'
import { choiceOf } from '../migration-book.ts'
import { type BookFlags, bookOf, declareBook } from '../migration-books.ts'
import { optionsOfSubcommand, subcommandOf } from '../subcommand.ts'

interface StatusFlags extends BookFlags {
  readonly failures?: boolean
  readonly watch?: boolean
}

/** `holdall migrate status`: prints the state of migrations. */
export function migrateStatus(parent: Command, context: CliContext): void {
  const command = subcommandOf(parent, 'status')
    .description('show migrations: all, one by its id, or those between two places')
    .argument('[id-or-source]', 'the id of a migration, or its source')
    .argument('[target]', 'its target')
    .option('--failures', 'list each failed name, with code and message')
    .option('--watch', 'print again every 2 s until all have ended')
  declareBook(command).action((first?: string, second?: string) =>
    run(context, first, second, optionsOfSubcommand(command)),
  )
}

async function run(
  context: CliContext,
  first: string | undefined,
  second: string | undefined,
  flags: StatusFlags,
): Promise<void> {
  const choice = await choiceOf(context, first, second)
  const book = await bookOf(context, flags)
  const watch = new MigrateWatch(context, book, choice, flags.failures === true)
  const found = await (flags.watch === true ? watch.repeat() : watch.print())
  if (found.some(hasFailed)) context.exitCode = 1
}

/** Whether a migration has ended otherwise than with everything done. */
function hasFailed(status: MigrationStatus): boolean {
  return status.state === 'failed' || (status.state === 'done' && !isMigrationDone(status))
}
