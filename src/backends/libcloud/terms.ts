import { isStorageError, messageOf } from '../../core/errors.ts'
import type { AnySettings } from '../../core/settings.ts'
import type { Layer } from '../../layers/layer.ts'
import { commonSettings } from '../../storage/common-settings.ts'
import { entryName, type FoundEntry } from './entry.ts'
import type { ProviderEntry } from './entry-settings.ts'
import type { Recipe } from './recipe.ts'

/** Options that all backends make from the same key, by their option names. */
const EVERYWHERE: Readonly<Record<string, keyof ProviderEntry>> = {
  verify: 'caCerts',
  timeoutSecs: 'timeout',
  useSsl: 'secure',
  azureSsl: 'secure',
  secure: 'secure',
}

/** A setting's name, with or without the option's name before it; not part of a file's name. */
const SETTING = /(?<![\w'./-])(?:([a-z]\w*) \(([A-Z]+(?:_[A-Z0-9]+)+)\)|[A-Z]+(?:_[A-Z0-9]+)+(?![\w'/-]|\.\w))/g

/** Replaces a backend's options and settings in error messages by the keys of an entry. */
export class Terms {
  readonly #entry: string
  readonly #backend: string
  /** The options by their names, and by the names of their settings. */
  readonly #options: Map<string, string> = new Map()
  /** The keys by option, in their original spelling. */
  readonly #keys: ReadonlyMap<string, string>

  constructor({ name, given }: FoundEntry, { storage, names }: Recipe) {
    this.#entry = entryName(name)
    this.#backend = storage.name
    const keys = Object.entries({ ...EVERYWHERE, ...names })
    this.#keys = new Map(keys.map(([option, key]) => [option, given.get(key) ?? key]))
    for (const [option, { keys }] of Object.entries(storage.settings as unknown as AnySettings)) {
      for (const name of [option, ...keys]) this.#options.set(name, option)
    }
  }

  /** The message of an error about the options; it begins with the name of the entry. */
  problem(error: unknown): string {
    // A word within a sentence is an option only if it cannot be an ordinary word, as `password` can.
    const text = messageOf(error).replace(/^\w+|\b\w*[a-z][A-Z]\w*|\b[A-Z]+(?:_[A-Z0-9]+)+\b/g, word => {
      const option = this.#options.get(word)
      return (option === undefined ? undefined : this.#keys.get(option)) ?? word
    })
    return `${this.#entry}: ${text.replace(/\b(\w+), \1\b/g, '$1')}`
  }

  /** The same error of a call, without settings that an entry does not have. */
  error(error: unknown): unknown {
    if (!isStorageError(error)) return error
    const { message, stack } = error
    const text = message.replace(SETTING, (found, option?: string, setting?: string) => {
      const named = this.#options.get(setting ?? found)
      if (named === undefined || named in commonSettings || (option !== undefined && option !== named)) return found
      const key = this.#keys.get(named)
      return key === undefined ? `${named} (of ${this.#backend}; no key of an entry)` : `${this.#entry}.${key}`
    })
    if (text === message) return error
    return Object.assign(error, { message: text, stack: stack?.replace(message, () => text) })
  }

  /** A layer that explains the errors of calls. */
  get layer(): Layer {
    return (_call, next, ctx) =>
      next(ctx).catch(error => {
        throw this.error(error)
      })
  }
}
