import { stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { LocalStorage } from '../../backends/local/index.ts'
import type { AnyStorage } from '../../storage/storage.ts'
import { type CliContext, shownTarget, UsageError } from '../context.ts'
import { printable } from '../output.ts'
import { below, hasAlias } from '../target.ts'

/** Exit code where no difference was found, but the contents of some files were not compared. */
export const SIZE_ONLY = 3

/** A place of `sync` and `check`: a folder of a storage, or of this machine. */
export interface SyncPlace {
  readonly storage: AnyStorage
  readonly path: string
  /** The place as commands accept it in any folder: `alias:path`, or an absolute path of this machine. */
  readonly title: string
  /** Absolute path of a folder of this machine; undefined for a storage of the configuration. */
  readonly folder: string | undefined
  /** Returns a name in the place, for messages. */
  shown(name: string): string
}

/** Whether a text is the path of a folder of this machine: it begins with `/`, `./`, `../` or `~/`, or is one of `.`, `..` and `~`. */
export function isLocalPath(text: string): boolean {
  if (hasAlias(text)) return false
  return /^(?:\.{0,2}[\\/]|~[\\/]|[A-Za-z]:[\\/])/.test(text) || ['.', '..', '~'].includes(text)
}

/** Returns the place of an argument. A folder of this machine is a local storage to which the configuration does not apply. */
export async function placeOf(context: CliContext, text: string, isTarget: boolean): Promise<SyncPlace> {
  if (!isLocalPath(text)) {
    if (!hasAlias(text) && (await isFolder(text))) {
      context.out.log(`'${printable(text)}' is a path in 'default'; the folder here is './${printable(text)}'`)
    }
    const { alias, path, storage } = await (isTarget ? context.destination(text) : context.target(text))
    const shown = (name: string): string => printable(shownTarget(alias, below(path, name)))
    return { storage, path, title: shownTarget(alias, path), folder: undefined, shown }
  }
  const folder = resolve(/^~(?=$|[\\/])/.test(text) ? join(homedir(), text.slice(1)) : text)
  const options = { location: folder, filePermissionsMode: null, fsync: false, readOnly: !isTarget }
  const storage = new LocalStorage(options, { settings: {}, env: {} })
  return { storage, path: '', title: folder, folder, shown: name => printable(join(text, name)) }
}

/** Rejects a local source that is not a folder. */
export async function checkFolder({ folder }: SyncPlace, text: string): Promise<void> {
  if (folder === undefined) return
  const stats = await stat(folder).catch(() => undefined)
  if (stats?.isDirectory() !== true) {
    throw new UsageError(`'${text}' ${stats === undefined ? 'does not exist' : 'is no folder'}.`)
  }
}

/** Whether there is a folder of this machine at a path. */
async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    stats => stats.isDirectory(),
    () => false,
  )
}

/** Adds a text to the values of an option that may be repeated. */
export function collected(value: string, values: readonly string[] = []): readonly string[] {
  return [...values, value]
}

/** Declares the options that select names on both sides. */
export function declareNames(command: Command): Command {
  return command
    .option('--include <glob>', 'only names that match; may be repeated', collected)
    .option('--exclude <glob>', 'no names that match; may be repeated', collected)
}

/** Declares the common options of `sync` and `check`. */
export function declareFilters(command: Command): Command {
  return declareNames(command)
    .option('--size-only', 'compare sizes only')
    .option('--no-read', 'compare sizes where the listings have no comparable digest, instead of reading both files')
    .option('--concurrency <n>', 'files at once', '16')
}

/** Returns what was compared, for the summary; '' if nothing was. */
export function shownBasis(compared: Readonly<Record<string, number>>): string {
  const { record = 0, listing = 0, oneRead = 0, bothRead = 0, size = 0 } = compared
  const parts = [
    [record, 'as at the last run'],
    [listing, 'by digests of both listings'],
    [oneRead, 'by a digest and reading one side'],
    [bothRead, 'by reading both sides'],
    [size, 'by size only'],
  ] as const
  return parts
    .filter(([count]) => count > 0)
    .map(([count, text]) => `${count} ${text}`)
    .join(', ')
}
