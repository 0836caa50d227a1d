import type { Command } from 'commander'
import { type CliContext, UsageError } from '../context.ts'
import { FLEET_VARIABLE, fleetUrlOf } from '../fleet-url.ts'
import { concurrencyOf } from '../options.ts'
import { optionsOfSubcommand, subcommandOf } from '../subcommand.ts'

interface WorkerFlags {
  readonly fleet?: string
  readonly concurrency: string
  readonly once?: boolean
}

/** `holdall migrate worker`: works on the migrations of a fleet. */
export function migrateWorker(parent: Command, context: CliContext): void {
  const command = subcommandOf(parent, 'worker')
    .description('work on the migrations of a fleet, until it is ended')
    .option('--fleet <url>', 'the PostgreSQL database of the fleet; or HOLDALL_FLEET_URL')
    .option('--concurrency <n>', 'files at once', '16')
    .option('--once', 'end when no migration is unfinished')
    .action(() => run(context, optionsOfSubcommand(command)))
}

async function run(context: CliContext, flags: WorkerFlags): Promise<void> {
  const concurrency = concurrencyOf(flags.concurrency)
  const url = await fleetUrlOf(context, flags.fleet)
  if (url === undefined)
    throw new UsageError(`worker: --fleet or ${FLEET_VARIABLE} must name the database of the fleet.`)
  if (context.options.dryRun === true) throw new UsageError('worker: --dry-run is not possible.')
  const { workInFleet } = await import('../fleet-commands.ts')
  await workInFleet(context, url, { concurrency, once: flags.once === true })
}
