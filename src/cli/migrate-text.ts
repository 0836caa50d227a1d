import type { MigrationCounts, MigrationPass, MigrationStatus } from '../core/migration-status.ts'
import type { LeftBehind, VerifyMode } from '../transfer/migrate/types.ts'
import { HELD_BACK } from './held-back.ts'
import { formatSize, formatTime, printable } from './output.ts'

/** Time in milliseconds without a sign of life after which a worker is named as stale. */
const STALE_MS = 30_000

/** Returns a number of seconds as `45s`, `4m 10s`, `3h 05m` or `2d 04h`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const units = [
    [86_400, 'd', 3600, 'h'],
    [3600, 'h', 60, 'm'],
    [60, 'm', 1, 's'],
  ] as const
  for (const [size, name, smaller, other] of units) {
    if (whole < size) continue
    const rest = Math.floor((whole % size) / smaller)
    return `${Math.floor(whole / size)}${name} ${String(rest).padStart(2, '0')}${other}`
  }
  return `${whole}s`
}

/** Number of files processed in the current pass. */
export function filesDone({ pass, counts }: Pick<MigrationStatus, 'pass' | 'counts'>): number {
  return { copy: counts.seen, verify: counts.verified, delete: counts.deleted }[pass]
}

/** Number of files of the current pass; undefined while it is unknown. */
export function filesOfPass({ pass, counts, total }: MigrationStatus): number | undefined {
  if (pass === 'delete') return counts.extra
  // The copy pass has counted those of the comparison, which leaves out what was skipped.
  if (pass === 'verify') return counts.seen - counts.skipped
  return total?.isComplete === true ? total.files : undefined
}

/** Returns `12 of 40 files`, or `12 files` while the number of all is unknown. */
export function shownFiles(status: MigrationStatus): string {
  const all = filesOfPass(status)
  return `${filesDone(status)}${all === undefined ? '' : ` of ${all}`} files`
}

function percentage(status: MigrationStatus): string | undefined {
  const all = filesOfPass(status)
  return all === undefined || all === 0 ? undefined : `${Math.min(100, Math.floor((filesDone(status) * 100) / all))}%`
}

function shownRates({ filesPerSec, bytesPerSec }: MigrationStatus): string[] {
  return [`${shownRate(filesPerSec)} files/s`, `${formatSize(bytesPerSec)}/s`]
}

function shownRate(perSec: number): string {
  return perSec > 0 && perSec < 10 ? perSec.toFixed(1) : String(Math.round(perSec))
}

/** Returns the progress of a running migration as one line; what matters least is left out where it is longer than `width`. */
export function progressLine(status: MigrationStatus, width: number = Number.POSITIVE_INFINITY): string {
  const { pass, counts, etaSecs, slowedTo } = status
  const [files, bytes] = shownRates(status)
  // With the order in which they are left out.
  const parts: Array<readonly [number, string | undefined]> = [
    [9, pass],
    [8, shownFiles(status)],
    [5, percentage(status)],
    [1, formatSize(counts.bytes)],
    [2, files],
    [3, bytes],
    [6, etaSecs === undefined ? undefined : `ETA ${formatSeconds(etaSecs)}`],
    [7, counts.failed === 0 ? undefined : `${counts.failed} failed`],
    [4, slowedTo === undefined ? undefined : `slowed to ${shownRate(slowedTo)}/s`],
  ]
  const shown = parts.filter((part): part is readonly [number, string] => part[1] !== undefined)
  for (;;) {
    const line = shown.map(([, text]) => text).join('  ')
    if (line.length <= width || shown.length <= 2) return line
    const least = Math.min(...shown.map(([rank]) => rank))
    shown.splice(
      shown.findIndex(([rank]) => rank === least),
      1,
    )
  }
}

/** Returns the counts of a migration as one line: `12 copied (3.0 kB), 4 unchanged, 0 failed; verified 16: 0 different`. */
export function shownCounts(counts: MigrationCounts, isDryRun = false): string {
  const { copied, bytes, unchanged, skipped, failed, verified, extra, deleted } = counts
  const would = isDryRun ? 'would be ' : ''
  const parts = [
    `${copied} ${would}copied (${formatSize(bytes)})`,
    `${unchanged} unchanged`,
    ...(skipped === 0 ? [] : [`${skipped} skipped`]),
    `${failed} failed`,
  ]
  return [
    parts.join(', '),
    ...(verified === 0 ? [] : [shownVerified(counts)]),
    ...(extra === 0 ? [] : [`${extra} only at the target, ${deleted} ${would}deleted`]),
  ].join('; ')
}

function shownVerified({ verified, different, compared, withoutDigest, sizeOnly }: MigrationCounts): string {
  const text = `verified ${verified}: ${different} different, contents of ${compared} compared`
  if (withoutDigest === 0) return text
  const instead = [
    ...(withoutDigest === sizeOnly ? [] : [`${withoutDigest - sizeOnly} compared by reading`]),
    ...(sizeOnly === 0 ? [] : [`${sizeOnly} by size only`]),
  ]
  return `${text}; ${withoutDigest} had no comparable digest: ${instead.join(', ')}`
}

const ATTRIBUTES: Readonly<Record<LeftBehind['attribute'], { readonly name: string; readonly verb: string }>> = {
  contentType: { name: 'content types', verb: 'store' },
  cacheControl: { name: 'cache control', verb: 'store' },
  metadata: { name: 'metadata', verb: 'store' },
  modifiedAt: { name: 'modification times', verb: 'set' },
  visibility: { name: 'visibility', verb: 'set' },
}

/** Names of the drivers of both places. */
export interface DriverNames {
  readonly source: string
  readonly target: string
}

/**
 * Returns what does not go along, as one line for each side: `modification times stay behind: s3 cannot set them`. What is only stored, and
 * what is set by requests of its own, are different lines for the target.
 */
export function shownLeftBehind(all: readonly LeftBehind[], { source, target }: DriverNames): readonly string[] {
  const atSource = all
    .filter(({ lackedBy }) => lackedBy === 'source')
    .map(({ attribute }) => ATTRIBUTES[attribute].name)
  const lines: string[] = []
  if (atSource.length > 0) {
    const isTyped = all.some(({ attribute, lackedBy }) => attribute === 'contentType' && lackedBy === 'source')
    const types = isTyped ? `; ${target} gets the content types that follow from the names` : ''
    lines.push(`${source} has no ${joined(atSource, 'or')} to copy${types}`)
  }
  for (const verb of ['store', 'set'] as const) {
    const names = all
      .filter(({ attribute, lackedBy }) => lackedBy === 'target' && ATTRIBUTES[attribute].verb === verb)
      .map(({ attribute }) => ATTRIBUTES[attribute].name)
    if (names.length === 0) continue
    const isPlural = names.length > 1 || names[0]!.endsWith('s')
    const them = isPlural ? 'them' : 'it'
    lines.push(`${joined(names, 'and')} ${isPlural ? 'stay' : 'stays'} behind: ${target} cannot ${verb} ${them}`)
  }
  return lines
}

/** Returns `a, b and c`. */
function joined(words: readonly string[], word: 'and' | 'or'): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} ${word} ${words.at(-1)}`
}

const COMPARED: Readonly<Record<VerifyMode, string>> = {
  size: 'names and sizes, and digests where both listings have them',
  sample: 'names and sizes, digests where both listings have them, and the contents of a sample of the other files',
  full: 'the contents of all files',
}

/** Returns what is compared after the copies. */
export function shownVerify(verify: VerifyMode | false): string {
  return verify === false ? 'nothing is compared after the copies' : `compared after the copies: ${COMPARED[verify]}`
}

/** What only the ledger of a fleet knows, or only that of one machine. */
interface BookParts {
  /** The file of the ledger. */
  readonly ledger?: string | undefined
  readonly failedPages?: ReadonlyArray<{
    readonly first: string
    readonly last: string
    readonly size: number
    readonly error: string
  }>
}

/** Returns a migration as a block of lines. */
export function statusBlock(status: MigrationStatus & BookParts, now: Date): string {
  const { id, state, pass, counts, failures, startedAt, updatedAt, finishedAt, heldBack, hasLeftOut } = status
  const codes = Object.entries(failures).map(([code, count]) => `${count} ${code}`)
  const rows: Array<readonly [string, string | undefined]> = [
    ['id', id],
    ['state', state === 'running' || state === 'interrupted' ? `${state}, ${PASSES[pass]}` : state],
    ['files', [shownFiles(status), percentage(status)].filter(part => part !== undefined).join(', ')],
    ['counts', shownCounts(counts)],
    ['failures', codes.length === 0 ? undefined : codes.join(', ')],
    ['rate', state === 'running' ? shownSpeed(status) : undefined],
    ['slowed', slowed(status)],
    ['pages', shownPages(status)],
    ...(status.failedPages ?? []).map((page): readonly [string, string] => ['', printable(shownPage(page))]),
    ['deleted', heldBack === undefined ? undefined : `nothing, ${HELD_BACK[heldBack]}`],
    ['left out', hasLeftOut === true ? LEFT_OUT : undefined],
    ['started', formatTime(startedAt)],
    finishedAt === undefined ? ['updated', formatTime(updatedAt)] : ['finished', formatTime(finishedAt)],
    ['ledger', status.ledger],
    ...(status.workers ?? []).map((worker): readonly [string, string] => ['worker', shownWorker(worker, now)]),
  ]
  const lines = rows.flatMap(([name, text]) => (text === undefined ? [] : [`  ${name.padEnd(9)} ${text}`]))
  return [printable(`${status.source} -> ${status.target}`), ...lines].join('\n')
}

/** What the status says of listings that left out files. */
const LEFT_OUT = 'files without a usable name, which are not at the target'

const PASSES: Readonly<Record<MigrationPass, string>> = {
  copy: 'copying',
  verify: 'comparing',
  delete: 'deleting',
}

function shownSpeed(status: MigrationStatus): string {
  const { etaSecs } = status
  return [...shownRates(status), ...(etaSecs === undefined ? [] : [`about ${formatSeconds(etaSecs)} left`])].join(', ')
}

function slowed({ slowedTo }: MigrationStatus): string | undefined {
  return slowedTo === undefined ? undefined : `to ${shownRate(slowedTo)} files/s, because a service asked for it`
}

function shownPages({ pages }: MigrationStatus): string | undefined {
  if (pages === undefined) return undefined
  const { waiting, running, failed } = pages
  const advice = failed === 0 ? '' : " (their retries are used up; 'holdall migrate retry' processes them again)"
  return `${waiting} waiting, ${running} running, ${failed} failed${advice}`
}

function shownPage({ first, last, size, error }: NonNullable<BookParts['failedPages']>[number]): string {
  const what =
    size === 0
      ? `names after '${first}'${last === '' ? '' : ` before '${last}'`}`
      : `${size} names, '${first}' to '${last}'`
  return `${what}: ${error}`
}

function shownWorker(worker: NonNullable<MigrationStatus['workers']>[number], now: Date): string {
  const { name, seenAt, files, bytes, filesPerSec, error } = worker
  if (error !== undefined) return printable(`${name}: cannot work on it: ${error}`)
  const silentMs = now.getTime() - seenAt.getTime()
  const what = `${printable(name)}: ${files} files, ${formatSize(bytes)}`
  if (silentMs >= STALE_MS) return `${what}, not heard of for ${formatSeconds(silentMs / 1000)}`
  return `${what}, ${shownRate(filesPerSec)} files/s`
}

/** Returns a failed name as one line. */
export function failureLine({
  name,
  code,
  message,
}: {
  readonly name: string
  readonly code: string
  readonly message: string
}): string {
  return printable(`  ${code.padEnd(17)} ${name}: ${message}`)
}

/** Returns an attempt that failed, and may be followed by another one, as one line. */
export function attemptLine({ message }: { readonly message: string }): string {
  return `attempt failed: ${message}`
}
