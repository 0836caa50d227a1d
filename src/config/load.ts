import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ImproperlyConfigured } from '../core/errors.ts'
import { configure, type HoldallSettings, overlaid } from './configure.ts'
import { addEnvText } from './env-file.ts'
import { parseJson } from './json.ts'
import { loading } from './loading.ts'
import { refuseForeign } from './trust.ts'

/** The names that are searched in each folder; the first one found is used. */
export const CONFIG_FILES: readonly string[] = [
  'holdall.config.ts',
  'holdall.config.mts',
  'holdall.config.js',
  'holdall.config.mjs',
  'holdall.config.json',
]

/** How to find a configuration. */
export interface LoadOptions {
  /** Folder in which the search begins; default: the working directory. */
  readonly cwd?: string | undefined
  /** The file to use instead of a search; it must exist. */
  readonly file?: string | undefined
  /** The environment to which `.env` is added; default: `process.env`. */
  readonly env?: Record<string, string | undefined> | undefined
  /** The file to use instead of the `.env` beside the configuration; it must exist. */
  readonly envFile?: string | undefined
  /**
   * Whether configuration and `.env` must belong to this user or to root, with every folder on the way to them, and no other user may write
   * to them. The command line requires this, since it finds its configuration in any working directory. Default: no.
   */
  readonly onlyOwn?: boolean | undefined
}

/** A configuration that was found. */
export interface LoadedConfig {
  readonly settings: HoldallSettings
  /** Absent when there is no configuration file. */
  readonly file: string | undefined
  /** The `.env` file that was read, if any. */
  readonly envFile: string | undefined
  /** Name of the overlay in use: HOLDALL_ENV, or else NODE_ENV. */
  readonly environment: string | undefined
}

/** Returns the configuration file in `cwd` or in the nearest folder above it. */
export function findConfig(cwd: string = process.cwd()): string | undefined {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const found = CONFIG_FILES.map(name => join(folder, name)).find(path => existsSync(path))
    if (found !== undefined) return found
    if (dirname(folder) === folder) return undefined
  }
}

/**
 * Finds and reads the configuration: `.env` beside it first (existing variables of the environment do not change), then the file, then the
 * part of its `$env` that HOLDALL_ENV or NODE_ENV names. Relative MEDIA_ROOT and STATIC_ROOT are relative to the file's folder. Without a
 * configuration file there is no error, and only a named `.env` is read. A named file that is missing is an `ImproperlyConfigured`, and so
 * is any file that `onlyOwn` rejects.
 */
export async function loadConfig(options: LoadOptions = {}): Promise<LoadedConfig> {
  const { cwd = process.cwd(), env = process.env, onlyOwn = false } = options
  const named = options.file ?? (env['HOLDALL_CONFIG'] || undefined) ?? findConfig(cwd)
  const file = named === undefined ? undefined : namedFile(cwd, named, 'configuration file')
  const envFile = envFileFor(file, cwd, options.envFile)
  if (onlyOwn) for (const path of [file, envFile]) if (path !== undefined) refuseForeign(path)
  if (envFile !== undefined) addEnvText(readText(envFile), envFile, env)
  const environment = env['HOLDALL_ENV'] || env['NODE_ENV'] || undefined
  const written = file === undefined ? {} : await readConfig(file, environment)
  const folder = file === undefined ? resolve(cwd) : dirname(file)
  return { settings: absoluteFolders(withOverlay(written, environment), folder), file, envFile, environment }
}

/** Returns the `.env` file to read: the named one, else the one beside the configuration. */
function envFileFor(file: string | undefined, cwd: string, named: string | undefined): string | undefined {
  if (named !== undefined) return namedFile(cwd, named, 'environment file')
  const beside = file === undefined ? undefined : join(dirname(file), '.env')
  // A folder of that name is a Python environment, not a file.
  const isThere = beside !== undefined && statSync(beside, { throwIfNoEntry: false })?.isDirectory() === false
  return isThere ? namedFile(cwd, beside, 'environment file') : undefined
}

/** Calls `loadConfig` and then `configure`; an error names the file. */
export async function loadAndConfigure(options: LoadOptions = {}): Promise<LoadedConfig> {
  const loaded = await loadConfig(options)
  const { settings, file } = loaded
  try {
    configure(settings, { base: file })
  } catch (cause) {
    if (file === undefined || !(cause instanceof ImproperlyConfigured)) throw cause
    throw new ImproperlyConfigured(`${file}: ${cause.message}`, { cause })
  }
  return loaded
}

/**
 * Returns the path that a user named. A missing file, and one that is not a regular file (it could block), is an `ImproperlyConfigured`.
 */
function namedFile(cwd: string, name: string, kind: string): string {
  const file = resolve(cwd, name)
  if (statSync(file, { throwIfNoEntry: false })?.isFile() === true) return file
  throw new ImproperlyConfigured(`The ${kind} '${name}' ${existsSync(file) ? 'is not a file' : 'does not exist'}.`)
}

async function readConfig(file: string, environment: string | undefined): Promise<HoldallSettings> {
  const exported = file.endsWith('.json')
    ? parseJson(readText(file), `${file} is not valid JSON`)
    : await loading(file, () => importConfig(file))
  const value: unknown =
    typeof exported === 'function' ? await loading(file, () => exported({ environment })) : exported
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as HoldallSettings
  const wanted = file.endsWith('.json') ? 'hold an object' : 'export its settings: export default defineConfig({ ... })'
  throw new ImproperlyConfigured(`${file} must ${wanted}`)
}

/** Returns a file's text without a byte order mark. */
function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/^\uFEFF/, '')
  } catch (cause) {
    throw new ImproperlyConfigured(`${file} cannot be read: ${(cause as NodeJS.ErrnoException).code}`, { cause })
  }
}

async function importConfig(file: string): Promise<unknown> {
  const url = pathToFileURL(file).href
  const module = (await import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ url)) as Record<
    string,
    unknown
  >
  return module['default'] ?? module['settings']
}

function withOverlay(written: HoldallSettings, environment: string | undefined): HoldallSettings {
  const { $env, ...settings } = written
  const overlays = ($env ?? {}) as Readonly<Record<string, HoldallSettings>>
  const overlay = environment !== undefined && Object.hasOwn(overlays, environment) ? overlays[environment] : undefined
  return overlay === undefined ? settings : overlaid(settings, overlay)
}

const FOLDERS: readonly string[] = ['MEDIA_ROOT', 'STATIC_ROOT', 'FILE_UPLOAD_TEMP_DIR']

function absoluteFolders(settings: HoldallSettings, folder: string): HoldallSettings {
  const result: Record<string, unknown> = { ...settings }
  for (const key of FOLDERS) {
    const path = result[key]
    if (typeof path === 'string' && path !== '' && !isAbsolute(path)) result[key] = resolve(folder, path)
  }
  return result
}
