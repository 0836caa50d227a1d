import { realpathSync, type Stats, statSync } from 'node:fs'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { isInside } from '../../backends/local/place.ts'
import type { CallOptions } from '../../core/call.ts'
import { classifyErrno } from '../../core/errno.ts'
import { ImproperlyConfigured } from '../../core/errors.ts'
import { checkKnownOptions } from '../../core/known-options.ts'
import { DEFAULT_IGNORE, ignorePatterns } from '../ignore.ts'
import type { Finder, FinderOptions, IsIgnored, StaticFile } from '../types.ts'
import { checkedEntry, checkedList, checkFinderOptions, filesOf, findIn, type Place } from './places.ts'

const SETTING = 'STATICFILES_DIRS'

/** A folder of static files, or a pair of a prefix for the names of its files, and the folder. */
export type FolderEntry = string | readonly [prefix: string, folder: string]

/** Options of `FolderFinder`. */
export interface FolderFinderOptions {
  /** The base of relative folders. Default: the current folder of the process. */
  readonly base?: string | undefined
}

/**
 * The files of folders of this machine: `STATICFILES_DIRS`. The same folder may be listed with several prefixes. A folder that does not
 * exist is reported and skipped; it is a failure where the run deletes files that it does not find. Links are followed to any target;
 * pipes, sockets and devices are reported and skipped. Entries of another type, and a prefix that ends with a slash, are
 * `improperly_configured`. (Django `FileSystemFinder`)
 * @example
 * new FolderFinder(['assets', ['vendor', 'node_modules/lib/dist']])
 */
export class FolderFinder implements Finder {
  readonly #places: readonly Place[]

  constructor(entries: readonly FolderEntry[], options: FolderFinderOptions = {}) {
    checkKnownOptions('FolderFinder', options, { base: true })
    const { base = '' } = options
    this.#places = placesOf(entries, base)
  }

  get locations(): readonly string[] {
    return [...new Set(this.#places.map(({ folder }) => folder))]
  }

  async *files(options: FinderOptions): AsyncGenerator<StaticFile, void, undefined> {
    checkFinderOptions(options)
    for (const place of this.#places) {
      if (isThere(place.folder, options)) yield* filesOf(place, options)
    }
  }

  async find(name: string, options: CallOptions = {}): Promise<readonly StaticFile[]> {
    return findIn(this.#places, name, options)
  }
}

/** Further options of `checkFolders`. */
export interface CheckFoldersOptions extends FolderFinderOptions {
  /** The paths that a run skips; default: `DEFAULT_IGNORE`. */
  readonly isIgnored?: IsIgnored | undefined
}

/**
 * Throws `improperly_configured` where the target folder is one of the source folders, lies in one and is not ignored there, or contains
 * one. (Django's check `staticfiles.E002`, which finds equal paths only)
 */
export function checkFolders(
  entries: readonly FolderEntry[],
  staticRoot: string,
  { base = '', isIgnored = ignorePatterns(DEFAULT_IGNORE) }: CheckFoldersOptions = {},
): void {
  const root = realPath(resolve(base, staticRoot))
  for (const { folder } of placesOf(entries, base)) {
    const real = realPath(folder)
    if (root === real) {
      throw new ImproperlyConfigured(`${SETTING} must not contain the folder of STATIC_ROOT: '${folder}'.`)
    }
    if (isInside(real, root) && !isLeftOut(relative(real, root), isIgnored)) {
      const text = 'each run would collect what the run before has stored'
      const remedy = 'Choose another folder, or leave it out by STATICFILES_IGNORE'
      throw new ImproperlyConfigured(`STATIC_ROOT lies in '${folder}' of ${SETTING}: ${text}. ${remedy}.`)
    }
    if (isInside(root, real)) {
      const text = 'a run that clears it would delete the sources'
      throw new ImproperlyConfigured(`${SETTING}: '${folder}' lies in STATIC_ROOT: ${text}.`)
    }
  }
}

function placesOf(entries: readonly FolderEntry[], base: string): readonly Place[] {
  const places = new Map<string, Place>()
  for (const entry of checkedList(entries, SETTING)) {
    const [prefix, folder] = checkedEntry(entry, SETTING, 'a folder')
    const place: Place = { prefix, folder: resolve(base, folder) }
    places.set(`${prefix}\n${place.folder}`, place)
  }
  return [...places.values()]
}

/** Whether a folder can be read; reports it otherwise. */
function isThere(folder: string, { onSkipped, mustExist = false }: FinderOptions): boolean {
  let stats: Stats | undefined
  try {
    stats = statSync(folder)
  } catch (error) {
    // Any other problem is reported when the folder is read.
    if (classifyErrno(error) !== 'not_found') return true
  }
  if (stats?.isDirectory() === true) return true
  const what = stats === undefined ? 'does not exist' : 'is not a folder'
  const why = stats === undefined && mustExist ? ', and this run would delete what came from it' : ''
  onSkipped?.(folder, `the directory in the ${SETTING} setting ${what}${why}`, stats !== undefined || mustExist)
  return false
}

/** Whether a folder of a path, or the path itself, is ignored. */
function isLeftOut(path: string, isIgnored: IsIgnored): boolean {
  const parts = path.split(sep)
  return parts.some((_, at) => isIgnored(parts.slice(0, at + 1).join('/')))
}

/** Returns the path without links; of a path that does not exist, the part that does. */
function realPath(path: string): string {
  for (let above = path, rest = ''; ; ) {
    try {
      return resolve(realpathSync.native(above), rest)
    } catch {
      if (dirname(above) === above) return path
      rest = join(basename(above), rest)
      above = dirname(above)
    }
  }
}
