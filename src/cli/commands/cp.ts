import type { Command } from 'commander'
import { isStorageError, StorageError } from '../../core/errors.ts'
import { forEachParallel } from '../../core/parallel.ts'
import type { Entry } from '../../storage/types.ts'
import { type CliContext, shownTarget, type Target, UsageError } from '../context.ts'
import { allowRecursive, concurrencyOf } from '../options.ts'
import { printable } from '../output.ts'
import { below, hasAlias, lastPart } from '../target.ts'
import { filesBelow } from '../tree.ts'
import { resumedTransfer } from './resumed-transfer.ts'

interface CopyOptions {
  readonly recursive?: boolean
  readonly overwrite?: boolean
  readonly resume?: boolean
  readonly concurrency: string
}

/** A file, by its name or as it was listed. */
interface Source extends Target {
  readonly entry?: Entry
}

/** `holdall cp`: copies within or between storages. */
export function cp(program: Command, context: CliContext): void {
  declareTransfer(program, context, 'copy')
}

/** The declaration that `cp` and `mv` share. */
export function declareTransfer(program: Command, context: CliContext, kind: 'copy' | 'move'): void {
  const command = program
    .command(kind === 'copy' ? 'cp' : 'mv')
    .description(`${kind} stored files, also between storages; prints the names they got`)
    .argument('<from>', 'alias:path')
    .argument('<to>', "alias:path, a folder when it ends in '/'")
  allowRecursive(command, 'everything below a folder')
    .option('--overwrite', 'replace files of the same name')
    .option('--concurrency <n>', 'files at once', '4')
  if (kind === 'copy') command.option('--resume', 'with -r: leave out files that are there and equal, and verify each')
  command.action((from: string, to: string, options: CopyOptions) => transfer(context, kind, from, to, options))
}

async function transfer(
  context: CliContext,
  kind: 'copy' | 'move',
  from: string,
  to: string,
  options: CopyOptions,
): Promise<void> {
  const local = [from, to].find(place => !hasAlias(place))
  if (local !== undefined) {
    throw new UsageError(`'${local}' names no storage; write alias:path, or use put and get for files of this machine.`)
  }
  const limit = concurrencyOf(options.concurrency)
  const { overwrite = false, resume = false } = options
  if (resume && options.recursive !== true) throw new UsageError('--resume is for folders: use it with -r.')
  const source = await context.target(from)
  const target = await context.destination(to)
  if (options.recursive !== true) return transferAlone(context, kind, source, target, options)
  const folder = source.path === '' || source.path.endsWith('/') ? source.path : `${source.path}/`
  if (source.alias === target.alias && below(target.path, '').startsWith(folder)) {
    throw new UsageError(`'${to}' is inside '${from}'.`)
  }
  if (resume) return resumedTransfer(context, source, target, { overwrite, limit })
  await forEachParallel(filesBelow(source, context.signal), { limit }, ({ entry, relative }) =>
    context.attempt(async () => {
      const name = below(target.path, relative)
      await transferOne(context, kind, { ...source, path: entry.name, entry }, { ...target, path: name }, options)
    }),
  )
}

async function transferAlone(
  context: CliContext,
  kind: 'copy' | 'move',
  from: Target,
  to: Target,
  options: CopyOptions,
): Promise<void> {
  const name = to.path === '' || to.path.endsWith('/') ? below(to.path, lastPart(from.path)) : to.path
  try {
    if (from.path === '') throw new StorageError('is_directory', 'A whole storage.')
    await transferOne(context, kind, from, { ...to, path: name }, options)
  } catch (error) {
    if (!isStorageError(error, 'is_directory')) throw error
    const place = shownTarget(from.alias, from.path)
    throw new UsageError(`${kind === 'copy' ? 'cp' : 'mv'}: '${place}' is a folder; use -r.`)
  }
}

async function transferOne(
  context: CliContext,
  kind: 'copy' | 'move',
  from: Source,
  to: Target,
  options: CopyOptions,
): Promise<void> {
  const { out, signal } = context
  const source = shownTarget(from.alias, from.path)
  if (context.options.dryRun === true) {
    const place = shownTarget(to.alias, to.path)
    await out.record({ dryRun: true, from: source, place }, `would ${kind} ${printable(source)} to ${printable(place)}`)
    return
  }
  const overwrite = options.overwrite
  const name = await from.storage[kind](from.entry ?? from.path, to.path, { storage: to.storage, overwrite, signal })
  const place = shownTarget(to.alias, name)
  await out.record({ from: source, name, place }, printable(place))
}
