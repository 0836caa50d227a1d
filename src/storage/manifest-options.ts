import { flag, parsePlace, setting } from '../core/setting-types.ts'
import type { SettingsOf } from '../core/settings.ts'
import type { AnyBase } from './base.ts'

/** Options of a storage whose URLs have hashed names. (Django `ManifestFilesMixin`) */
export interface ManifestOptions {
  readonly manifestName: string
  readonly manifestStrict: boolean
  readonly manifestStorage: string | AnyBase | null
  readonly debug: boolean
}

/** Declarations of these options. */
export const manifestSettings: SettingsOf<ManifestOptions> = {
  manifestName: setting('text', parseName, {
    default: 'staticfiles.json',
    doc: 'Name of the manifest, which maps all names to their hashed names.',
  }),
  manifestStrict: flag({
    default: true,
    doc: 'Whether the URL of a file that is not in the manifest is an error; false = its hash is computed from the stored file.',
  }),
  manifestStorage: setting<string | AnyBase | null>('alias, storage or null', parseStorage, {
    default: null,
    noEnvironment: true,
    shown: value => (value === null || typeof value === 'string' ? value : value.constructor.name),
    doc: 'Storage of the manifest; null = that of the files.',
  }),
  debug: flag({
    default: false,
    keys: ['DEBUG'],
    // Many programs use an environment variable of that name for something else.
    noEnvironment: true,
    doc: 'Whether URLs use the plain names, as in development.',
  }),
}

function parseName(raw: unknown): string {
  const name = parsePlace(raw)
  if (name !== '' && !name.endsWith('/')) return name
  throw new Error("expected the name of a file, such as 'staticfiles.json'")
}

function parseStorage(raw: unknown): string | AnyBase | null {
  if (raw === null || raw === '') return null
  if (typeof raw === 'string') return raw
  if (typeof raw === 'object' && 'open' in raw && 'stat' in raw) return raw as AnyBase
  throw new Error('expected the alias of a storage, or a storage')
}
