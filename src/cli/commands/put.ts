import type { Command } from 'commander'
import type { ContentSource } from '../../core/content.ts'
import { type CliContext, hasAlias, shownTarget, type Target, UsageError } from '../context.ts'
import { type LocalFile, localContent, localFiles } from '../local-files.ts'
import { printable } from '../output.ts'
import { forEachParallel } from '../parallel.ts'
import { Progress } from '../progress.ts'
import { below, lastPart } from '../target.ts'

interface PutOptions {
  readonly recursive?: boolean
  readonly overwrite?: boolean
  readonly contentType?: string
  readonly cacheControl?: string
  readonly concurrency: string
}

/** `holdall put`: stores files of this machine and prints the names that they got. */
export function put(program: Command, context: CliContext): void {
  program
    .command('put')
    .description('store files of this machine; prints the names they got')
    .argument(
      '<paths...>',
      "files, folders (with -r) or '-' for stdin; the last may be alias:path, a folder when it ends in '/'",
    )
    .option('-r, --recursive', 'folders with everything below them')
    .option('--overwrite', 'replace files of the same name')
    .option('--content-type <type>', 'media type instead of the one that the name tells')
    .option('--cache-control <value>', 'Cache-Control of the stored files')
    .option('--concurrency <n>', 'files at once', '4')
    .action((paths: string[], options: PutOptions) => putFiles(context, paths, options))
}

async function putFiles(context: CliContext, paths: string[], options: PutOptions): Promise<void> {
  const last = paths[paths.length - 1]!
  const sources = paths.length > 1 && hasAlias(last) ? paths.slice(0, -1) : paths
  if (paths.length === 1 && hasAlias(last)) throw new UsageError('put: name the files to store before the place.')
  const target = await context.target(sources === paths ? 'default:' : last)
  const limit = concurrencyOf(options.concurrency)
  if (sources.includes('-')) return putStdin(context, sources, target, options)
  const folders = target.path === '' || target.path.endsWith('/') || sources.length > 1
  const progress = new Progress(context.out)
  try {
    await forEachParallel(chosen(sources, target.path, folders, options), limit, async ({ file, name }) => {
      await store(context, target, name, localContent(file), options, progress)
    })
  } finally {
    progress.end()
  }
}

/** `--concurrency` as a number. */
export function concurrencyOf(text: string): number {
  const limit = Number(text)
  if (Number.isInteger(limit) && limit >= 1) return limit
  throw new UsageError(`--concurrency: expected a whole number of at least 1, got '${text}'.`)
}

async function* chosen(sources: readonly string[], path: string, folders: boolean, options: PutOptions) {
  for (const source of sources) {
    let count = 0
    for await (const file of localFiles(source)) {
      const inside = file.path !== source
      if (inside && options.recursive !== true) throw new UsageError(`put: '${source}' is a folder; use -r.`)
      yield { file, name: nameFor(file, path, folders || inside) }
      count++
    }
    if (count === 0 && options.recursive !== true) throw new UsageError(`put: '${source}' is a folder; use -r.`)
  }
}

function nameFor(file: LocalFile, path: string, isFolder: boolean): string {
  return isFolder ? below(path, file.name) : path
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
  let seen = 0
  const saved = await storage.save(name, content, {
    signal,
    overwrite: options.overwrite,
    contentType: options.contentType,
    cacheControl: options.cacheControl,
    onProgress: bytes => {
      progress.add(Math.max(0, bytes - seen), name)
      seen = Math.max(seen, bytes)
    },
  })
  const place = shownTarget(alias, saved)
  await out.record({ name: saved, place, asked: name }, printable(place))
}
