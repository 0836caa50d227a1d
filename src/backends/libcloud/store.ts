import { ImproperlyConfigured, messageOf } from '../../core/errors.ts'
import { type CommonOptions, commonSettings } from '../../storage/common-settings.ts'
import { reasonAgainst } from '../../storage/containers.ts'
import type { AnyStorage } from '../../storage/storage.ts'
import type { Services } from '../../storage/types.ts'
import { verification } from './certificates.ts'
import { entryName, type FoundEntry } from './entry.ts'
import type { ProviderEntry } from './entry-settings.ts'
import { type Place, placeOf } from './place.ts'
import type { Recipe } from './recipe.ts'
import { RECIPES } from './recipes.ts'
import { Terms } from './terms.ts'
import { INVALID_MODULE, type ProviderType, providerType } from './types.ts'

/** Keys that every type accepts; keys for the network except with LOCAL. */
const EVERY: readonly (keyof ProviderEntry)[] = ['type', 'user', 'key', 'bucket', 'timeout']
const NETWORK: readonly (keyof ProviderEntry)[] = ['secure', 'caCerts']

/** A storage of the backend of an entry's provider. */
export interface Store {
  readonly type: ProviderType
  readonly storage: AnyStorage
  readonly terms: Terms
  /** How servers' certificates are verified. */
  readonly verify: boolean | string | null
}

/**
 * Makes the storage of an entry, and its driver, which does no I/O. Any failure is `improperly_configured` with django-storages' message
 * "Unable to create libcloud driver type ...", and with the entry's key if a setting of the backend is wrong. For another container of the
 * same account, `verify` is that of its first store.
 */
export function makeStore(
  found: FoundEntry,
  common: CommonOptions,
  services: Services,
  verify?: Store['verify'],
): Store {
  try {
    return built(found, common, services, verify)
  } catch (error) {
    throw new ImproperlyConfigured(`Unable to create libcloud driver type ${found.type}: ${messageOf(error)}`)
  }
}

function built(
  found: FoundEntry,
  common: CommonOptions,
  services: Services,
  known: Store['verify'] | undefined,
): Store {
  const type = typeOf(found)
  const recipe = RECIPES[type.store]
  const terms = new Terms(found, recipe)
  checkKeys(found, type, recipe)
  const { env = process.env } = services
  const place = within(terms, () => placeOf(found, type))
  const verify = known === undefined ? authorities(found, type, place, env) : known
  return within(terms, () => {
    const problem = reasonAgainst(found.entry.bucket)
    if (problem !== undefined) throw new Error(`bucket: ${problem}`)
    const { storage: Backend } = recipe
    const options = recipe.options({ entry: found.entry, type, place, common })
    const network = type.store === 'local' ? {} : { verify }
    // Only the entry determines the address and the credentials: no settings of the backend, and of the environment only the proxies.
    const layers = [...(services.layers ?? []), terms.layer]
    const own = { ...services, settings: {}, env: proxiesOf(env), layers }
    const storage = new Backend({ ...commonOf(common), ...options, ...network }, own)
    void storage.calls
    return { type, storage, terms, verify }
  })
}

/** The type of an entry. A type of another module is refused with django-storages' message only. */
function typeOf({ name, type }: FoundEntry): ProviderType {
  try {
    return providerType(type)
  } catch (error) {
    const text = messageOf(error)
    throw text === INVALID_MODULE ? error : new Error(`${entryName(name)}: type: ${text}`)
  }
}

/** The option `verify` of the storage. An error contains the key or the variable with the file. */
function authorities(
  { name, entry, given }: FoundEntry,
  { store }: ProviderType,
  { secure }: Place,
  env: Readonly<Record<string, string | undefined>>,
): Store['verify'] {
  // The catalog of an identity service without TLS may contain a store with TLS.
  const hasCatalog = store === 'swift' || store === 'rackspace'
  if (store === 'local' || !(secure || hasCatalog || entry.caCerts.length > 0)) return null
  try {
    return verification(entry.caCerts, env)
  } catch (error) {
    if (entry.caCerts.length > 0) throw new Error(`${entryName(name)}: ${given.get('caCerts')}: ${messageOf(error)}`)
    if (entry.secure === false) return null
    throw error
  }
}

/** Refuses an entry that lacks a key of its type, or has a key without effect. */
function checkKeys({ name, given }: FoundEntry, type: ProviderType, recipe: Recipe): void {
  const needed = recipe.needs ?? ['user', 'key', 'bucket']
  const missing = needed.find(key => !given.has(key))
  if (missing !== undefined) throw new Error(`${entryName(name)} has no '${missing}'`)
  const taken = [...EVERY, ...(type.store === 'local' ? [] : NETWORK), ...recipe.takes]
  const [odd, spelled] = [...given].find(([key]) => !taken.includes(key)) ?? []
  if (odd === undefined) return
  throw new Error(`${entryName(name)}: '${spelled}' has no effect on ${type.tag}, which takes ${taken.join(', ')}`)
}

/** Errors of `work` contain the entry, and its keys instead of the backend's options and settings. */
function within<T>(terms: Terms, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw new Error(terms.problem(error))
  }
}

function commonOf(options: CommonOptions): CommonOptions {
  const names = Object.keys(commonSettings) as (keyof CommonOptions)[]
  return Object.fromEntries(names.map(name => [name, options[name]])) as unknown as CommonOptions
}

function proxiesOf(env: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => /^(?:https?_proxy|no_proxy|REQUEST_METHOD)$/i.test(name)),
  )
}
