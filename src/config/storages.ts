import { isAbsolute, resolve } from 'node:path'
import { INSPECT, nodeUtil } from '../core/builtin.ts'
import { ImproperlyConfigured } from '../core/errors.ts'
import { hint, nearest } from '../core/nearest.ts'
import { activeSettings, withOptionNames } from '../core/settings.ts'
import { partsOf } from '../storage/parts.ts'
import type { AnyStorage } from '../storage/storage.ts'
import { declaredSettings, isStorage, resolveBackend, type StorageClass } from './backends.ts'
import { outerSettings, settingsBase, settingsFolder, storageConfigs, storagesEnvFile } from './configure.ts'
import { refuseForeignPlace } from './env-file.ts'

/** An alias with everything that its storage is built from. */
export interface StorageBlueprint {
  readonly alias: string
  readonly backend: StorageClass
  readonly options: Readonly<Record<string, unknown>>
}

/** The named storages of the active settings; each is built at its first use and kept. */
export class StorageHandler {
  /** Storages by alias of each settings object that was active; after an override the former storages are used again. */
  readonly #built = new WeakMap<object, Map<string, AnyStorage>>()
  /** The aliases whose storages are being built: one may need another. */
  readonly #begun: string[] = []

  /** Returns the storage of an alias. An unknown alias or backend is an `ImproperlyConfigured`; does not connect. */
  get(alias: string): AnyStorage {
    const built = this.#current()
    const known = built.get(alias)
    if (known !== undefined) return known
    const fresh = this.create(alias)
    const outer = outerSettings(activeSettings())
    const before = outer === undefined ? undefined : this.#builtFrom(outer).get(alias)
    const storage = before !== undefined && isSame(before, fresh) ? before : fresh
    built.set(alias, storage)
    return storage
  }

  /** Whether the settings have this alias. */
  has(alias: string): boolean {
    return Object.hasOwn(storageConfigs(), alias)
  }

  /** Returns the aliases of the settings, in their order. */
  aliases(): string[] {
    return Object.keys(storageConfigs())
  }

  /** Returns the class and the options of an alias, to explain them. */
  blueprint(alias: string): StorageBlueprint {
    const configs = storageConfigs()
    if (!Object.hasOwn(configs, alias)) {
      const known = Object.keys(configs)
      const meant = hint(nearest(alias, known))
      throw new ImproperlyConfigured(
        `Could not find config for '${alias}' in settings.STORAGES. Known: ${known.join(', ') || 'none'}${meant}.`,
      )
    }
    const { BACKEND, OPTIONS = {} } = configs[alias]!
    const base = settingsBase()
    const backend = resolveBackend(BACKEND, base)
    return { alias, backend, options: absoluteLocation(backend, OPTIONS) }
  }

  /**
   * Returns a new storage of an alias that the handler does not keep, with some options changed; the caller closes it. Where BACKEND is a
   * storage, it returns that one.
   */
  create(alias: string, options: Readonly<Record<string, unknown>> = {}): AnyStorage {
    const plan = this.blueprint(alias)
    const { BACKEND } = storageConfigs()[alias]!
    if (isStorage(BACKEND)) {
      const [option] = Object.keys(options)
      if (option === undefined) return BACKEND
      throw new ImproperlyConfigured(`storage '${alias}': BACKEND is a storage, so '${option}' cannot be changed.`)
    }
    if (this.#begun.includes(alias)) {
      throw new ImproperlyConfigured(`the storages need each other: ${[...this.#begun, alias].join(' > ')}.`)
    }
    this.#begun.push(alias)
    try {
      const storage = new plan.backend(
        { ...plan.options, ...options },
        {
          alias,
          settings: activeSettings(),
          storages: other => this.get(other),
        },
      )
      refuseForeignPlace(storage, storagesEnvFile())
      return storage
    } catch (cause) {
      if (!(cause instanceof ImproperlyConfigured)) throw cause
      const message = withOptionNames(cause.message, declaredSettings(plan.backend))
      throw new ImproperlyConfigured(`storage '${alias}': ${message}`, { cause })
    } finally {
      this.#begun.pop()
    }
  }

  /**
   * Closes the storages that were built from the active settings; the next use builds new ones. A storage that is itself a BACKEND stays
   * open.
   */
  async closeAll(): Promise<void> {
    const built = this.#current()
    const storages = [...built.values()]
    built.clear()
    const given = new Set<unknown>(Object.values(storageConfigs()).map(({ BACKEND }) => BACKEND))
    await Promise.all(storages.filter(storage => !given.has(storage)).map(storage => storage.close()))
  }

  #current(): Map<string, AnyStorage> {
    return this.#builtFrom(activeSettings())
  }

  #builtFrom(settings: object): Map<string, AnyStorage> {
    let built = this.#built.get(settings)
    if (built === undefined) this.#built.set(settings, (built = new Map()))
    return built
  }
}

/** Returns the options with the location of a local storage relative to the folder of the configuration's file. */
function absoluteLocation(
  backend: StorageClass,
  options: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const { location } = options
  const folder = settingsFolder()
  const isRelative = typeof location === 'string' && location !== '' && !isAbsolute(location)
  if (folder === undefined || backend.backendName !== 'local' || !isRelative) return options
  return { ...options, location: resolve(folder, location) }
}

function isSame(before: AnyStorage, fresh: AnyStorage): boolean {
  const parts = partsOf(fresh)
  const hasSameParts = partsOf(before).every((part, index) => part === parts[index])
  const isSameClass = before.constructor === fresh.constructor
  return isSameClass && hasSameParts && nodeUtil().isDeepStrictEqual(before.options, fresh.options)
}

/**
 * The classes of the aliases, for the compiler: `declare module 'holdall' { interface StorageAliases { media: S3Storage } }` makes
 * `storages.media` an `S3Storage`.
 */
// biome-ignore lint/suspicious/noEmptyInterface: a program adds its own aliases
export interface StorageAliases {}

/** `storages.default`, `storages['x']`, `storages.get('x')`. */
export type Storages = StorageHandler &
  StorageAliases & {
    readonly default: AnyStorage
    readonly staticfiles: AnyStorage
    readonly [alias: string]: AnyStorage
  }

const handler = new StorageHandler()

/** The storages of the settings by alias. An unknown alias is an `ImproperlyConfigured`. */
export const storages: Storages = new Proxy(handler, {
  get(target, key) {
    if (typeof key === 'symbol') return Reflect.get(target, key, target)
    if (key in target) {
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' && key !== 'constructor' ? value.bind(target) : value
    }
    // Properties that `await` and `JSON.stringify` read from any object.
    if ((key === 'then' || key === 'toJSON') && !target.has(key)) return undefined
    return target.get(key)
  },
  has: (target, key) => typeof key === 'string' && (key in target || target.has(key)),
}) as Storages

/**
 * Returns an object that acts as the storage of an alias, also after the settings change. It is built at the first use of any property;
 * `instanceof`, `constructor` and `console.log` see the storage itself.
 */
export function lazyStorage<S extends AnyStorage = AnyStorage>(alias: string): S {
  const current = (): object => handler.get(alias)
  const shown = {
    [INSPECT]: (_depth: number, options: object, inspect: (v: unknown, o: object) => string) =>
      inspect(current(), options),
  }
  return new Proxy(shown, {
    get(_target, key) {
      const storage = current()
      const value: unknown = Reflect.get(storage, key, storage)
      return typeof value === 'function' && key !== 'constructor' ? value.bind(storage) : value
    },
    set: (_target, key, value) => {
      const storage = current()
      return Reflect.set(storage, key, value, storage)
    },
    has: (_target, key) => Reflect.has(current(), key),
    getPrototypeOf: () => Reflect.getPrototypeOf(current()),
  }) as unknown as S
}

/**
 * Closes the storages of the active settings and discards them: the next use builds new ones. For the end of a program, and for tests that
 * need new storages.
 */
export async function resetStorages(): Promise<void> {
  await handler.closeAll()
}

/** The storage of alias `default`, built at first use. */
export const defaultStorage: AnyStorage = lazyStorage('default')

/** The storage of alias `staticfiles`, built at first use. */
export const staticfilesStorage: AnyStorage = lazyStorage('staticfiles')
