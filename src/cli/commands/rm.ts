import type { Command } from 'commander'
import { isStorageError, type StorageError } from '../../core/errors.ts'
import { mapParallel } from '../../core/parallel.ts'
import type { AnyStorage } from '../../storage/storage.ts'
import type { Entry } from '../../storage/types.ts'
import { type CliContext, isCurrentFolder, shownTarget, type Target, UsageError } from '../context.ts'
import { allowRecursive } from '../options.ts'
import { printable } from '../output.ts'
import { counted, Tally } from '../tally.ts'
import { existingFile, filesBelow, removeFolders } from '../tree.ts'

interface RmOptions {
  readonly recursive?: boolean
  readonly force?: boolean
  readonly yes?: boolean
}

/** Number of parallel requests that check whether files exist. */
const LOOKS = 8
/** Number of files that are removed in parallel, where the backend has no batches. */
const FEW = 100
/** Number of files in a batch. */
const BATCH = 1000

/** `holdall rm`: removes stored files. */
export function rm(program: Command, context: CliContext): void {
  const command = program
    .command('rm')
    .description('remove stored files; a missing file is an error')
    .argument('<places...>', '[alias:]path')
  allowRecursive(command, 'everything below a folder')
    .option('-f, --force', 'ignore missing files')
    .option('-y, --yes', 'confirm removing everything in a storage')
    .action((places: string[], options: RmOptions) => removeAll(context, places, options))
}

async function removeAll(context: CliContext, places: readonly string[], options: RmOptions): Promise<void> {
  const targets: Target[] = []
  for (const place of places) targets.push(await context.target(place))
  for (const target of targets) refuseRoot(context, target, options)
  const recursive = options.recursive === true
  const tally = new Tally(context, { verb: 'removed', isMany: false, unit: 'files' })
  await tally.run(async () => {
    if (!recursive) return removeFiles(context, targets, options, tally)
    for (const target of targets) {
      const work = () => removeBelow(context, target, options, tally)
      await context.attempt(work, targets.length > 1)
    }
  })
}

function refuseRoot(context: CliContext, { alias, storage, path }: Target, options: RmOptions): void {
  if (path !== '') return
  const dryRun = context.options.dryRun === true
  if (options.recursive !== true) throw new UsageError(`rm: '${alias}:' is a whole storage; use -r --yes.`)
  if (options.yes !== true && !dryRun) {
    throw new UsageError(`rm: this removes everything in '${alias}'; add --yes to confirm.`)
  }
  // A local storage without a location is the current folder, which the user probably does not want to empty.
  if (!dryRun && isCurrentFolder(storage)) {
    throw new UsageError(
      `rm: no folder is configured for '${alias}', so it would be one in the current folder; name what to remove.`,
    )
  }
}

/** Removes files by their names. Services do not report a missing file when they delete it, so each file is looked up first. */
async function removeFiles(
  context: CliContext,
  targets: readonly Target[],
  { force = false }: RmOptions,
  tally: Tally,
): Promise<void> {
  const { signal } = context
  const several = targets.length > 1
  tally.whole(targets.length)
  const found = await mapParallel(targets, { limit: LOOKS, signal }, async target => {
    let isThere = false
    const look = async (): Promise<void> => {
      try {
        await existingFile(target, signal)
        isThere = true
      } catch (error) {
        if (!force || !isStorageError(error, 'not_found')) throw error
      }
    }
    await tally.attempt(look, several)
    return isThere
  })
  const groups = Map.groupBy(
    targets.filter((_, index) => found[index]),
    ({ storage }) => storage,
  )
  for (const [storage, group] of groups) {
    if (context.options.dryRun === true) await planned(context, group, tally)
    else if (several) await removeBatch(context, storage, group, tally)
    else await removeOne(context, group[0]!, tally)
  }
}

async function planned({ out }: CliContext, targets: readonly Target[], tally: Tally): Promise<void> {
  for (const { alias, path } of targets) {
    const place = shownTarget(alias, path)
    tally.add(1)
    await out.record({ dryRun: true, place }, `would remove ${printable(place)}`)
  }
}

async function removeOne(context: CliContext, target: Target, tally: Tally): Promise<void> {
  await target.storage.delete(target.path, { signal: context.signal })
  await removed(context, target, tally)
}

async function removed({ out }: CliContext, { alias, path }: Target, tally: Tally): Promise<void> {
  const place = shownTarget(alias, path)
  tally.add(1)
  out.log(`removed ${printable(place)}`)
  if (out.json) await out.record({ place, deleted: 1 }, '')
}

async function removeBatch(context: CliContext, storage: AnyStorage, group: readonly Target[], tally: Tally) {
  const { errors } = await storage.deleteMany(
    group.map(({ path }) => path),
    { signal: context.signal },
  )
  const failed = new Set(errors.map(({ name }) => name))
  report(context, group[0]!.alias, errors)
  tally.add(0, errors.length)
  for (const target of group) if (!failed.has(target.path)) await removed(context, target, tally)
}

function report(
  context: CliContext,
  alias: string,
  errors: ReadonlyArray<{ readonly name: string; readonly error: StorageError }>,
): void {
  for (const { name, error } of errors) context.out.warn(`${printable(shownTarget(alias, name))}: ${error.message}`)
  if (errors.length > 0) context.exitCode = 1
}

async function removeBelow(context: CliContext, target: Target, options: RmOptions, tally: Tally): Promise<void> {
  const { alias, storage, path } = target
  const { out, signal } = context
  const place = shownTarget(alias, path)
  const isDryRun = context.options.dryRun === true
  let deleted = 0
  let failed = 0
  let isMissing = false
  async function* entries(): AsyncGenerator<Entry> {
    try {
      for await (const { entry } of tally.files(filesBelow(target, signal), ({ entry }) => entry.size)) yield entry
    } catch (error) {
      isMissing = isStorageError(error, 'not_found')
      // A storage without files is already empty.
      if (!isMissing || (options.force !== true && path !== '')) throw error
    }
  }
  const size = storage.calls.driver.deleteMany === undefined ? FEW : BATCH
  for await (const batch of batches(entries(), size)) {
    if (isDryRun) {
      await planned(
        context,
        batch.map(({ name }) => ({ ...target, path: name })),
        tally,
      )
      continue
    }
    const { deleted: done, errors } = await storage.deleteMany(batch, { signal })
    report(context, alias, errors)
    deleted += done
    failed += errors.length
    tally.add(done, errors.length, batch[batch.length - 1]!.name)
  }
  if (isDryRun || (isMissing && path !== '')) return
  if (failed === 0 && storage.supports('path')) await removeFolders(storage, path, signal)
  out.log(`removed ${counted(deleted)} below ${printable(place)}${failed > 0 ? `, ${failed} failed` : ''}`)
  if (out.json) await out.record({ place, deleted, failed }, '')
}

async function* batches<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let batch: T[] = []
  for await (const item of items) {
    batch.push(item)
    if (batch.length < size) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}
