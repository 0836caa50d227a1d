import { statSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import type { Command } from 'commander'
import type { ContentSource } from '../../core/content.ts'
import { forEachParallel } from '../../core/parallel.ts'
import { type CliContext, refuseBackslash, shownTarget, type Target, UsageError } from '../context.ts'
import { withContent } from '../local-content.ts'
import { type LocalFile, localFiles } from '../local-files.ts'
import { allowRecursive, allowSkipExisting, checkSkipExisting, concurrencyOf } from '../options.ts'
import { printable } from '../output.ts'
import { refuseOwnFolder } from '../same-place.ts'
import { TakenNames } from '../taken-names.ts'
import { Tally } from '../tally.ts'
import { below, hasAlias, lastPart, splitTarget } from '../target.ts'

interface PutOptions {
  readonly recursive?: boolean
  readonly overwrite?: boolean
  readonly skipExisting?: boolean
  readonly follow?: boolean
  readonly contentType?: string
  readonly cacheControl?: string
  readonly concurrency: string
}

/** A file with its name in the storage. */
interface Chosen {
  readonly file: LocalFile
  readonly name: string
}

/** The common state of the files of one command. */
interface Run {
  readonly context: CliContext
  readonly target: Target
  readonly options: PutOptions
  readonly taken: TakenNames
  readonly tally: Tally
}

/** `holdall put`: stores files of this machine and prints their stored names. */
export function put(program: Command, context: CliContext): void {
  const command = program
    .command('put')
    .description('store files of this machine; prints the names they got')
    .argument(
      '<paths...>',
      "files, folders (with -r) or '-' for stdin; the last may be alias:path, a folder when it ends in '/'",
    )
  allowRecursive(command, 'what is in a folder; of several, each under its own name')
    .option('--overwrite', 'replace files of the same name')
    .option('--follow', 'follow links in folders, wherever they lead')
    .option('--content-type <type>', 'media type; default: from the name of the file')
    .option('--cache-control <value>', 'Cache-Control of the stored files')
    .option('--concurrency <n>', 'files at once', '4')
    .action((paths: string[], options: PutOptions) => putFiles(context, paths, options))
  allowSkipExisting(command)
}

async function putFiles(context: CliContext, paths: string[], options: PutOptions): Promise<void> {
  const last = paths[paths.length - 1]!
  const sources = paths.length > 1 && hasAlias(last) ? paths.slice(0, -1) : paths
  checkSkipExisting(options)
  await refuseColon(context, last, paths.length === 1)
  const limit = concurrencyOf(options.concurrency)
  const target = await context.destination(sources === paths ? 'default:' : last)
  const isStdin = sources.includes('-')
  if (isStdin && sources.length > 1) throw new UsageError("put: '-' must be the only source.")
  if (isStdin && (lastPart(target.path) === '' || target.path.endsWith('/')))
    throw new UsageError('put: stdin needs a name: alias:path.')
  for (const source of sources) {
    if (options.recursive === true) refuseOwnFolder(source, target)
    else if (isFolder(source)) throw new UsageError(`put: '${source}' is a folder; use -r.`)
  }
  const several = sources.length > 1 || options.recursive === true
  const taken = new TakenNames(target.storage, target.path, context.signal)
  const tally = new Tally(context, { verb: 'stored', isMany: several })
  const run: Run = { context, target, options, taken, tally }
  await tally.run(async () => {
    if (isStdin) return store(run, target.path, process.stdin)
    const files = tally.files(chosen(context, sources, target.path, options), ({ file }) => file.size)
    await forEachParallel(files, { limit }, ({ file, name }) => storeFile(run, file, name, several))
  })
}

/** Rejects a place where a file is expected, and a file whose name looks like a place. */
async function refuseColon(context: CliContext, last: string, isAlone: boolean): Promise<void> {
  if (!hasAlias(last)) return
  const { alias } = splitTarget(last)
  const isFile = statSync(last, { throwIfNoEntry: false }) !== undefined
  const remedy = `write './${last}' for the file of this machine`
  if (isFile && (isAlone || !(await context.storages()).has(alias))) {
    throw new UsageError(`put: '${last}' is read as a place in the storage '${alias}': ${remedy}.`)
  }
  if (isAlone) throw new UsageError(`put: name the files to store before the place '${last}'.`)
}

/** Returns the files to store. A folder stands for the files in it; if several arguments are named, each keeps its own name. */
async function* chosen(
  context: CliContext,
  sources: readonly string[],
  path: string,
  options: PutOptions,
): AsyncGenerator<Chosen> {
  const several = sources.length > 1
  for (const source of sources) {
    const isTree = isFolder(source)
    const own = isTree && several ? `${basename(resolve(source))}/` : ''
    try {
      for await (const file of localFiles(source, context.skipped, options)) {
        const isPlace = isTree || several || path === '' || path.endsWith('/')
        yield { file, name: isPlace ? below(path, own + file.name) : path }
      }
    } catch (error) {
      const explained = await meantPlace(context, source, error)
      if (!several) throw explained
      context.out.error(explained)
      context.exitCode = 1
    }
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

/** Returns the error of a source; a missing source may be meant as a place in a storage. */
async function meantPlace(context: CliContext, source: string, error: unknown): Promise<unknown> {
  if (statSync(source, { throwIfNoEntry: false }) !== undefined || !(error instanceof Error)) return error
  if (hasAlias(source)) {
    const isPlace = (await context.storages()).has(splitTarget(source).alias)
    return isPlace ? new Error(`${error.message} put stores files of this machine; use cp between storages.`) : error
  }
  if (!source.endsWith('/')) return error
  return new Error(`${error.message} A place in the storage is written 'default:${source}'.`)
}

/** Stores one of several files: a file that cannot be opened or stored is reported, and the others are still stored. */
async function storeFile(run: Run, file: LocalFile, name: string, several: boolean): Promise<void> {
  const { context, tally } = run
  let isOpen = false
  await withContent(file, context.skipped, content => {
    isOpen = true
    return tally.attempt(async () => {
      refuseBackslash(name)
      await store(run, name, content)
    }, several)
  })
  if (!isOpen) tally.add(0, 1)
}

async function store({ context, target, options, taken, tally }: Run, name: string, content: ContentSource) {
  const { alias, storage } = target
  const { signal } = context
  const asked = shownTarget(alias, name)
  if (options.skipExisting === true && (await taken.has(name))) return tally.skipped(asked)
  if (context.options.dryRun === true) {
    const isTaken = await taken.has(name)
    const what = isTaken && options.overwrite === true ? 'replace' : 'store'
    const note = isTaken && options.overwrite !== true ? ' under another name: it exists' : ''
    const record = { dryRun: true, name, place: asked, exists: isTaken }
    return tally.done(record, `would ${what} ${printable(asked)}${note}`)
  }
  const saved = await storage.save(name, content, {
    signal,
    overwrite: options.overwrite === true,
    contentType: options.contentType,
    cacheControl: options.cacheControl,
    onProgress: tally.progress.of(name),
  })
  const place = shownTarget(alias, saved)
  await tally.done({ name: saved, place, asked: name }, printable(place), { renamed: saved !== name })
}
