import { ImproperlyConfigured, messageOf } from '../../core/errors.ts'
import { hint, nearest } from '../../core/nearest.ts'
import { type AnySettings, type Origin, optionName, redactOptions, resolveSettings } from '../../core/settings.ts'
import { entrySettings, type ProviderEntry } from './entry-settings.ts'

/** The entries of `LIBCLOUD_PROVIDERS` before parsing. */
export type GivenProviders = Readonly<Record<string, unknown>>

/** An entry and its name, which may differ in `-` and `_` from the requested name. */
export interface FoundEntry {
  readonly name: string
  readonly entry: ProviderEntry
  /** The keys of the entry, each with its spelling. */
  readonly given: ReadonlyMap<keyof ProviderEntry, string>
  /** The type in its original spelling. */
  readonly type: string
}

/** The name of an entry in error messages. */
export function entryName(name: string): string {
  return `LIBCLOUD_PROVIDERS['${name}']`
}

/**
 * The entry with a name: with exactly this spelling, otherwise the only one that differs in `-` and `_`. A missing or empty entry is
 * `improperly_configured` with the message of django-storages; an entry with an unknown key is also `improperly_configured`.
 */
export function findEntry(providers: GivenProviders, wanted: string): FoundEntry {
  const name = Object.hasOwn(providers, wanted) ? wanted : likeNamed(providers, wanted)
  const raw = name === undefined ? undefined : providers[name]
  if (name === undefined || !isEntry(raw)) {
    const names = Object.keys(providers).filter(each => each !== wanted)
    const more = Object.keys(providers).length === 0 ? ' (it has no entries)' : hint(nearest(wanted, names))
    throw new ImproperlyConfigured(`LIBCLOUD_PROVIDERS ${wanted} not defined or invalid${more}`)
  }
  return { name, ...parsed(name, raw) }
}

function likeNamed(providers: GivenProviders, wanted: string): string | undefined {
  const folded = wanted.replaceAll('-', '_')
  const alike = Object.keys(providers).filter(name => name.replaceAll('-', '_') === folded)
  return alike.length === 1 ? alike[0] : undefined
}

/** Whether a value can be an entry. An empty one counts as missing, as in django-storages. */
function isEntry(raw: unknown): raw is Readonly<Record<string, unknown>> {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw) && Object.keys(raw).length > 0
}

function parsed(name: string, raw: Readonly<Record<string, unknown>>): Omit<FoundEntry, 'name'> {
  checkSpellings(name, raw)
  const sources = { defaults: [], settings: {}, env: {} }
  const { options, origins } = within(name, () =>
    resolveSettings<ProviderEntry>(entryName(name), entrySettings, raw, sources),
  )
  const keys = Object.keys(origins) as (keyof ProviderEntry)[]
  const isGiven = (key: keyof ProviderEntry) => (origins[key] as Origin).from === 'option' && options[key] !== null
  const { type } = options
  if (type === null) throw new ImproperlyConfigured(`${entryName(name)} has no 'type'`)
  const given = new Map(keys.filter(isGiven).map(key => [key, (origins[key] as { readonly key: string }).key]))
  return { entry: options, given, type }
}

/** Refuses a key that occurs under two of its names, with different values. */
function checkSpellings(name: string, raw: Readonly<Record<string, unknown>>): void {
  const seen = new Map<string, string>()
  for (const [key, value] of Object.entries(raw)) {
    const option = value === undefined ? undefined : optionName(entrySettings as unknown as AnySettings, key)
    if (option === undefined) continue
    const other = seen.get(option)
    if (other !== undefined && raw[other] !== value) {
      throw new ImproperlyConfigured(`${entryName(name)}: '${other}' and '${key}' are one key, and differ`)
    }
    seen.set(option, key)
  }
}

/** Adds the name of the entry to an error message that does not contain it. */
function within<T>(name: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    const text = messageOf(error)
    const place = entryName(name)
    throw new ImproperlyConfigured(text.includes(place) ? text : `${place}: ${text}`)
  }
}

/** The entries for printing: secrets and the values of unknown keys are `***`. */
export function shownProviders(providers: GivenProviders): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(providers).map(([name, raw]) => [
      name,
      isEntry(raw) ? shownEntry(raw) : raw === null ? null : '***',
    ]),
  )
}

function shownEntry(raw: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const known = entrySettings as unknown as AnySettings
  return Object.fromEntries(
    Object.entries(raw).map(([key, value]) => {
      const name = optionName(known, key)
      if (name === undefined || typeof value === 'object') return [key, '***']
      return [key, redactOptions(known as never, { [name]: value } as never)[name]]
    }),
  )
}
