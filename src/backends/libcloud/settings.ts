import { map, optionalText, word } from '../../core/setting-types.ts'
import type { SettingsOf } from '../../core/settings.ts'
import { type CommonOptions, commonSettings } from '../../storage/common-settings.ts'
import { type GivenProviders, shownProviders } from './entry.ts'

/** Options of `LibCloudStorage`. */
export interface LibCloudOptions extends CommonOptions {
  readonly providerName: string | null
  readonly defaultProvider: string
  readonly providers: GivenProviders
}

/** Declarations of the options, with the names of django-storages' settings. */
export const libCloudSettings: SettingsOf<LibCloudOptions> = {
  ...commonSettings,
  providerName: optionalText({
    default: null,
    aliases: ['provider'],
    doc: 'The entry of `providers` that is used; null = the entry of `defaultProvider`.',
  }),
  defaultProvider: word({
    default: 'default',
    keys: ['DEFAULT_LIBCLOUD_PROVIDER'],
    doc: 'The entry that is used by default.',
  }),
  providers: map({
    default: {},
    keys: ['LIBCLOUD_PROVIDERS'],
    shown: shownProviders,
    role: 'both',
    doc: 'The buckets by name: each with type, user, key, bucket and the other options of its type.',
  }),
}
