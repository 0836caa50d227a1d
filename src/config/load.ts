import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { nodeUtil } from '../core/builtin.ts'
import { ImproperlyConfigured } from '../core/errors.ts'
import { configure, type HoldallSettings, overlaid } from './configure.ts'

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
 * its `$env` that HOLDALL_ENV or NODE_ENV names. Relative MEDIA_ROOT and STATIC_ROOT start from the file's folder.
 * No file is fine, a named one that is missing is an `ImproperlyConfigured`.
 */
export async function loadConfig(options: LoadOptions = {}): Promise<LoadedConfig> {
  const { cwd = process.cwd(), env = process.env } = options
  const named = options.file ?? (env['HOLDALL_CONFIG'] || undefined)
  const file = named === undefined ? findConfig(cwd) : resolve(cwd, named)
  if (named !== undefined && statSync(file!, { throwIfNoEntry: false })?.isFile() !== true) {
    const reason = existsSync(file!) ? 'is not a file' : 'does not exist'
    throw new ImproperlyConfigured(`The configuration file '${named}' ${reason}.`)
  }
  const folder = file === undefined ? resolve(cwd) : dirname(file)
  const envFile = readEnvFile(join(folder, '.env'), env)
  const environment = env['HOLDALL_ENV'] || env['NODE_ENV'] || undefined
  const written = file === undefined ? {} : await readConfig(file, environment)
  return { settings: absoluteFolders(withOverlay(written, environment), folder), file, envFile, environment }
}

/** `loadConfig` and then `configure`; an error names the file. */
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

/** Adds what a `.env` file has to the environment, without replacing anything; returns the path if the file exists. */
function readEnvFile(path: string, env: Record<string, string | undefined>): string | undefined {
  if (!existsSync(path)) return undefined
  for (const [key, value] of Object.entries(nodeUtil().parseEnv(readText(path)))) env[key] ??= value
  return path
}

async function readConfig(file: string, environment: string | undefined): Promise<HoldallSettings> {
  const exported = file.endsWith('.json') ? readJson(file) : await loading(file, () => importConfig(file))
  const value: unknown =
    typeof exported === 'function' ? await loading(file, () => exported({ environment })) : exported
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as HoldallSettings
  const wanted = file.endsWith('.json') ? 'hold an object' : 'export its settings: export default defineConfig({ ... })'
  throw new ImproperlyConfigured(`${file} must ${wanted}`)
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readText(file))
  } catch (cause) {
    throw new ImproperlyConfigured(`${file} is not valid JSON: ${(cause as Error).message}`, { cause })
  }
}

/** A file's text without a byte order mark. */
function readText(file: string): string {
  return readFileSync(file, 'utf8').replace(/^\uFEFF/, '')
}

async function importConfig(file: string): Promise<unknown> {
  const module = (await import(pathToFileURL(file).href)) as Record<string, unknown>
  return module['default'] ?? module['settings']
}

/** Runs code of the configuration; what it throws becomes an error that names the file and, where it is known, the line. */
async function loading(file: string, work: () => unknown): Promise<unknown> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof ImproperlyConfigured) throw cause
    const line = lineOf(cause, file)
    const place = line === undefined ? file : `${file}:${line}`
    throw new ImproperlyConfigured(`${place} could not be loaded: ${reasonOf(cause)}`, { cause })
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code } = error as { code?: unknown }
  const missing = code === 'ERR_MODULE_NOT_FOUND' && /^Cannot find package '([^']+)'/.exec(error.message)?.[1]
  return missing ? `the package '${missing}' is not installed here: npm install ${missing}` : error.message
}

/** The line of the file where an error arose: it heads the stack of a syntax error, and is in the frames of any other. */
function lineOf(error: unknown, file: string): string | undefined {
  const stack = error instanceof Error ? `\n${error.stack ?? ''}` : ''
  for (const name of [file, pathToFileURL(file).href]) {
    const at = stack.indexOf(`${name}:`)
    const line = at < 0 ? undefined : /^\d+/.exec(stack.slice(at + name.length + 1))?.[0]
    if (line !== undefined) return line
  }
  return undefined
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
