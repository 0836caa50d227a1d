import type { Command } from 'commander'
import type { MigrationPlan, VerifyMode } from '../transfer/migrate/types.ts'
import { declareNames } from './commands/places.ts'
import { UsageError } from './context.ts'
import { bytesOf, concurrencyOf, percentOf, secondsOf } from './options.ts'

/** Options of `migrate` on the command line. */
export interface MigrateFlags {
  /** False with `--no-verify`. */
  readonly verify: string | boolean
  readonly since?: string
  readonly delete?: boolean
  readonly maxDelete: string
  readonly allowEmptySource?: boolean
  readonly include?: readonly string[]
  readonly exclude?: readonly string[]
  readonly concurrency: string
  readonly bandwidth?: string
  readonly times: boolean
  readonly visibility: boolean
  readonly count: boolean
  readonly restart?: boolean
  readonly ledger?: string
  readonly fleet?: string
  /** False with `--no-work`. */
  readonly work: boolean
  readonly detach?: boolean
}

/** `last`: the begin of the last finished run. */
export type Since = Date | 'last' | undefined

/** The work of `migrate`, as the command line describes it. */
export interface MigrateWish {
  readonly plan: Omit<MigrationPlan, 'since'>
  readonly since: Since
  readonly concurrency: number
  /** In bytes per second. */
  readonly bandwidth: number | undefined
  readonly count: boolean
  readonly restart: boolean
}

const MODES: ReadonlySet<string> = new Set<VerifyMode>(['full', 'sample', 'size'])

/** Declares the options of `migrate`. */
export function declareMigrate(command: Command): Command {
  return declareNames(command)
    .option('--verify <mode>', 'what is compared after the copies: full, sample or size', 'size')
    .option('--no-verify', 'compare nothing after the copies')
    .option('--since <time>', "only files modified since: 2026-05-01, 2026-05-01T12:00:00Z, 7d, or 'last' run")
    .option('--delete', 'delete what only the target has, after a comparison that found no difference')
    .option('--max-delete <percent>', "delete nothing where more of the target's files would go", '50')
    .option('--allow-empty-source', 'let --delete empty the target because the source is empty')
    .option('--concurrency <n>', 'files at once', '16')
    .option('--bandwidth <rate>', 'bytes per second at most: 500K, 10M, 1G')
    .option('--no-times', 'set no modification times')
    .option('--no-visibility', 'set no visibility')
    .option('--no-count', 'do not count the files of the source for the estimate of the time that is left')
    .option('--ledger <file>', 'store progress and failures in this file instead of the state folder of this user')
    .option('--restart', 'begin anew instead of continuing an unfinished run')
    .option('--fleet <url>', 'share the work by this PostgreSQL database; or HOLDALL_FLEET_URL')
    .option('--no-work', 'with --fleet: only plan and watch, and leave the work to the workers')
    .option('--detach', 'with --fleet: only plan')
}

/** Returns what the options describe. `now` is the time from which a duration counts. */
export function wishOf(flags: MigrateFlags, now: Date = new Date()): MigrateWish {
  const { include, exclude, allowEmptySource = false, times, visibility, count, restart = false } = flags
  const verify = modeOf(flags.verify)
  const deletes = flags.delete === true
  if (deletes && verify === false) {
    throw new UsageError('--delete needs the comparison after the copies: leave out --no-verify.')
  }
  const maxDelete = percentOf('--max-delete', flags.maxDelete)
  return {
    plan: { include, exclude, verify, delete: deletes, maxDelete, allowEmptySource, times, visibility },
    since: sinceOf(flags.since, now),
    concurrency: concurrencyOf(flags.concurrency),
    bandwidth: flags.bandwidth === undefined ? undefined : bytesOf('--bandwidth', flags.bandwidth),
    count,
    restart,
  }
}

function modeOf(verify: string | boolean): VerifyMode | false {
  if (verify === false) return false
  if (MODES.has(String(verify))) return verify as VerifyMode
  throw new UsageError(`--verify: expected full, sample or size, got '${verify}'.`)
}

/** A date, alone or with a time; without a time zone it is in UTC. (ISO 8601) */
const ISO = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d(?:\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?$/

function sinceOf(text: string | undefined, now: Date): Since {
  if (text === undefined || text === 'last') return text
  if (/^\d+[smhd]$/.test(text)) return new Date(now.getTime() - secondsOf('--since', text) * 1000)
  const [, day, time = '00:00', seconds = ':00', zone = 'Z'] = ISO.exec(text) ?? []
  const at = new Date(`${day}T${time}${seconds}${zone}`)
  // A day that a month does not have becomes one of the next month.
  const isReal = day !== undefined && isDay(day) && !Number.isNaN(at.getTime())
  if (isReal) return at
  throw new UsageError(
    `--since: expected a time such as 2026-05-01 or 2026-05-01T12:00:00Z (UTC without a zone), a duration such as 7d, or last; got '${text}'.`,
  )
}

function isDay(text: string): boolean {
  const day = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text)
}
