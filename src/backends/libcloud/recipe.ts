import type { CommonOptions } from '../../storage/common-settings.ts'
import type { AnyStorage } from '../../storage/storage.ts'
import type { Services } from '../../storage/types.ts'
import type { ProviderEntry } from './entry-settings.ts'
import type { Place } from './place.ts'
import type { ProviderType } from './types.ts'

/** The input of a recipe. */
interface Ingredients {
  readonly entry: ProviderEntry
  readonly type: ProviderType
  readonly place: Place
  readonly common: CommonOptions
}

/** How to make a backend's options from an entry. */
export interface Recipe {
  readonly storage: {
    // biome-ignore lint/suspicious/noExplicitAny: each backend takes its own options, and checks them
    new (options: any, services: Services): AnyStorage
    readonly settings: unknown
    readonly name: string
  }
  /** Required keys of an entry. Default: user, key and bucket. */
  readonly needs?: readonly (keyof ProviderEntry)[]
  /** Keys that the backend reads besides the common ones. */
  readonly takes: readonly (keyof ProviderEntry)[]
  /** The entry's key of each option, for error messages. */
  readonly names: Readonly<Record<string, keyof ProviderEntry>>
  options(given: Ingredients): Readonly<Record<string, unknown>>
}

/** Lifetime of a signed URL in libcloud, in seconds: 24 hours. */
export const URL_SECS = 86_400
