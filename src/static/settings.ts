import { LocalStorage } from '../backends/local/index.ts'
import { settingsFolder } from '../config/configure.ts'
import { type StaticManifestSetting, type StaticValues, staticSettings } from '../config/static-settings.ts'
import { defaultStorage, storages } from '../config/storages.ts'
import { ImproperlyConfigured, messageOf } from '../core/errors.ts'
import { hint, nearest } from '../core/nearest.ts'
import { activeSettings, resolveSettings } from '../core/settings.ts'
import type { AnyStorage } from '../storage/storage.ts'
import { checkFolders, FolderFinder } from './finders/folders.ts'
import { PackageFinder } from './finders/packages.ts'
import { StorageFinder } from './finders/storages.ts'
import { DEFAULT_IGNORE, ignorePatterns } from './ignore.ts'
import type { StaticFilesOptions } from './options.ts'
import { StaticFiles } from './static-files.ts'
import type { Finder } from './types.ts'

/** The base of relative folders, and the folder in which packages are searched. */
interface Place {
  readonly base: string | undefined
}

/** The finders that a setting can name, by Django's class paths. */
const FINDERS: Readonly<Record<string, (values: StaticValues, place: Place) => Finder>> = {
  FileSystemFinder: ({ dirs }, place) => new FolderFinder(dirs, place),
  AppDirectoriesFinder: ({ packages }, place) => new PackageFinder(packages, place),
  DefaultStorageFinder: () => new StorageFinder(defaultStorage),
}

const DJANGO = 'django.contrib.staticfiles.finders.'
const DEFAULT_FINDERS: readonly string[] = [`${DJANGO}FileSystemFinder`, `${DJANGO}AppDirectoriesFinder`]

/**
 * Returns the static files that the active settings describe: the storage of the alias, the finders of STATICFILES_FINDERS (by default
 * those of STATICFILES_DIRS and STATICFILES_PACKAGES), and STATICFILES_MANIFEST, STATICFILES_COMPRESS, STATICFILES_HEADERS,
 * STATICFILES_IGNORE and DEBUG. `options` override the settings. An invalid setting, an unknown alias, and a STATIC_ROOT that lies in one
 * of STATICFILES_DIRS are `improperly_configured`. Does not read files or connect.
 * @example
 * const files = await staticFilesFromSettings().load()
 * files.url('css/site.css') // /static/css/site.2ee5a7e3dd1f.css
 */
export function staticFilesFromSettings(alias = 'staticfiles', options: Partial<StaticFilesOptions> = {}): StaticFiles {
  const sources = { defaults: [], settings: activeSettings(), env: process.env, settingsOnly: true }
  const { options: values } = resolveSettings<StaticValues>('StaticFiles', staticSettings, {}, sources)
  const place = { base: settingsFolder() }
  const storage = options.storage ?? storages.get(alias)
  const made: StaticFilesOptions = {
    ...options,
    storage,
    finders: options.finders ?? findersOf(values, place),
    manifest: options.manifest ?? manifestOf(values.manifest),
    compress: options.compress ?? values.compress ?? undefined,
    headers: options.headers ?? values.headers,
    ignore: options.ignore ?? values.ignore,
    debug: options.debug ?? values.debug,
    // Stylesheets refer to files by STATIC_URL even if they are on a CDN.
    rootUrls: options.rootUrls ?? (values.url === null ? [] : [values.url]),
  }
  if (options.finders === undefined) checkTarget(made, values, place)
  return new StaticFiles(made)
}

/** Rejects a target on this disk that is also a source. */
function checkTarget(
  { storage, finders, ignore = [] }: StaticFilesOptions,
  { dirs }: StaticValues,
  place: Place,
): void {
  const isOnDisk = storage instanceof LocalStorage && storage.options.location !== ''
  if (!isOnDisk || !finders.some(finder => finder instanceof FolderFinder)) return
  checkFolders(dirs, storage.root, { ...place, isIgnored: ignorePatterns([...ignore, ...DEFAULT_IGNORE]) })
}

function findersOf(values: StaticValues, place: Place): Finder[] {
  return (values.finders ?? DEFAULT_FINDERS).map(finder => {
    if (typeof finder !== 'string') return checkedFinder(finder)
    const name = finder.startsWith(DJANGO) ? finder.slice(DJANGO.length) : finder
    const make = Object.hasOwn(FINDERS, name) ? FINDERS[name] : undefined
    if (make !== undefined) return make(values, place)
    const known = Object.keys(FINDERS)
    const meant = hint(nearest(finder.slice(finder.lastIndexOf('.') + 1), known))
    throw new ImproperlyConfigured(
      `STATICFILES_FINDERS: '${finder}' is not one of ${known.join(', ')}${meant}; pass any other finder as an object.`,
    )
  })
}

function checkedFinder(finder: object): Finder {
  const { files, find } = finder as Partial<Finder>
  if (typeof files === 'function' && typeof find === 'function') return finder as Finder
  throw new ImproperlyConfigured('STATICFILES_FINDERS: expected a finder, which has the methods files and find.')
}

/** Returns the manifest's options; their storage is that of an alias. */
function manifestOf(given: boolean | StaticManifestSetting | null): StaticFilesOptions['manifest'] {
  if (given === null || typeof given === 'boolean') return given ?? undefined
  const { storage: alias, ...options } = given
  return alias === undefined ? options : { ...options, storage: namedStorage(alias) }
}

function namedStorage(alias: string): AnyStorage {
  try {
    return storages.get(alias)
  } catch (cause) {
    throw new ImproperlyConfigured(`STATICFILES_MANIFEST: ${messageOf(cause)}`, { cause })
  }
}
