import { dirname, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import {
  CompressedManifestStaticFilesStorage,
  CompressedStaticFilesStorage,
  LocalStorage,
  ManifestStaticFilesStorage,
  StaticFilesStorage,
} from '../backends/local/index.ts'
import { MemoryStorage } from '../backends/memory/index.ts'
import { nodeModule } from '../core/builtin.ts'
import { ImproperlyConfigured } from '../core/errors.ts'
import { kindOf } from '../core/kind.ts'
import { hint, nearest } from '../core/nearest.ts'
import type { AnySettings } from '../core/settings.ts'
import type { AnyStorage, Storage } from '../storage/storage.ts'
import type { GivenSettings, Services } from '../storage/types.ts'
import { BACKENDS } from './backend-table.ts'
import { loadReason, quotesSource } from './loading.ts'

/** A class that a configuration can name: its constructor takes the OPTIONS. */
export interface StorageClass {
  new (
    // biome-ignore lint/suspicious/noExplicitAny: a class takes its own options, which are checked when it is constructed
    options?: any,
    services?: Services,
    // biome-ignore lint/suspicious/noExplicitAny: any backend's options
  ): Storage<any>
  readonly name: string
  readonly settings: unknown
  readonly backendName: string
  advice?(given: GivenSettings): readonly string[]
}

type Loader = () => StorageClass

const registry = new Map<string, Loader>()

/** Registers a class under a name for `BACKEND`; a later registration of the same name replaces it. */
export function registerBackend(name: string, backend: StorageClass): void {
  registry.set(name, () => backend)
}

/** Returns the short names of the built-in backends, for help texts and `holdall settings`. */
export function backendNames(): string[] {
  return [...registry.keys()].filter(name => !name.includes('.'))
}

/**
 * Returns a class whose module is loaded at the first use of its name: from the sources its file, in the built package its own subpath. A
 * bundled program passes the class itself as BACKEND.
 */
function bundled(folder: string, className: string): Loader {
  return () => {
    const here: unknown = import.meta.url // Undefined in a bundle of CommonJS.
    try {
      if (typeof here !== 'string') throw Object.assign(new Error('no place'), { code: 'MODULE_NOT_FOUND' })
      const path = here.endsWith('.ts') ? `../backends/${folder}/index.ts` : `holdall/${folder}`
      return exported(nodeModule().createRequire(here)(path), className, className)
    } catch (cause) {
      if ((cause as { code?: unknown }).code !== 'MODULE_NOT_FOUND') throw cause
      throw new Error(
        `the package is not beside this program; when it is bundled, pass the class: BACKEND: ${className}`,
        { cause },
      )
    }
  }
}

/** Classes that are always in the core of the package. */
const CORE: Readonly<Record<string, StorageClass>> = {
  LocalStorage,
  MemoryStorage,
  StaticFilesStorage,
  ManifestStaticFilesStorage,
  CompressedStaticFilesStorage,
  CompressedManifestStaticFilesStorage,
}

for (const { name, className, folder, paths, replaced = {} } of BACKENDS) {
  const core = CORE[className]
  const loader = core === undefined ? bundled(folder, className) : () => core
  for (const each of [name, ...paths]) registry.set(each, loader)
  for (const [path, text] of Object.entries(replaced)) {
    registry.set(path, () => {
      process.emitWarning(text, { type: 'DeprecationWarning', code: 'HOLDALL_S3BOTO' })
      return loader()
    })
  }
}

/**
 * Returns the class for a BACKEND: a class itself, a short name, a Django class path, or `module#Export`; a module that begins with `.` is
 * relative to `base` (the configuration's file). Anything else is an `ImproperlyConfigured` "Could not find backend ...".
 */
export function resolveBackend(backend: unknown, base?: string): StorageClass {
  if (typeof backend === 'function') return checkedClass(backend, backend.name)
  if (isStorage(backend)) return backend.constructor as unknown as StorageClass
  if (typeof backend !== 'string') {
    throw new ImproperlyConfigured(`BACKEND must be a name, a class or a storage, not ${kindOf(backend)}.`)
  }
  const loader = registry.get(backend)
  if (loader !== undefined) return load(backend, loader)
  if (isModulePath(backend)) return load(backend, () => fromModule(backend, base))
  const names = backendNames().join(', ')
  throw notFound(backend, `expected one of ${names} or './module.ts#ClassName'${hint(likelyBackend(backend))}`)
}

/** Returns the name that was probably meant: that of a class, else a similar one. */
function likelyBackend(backend: string): string | undefined {
  const names = [...registry.keys()]
  return names.find(name => name.split('.').includes(backend)) ?? nearest(backend, names)
}

/** Whether a BACKEND names a module. Loading it runs its code. */
export function isModulePath(backend: string): boolean {
  return backend.includes('#') || /^(\.{0,2}\/|file:)/.test(backend)
}

function fromModule(path: string, base: string | undefined): StorageClass {
  const [specifier = '', name = 'default'] = path.split('#')
  const from = base ?? pathToFileURL(`${process.cwd()}/`).href
  const file = from.startsWith('file:') ? fileURLToPath(from) : from
  const folder = file.endsWith('/') ? file : dirname(file)
  const found = specifier.startsWith('file:')
    ? fileURLToPath(specifier)
    : specifier.startsWith('.')
      ? resolve(folder, specifier)
      : specifier
  return exported(nodeModule().createRequire(from)(found), name, path)
}

function exported(module: unknown, name: string, shown: string): StorageClass {
  const value = (module as Record<string, unknown>)[name]
  if (value === undefined) throw new Error(`the module has no export '${name}'`)
  return checkedClass(value, shown)
}

/** Whether a BACKEND is a storage instance. */
export function isStorage(backend: unknown): backend is AnyStorage {
  return typeof backend === 'object' && backend !== null && 'save' in backend && 'open' in backend && 'calls' in backend
}

function checkedClass(value: unknown, shown: string): StorageClass {
  const prototype = typeof value === 'function' ? (value as { prototype?: unknown }).prototype : undefined
  if (typeof prototype === 'object' && prototype !== null && 'save' in prototype && 'open' in prototype) {
    return value as StorageClass
  }
  throw new ImproperlyConfigured(`BACKEND '${shown}' is not a class that extends Storage.`)
}

function load(backend: string, loader: Loader): StorageClass {
  try {
    return loader()
  } catch (error) {
    if (error instanceof ImproperlyConfigured) throw error
    throw notFound(backend, loadReason(error).split('\n', 1)[0]!, quotesSource(error) ? undefined : error)
  }
}

function notFound(backend: string, reason: string, cause?: unknown): ImproperlyConfigured {
  const shown = backend.split('\n', 1)[0]
  return new ImproperlyConfigured(`Could not find backend '${shown}': ${reason}.`, { cause })
}

/** Returns the declarations of a class's settings by option name, for tables and explanations. */
export function declaredSettings(backend: StorageClass): AnySettings {
  return backend.settings as AnySettings
}
