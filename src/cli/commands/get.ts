import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { type CliContext, hasAlias, shownTarget, type Target, UsageError } from '../context.ts'
import { localTarget, writeLocal } from '../local-files.ts'
import { printable } from '../output.ts'
import { forEachParallel } from '../parallel.ts'
import { Progress } from '../progress.ts'
import { lastPart } from '../target.ts'
import { concurrencyOf } from './put.ts'

interface GetOptions {
  readonly recursive?: boolean
  readonly overwrite?: boolean
  readonly concurrency: string
}

/** `holdall get`: copies stored files to this machine. */
export function get(program: Command, context: CliContext): void {
  program
    .command('get')
    .description('copy stored files to this machine')
    .argument('<places...>', "alias:path; the last may be a file or folder of this machine, or '-' for stdout")
    .option('-r, --recursive', 'everything below a folder')
    .option('--overwrite', 'replace files of this machine')
    .option('--concurrency <n>', 'files at once', '4')
    .action((places: string[], options: GetOptions) => getFiles(context, places, options))
}

async function getFiles(context: CliContext, places: string[], options: GetOptions): Promise<void> {
  const last = places[places.length - 1]!
  const local = hasAlias(last) ? undefined : last
  const sources = local === undefined ? places : places.slice(0, -1)
  const wrong = sources.find(source => !hasAlias(source))
  if (sources.length === 0)
    throw new UsageError(`get: '${last}' is a path of this machine; did you mean 'default:${last}'?`)
  if (wrong !== undefined) throw new UsageError(`get: '${wrong}' names no storage; did you mean 'default:${wrong}'?`)
  const limit = concurrencyOf(options.concurrency)
  for (const source of sources) {
    const target = await context.target(source)
    if (options.recursive === true) await getFolder(context, target, local ?? '.', options, limit)
    else if (local === '-') await getToStdout(context, target)
    else await getOne(context, target, await destination(local, target.path, sources.length > 1), options)
  }
}

async function destination(local: string | undefined, name: string, several: boolean): Promise<string> {
  if (lastPart(name) === '') throw new UsageError('get: name a file, or use -r for a folder.')
  const path = local ?? '.'
  return several || path.endsWith('/') || (await isFolder(path)) ? localTarget(path, lastPart(name)) : resolve(path)
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return false
    throw error
  }
}

async function getToStdout(context: CliContext, { storage, path }: Target): Promise<void> {
  for await (const chunk of storage.createReadStream(path, { signal: context.signal })) {
    await context.out.write(chunk as Uint8Array)
  }
}

async function getFolder(
  context: CliContext,
  target: Target,
  local: string,
  options: GetOptions,
  limit: number,
): Promise<void> {
  const { alias, storage, path } = target
  const folder = path === '' || path.endsWith('/') ? path : `${path}/`
  await forEachParallel(storage.entries(folder, { recursive: true, signal: context.signal }), limit, async entry => {
    const relative = entry.name.startsWith(folder) ? entry.name.slice(folder.length) : entry.name
    await getOne(context, { alias, storage, path: entry.name }, localTarget(local, relative), options)
  })
}

async function getOne(
  context: CliContext,
  { alias, storage, path }: Target,
  file: string,
  options: GetOptions,
): Promise<void> {
  const { out, signal } = context
  const place = shownTarget(alias, path)
  if (context.options.dryRun === true) {
    await out.record({ dryRun: true, place, file }, `would write ${printable(file)} from ${printable(place)}`)
    return
  }
  const progress = new Progress(out)
  try {
    const body = storage.createReadStream(path, { signal })
    body.on('data', (chunk: Uint8Array) => progress.add(chunk.byteLength, path))
    body.pause()
    await writeLocal(file, body, options.overwrite === true, signal)
  } finally {
    progress.end()
  }
  await out.record({ place, file }, printable(file))
}
