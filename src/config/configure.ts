import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ImproperlyConfigured } from '../core/errors.ts'
import { parseMap } from '../core/setting-types.ts'
import { activateSettings, activeSettings, withSettings } from '../core/settings.ts'
import type { AnyStorage } from '../storage/storage.ts'
import { isModulePath, isStorage, type StorageClass } from './backends.ts'
import { envFileOf } from './env-file.ts'
import { parseJson } from './json.ts'
import type { StaticSettings } from './static-settings.ts'

/** One entry of STORAGES: a class and the options of its constructor. */
export interface StorageConfig {
  /** A short name (`'s3'`), a Django class path, `'./storages.ts#PublicStorage'`, the class itself, or an existing storage. */
  readonly BACKEND: string | StorageClass | AnyStorage
  /** Options in camelCase, or Django's snake_case names; none where BACKEND is a storage. */
  readonly OPTIONS?: Readonly<Record<string, unknown>> | undefined
}

/** The settings object: Django's names. Every backend's own global settings (`AWS_*` ...) belong here as well. */
export interface HoldallSettings extends StaticSettings {
  /** Storages by alias; the aliases `default` and `staticfiles` have special uses. */
  readonly STORAGES?: Readonly<Record<string, StorageConfig>> | undefined
  /** The older way to name the class of `default`; not together with STORAGES. */
  readonly DEFAULT_FILE_STORAGE?: string | StorageClass | undefined
  /** The older way to name the class of `staticfiles`; not together with STORAGES. */
  readonly STATICFILES_STORAGE?: string | StorageClass | undefined
  /** Folder of uploaded files. */
  readonly MEDIA_ROOT?: string | undefined
  /** URL of that folder, with a trailing slash. */
  readonly MEDIA_URL?: string | undefined
  /** Folder of collected static files. */
  readonly STATIC_ROOT?: string | null | undefined
  /** URL of that folder, with a trailing slash. */
  readonly STATIC_URL?: string | null | undefined
  /** Permission bits of stored files (`0o644`); null leaves them to the umask. */
  readonly FILE_UPLOAD_PERMISSIONS?: number | string | null | undefined
  /** Permission bits of new folders; null leaves them to the umask. */
  readonly FILE_UPLOAD_DIRECTORY_PERMISSIONS?: number | string | null | undefined
  /** Folder of temporary files; null is the system's. */
  readonly FILE_UPLOAD_TEMP_DIR?: string | null | undefined
  readonly [key: string]: unknown
}

/** The origin of a settings object. */
export interface ConfigureOptions {
  /**
   * File (path or file: URL) whose folder is the base of relative module paths in BACKEND and of relative locations of local storages.
   * Default: the working directory.
   */
  readonly base?: string | undefined
}

const bases = new WeakMap<object, string>()
/** The settings under an override, whose storages the override keeps. */
const outers = new WeakMap<object, HoldallSettings>()
const STORAGE_KEYS = ['STORAGES', 'DEFAULT_FILE_STORAGE', 'STATICFILES_STORAGE'] as const

/** Returns the settings whose storages these settings keep where nothing changed for them. */
export function outerSettings(settings: object): HoldallSettings | undefined {
  return outers.get(settings)
}

/** Returns the file of the active settings, where `configure` received one. */
export function settingsBase(settings: object = activeSettings()): string | undefined {
  return bases.get(settings)
}

/** Returns the folder of that file, the base of relative paths in the settings; undefined where `configure` received no file. */
export function settingsFolder(settings: object = activeSettings()): string | undefined {
  const base = settingsBase(settings)
  if (base === undefined) return undefined
  const file = base.startsWith('file:') ? fileURLToPath(base) : base
  return /[\\/]$/.test(file) ? file : dirname(file)
}

/** Returns its argument: adds completion and type checks to a `holdall.config.ts`. */
export function defineConfig<const C extends HoldallSettings>(settings: C): C {
  return settings
}

/**
 * Makes `settings` the process's settings object. `storages.x` and `defaultStorage` are new storages from then on: a memory storage begins
 * without files, even where the settings are equal to those before. Storages of the former settings are not closed: call `await
 * resetStorages()` first. Contradictory settings are `improperly_configured`, and the former ones stay active.
 */
export function configure(settings: HoldallSettings, options: ConfigureOptions = {}): void {
  activateSettings(checkedSettings(settings, options.base))
}

/** Returns a frozen copy; contradictory settings are `improperly_configured`. */
function checkedSettings(settings: HoldallSettings, base: string | undefined): HoldallSettings {
  const copy = Object.freeze({ ...settings })
  refuseMisspelt(copy)
  storageConfigs(copy, {})
  if (base !== undefined) bases.set(copy, base)
  return copy
}

/**
 * Runs `fn` with other values of the named settings, for tests. Only `fn`, and the work that it starts, reads them: calls may overlap, and
 * code outside keeps its settings. An override that names storages gets new ones; new memory storages have no files. Otherwise storages for
 * which nothing changed stay the same.
 * @example
 * await overrideSettings({ MEDIA_URL: '/elsewhere/' }, async () => {
 *   console.log(await defaultStorage.url('a.txt')) // /elsewhere/a.txt
 * })
 */
export function overrideSettings<T>(settings: HoldallSettings, fn: () => T): T {
  const before = activeSettings()
  const isNew = STORAGE_KEYS.some(key => settings[key] !== undefined)
  return withSettings(isNew ? checkedOver(before, settings) : layeredSettings(before, settings), fn)
}

/** Returns settings with an override. Storages for which nothing changed are kept. */
export function layeredSettings(before: HoldallSettings, override: HoldallSettings): HoldallSettings {
  const own = checkedOver(before, override)
  outers.set(own, before)
  return own
}

function checkedOver(before: HoldallSettings, override: HoldallSettings): HoldallSettings {
  return checkedSettings(overlaid(before, override), settingsBase(before))
}

/** Returns settings with an override; of the two forms of naming storages only the one in the override remains. */
export function overlaid(before: HoldallSettings, override: HoldallSettings): HoldallSettings {
  const { STORAGES, DEFAULT_FILE_STORAGE, STATICFILES_STORAGE, ...rest } = before
  if (override.STORAGES !== undefined) return { ...rest, ...override }
  if (override.DEFAULT_FILE_STORAGE !== undefined || override.STATICFILES_STORAGE !== undefined) {
    return { ...rest, DEFAULT_FILE_STORAGE, STATICFILES_STORAGE, ...override }
  }
  return { ...before, ...override }
}

const DEFAULT_BACKEND = 'django.core.files.storage.FileSystemStorage'
const DEFAULT_STATIC = 'django.contrib.staticfiles.storage.StaticFilesStorage'

/** Returns the storages by alias that the settings describe, in either form; without such a setting, from the environment. */
export function storageConfigs(
  settings: HoldallSettings = activeSettings(),
  env: Readonly<Record<string, string | undefined>> = process.env,
): Readonly<Record<string, StorageConfig>> {
  refuseBoth(settings)
  const older = settings.DEFAULT_FILE_STORAGE ?? settings.STATICFILES_STORAGE
  const given = settings.STORAGES ?? (older === undefined ? env['STORAGES'] || undefined : undefined)
  if (given !== undefined) {
    if (given === settings.STORAGES) return checkedStorages(given)
    refuseBoth(env)
    const storages = checkedStorages(given)
    for (const alias in storages)
      refuseModule(storages[alias]!.BACKEND, `STORAGES['${alias}'].BACKEND`, 'STORAGES', env)
    return storages
  }
  const backendOf = (key: 'DEFAULT_FILE_STORAGE' | 'STATICFILES_STORAGE', fallback: string): StorageConfig => {
    const BACKEND = settings[key] ?? (env[key] || fallback)
    if (settings[key] === undefined) refuseModule(BACKEND, key, key, env)
    return { BACKEND }
  }
  return {
    default: backendOf('DEFAULT_FILE_STORAGE', DEFAULT_BACKEND),
    staticfiles: backendOf('STATICFILES_STORAGE', DEFAULT_STATIC),
  }
}

/** Returns the `.env` file whose STORAGES the current settings use, if any. */
export function storagesEnvFile(settings: HoldallSettings = activeSettings()): string | undefined {
  const isSilent = settings.STORAGES === undefined && settings.DEFAULT_FILE_STORAGE === undefined
  return isSilent && settings.STATICFILES_STORAGE === undefined ? envFileOf('STORAGES') : undefined
}

/** A `.env` file may contain only values: it must not name code to run. */
function refuseModule(
  backend: unknown,
  shown: string,
  variable: string,
  env: Readonly<Record<string, string | undefined>>,
): void {
  const file = envFileOf(variable, env)
  if (file === undefined || typeof backend !== 'string' || !isModulePath(backend)) return
  throw new ImproperlyConfigured(
    `${file}: ${shown}: expected a backend of Holdall, got a module. Name modules in holdall.config.* or in the environment.`,
  )
}

/** A settings object may contain any names, but a misspelt name for the storages would be ignored, and a local folder used instead. */
function refuseMisspelt(settings: HoldallSettings): void {
  const wrong = Object.keys(settings).find(key => key !== 'STORAGES' && /^storages?$/i.test(key))
  if (wrong !== undefined) throw new ImproperlyConfigured(`'${wrong}' is not a setting: did you mean 'STORAGES'?`)
}

function refuseBoth(source: Readonly<Record<string, unknown>>): void {
  if (source['STORAGES'] === undefined) return
  for (const old of ['DEFAULT_FILE_STORAGE', 'STATICFILES_STORAGE']) {
    if (source[old] === undefined || source[old] === '') continue
    throw new ImproperlyConfigured(`${old}/STORAGES are mutually exclusive.`)
  }
}

function checkedStorages(given: unknown): Readonly<Record<string, StorageConfig>> {
  const checked: Record<string, StorageConfig> = {}
  for (const [alias, value] of Object.entries(mapping(given, 'STORAGES'))) {
    const entry = mapping(value, `STORAGES['${alias}']`)
    const unknown = Object.keys(entry).find(key => key !== 'BACKEND' && key !== 'OPTIONS')
    if (unknown !== undefined) {
      throw new ImproperlyConfigured(
        `STORAGES['${alias}']: unknown key '${unknown}'; only BACKEND and OPTIONS are known.`,
      )
    }
    if (entry['BACKEND'] === undefined) throw new ImproperlyConfigured(`STORAGES['${alias}'] has no BACKEND.`)
    const OPTIONS = mapping(entry['OPTIONS'] ?? {}, `STORAGES['${alias}'].OPTIONS`)
    if (isStorage(entry['BACKEND']) && Object.keys(OPTIONS).length > 0) {
      throw new ImproperlyConfigured(
        `STORAGES['${alias}'].OPTIONS: BACKEND is a storage, which has its options already.`,
      )
    }
    checked[alias] = { BACKEND: entry['BACKEND'] as StorageConfig['BACKEND'], OPTIONS }
  }
  return checked
}

function mapping(value: unknown, key: string): Readonly<Record<string, unknown>> {
  const failure = `${key}: expected an object (JSON in the environment)`
  try {
    return parseMap(typeof value === 'string' ? parseJson(value, failure) : value)
  } catch (error) {
    throw error instanceof ImproperlyConfigured ? error : new ImproperlyConfigured(`${failure}.`)
  }
}
