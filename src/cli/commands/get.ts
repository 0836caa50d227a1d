import { lstatSync, statSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import type { Command } from 'commander'
import { isStorageError, StorageError } from '../../core/errors.ts'
import { forEachParallel } from '../../core/parallel.ts'
import type { AnyStorage } from '../../storage/storage.ts'
import type { Entry, NameOrEntry } from '../../storage/types.ts'
import { type CliContext, shownTarget, type Target, UsageError } from '../context.ts'
import { LocalFolder } from '../local-folder.ts'
import { allowRecursive, allowSkipExisting, checkSkipExisting, concurrencyOf } from '../options.ts'
import { printable } from '../output.ts'
import { Tally } from '../tally.ts'
import { hasAlias, lastPart } from '../target.ts'
import { existingFile, explainUnread, type Found, filesBelow } from '../tree.ts'
import { writeOut } from './cat.ts'

/** Number of parallel requests for a large file: each part has 8 MiB, which are held in memory. */
const PARALLEL = 4
/** Size in bytes from which a file of a folder is large. */
const LARGE = 16 * 1024 * 1024

interface GetOptions {
  readonly recursive?: boolean
  readonly overwrite?: boolean
  readonly skipExisting?: boolean
  readonly concurrency: string
}

/** The target on this machine for the files of one command, and the options. */
interface Run {
  readonly context: CliContext
  readonly options: GetOptions
  readonly tally: Tally
}

/** A file of this machine to be written: its folder, and its name in the folder. */
interface Place {
  readonly folder: LocalFolder
  readonly name: string
}

/** `holdall get`: copies stored files to this machine. */
export function get(program: Command, context: CliContext): void {
  const command = program
    .command('get')
    .description('copy stored files to this machine')
    .argument(
      '<places...>',
      "[alias:]path; of several, the last without an alias is a path of this machine, or '-' for stdout",
    )
  allowRecursive(command, 'everything below a folder; of several, each under its own name')
    .option('--overwrite', 'replace files of this machine')
    .option('--concurrency <n>', 'files at once', '4')
    .action((places: string[], options: GetOptions) => getFiles(context, places, options))
  allowSkipExisting(command)
}

async function getFiles(context: CliContext, places: string[], options: GetOptions): Promise<void> {
  const last = places[places.length - 1]!
  const local = places.length > 1 && !hasAlias(last) ? last : undefined
  const sources = local === undefined ? places : places.slice(0, -1)
  if (sources.includes('-')) throw new UsageError("get: '-' is stdout: write it behind the files.")
  checkSkipExisting(options)
  const recursive = options.recursive === true
  if (recursive && local === '-') throw new UsageError("get: '-' takes files, no folders.")
  const limit = concurrencyOf(options.concurrency)
  const targets: Target[] = []
  for (const source of sources) targets.push(await context.target(source))
  const several = targets.length > 1
  const tally = new Tally(context, { verb: 'copied', isMany: recursive || several })
  const run: Run = { context, options, tally }
  if (local === '-') {
    for (const target of targets) await context.attempt(() => toStdout(run, target), several)
    return
  }
  if (local !== undefined && (recursive || several) && isFile(local)) {
    throw new UsageError(`get: '${local}' is a file of this machine; name a folder.`)
  }
  await tally.run(() =>
    recursive ? getFolders(run, targets, new LocalFolder(local ?? '.'), limit) : getAlone(run, targets, local),
  )
}

async function toStdout({ context }: Run, target: Target): Promise<void> {
  if (context.options.dryRun !== true) return writeOut(context, target)
  await existingFile(target, context.signal)
  const place = shownTarget(target.alias, target.path)
  await context.out.record({ dryRun: true, place, file: '-' }, `would write ${printable(place)} to stdout`)
}

async function getFolders(run: Run, targets: readonly Target[], root: LocalFolder, limit: number): Promise<void> {
  const { context, tally } = run
  const several = targets.length > 1
  for (const [index, target] of targets.entries()) {
    const own = several ? `${lastPart(target.path) || target.alias}/` : ''
    const one = ({ entry, relative }: Found, isOdd: boolean): Promise<void> => {
      const place = { folder: root, name: own + relative }
      const work = () => getOne(run, { ...target, path: entry.name }, entry, place, isOdd)
      return tally.attempt(() => (isOdd ? work().catch(error => inTheWay(entry, error)) : work()), true)
    }
    // Local paths have no empty parts. A name with empty parts must not replace a file whose path is the same without them, so it comes
    // last.
    const getAll = async (): Promise<void> => {
      const below = (): AsyncGenerator<Found> => filesBelow(target, context.signal)
      const isOdd = ({ relative }: Found): boolean => relative.split('/').includes('')
      const found = tally.files(below(), ({ entry }) => entry.size, index === targets.length - 1)
      let hasOdd = false
      await forEachParallel(found, { limit }, async each => {
        if (isOdd(each)) hasOdd = true
        else await one(each, false)
      })
      if (hasOdd) await forEachParallel(below(), { limit }, async each => isOdd(each) && (await one(each, true)))
    }
    // A missing folder does not stop the others.
    await context.attempt(getAll, several)
  }
}

async function getAlone(run: Run, targets: readonly Target[], local: string | undefined): Promise<void> {
  const { context, tally } = run
  const several = targets.length > 1
  const inFolder = local === undefined || several || local.endsWith('/') || isFolder(local)
  const folder = new LocalFolder(inFolder ? (local ?? '.') : dirname(resolve(local)))
  tally.whole(targets.length)
  for (const target of targets) {
    if (lastPart(target.path) === '') throw new UsageError('get: name a file, or use -r for a folder.')
    const name = inFolder ? lastPart(target.path) : basename(resolve(local))
    const work = async (): Promise<void> => {
      // A plain download needs no stat: its one answer contains all attributes.
      if (tally.progress.isShown || context.options.dryRun === true) {
        tally.expect(0, (await existingFile(target, context.signal)).size)
      }
      await getOne(run, target, target.path, { folder, name }, false).catch(error =>
        explainUnread(target, error, context.signal, '; use -r'),
      )
    }
    try {
      await tally.attempt(work, several)
    } catch (error) {
      if (!isStorageError(error, 'is_directory')) throw error
      throw new UsageError(`get: '${shownTarget(target.alias, target.path)}' is a folder; use -r.`)
    }
  }
}

function inTheWay({ name }: Entry, cause: unknown): never {
  if (!isStorageError(cause, 'exists')) throw cause
  const text = `'${name}' is not written: without its empty parts its path is that of another file.`
  throw new StorageError('exists', text, { fileName: name, cause })
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === false
}

/** Writes one file. A file that is `isOdd` replaces no other one. */
async function getOne(
  { context, options, tally }: Run,
  { alias, storage, path }: Target,
  stored: NameOrEntry,
  { folder, name }: Place,
  isOdd: boolean,
): Promise<void> {
  const { signal } = context
  const place = shownTarget(alias, path)
  const planned = folder.pathOf(name)
  const overwrite = options.overwrite === true && !isOdd
  const taken = lstatSync(planned, { throwIfNoEntry: false })
  if (options.skipExisting === true && taken?.isFile() === true) return tally.skipped(planned)
  if (context.options.dryRun === true) {
    if (taken !== undefined) folder.refuse(planned, taken.isDirectory(), overwrite)
    const what = taken === undefined ? 'write' : 'replace'
    const text = `would ${what} ${printable(planned)} from ${printable(place)}`
    await tally.done({ dryRun: true, place, file: planned }, text)
    return
  }
  const onProgress = tally.progress.of(path)
  const parallel = requestsFor(storage, stored)
  async function* body(): AsyncGenerator<Uint8Array> {
    yield* storage.createReadStream(stored, { signal, parallel, onProgress }) as AsyncIterable<Uint8Array>
  }
  const file = await folder.write(name, body, { overwrite, signal })
  await tally.done({ place, file }, printable(file))
}

/**
 * Returns the number of parallel requests for one file. A file of this machine, and a file that is small according to its listing, is read
 * by one.
 */
function requestsFor(storage: AnyStorage, stored: NameOrEntry): number {
  const isSmall = typeof stored !== 'string' && !(stored.size > LARGE)
  return isSmall || storage.supports('path') ? 1 : PARALLEL
}
