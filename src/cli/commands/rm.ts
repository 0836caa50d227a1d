import type { Command } from 'commander'
import { type AnyStorage, type CliContext, shownTarget, type Target, UsageError } from '../context.ts'
import { printable } from '../output.ts'

interface RmOptions {
  readonly recursive?: boolean
  readonly yes?: boolean
}

/** `holdall rm`: removes stored files; a missing one is no error. */
export function rm(program: Command, context: CliContext): void {
  program
    .command('rm')
    .description('remove stored files; missing ones are no error')
    .argument('<places...>', 'alias:path')
    .option('-r, --recursive', 'everything below a folder')
    .option('-y, --yes', 'really remove everything in a storage')
    .action(async (places: string[], options: RmOptions) => {
      for (const place of places) await remove(context, await context.target(place), options)
    })
}

async function remove(context: CliContext, target: Target, options: RmOptions): Promise<void> {
  const { alias, storage, path } = target
  const { out, signal } = context
  const dryRun = context.options.dryRun === true
  if (/^[./]*$/.test(path) && options.recursive !== true)
    throw new UsageError(`rm: '${alias}:' is a whole storage; use -r --yes.`)
  if (/^[./]*$/.test(path) && options.yes !== true && !dryRun) {
    throw new UsageError(`rm: this removes everything in '${alias}'; add --yes if that is meant.`)
  }
  // Without a location a local storage is the current folder: nobody asked for that to be emptied.
  if (/^[./]*$/.test(path) && !dryRun && storage.supports('path') && storage.origins['location']?.from === 'default') {
    throw new UsageError(
      `rm: no folder is configured for '${alias}', so it would be the current one; name what to remove.`,
    )
  }
  if (dryRun) {
    const names = options.recursive === true ? namesBelow(context, target) : [path]
    for await (const name of names) {
      const place = shownTarget(alias, name)
      await out.record({ dryRun, place }, `would remove ${printable(place)}`)
    }
    return
  }
  if (options.recursive !== true) {
    await storage.delete(path, { signal })
    out.log(`removed ${printable(shownTarget(alias, path))}`)
    if (out.json) await out.record({ place: shownTarget(alias, path), deleted: 1 }, '')
    return
  }
  const { deleted, errors } = await storage.deleteMany(namesBelow(context, target), { signal })
  for (const { name, error } of errors) out.warn(`${printable(shownTarget(alias, name))}: ${(error as Error).message}`)
  if (errors.length > 0) context.exitCode = 1
  else if (storage.supports('path')) await removeFolders(storage, path, signal)
  out.log(`removed ${deleted} ${deleted === 1 ? 'file' : 'files'} below ${printable(shownTarget(alias, path))}`)
  if (out.json) await out.record({ place: shownTarget(alias, path), deleted, failed: errors.length }, '')
}

async function* namesBelow(context: CliContext, { storage, path }: Target): AsyncGenerator<string> {
  for await (const entry of storage.entries(path, { recursive: true, signal: context.signal })) yield entry.name
}

/** On a file system the emptied folders are left; the root stays. */
async function removeFolders(storage: AnyStorage, path: string, signal: AbortSignal): Promise<void> {
  const [folders] = await storage.listdir(path, { signal })
  for (const folder of folders)
    await removeFolders(storage, path === '' ? folder : `${path.replace(/\/$/, '')}/${folder}`, signal)
  if (!/^[./]*$/.test(path)) await storage.delete(path.replace(/\/$/, ''), { signal })
}
