import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { isStorageError, StorageError } from '../../core/errors.ts'
import { forEachParallel } from '../../core/parallel.ts'
import type { Entry } from '../../storage/types.ts'
import { type CliContext, refuseBackslash, shownTarget, type Target, UsageError } from '../context.ts'
import { allowRecursive, allowSkipExisting, checkSkipExisting, concurrencyOf } from '../options.ts'
import { printable } from '../output.ts'
import { refuseInside, refuseSameFile } from '../same-place.ts'
import { TakenNames } from '../taken-names.ts'
import { Tally } from '../tally.ts'
import { below, hasAlias, lastPart, splitTarget } from '../target.ts'
import { existing, existingFile, filesBelow, removeFolders } from '../tree.ts'
import { resumedTransfer } from './resumed-transfer.ts'

type Kind = 'copy' | 'move'

interface CopyOptions {
  readonly recursive?: boolean
  readonly overwrite?: boolean
  readonly skipExisting?: boolean
  readonly resume?: boolean
  readonly concurrency: string
}

/** A file: its name, or its entry from a listing. */
interface Source extends Target {
  readonly entry?: Entry
}

/** The common state of the files of one command. */
interface Run {
  readonly context: CliContext
  readonly kind: Kind
  readonly options: CopyOptions
  readonly taken: TakenNames
  readonly tally: Tally
}

/** `holdall cp`: copies within or between storages. */
export function cp(program: Command, context: CliContext): void {
  declareTransfer(program, context, 'copy')
}

/** Declares the common options of `cp` and `mv`. */
export function declareTransfer(program: Command, context: CliContext, kind: Kind): void {
  const command = program
    .command(nameOf(kind))
    .description(`${kind} stored files, also between storages; prints the names they got`)
    .argument('<from>', '[alias:]path')
    .argument('<to>', "[alias:]path, a folder when it ends in '/'")
  allowRecursive(command, 'everything below a folder')
    .option('--overwrite', 'replace files of the same name')
    .option('--concurrency <n>', 'files at once', '4')
  if (kind === 'copy') {
    allowSkipExisting(command)
    command.option('--resume', 'with -r: leave out files that are there and equal, and verify each')
  }
  command.action((from: string, to: string, options: CopyOptions) => transfer(context, kind, from, to, options))
}

function nameOf(kind: Kind): string {
  return kind === 'copy' ? 'cp' : 'mv'
}

async function transfer(
  context: CliContext,
  kind: Kind,
  from: string,
  to: string,
  options: CopyOptions,
): Promise<void> {
  const { signal } = context
  const limit = concurrencyOf(options.concurrency)
  const { overwrite = false, resume = false, recursive = false } = options
  if (resume && !recursive) throw new UsageError('--resume is for folders: use it with -r.')
  checkSkipExisting(options)
  const source = await context.target(from)
  const target = await context.destination(to)
  if (recursive) await refuseInside(source, target, signal)
  if (resume) return resumedTransfer(context, source, target, { overwrite, limit })
  const taken = new TakenNames(target.storage, target.path, signal)
  const tally = new Tally(context, { verb: kind === 'copy' ? 'copied' : 'moved', isMany: recursive })
  const run: Run = { context, kind, options, taken, tally }
  await tally.run(async () => {
    try {
      if (recursive) await transferAll(run, source, target, limit)
      else await transferAlone(run, source, target)
    } catch (error) {
      throw meantLocal(from, to, error)
    }
  })
}

async function transferAll(run: Run, source: Target, target: Target, limit: number): Promise<void> {
  const { context, tally } = run
  const found = tally.files(filesBelow(source, context.signal), ({ entry }) => entry.size)
  await forEachParallel(found, { limit }, ({ entry, relative }) =>
    tally.attempt(async () => {
      const name = below(target.path, relative)
      refuseBackslash(name)
      const [file, place] = [
        { ...source, path: entry.name, entry },
        { ...target, path: name },
      ]
      if (entry.name === source.path) await refuseSameFile(file, place, context.signal)
      await transferOne(run, file, place)
      if (!Number.isNaN(entry.size)) tally.progress.add(entry.size, entry.name)
    }, true),
  )
  const leavesFolders = run.kind === 'move' && source.storage.supports('path') && context.options.dryRun !== true
  // Files that are still in a folder were not moved, so the folder stays.
  if (leavesFolders && context.exitCode === 0) {
    await removeFolders(source.storage, source.path, context.signal).catch((error: unknown) => {
      if (!isStorageError(error, 'is_directory', 'not_empty', 'not_found', 'not_a_directory')) throw error
    })
  }
}

async function transferAlone(run: Run, from: Target, to: Target): Promise<void> {
  const { kind, context, tally } = run
  const { signal } = context
  const name = to.path === '' || to.path.endsWith('/') ? below(to.path, lastPart(from.path)) : to.path
  const target = { ...to, path: name }
  tally.whole(1)
  try {
    if (from.path === '') await existingFile(from, signal)
    await refuseSameFile(from, target, signal)
    await transferOne(run, from, target)
  } catch (error) {
    if (!isStorageError(error, 'not_found', 'is_directory')) throw error
    // Throws for a missing file that nothing is there.
    if (!(await existing(from, signal)).isDirectory) throw error
    throw new UsageError(`${nameOf(kind)}: '${shownTarget(from.alias, from.path)}' is a folder; use -r.`)
  }
}

async function transferOne(run: Run, from: Source, to: Target): Promise<void> {
  const { context, kind, options, taken, tally } = run
  const { signal } = context
  const source = shownTarget(from.alias, from.path)
  const asked = shownTarget(to.alias, to.path)
  const overwrite = options.overwrite === true
  if (options.skipExisting === true && (await taken.has(to.path))) return tally.skipped(asked)
  if (context.options.dryRun === true) {
    if (from.entry === undefined) await existingFile(from, signal)
    const isTaken = await taken.has(to.path)
    const note = !isTaken ? '' : overwrite ? ', which is replaced' : ' under another name: it exists'
    const record = { dryRun: true, from: source, place: asked, exists: isTaken }
    return tally.done(record, `would ${kind} ${printable(source)} to ${printable(asked)}${note}`)
  }
  const name = await from.storage[kind](from.entry ?? from.path, to.path, { storage: to.storage, overwrite, signal })
  const place = shownTarget(to.alias, name)
  await tally.done({ from: source, name, place }, printable(place), { renamed: name !== to.path })
}

/** Returns an error with a hint: a source that is missing in the storage may be a file of this machine. */
function meantLocal(from: string, to: string, error: unknown): unknown {
  if (!isStorageError(error, 'not_found') || hasAlias(from) || !existsSync(from)) return error
  const { alias, path } = splitTarget(to)
  const place = shownTarget(alias, path)
  const text = `${error.message} '${from}' is a file of this machine: 'holdall put ${from} ${place}' stores it.`
  return new StorageError('not_found', text, { fileName: from, cause: error })
}
