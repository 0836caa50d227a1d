import { ImproperlyConfigured, messageOf } from '../../core/errors.ts'
import { parseMap } from '../../core/setting-types.ts'
import type { GivenSettings } from '../../storage/types.ts'
import { entryName, findEntry, type GivenProviders } from './entry.ts'
import { type ProviderType, providerType } from './types.ts'

const CLOSED: Readonly<Partial<Record<ProviderType['store'], string>>> = {
  nimbus: 'Nimbus.io is closed: only a server of your own can be reached.',
  ninefold: 'Ninefold is closed: only another service that speaks its protocol can be reached, by its host.',
}

/** Advice about entries: closed services, names that libcloud does not have, unusable entries. */
export function libCloudAdvice({ settings, env }: GivenSettings): string[] {
  const providers = providersOf(settings['LIBCLOUD_PROVIDERS'] ?? (env['LIBCLOUD_PROVIDERS'] || undefined))
  if (providers === undefined) return []
  const notes = Object.keys(providers).flatMap(name => notesOn(providers, name))
  const wanted = settings['DEFAULT_LIBCLOUD_PROVIDER'] ?? (env['DEFAULT_LIBCLOUD_PROVIDER'] || undefined)
  if (typeof wanted === 'string' && !Object.hasOwn(providers, wanted)) notes.push(...spelling(providers, wanted))
  return notes
}

function providersOf(raw: unknown): GivenProviders | undefined {
  try {
    return raw === undefined || raw === null ? undefined : parseMap(raw)
  } catch {
    return undefined
  }
}

function notesOn(providers: GivenProviders, name: string): string[] {
  const place = entryName(name)
  try {
    const { type } = findEntry(providers, name)
    const { tag, store, region } = providerType(type)
    const closed = CLOSED[store]
    const notes = closed === undefined ? [] : [`${place}: ${closed}`]
    if (/_HOST$/.test(tag))
      notes.push(
        `${place}: ${tag} is not a type of libcloud, although its manual contains it; write S3 with region '${region}'.`,
      )
    if (/^CLOUDFI(?:U?LES)_(?:US|UK|SWIFT)$/.test(tag) && tag !== 'CLOUDFILES_SWIFT')
      notes.push(`${place}: ${tag} is an old name; write CLOUDFILES with region '${region?.toLowerCase()}'.`)
    if (tag === 'CLOUDFILES_SWIFT') notes.push(`${place}: ${tag} is an old name; write OPENSTACK_SWIFT.`)
    return notes
  } catch (error) {
    const text = messageOf(error)
    return [text.startsWith('LIBCLOUD_PROVIDERS ') || text.includes(place) ? text : `${place}: ${text}`]
  }
}

function spelling(providers: GivenProviders, wanted: string): string[] {
  try {
    return [`DEFAULT_LIBCLOUD_PROVIDER: '${wanted}' is taken for '${findEntry(providers, wanted).name}'; spell it so.`]
  } catch (error) {
    return error instanceof ImproperlyConfigured ? [`DEFAULT_LIBCLOUD_PROVIDER: ${error.message}`] : []
  }
}
