import type { StaticCompressSetting, StaticManifestSetting } from '../config/static-settings.ts'
import type { AnyStorage } from '../storage/storage.ts'
import type { StaticBundle } from './bundle.ts'
import type { Finder, StaticHeaders } from './types.ts'

/** Names with hashes, and the manifest that says which file has which. */
export interface StaticManifestOptions extends Omit<StaticManifestSetting, 'storage'> {
  /** Where the manifest is kept; default: beside the files. (Django's `manifest_storage`) */
  readonly storage?: AnyStorage | undefined
}

/** Compressed siblings of files: `a.css.br` beside `a.css`. */
export interface CompressOptions extends StaticCompressSetting {}

/** What static files are made of. */
export interface StaticFilesOptions {
  /** The target. */
  readonly storage: AnyStorage
  /** The sources, in the order of precedence. */
  readonly finders: readonly Finder[]
  /** What URLs begin with; default: the storage's own public URL. (STATIC_URL) */
  readonly baseUrl?: string | undefined
  /** What else references in texts may begin with to mean a file of the site: the STATIC_URL of a site whose files a CDN has. */
  readonly rootUrls?: readonly string[] | undefined
  /** Whether names get hashes; default: as the storage's class says, `ManifestStaticFilesStorage` and its like, else false. */
  readonly manifest?: boolean | StaticManifestOptions | undefined
  /** Whether compressed siblings are stored; default: as the storage's class says, else false. */
  readonly compress?: boolean | CompressOptions | undefined
  /** What is stored with files, by patterns of their names; a later pattern wins. */
  readonly headers?: Readonly<Record<string, StaticHeaders>> | undefined
  /** Patterns of files and folders that are left out, besides `CVS`, `.*` and `*~`. */
  readonly ignore?: readonly string[] | undefined
  /** Whether `url` returns the URLs of plain names. (DEBUG) */
  readonly debug?: boolean | undefined
  /** What bundlers have built: files that keep their names. */
  readonly bundles?: readonly StaticBundle[] | undefined
}

/** `StaticManifestOptions` with their defaults. */
export type ManifestPlan = {
  readonly [K in keyof StaticManifestOptions]-?: NonNullable<StaticManifestOptions[K]>
}

/** The manifest's options with their defaults; undefined where names get no hashes. */
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
