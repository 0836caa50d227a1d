import type { Command } from 'commander'
import { isStorageError } from '../../core/errors.ts'
import type { AnyStorage } from '../../storage/storage.ts'
import type { Entry } from '../../storage/types.ts'
import { type CliContext, isCurrentFolder, shownTarget, type Target, UsageError } from '../context.ts'
import { allowRecursive } from '../options.ts'
import { printable } from '../output.ts'
import { filesBelow } from '../tree.ts'

interface RmOptions {
  readonly recursive?: boolean
  readonly yes?: boolean
}

/** `holdall rm`: removes stored files; a missing one is no error. */
export function rm(program: Command, context: CliContext): void {
  const command = program
    .command('rm')
    .description('remove stored files; missing ones are no error')
    .argument('<places...>', 'alias:path')
  allowRecursive(command, 'everything below a folder')
    .option('-y, --yes', 'really remove everything in a storage')
    .action(async (places: string[], options: RmOptions) => {
      for (const place of places) await remove(context, await context.target(place), options)
    })
}

async function remove(context: CliContext, target: Target, options: RmOptions): Promise<void> {
  const { alias, storage, path } = target
  const { out, signal } = context
  const dryRun = context.options.dryRun === true
  const isRoot = path === ''
  if (isRoot && options.recursive !== true) throw new UsageError(`rm: '${alias}:' is a whole storage; use -r --yes.`)
  if (isRoot && options.yes !== true && !dryRun) {
    throw new UsageError(`rm: this removes everything in '${alias}'; add --yes if that is meant.`)
  }
  // Without a location a local storage is the current folder: nobody asked for that to be emptied.
  if (isRoot && !dryRun && isCurrentFolder(storage)) {
    throw new UsageError(
      `rm: no folder is configured for '${alias}', so it would be the current one; name what to remove.`,
    )
  }
  if (dryRun) {
    const found = options.recursive === true ? entriesBelow(context, target) : [path]
    for await (const each of found) {
      const place = shownTarget(alias, typeof each === 'string' ? each : each.name)
      await out.record({ dryRun, place }, `would remove ${printable(place)}`)
    }
    return
  }
  if (options.recursive !== true) {
    await removeOne(target, signal)
    out.log(`removed ${printable(shownTarget(alias, path))}`)
    if (out.json) await out.record({ place: shownTarget(alias, path), deleted: 1 }, '')
    return
  }
  const { deleted, errors } = await storage.deleteMany(entriesBelow(context, target), { signal })
  for (const { name, error } of errors) out.warn(`${printable(shownTarget(alias, name))}: ${error.message}`)
  if (errors.length > 0) context.exitCode = 1
  else if (storage.supports('path')) await removeFolders(storage, path, signal)
  out.log(`removed ${deleted} ${deleted === 1 ? 'file' : 'files'} below ${printable(shownTarget(alias, path))}`)
  if (out.json) await out.record({ place: shownTarget(alias, path), deleted, failed: errors.length }, '')
}

async function removeOne({ alias, storage, path }: Target, signal: AbortSignal): Promise<void> {
  try {
    await storage.delete(path, { signal })
  } catch (error) {
    const entry = await storage.stat(path, { signal }).catch(() => undefined)
    if (entry?.isDirectory !== true) throw error
    throw new UsageError(`rm: '${shownTarget(alias, path)}' is a folder that is not empty; use -r.`)
  }
}

async function* entriesBelow(context: CliContext, target: Target): AsyncGenerator<Entry> {
  try {
    for await (const { entry } of filesBelow(target, context.signal)) yield entry
  } catch (error) {
    if (!isStorageError(error, 'not_found')) throw error
  }
}

/** On a file system the emptied folders are left; the root stays. */
async function removeFolders(storage: AnyStorage, path: string, signal: AbortSignal): Promise<void> {
  const [folders] = await storage.listdir(path, { signal })
  for (const folder of folders)
    await removeFolders(storage, path === '' ? folder : `${path.replace(/\/$/, '')}/${folder}`, signal)
  if (path !== '') await storage.delete(path.replace(/\/$/, ''), { signal })
}
