import type { Command } from 'commander'
import { type CliContext, UsageError } from '../context.ts'
import { reportLinks } from '../local-links.ts'
import { declareMigrate, type MigrateFlags, wishOf } from '../migrate-flags.ts'
import type { MigrateJob } from '../migrate-job.ts'
import { fleetOf } from '../migration-books.ts'
import { migrateRetry } from './migrate-retry.ts'
import { migrateStatus } from './migrate-status.ts'
import { migrateWorker } from './migrate-worker.ts'
import { checkFolder, placeOf } from './places.ts'

/** `holdall migrate`: copies all files of a place to another one, on this machine or by a fleet of workers. */
export function migrate(program: Command, context: CliContext): void {
  const command = program
    .command('migrate')
    .description('copy all files of SOURCE to TARGET, compare them, and continue after an interruption')
    .argument('<source>', "alias:path, or a folder of this machine: './site', '/srv/site', '~/site'")
    .argument('<target>', 'the same')
  declareMigrate(command).action((source: string, target: string, flags: MigrateFlags) =>
    run(context, source, target, flags),
  )
  for (const register of [migrateStatus, migrateRetry, migrateWorker]) register(command, context)
}

async function run(context: CliContext, from: string, to: string, flags: MigrateFlags): Promise<void> {
  const wish = wishOf(flags)
  const { ledger } = flags
  const fleet = await fleetOf(context, flags)
  for (const [option, isGiven] of [
    ['--no-work', !flags.work],
    ['--detach', flags.detach === true],
  ] as const) {
    if (isGiven && fleet === undefined) throw new UsageError(`${option} needs --fleet.`)
  }
  const source = await placeOf(context, from, false)
  const target = await placeOf(context, to, true)
  await checkFolder(source, from)
  if (source.folder !== undefined) await reportLinks(source.folder, context.skipped)
  // The target may have the files that a skipped link refers to.
  const areLinksLeftOut = context.exitCode !== 0
  if (areLinksLeftOut && wish.plan.delete) {
    context.out.warn('nothing is deleted, because links of the source were left out')
  }
  const plan = areLinksLeftOut ? { ...wish.plan, delete: false } : wish.plan
  const job: MigrateJob = { places: { source, target }, wish: { ...wish, plan } }
  if (fleet === undefined || context.options.dryRun === true) {
    const { migrateHere } = await import('../migrate-here.ts')
    await migrateHere(context, job, ledger, fleet)
  } else {
    const { migrateByFleet } = await import('../fleet-commands.ts')
    await migrateByFleet(context, job, fleet, { isWorker: flags.work, isDetached: flags.detach === true })
  }
}
