import { statSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import type { Command } from 'commander'
import type { ContentSource } from '../../core/content.ts'
import { forEachParallel } from '../../core/parallel.ts'
import { type CliContext, shownTarget, type Target, UsageError } from '../context.ts'
import { withContent } from '../local-content.ts'
import { type LocalFile, localFiles } from '../local-files.ts'
import { allowRecursive, concurrencyOf } from '../options.ts'
import { printable } from '../output.ts'
import { Progress } from '../progress.ts'
import { below, hasAlias, lastPart } from '../target.ts'

interface PutOptions {
  readonly recursive?: boolean
  readonly overwrite?: boolean
  readonly follow?: boolean
  readonly contentType?: string
  readonly cacheControl?: string
  readonly concurrency: string
}

/** A file with the name that it is to get. */
interface Chosen {
  readonly file: LocalFile
  readonly name: string
}

/** `holdall put`: stores files of this machine and prints the names that they got. */
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
    .option('--content-type <type>', 'media type instead of the one that the name tells')
    .option('--cache-control <value>', 'Cache-Control of the stored files')
    .option('--concurrency <n>', 'files at once', '4')
    .action((paths: string[], options: PutOptions) => putFiles(context, paths, options))
}

async function putFiles(context: CliContext, paths: string[], options: PutOptions): Promise<void> {
  const last = paths[paths.length - 1]!
  const sources = paths.length > 1 && hasAlias(last) ? paths.slice(0, -1) : paths
  if (paths.length === 1 && hasAlias(last)) throw new UsageError('put: name the files to store before the place.')
  const limit = concurrencyOf(options.concurrency)
  const target = await context.destination(sources === paths ? 'default:' : last)
  if (sources.includes('-')) return putStdin(context, sources, target, options)
  const several = sources.length > 1 || options.recursive === true
  const progress = new Progress(context.out)
  if (options.recursive !== true) {
    for (const path of sources) progress.expect(statSync(path, { throwIfNoEntry: false })?.size ?? 0)
  }
  try {
    await forEachParallel(chosen(context, sources, target.path, options), { limit }, ({ file, name }) =>
      withContent(file, context.skipped, content =>
        context.attempt(() => store(context, target, name, content, options, progress), several),
      ),
    )
  } finally {
    progress.end()
  }
}

/** The files to store. A folder gives what is in it; where several things are named, each keeps its own name. */
async function* chosen(
  context: CliContext,
  sources: readonly string[],
  path: string,
  options: PutOptions,
): AsyncGenerator<Chosen> {
  const several = sources.length > 1
  for (const source of sources) {
    const isFolder = statSync(source, { throwIfNoEntry: false })?.isDirectory() === true
    if (isFolder && options.recursive !== true) throw new UsageError(`put: '${source}' is a folder; use -r.`)
    const own = isFolder && several ? `${basename(resolve(source))}/` : ''
    try {
      for await (const file of localFiles(source, context.skipped, options)) {
        const isPlace = isFolder || several || path === '' || path.endsWith('/')
        yield { file, name: isPlace ? below(path, own + file.name) : path }
      }
    } catch (error) {
      if (!several) throw error
      context.out.error(error)
      context.exitCode = 1
    }
  }
}

async function putStdin(context: CliContext, sources: string[], target: Target, options: PutOptions): Promise<void> {
  if (sources.length > 1) throw new UsageError("put: '-' must be the only source.")
  if (lastPart(target.path) === '' || target.path.endsWith('/'))
    throw new UsageError('put: stdin needs a name: alias:path.')
  const progress = new Progress(context.out)
  try {
    await store(context, target, target.path, process.stdin, options, progress)
  } finally {
    progress.end()
  }
}

async function store(
  context: CliContext,
  { alias, storage }: Target,
  name: string,
  content: ContentSource,
  options: PutOptions,
  progress: Progress,
): Promise<void> {
  const { out, signal } = context
  if (context.options.dryRun === true) {
    await out.record(
      { dryRun: true, name, place: shownTarget(alias, name) },
      `would store ${printable(shownTarget(alias, name))}`,
    )
    return
  }
  const saved = await storage.save(name, content, {
    signal,
    overwrite: options.overwrite,
    contentType: options.contentType,
    cacheControl: options.cacheControl,
    onProgress: progress.of(name),
  })
  const place = shownTarget(alias, saved)
  await out.record({ name: saved, place, asked: name }, printable(place))
}
