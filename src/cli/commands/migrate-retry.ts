import type { Command } from 'commander'
import type { CliContext } from '../context.ts'
import { failureLine } from '../migrate-text.ts'
import { choiceOf, chosen, type FailedName, type MigrationChoice } from '../migration-book.ts'
import { type BookFlags, declareBook, fleetOf } from '../migration-books.ts'
import { concurrencyOf } from '../options.ts'
import { optionsOfSubcommand, subcommandOf } from '../subcommand.ts'
import { placeOf } from './places.ts'

interface RetryFlags extends BookFlags {
  readonly concurrency: string
}

/** `holdall migrate retry`: processes failed names again. */
export function migrateRetry(parent: Command, context: CliContext): void {
  const command = subcommandOf(parent, 'retry')
    .description('process the failed names of migrations again, and in a fleet the pages whose retries are used up')
    .argument('[id-or-source]', 'the id of a migration, or its source; all migrations when left out')
    .argument('[target]', 'its target')
    .option('--concurrency <n>', 'files at once', '16')
  declareBook(command).action((first?: string, second?: string) =>
    run(context, first, second, optionsOfSubcommand(command)),
  )
}

async function run(
  context: CliContext,
  first: string | undefined,
  second: string | undefined,
  flags: RetryFlags,
): Promise<void> {
  const concurrency = concurrencyOf(flags.concurrency)
  const choice = await choiceOf(context, first, second)
  const url = await fleetOf(context, flags)
  if (url !== undefined && !isOfLedger(choice, flags)) {
    const { retryInFleet } = await import('../fleet-commands.ts')
    return retryInFleet(context, url, choice)
  }
  const { LedgerBook } = await import('../ledger-book.ts')
  const { retryHere } = await import('../migrate-here.ts')
  const book = new LedgerBook(flags.ledger)
  const failed = (await chosen(book, choice)).filter(({ counts }) => counts.failed > 0)
  if (failed.length === 0) context.out.log(`no failed names in ${book.title}`)
  for (const { id, source, target } of failed) {
    const places =
      choice !== undefined && !('id' in choice)
        ? choice
        : { source: await placeOf(context, source, false), target: await placeOf(context, target, true) }
    if (context.options.dryRun === true) await wouldRetry(context, book.failures(id))
    else await retryHere(context, places, book.pathOf(id), concurrency)
  }
}

/** Whether an id is that of a ledger, as `status` shows it beside those of the fleet of the environment. */
function isOfLedger(choice: MigrationChoice, { fleet }: BookFlags): boolean {
  return fleet === undefined && choice !== undefined && 'id' in choice && /^[0-9a-f]{12}$/.test(choice.id)
}

async function wouldRetry({ out }: CliContext, failures: AsyncIterable<FailedName>): Promise<void> {
  for await (const { name, code, message } of failures) {
    const failure = { name, code, message }
    await out.record({ dryRun: true, type: 'failed', ...failure }, `would process again ${failureLine(failure).trim()}`)
  }
}
