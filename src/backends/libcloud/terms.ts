import { isStorageError, messageOf } from '../../core/errors.ts'
import type { AnySettings } from '../../core/settings.ts'
import type { Layer } from '../../layers/layer.ts'
import { commonSettings } from '../../storage/common-settings.ts'
import { entryName, type FoundEntry } from './entry.ts'
import type { ProviderEntry } from './entry-settings.ts'
import type { Recipe } from './recipe.ts'

/** Options that all backends make of the same key, under the names that they have for them. */
const EVERYWHERE: Readonly<Record<string, keyof ProviderEntry>> = {
  verify: 'caCerts',
  timeoutSecs: 'timeout',
  useSsl: 'secure',
  azureSsl: 'secure',
  secure: 'secure',
}

/** A setting's name, with the option's own before it or not; no part of a file's name. */
const SETTING = /(?<![\w'./-])(?:([a-z]\w*) \(([A-Z]+(?:_[A-Z0-9]+)+)\)|[A-Z]+(?:_[A-Z0-9]+)+(?![\w'/-]|\.\w))/g

/** Puts the keys of an entry in the place of the options and settings of its backend, in error messages. */
export class Terms {
  readonly #entry: string
  readonly #backend: string
  /** The options by their names, and by those of their settings. */
  readonly #options: Map<string, string> = new Map()
  /** The keys by option, as they were written. */
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

  /** The message of an error about the options, which begins with the name of the entry. */
  problem(error: unknown): string {
    // A word within a sentence is an option only if it cannot be a plain word: `password` may be one.
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

  /** Explains the errors of calls. */
  get layer(): Layer {
    return (_call, next, ctx) =>
      next(ctx).catch(error => {
        throw this.error(error)
      })
  }
}
