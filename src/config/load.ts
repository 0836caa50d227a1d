import { existsSync, readFileSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { nodeUtil } from '../core/builtin.ts'
import { ImproperlyConfigured } from '../core/errors.ts'
import { configure, type HoldallSettings, type StorageConfig } from './configure.ts'

/** The names that are looked for in each folder, the first one found wins. */
export const CONFIG_FILES: readonly string[] = [
  'holdall.config.ts',
  'holdall.config.mts',
  'holdall.config.js',
  'holdall.config.mjs',
  'holdall.config.json',
]

/** How to look for a configuration. */
export interface LoadOptions {
  /** Folder to start from; the working directory when absent. */
  readonly cwd?: string | undefined
  /** This file instead of a search; then it must exist. */
  readonly file?: string | undefined
  /** The environment that `.env` adds to; `process.env` when absent. */
  readonly env?: Record<string, string | undefined> | undefined
}

/** A configuration that was found. */
export interface LoadedConfig {
  readonly settings: HoldallSettings
  /** Absent when there is no configuration file. */
  readonly file: string | undefined
  /** The `.env` that was read, where there was one. */
  readonly envFile: string | undefined
  /** Name of the overlay in use: HOLDALL_ENV, or else NODE_ENV. */
  readonly environment: string | undefined
}

/** The configuration file in `cwd` or the nearest folder above it. */
export function findConfig(cwd: string = process.cwd()): string | undefined {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const found = CONFIG_FILES.map(name => join(folder, name)).find(path => existsSync(path))
    if (found !== undefined) return found
    if (dirname(folder) === folder) return undefined
  }
}

/**
 * Finds and reads the configuration: `.env` beside it first (what the environment has already stays), then the file, then the part of
 * its `$env` that HOLDALL_ENV or NODE_ENV names. Relative MEDIA_ROOT, STATIC_ROOT and local locations start from the file's folder.
 * No file is fine, a named one that is missing is an `ImproperlyConfigured`.
 */
export async function loadConfig(options: LoadOptions = {}): Promise<LoadedConfig> {
  const { cwd = process.cwd(), env = process.env } = options
  const named = options.file ?? (env['HOLDALL_CONFIG'] || undefined)
  const file = named === undefined ? findConfig(cwd) : resolve(cwd, named)
  if (named !== undefined && !existsSync(file!)) {
    throw new ImproperlyConfigured(`The configuration file '${named}' does not exist.`)
  }
  const folder = file === undefined ? resolve(cwd) : dirname(file)
  const envFile = readEnvFile(join(folder, '.env'), env)
  const environment = env['HOLDALL_ENV'] || env['NODE_ENV'] || undefined
  const written = file === undefined ? {} : await readConfig(file, environment)
  return { settings: absoluteFolders(overlaid(written, environment), folder), file, envFile, environment }
}

/** `loadConfig` and then `configure`. */
export async function loadAndConfigure(options: LoadOptions = {}): Promise<LoadedConfig> {
  const loaded = await loadConfig(options)
  configure(loaded.settings, { base: loaded.file })
  return loaded
}

/** Adds what a `.env` file has to the environment, without replacing anything; returns the path if the file exists. */
export function readEnvFile(path: string, env: Record<string, string | undefined>): string | undefined {
  if (!existsSync(path)) return undefined
  for (const [key, value] of Object.entries(nodeUtil().parseEnv(readFileSync(path, 'utf8')))) env[key] ??= value
  return path
}

async function readConfig(file: string, environment: string | undefined): Promise<HoldallSettings> {
  const exported = file.endsWith('.json') ? readJson(file) : await importConfig(file)
  const value: unknown = typeof exported === 'function' ? await exported({ environment }) : exported
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as HoldallSettings
  throw new ImproperlyConfigured(`${file} must export its settings: export default defineConfig({ ... })`)
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new ImproperlyConfigured(`${file} is not valid JSON: ${(cause as Error).message}`, { cause })
  }
}

async function importConfig(file: string): Promise<unknown> {
  try {
    const module = (await import(pathToFileURL(file).href)) as Record<string, unknown>
    return module['default'] ?? module['settings']
  } catch (cause) {
    if (cause instanceof ImproperlyConfigured) throw cause
    throw new ImproperlyConfigured(`${file} could not be loaded: ${(cause as Error).message}`, { cause })
  }
}

function overlaid(written: HoldallSettings, environment: string | undefined): HoldallSettings {
  const { $env, ...settings } = written
  const overlays = ($env ?? {}) as Readonly<Record<string, HoldallSettings>>
  const overlay = environment !== undefined && Object.hasOwn(overlays, environment) ? overlays[environment] : undefined
  return { ...settings, ...overlay }
}

const FOLDERS: readonly string[] = ['MEDIA_ROOT', 'STATIC_ROOT', 'FILE_UPLOAD_TEMP_DIR']
const LOCAL_NAMES: ReadonlySet<unknown> = new Set([
  'local',
  'static',
  'django.core.files.storage.FileSystemStorage',
  'django.core.files.storage.filesystem.FileSystemStorage',
  'django.contrib.staticfiles.storage.StaticFilesStorage',
])

function absoluteFolders(settings: HoldallSettings, folder: string): HoldallSettings {
  const result: Record<string, unknown> = { ...settings }
  for (const key of FOLDERS) if (key in result) result[key] = absolute(result[key], folder)
  const { STORAGES } = settings
  if (typeof STORAGES === 'object' && STORAGES !== null) {
    result['STORAGES'] = Object.fromEntries(
      Object.entries(STORAGES).map(([alias, entry]) => [alias, absoluteLocation(entry, folder)]),
    )
  }
  return result
}

function absoluteLocation(entry: StorageConfig, folder: string): StorageConfig {
  const location = LOCAL_NAMES.has(entry?.BACKEND) ? entry.OPTIONS?.['location'] : undefined
  return location === undefined
    ? entry
    : { ...entry, OPTIONS: { ...entry.OPTIONS, location: absolute(location, folder) } }
}

function absolute(path: unknown, folder: string): unknown {
  return typeof path === 'string' && path !== '' && !isAbsolute(path) ? resolve(folder, path) : path
}
