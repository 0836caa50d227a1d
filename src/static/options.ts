import type { StaticCompressSetting, StaticManifestSetting } from '../config/static-settings.ts'
import type { AnyStorage } from '../storage/storage.ts'
import type { StaticBundle } from './bundle.ts'
import type { Finder, StaticHeaders } from './types.ts'

/** Names with hashes, and the manifest that maps each name to its hashed name. */
export interface StaticManifestOptions extends Omit<StaticManifestSetting, 'storage'> {
  /** The storage of the manifest; default: that of the files. (Django's `manifest_storage`) */
  readonly storage?: AnyStorage | undefined
}

/** Compressed siblings of files: `a.css.br` beside `a.css`. */
export interface CompressOptions extends StaticCompressSetting {}

/** Options of `StaticFiles`. */
export interface StaticFilesOptions {
  /** The target storage. */
  readonly storage: AnyStorage
  /** The sources, in the order of precedence. */
  readonly finders: readonly Finder[]
  /** Prefix of the URLs; default: the storage's own public URL. (STATIC_URL) */
  readonly baseUrl?: string | undefined
  /** Further prefixes of references to files of the site: the STATIC_URL of a site whose files are on a CDN. */
  readonly rootUrls?: readonly string[] | undefined
  /** Whether names get hashes. Default: as the storage's class defines, for example `ManifestStaticFilesStorage`, else false. */
  readonly manifest?: boolean | StaticManifestOptions | undefined
  /** Whether compressed siblings are stored. Default: as the storage's class defines, else false. */
  readonly compress?: boolean | CompressOptions | undefined
  /** Headers that are stored with files, by patterns of their names; a later pattern overrides earlier ones. */
  readonly headers?: Readonly<Record<string, StaticHeaders>> | undefined
  /** Patterns of files and folders that are ignored, besides `CVS`, `.*` and `*~`. */
  readonly ignore?: readonly string[] | undefined
  /** Whether `url` returns the URLs of plain names. (DEBUG) */
  readonly debug?: boolean | undefined
  /** The builds of bundlers: their files keep their names. */
  readonly bundles?: readonly StaticBundle[] | undefined
}

/** `StaticManifestOptions` with their defaults. */
export type ManifestPlan = {
  readonly [K in keyof StaticManifestOptions]-?: NonNullable<StaticManifestOptions[K]>
}

/** Returns the manifest's options with their defaults; undefined where names get no hashes. */
export function manifestPlan({ manifest, storage }: StaticFilesOptions): ManifestPlan | undefined {
  const policy = storage.staticFiles?.manifest
  const chosen = manifest ?? policy !== undefined
  if (chosen === false) return undefined
  const given = chosen === true ? {} : chosen
  return {
    name: given.name ?? policy?.name ?? 'staticfiles.json',
    storage: given.storage ?? (policy?.storage as AnyStorage | undefined) ?? storage,
    version: given.version ?? '1.1',
    strict: given.strict ?? true,
    strictUrls: given.strictUrls ?? policy?.strict ?? given.strict ?? true,
    lenientFor: given.lenientFor ?? [],
    javaScript: given.javaScript ?? 'modules',
    html: given.html ?? false,
    keepOriginals: given.keepOriginals ?? policy?.keepOriginals ?? true,
  }
}
