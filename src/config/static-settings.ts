import { ATTRIBUTE_OPTIONS } from '../core/attributes.ts'
import type { Coding } from '../core/codings.ts'
import type { FileAttributes } from '../core/driver.ts'
import { hint, nearest } from '../core/nearest.ts'
import {
  flag,
  list,
  optionalText,
  parseChoice,
  parseEach,
  parseFlag,
  parseInteger,
  parseList,
  parseMap,
  parsePlace,
  parseText,
  setting,
} from '../core/setting-types.ts'
import type { SettingsOf } from '../core/settings.ts'
import type { ManifestVersion } from '../core/static-manifest.ts'
import { rootedUrl } from '../core/urls.ts'

/** A folder or a package; or a pair of a prefix for the names of its files, and the folder or package. */
export type StaticSource = string | readonly [prefix: string, source: string]

/** STATICFILES_MANIFEST: names with hashes, and the manifest that maps each name to its hashed name. */
export interface StaticManifestSetting {
  /** Name of the manifest; default `staticfiles.json`. */
  readonly name?: string | undefined
  /** Alias of the storage for the manifest; default: that of the files. (Django's `manifest_storage`) */
  readonly storage?: string | undefined
  /** Format of the manifest: Django reads 1.0 up to version 4.1, and both in later versions; default '1.1'. */
  readonly version?: ManifestVersion | undefined
  /**
   * Whether a run fails when a stylesheet, page or module refers to a missing file; default true. Otherwise the reference stays unchanged,
   * with a warning.
   */
  readonly strict?: boolean | undefined
  /**
   * Whether `url` fails for a name that is not in the manifest, or returns the URL of the plain name; default: as `strict`. (Django's
   * `manifest_strict`)
   */
  readonly strictUrls?: boolean | undefined
  /** Patterns of files that may refer to missing files, as some vendors' files do: each reference is a warning. */
  readonly lenientFor?: readonly string[] | undefined
  /** Which references in JavaScript are rewritten: imports and source maps, or like Django only source maps; default 'modules'. */
  readonly javaScript?: 'modules' | 'sourceMaps' | undefined
  /** Whether references in HTML files are rewritten; default false. Needs the package `htmlparser2`. */
  readonly html?: boolean | undefined
  /** Whether files are also stored under their plain names, like in Django; default true. */
  readonly keepOriginals?: boolean | undefined
}

/** STATICFILES_COMPRESS: compressed siblings of files, `a.css.br` beside `a.css`. */
export interface StaticCompressSetting {
  /** Default: `['br', 'gzip']`. */
  readonly codings?: readonly Coding[] | undefined
  /** Minimum size in bytes of a file that is compressed; default 256. */
  readonly minSize?: number | undefined
  /**
   * Media types that are compressed; `text/*` includes all types of a kind. Default: text, scripts, JSON, SVG, WebAssembly and uncompressed
   * fonts.
   */
  readonly contentTypes?: readonly string[] | undefined
}

/** STATICFILES_HEADERS: headers that are stored with files, by patterns of their names. */
export type StaticHeadersSetting = Readonly<
  Record<string, FileAttributes & { readonly extra?: Readonly<Record<string, unknown>> | undefined }>
>

/** Settings of static files: Django's, and Holdall's own. `staticFilesFromSettings` of `holdall/static` reads them. */
export interface StaticSettings {
  /** Folders of static files, each a path or `[prefix, path]`; relative paths are relative to the folder of the configuration. */
  readonly STATICFILES_DIRS?: readonly StaticSource[] | undefined
  /** The finders of static files: Django's class paths, or finder objects. Default: STATICFILES_DIRS, then STATICFILES_PACKAGES. */
  readonly STATICFILES_FINDERS?: ReadonlyArray<string | object> | undefined
  /** npm packages with static files, each `name`, `name/folder` or `[prefix, name/folder]`; they replace Django's apps. */
  readonly STATICFILES_PACKAGES?: readonly StaticSource[] | undefined
  /** Whether names get hashes, also for a storage whose class has no manifest; or the options of the manifest. */
  readonly STATICFILES_MANIFEST?: boolean | StaticManifestSetting | undefined
  /** Whether compressed siblings are stored, or the options for them. */
  readonly STATICFILES_COMPRESS?: boolean | StaticCompressSetting | undefined
  /**
   * Headers that are stored with files, by patterns of their names; a later pattern overrides earlier ones: `{ '*.html': { cacheControl:
   * 'no-cache' } }`.
   */
  readonly STATICFILES_HEADERS?: StaticHeadersSetting | undefined
  /** Patterns of files and folders that are skipped, besides `CVS`, `.*` and `*~`. */
  readonly STATICFILES_IGNORE?: readonly string[] | undefined
  /** Whether URLs of static files use the plain names, as in development. Not read from the environment. */
  readonly DEBUG?: boolean | undefined
}

/** The values of `StaticSettings`; null for a setting without a value. */
export interface StaticValues {
  readonly dirs: readonly StaticSource[]
  readonly finders: ReadonlyArray<string | object> | null
  readonly packages: readonly StaticSource[]
  readonly manifest: boolean | StaticManifestSetting | null
  readonly compress: boolean | StaticCompressSetting | null
  readonly headers: StaticHeadersSetting
  readonly ignore: readonly string[]
  readonly debug: boolean
  readonly url: string | null
}

const staticUrl = optionalText({
  default: null,
  keys: ['STATIC_URL'],
  doc: 'Prefix of references in stylesheets and pages, even if the files are on a CDN.',
})

/** Declarations of these settings. */
export const staticSettings: SettingsOf<StaticValues> = {
  dirs: setting('list of folders', parseSources, {
    default: [],
    keys: ['STATICFILES_DIRS'],
    doc: 'Folders of static files, each a path or `[prefix, path]`; relative paths are relative to the folder of the configuration.',
  }),
  packages: setting('list of packages', parseSources, {
    default: [],
    keys: ['STATICFILES_PACKAGES'],
    doc: "npm packages with static files, each `name` (its folder `static`), `name/folder` or `[prefix, name/folder]`; they replace Django's apps.",
  }),
  finders: setting<StaticValues['finders']>('list of class paths and finders', parseFinders, {
    default: null,
    keys: ['STATICFILES_FINDERS'],
    noEnvironment: true,
    doc: 'Finders of static files, in order of precedence; null = STATICFILES_DIRS, then STATICFILES_PACKAGES.',
  }),
  manifest: setting<StaticValues['manifest']>('boolean or map', raw => parseFlagOr(raw, MANIFEST), {
    default: null,
    keys: ['STATICFILES_MANIFEST'],
    doc: 'Whether names get hashes, and options of the manifest; null = as the storage class defines.',
  }),
  compress: setting<StaticValues['compress']>('boolean or map', raw => parseFlagOr(raw, COMPRESS), {
    default: null,
    keys: ['STATICFILES_COMPRESS'],
    doc: 'Whether compressed siblings are stored, and their options; null = as the storage class defines.',
  }),
  headers: setting<StaticHeadersSetting>(
    'map',
    raw => parseEach(parseMap(raw), value => parseParts<StaticHeadersSetting[string]>(value, HEADERS)),
    {
      default: {},
      keys: ['STATICFILES_HEADERS'],
      doc: 'Headers that are stored with files (`cacheControl`, `contentType` ...), by patterns of their names; a later pattern overrides earlier ones.',
    },
  ),
  ignore: list({
    default: [],
    keys: ['STATICFILES_IGNORE'],
    doc: 'Patterns of files and folders that are ignored, besides `CVS`, `.*` and `*~`.',
  }),
  url: {
    ...staticUrl,
    parse: raw => {
      const url = staticUrl.parse(raw)
      return url === null ? null : rootedUrl(url)
    },
  },
  debug: flag({
    default: false,
    keys: ['DEBUG'],
    // Many programs use an environment variable of that name for something else.
    noEnvironment: true,
    doc: 'Whether URLs use the plain names, as in development.',
  }),
}

type Parts<O> = { readonly [K in keyof O]-?: (raw: unknown) => unknown }

const MANIFEST: Parts<StaticManifestSetting> = {
  name: parsePlace,
  storage: parseText,
  version: raw => parseChoice(raw, ['1.0', '1.1']),
  strict: parseFlag,
  strictUrls: parseFlag,
  lenientFor: parseList,
  javaScript: raw => parseChoice(raw, ['modules', 'sourceMaps']),
  html: parseFlag,
  keepOriginals: parseFlag,
}

const COMPRESS: Parts<StaticCompressSetting> = {
  codings: raw => parseList(raw).map(each => parseChoice(each, ['br', 'gzip', 'zstd'])),
  minSize: raw => parseInteger(raw, 0),
  contentTypes: parseList,
}

const HEADERS: Parts<StaticHeadersSetting[string]> = {
  ...(Object.fromEntries(Object.keys(ATTRIBUTE_OPTIONS).map(name => [name, parseText])) as Parts<FileAttributes>),
  metadata: raw => parseEach(parseMap(raw), parseText),
  extra: parseMap,
}

/** Parses a map with these known keys only; null and undefined are an empty map. */
function parseParts<O>(raw: unknown, parts: Parts<O>): O {
  const known = parts as Readonly<Record<string, (raw: unknown) => unknown>>
  const given = Object.entries(parseMap(raw)).filter(([, value]) => value !== undefined && value !== null)
  const parsed = parseEach(Object.fromEntries(given), (value, name) => {
    if (Object.hasOwn(known, name)) return known[name]!(value)
    throw new Error(`there is no such option${hint(nearest(name, Object.keys(known)))}`)
  })
  return parsed as O
}

function parseFlagOr<O>(raw: unknown, parts: Parts<O>): boolean | O | null {
  if (raw === null) return null
  if (typeof raw === 'object' || (typeof raw === 'string' && raw.trim().startsWith('{'))) return parseParts(raw, parts)
  try {
    return parseFlag(raw)
  } catch {
    throw new Error('expected true, false or an object of options')
  }
}

/** A text is parsed as JSON: a folder may have commas in its name. (Django's check `staticfiles.E001`) */
function parseSources(raw: unknown): readonly StaticSource[] {
  const value = typeof raw === 'string' ? jsonOf(raw) : raw
  if (Array.isArray(value) && value.every(isSource)) return value
  throw new Error('expected a list whose entries are texts or [prefix, text] (JSON in the environment)')
}

function isSource(value: unknown): value is StaticSource {
  if (typeof value === 'string') return true
  return Array.isArray(value) && value.length === 2 && value.every(part => typeof part === 'string')
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function parseFinders(raw: unknown): ReadonlyArray<string | object> | null {
  if (raw === null) return null
  const isFinder = (value: unknown): boolean =>
    typeof value === 'string' || (typeof value === 'object' && value !== null)
  if (Array.isArray(raw) && raw.every(isFinder)) return raw
  throw new Error('expected a list of class paths and finders')
}
