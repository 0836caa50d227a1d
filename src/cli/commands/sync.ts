import { join } from 'node:path'
import type { Command } from 'commander'
import type { SyncEvent, SyncOptions, SyncProgress, SyncReport } from '../../transfer/types.ts'
import { type CliContext, UsageError } from '../context.ts'
import { HELD_BACK } from '../held-back.ts'
import { reportLinks } from '../local-links.ts'
import { concurrencyOf, percentOf } from '../options.ts'
import { formatSize } from '../output.ts'
import { hashOfPlaces, makeWritable, userFolder } from '../place-files.ts'
import { Progress } from '../progress.ts'
import { checkFolder, declareFilters, placeOf, SIZE_ONLY, type SyncPlace, shownBasis } from './places.ts'

/** Options of `sync` on the command line. */
interface SyncFlags {
  readonly delete?: boolean
  readonly maxDelete: string
  readonly allowEmptySource?: boolean
  readonly deleteExcluded?: boolean
  readonly checksum?: boolean
  readonly sizeOnly?: boolean
  readonly read: boolean
  readonly include?: readonly string[]
  readonly exclude?: readonly string[]
  /** A path; false with `--no-record`. */
  readonly record?: string | boolean
  readonly concurrency: string
}

/** `holdall sync`: makes a folder contain the files of another one. */
export function sync(program: Command, context: CliContext): void {
  const command = program
    .command('sync')
    .description('make TARGET have every file of SOURCE; what changed is decided by one listing of each')
    .argument('<source>', "alias:path, or a folder of this machine: './site', '/srv/site', '~/site'")
    .argument('<target>', 'the same')
    .option('--delete', 'delete what only the target has, at last and only when every copy succeeded')
    .option('--max-delete <percent>', "delete nothing where more of the target's files would go", '50')
    .option('--allow-empty-source', 'let --delete empty the target because the source is empty')
    .option('--delete-excluded', 'with --delete, delete also what --include and --exclude leave out')
    .option('--checksum', 'compare contents also where the last run found both sides as they are now')
    .option('--record <file>', 'keep what was found equal in this file instead of the cache of this user')
    .option('--no-record', 'keep nothing')
  declareFilters(command).action((source: string, target: string, flags: SyncFlags) =>
    run(context, source, target, flags),
  )
}

async function run(context: CliContext, from: string, to: string, flags: SyncFlags): Promise<void> {
  const { out, signal } = context
  const options = optionsOf(flags)
  const source = await placeOf(context, from, false)
  const target = await placeOf(context, to, true)
  await checkFolder(source, from)
  const dryRun = context.options.dryRun === true
  const record = await recordPath(context, source, target, flags)
  const { sync: work } = await import('../../transfer/index.ts')
  const progress = new Progress(out, 0, { unit: 'files' })
  let counts: SyncProgress = { checked: 0, copied: 0, unchanged: 0, deleted: 0, failed: 0, bytes: 0 }
  let isReported = false
  try {
    if (source.folder !== undefined) await reportLinks(source.folder, context.skipped)
    const areLinksLeftOut = context.exitCode !== 0
    const report = await work(source.storage, target.storage, {
      ...options,
      // The target may have the files that a skipped link refers to.
      ...(areLinksLeftOut && { delete: false }),
      sourcePath: source.path,
      targetPath: target.path,
      dryRun,
      record,
      signal,
      onEvent: event => tell(context, target, event, dryRun),
      onProgress: now => {
        progress.add(now.checked - counts.checked)
        counts = now
      },
    })
    progress.end()
    isReported = true
    if (areLinksLeftOut && options.delete === true)
      out.warn('nothing is deleted, because links of the source were left out')
    await summary(context, report, dryRun, flags.checksum === true)
  } finally {
    progress.end()
    if (!isReported && counts.checked > 0) {
      if (out.json) await out.record({ summary: { ...counts, inSync: false } }, '')
      else out.log(`${shownCounts(counts, dryRun)}; not finished`)
    }
  }
}

function optionsOf(flags: SyncFlags): SyncOptions {
  const { delete: deletes, allowEmptySource, deleteExcluded, checksum, sizeOnly, read, include, exclude } = flags
  if (checksum === true && sizeOnly === true) throw new UsageError('--checksum and --size-only exclude each other.')
  const maxDelete = percentOf('--max-delete', flags.maxDelete)
  const isGiven = allowEmptySource !== true || maxDelete !== 50
  return {
    delete: deletes,
    maxDelete: isGiven ? maxDelete : undefined,
    allowEmptySource,
    deleteExcluded,
    checksum,
    sizeOnly,
    read,
    include,
    exclude,
    concurrency: concurrencyOf(flags.concurrency),
  }
}

/** Returns the path of the record of equal files, by the places of both sides; undefined without a writable cache folder. */
async function recordPath(
  { out, options }: CliContext,
  source: SyncPlace,
  target: SyncPlace,
  { record }: SyncFlags,
): Promise<string | undefined> {
  if (record === false) return undefined
  if (typeof record === 'string') return record
  const folder = userFolder('cache', 'sync')
  try {
    if (options.dryRun !== true) await makeWritable(folder)
    return join(folder, `${await hashOfPlaces(source, target)}.jsonl`)
  } catch (error) {
    const { message } = error as Error
    out.warn(`no record of this run is kept: ${message}; --record names another file, --no-record keeps none`)
    return undefined
  }
}

async function tell({ out }: CliContext, target: SyncPlace, event: SyncEvent, dryRun: boolean): Promise<void> {
  const { type, name } = event
  if (type === 'failed') return out.error(event.error)
  const place = target.shown(name)
  const verb = dryRun ? (type === 'copied' ? 'would copy' : 'would delete') : type
  const extra = event.type === 'copied' && !Number.isNaN(event.size) ? { size: event.size } : {}
  if (out.json) await out.record({ ...(dryRun && { dryRun }), type, name, place, ...extra }, '')
  else await out.line(`${verb} ${place}`)
}

function shownCounts({ copied, unchanged, deleted, failed, bytes }: SyncProgress, dryRun: boolean): string {
  const would = dryRun ? 'would be ' : ''
  return `${copied} ${would}copied (${formatSize(bytes)}), ${unchanged} unchanged, ${deleted} ${would}deleted, ${failed} failed`
}

async function summary(context: CliContext, report: SyncReport, dryRun: boolean, isChecksum: boolean): Promise<void> {
  const { out } = context
  if (!report.inSync) context.exitCode = 1
  else if (isChecksum && report.compared.size > 0) context.exitCode ||= SIZE_ONLY
  if (out.json) {
    const { failures: _, ...counts } = report
    await out.record({ summary: { ...(dryRun && { dryRun }), ...counts } }, '')
    return
  }
  const { heldBack, extra, compared, withoutDigest } = report
  if (heldBack !== undefined)
    out.warn(`${extra} files that only the target has are not deleted, ${HELD_BACK[heldBack]}`)
  const basis = shownBasis(compared)
  const lacking = withoutDigest === 0 ? '' : `; ${withoutDigest} of equal size had no comparable digest`
  out.log(`${shownCounts(report, dryRun)}${basis === '' ? '' : `; unchanged ${basis}`}${lacking}`)
}
