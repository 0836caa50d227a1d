import { stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import type { Command } from 'commander'
import { isStorageError, StorageError } from '../../core/errors.ts'
import { forEachParallel } from '../../core/parallel.ts'
import type { Entry, NameOrEntry } from '../../storage/types.ts'
import { type CliContext, shownTarget, type Target, UsageError } from '../context.ts'
import { LocalFolder } from '../local-folder.ts'
import { allowRecursive, concurrencyOf } from '../options.ts'
import { printable } from '../output.ts'
import { Progress } from '../progress.ts'
import { hasAlias, lastPart } from '../target.ts'
import { filesBelow } from '../tree.ts'
import { writeOut } from './cat.ts'

interface GetOptions {
  readonly recursive?: boolean
  readonly overwrite?: boolean
  readonly concurrency: string
}

/** `holdall get`: copies stored files to this machine. */
export function get(program: Command, context: CliContext): void {
  const command = program
    .command('get')
    .description('copy stored files to this machine')
    .argument('<places...>', "alias:path; the last may be a file or folder of this machine, or '-' for stdout")
  allowRecursive(command, 'everything below a folder; of several, each under its own name')
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
  const recursive = options.recursive === true
  if (recursive && local === '-') throw new UsageError("get: '-' takes files, no folders.")
  const limit = concurrencyOf(options.concurrency)
  const several = sources.length > 1
  const targets: Target[] = []
  for (const source of sources) targets.push(await context.target(source))
  if (local === '-') return toStdout(context, targets)
  const progress = new Progress(context.out)
  const root = new LocalFolder(local ?? '.')
  try {
    for (const target of targets) {
      if (recursive) {
        const own = several ? `${lastPart(target.path) || target.alias}/` : ''
        // Paths of this machine have no empty parts: what has some must replace no file whose path is the same without them.
        let hasOdd = false
        const getAll = (isOdd: boolean): Promise<void> =>
          forEachParallel(filesBelow(target, context.signal), { limit }, async ({ entry, relative }) => {
            if (relative.split('/').includes('') !== isOdd) hasOdd = true
            else {
              const file = { ...target, path: entry.name }
              const how = { ...options, overwrite: options.overwrite === true && !isOdd }
              await context.attempt(async () => {
                const work = getOne(context, file, entry, root, own + relative, how, progress)
                await (isOdd ? work.catch(error => inTheWay(entry, error)) : work)
              })
            }
          })
        await getAll(false)
        if (hasOdd) await getAll(true)
      } else {
        if (lastPart(target.path) === '') throw new UsageError('get: name a file, or use -r for a folder.')
        const inFolder = local === undefined || several || local.endsWith('/') || (await isFolder(local))
        const folder = inFolder ? root : new LocalFolder(dirname(resolve(local)))
        const work = async () => {
          if (progress.isShown)
            progress.expect((await target.storage.stat(target.path, { signal: context.signal })).size)
          const name = inFolder ? lastPart(target.path) : basename(resolve(local))
          await getOne(context, target, target.path, folder, name, options, progress)
        }
        await context.attempt(work, several)
      }
    }
  } catch (error) {
    if (recursive || !isStorageError(error, 'is_directory')) throw error
    throw new UsageError(`get: '${error.fileName}' is a folder; use -r.`)
  } finally {
    progress.end()
  }
}

function inTheWay({ name }: Entry, cause: unknown): never {
  if (!isStorageError(cause, 'exists')) throw cause
  const text = `'${name}' is not written: without its empty parts its path is that of another file.`
  throw new StorageError('exists', text, { fileName: name, cause })
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return false
    throw error
  }
}

async function toStdout(context: CliContext, targets: readonly Target[]): Promise<void> {
  for (const target of targets) await context.attempt(() => writeOut(context, target), targets.length > 1)
}

async function getOne(
  context: CliContext,
  { alias, storage, path }: Target,
  stored: NameOrEntry,
  folder: LocalFolder,
  name: string,
  options: GetOptions,
  progress: Progress,
): Promise<void> {
  const { out, signal } = context
  const place = shownTarget(alias, path)
  if (context.options.dryRun === true) {
    const file = folder.pathOf(name)
    await out.record({ dryRun: true, place, file }, `would write ${printable(file)} from ${printable(place)}`)
    return
  }
  async function* body(): AsyncGenerator<Uint8Array> {
    for await (const chunk of storage.createReadStream(stored, { signal }) as AsyncIterable<Uint8Array>) {
      yield chunk
      progress.add(chunk.byteLength, path)
    }
  }
  const file = await folder.write(name, body, { overwrite: options.overwrite === true, signal })
  await out.record({ place, file }, printable(file))
}
