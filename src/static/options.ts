import type { ManifestVersion } from '../core/static-manifest.ts'
import type { AnyStorage } from '../storage/storage.ts'
import type { StaticBundle } from './bundle.ts'
import type { Finder, StaticHeaders } from './types.ts'

/** A way of compression, by its name as a content coding. (IANA HTTP Content Coding Registry) */
export type Coding = 'br' | 'gzip' | 'zstd'

/** Names with hashes, and the manifest that says which file has which. */
export interface StaticManifestOptions {
  /** Name of the manifest; default `staticfiles.json`. */
  readonly name?: string | undefined
  /** Where the manifest is kept; default: beside the files. (Django's `manifest_storage`) */
  readonly storage?: AnyStorage | undefined
  /** Format of the manifest: Django reads 1.0 up to version 4.1, and both since; default '1.1'. */
  readonly version?: ManifestVersion | undefined
  /**
   * Whether a run fails when a stylesheet, page or module refers to a file that is not there; default true. Otherwise the reference stays as it
   * is, with a warning.
   */
  readonly strict?: boolean | undefined
  /** Whether `url` fails for a name that the manifest has not, or returns the plain name's URL; default: as `strict`. (Django's `manifest_strict`) */
  readonly strictUrls?: boolean | undefined
  /** Patterns of files whose references may lead nowhere, as some vendors' do: a warning each. */
  readonly lenientFor?: readonly string[] | undefined
  /** Which references in JavaScript are rewritten: imports and source maps, or as Django does only source maps; default 'modules'. */
  readonly javaScript?: 'modules' | 'sourceMaps' | undefined
  /** Whether references in HTML files are rewritten; default false. Needs the package `htmlparser2`. */
  readonly html?: boolean | undefined
  /** Whether files are also stored under their plain names, as Django does; default true. */
  readonly keepOriginals?: boolean | undefined
}

/** Compressed siblings of files: `a.css.br` beside `a.css`. */
export interface CompressOptions {
  /** Default: `['br', 'gzip']`. */
  readonly codings?: readonly Coding[] | undefined
  /** Bytes from which a file is compressed; default 256. */
  readonly minSize?: number | undefined
  /** Media types that are compressed; `text/*` stands for all of a kind. Default: text, scripts, JSON, SVG, WebAssembly and uncompressed fonts. */
  readonly contentTypes?: readonly string[] | undefined
}

/** What static files are made of. */
export interface StaticFilesOptions {
  /** The target. */
  readonly storage: AnyStorage
  /** The sources, in the order of precedence. */
  readonly finders: readonly Finder[]
  /** What URLs begin with; default: the storage's own public URL. (STATIC_URL) */
  readonly baseUrl?: string | undefined
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
