import { nodeCrypto } from './builtin.ts'
import { ImproperlyConfigured, StorageError } from './errors.ts'
import { compareKeys } from './key-order.ts'

/** Versions of Django's `staticfiles.json`: 1.0 up to Django 4.1, 1.1 with a hash of the entries since. */
export type ManifestVersion = '1.0' | '1.1'

/** The hashed names of the collected files, by their original names: Django's `staticfiles.json`. */
export interface StaticManifest {
  /** Names with a hash, by the names that programs use. */
  readonly paths: ReadonlyMap<string, string>
  /** Hash of the entries; '' in a manifest of version 1.0. */
  readonly hash: string
}

/** A manifest without entries, as before the first run. */
export const EMPTY_MANIFEST: StaticManifest = { paths: new Map(), hash: '' }

/** Reads a manifest of either version; anything else is `improperly_configured` and names the file. (Django `ManifestFilesMixin.load_manifest`) */
export function parseManifest(text: string, fileName: string): StaticManifest {
  const wrong = (reason: string, cause?: unknown): ImproperlyConfigured =>
    new ImproperlyConfigured(`Couldn't load manifest '${fileName}' (version 1.1): ${reason}.`, { cause, fileName })
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (cause) {
    throw wrong('it is no JSON', cause)
  }
  const { paths, version, hash } = (parsed ?? {}) as Record<string, unknown>
  if (version !== '1.0' && version !== '1.1') throw wrong('its version is neither 1.0 nor 1.1')
  if (typeof paths !== 'object' || paths === null || Array.isArray(paths)) throw wrong('it has no paths')
  const entries = Object.entries(paths)
  for (const [name, stored] of entries) if (typeof stored !== 'string') throw wrong(`the path of '${name}' is no text`)
  return { paths: new Map(entries as Array<[string, string]>), hash: typeof hash === 'string' ? hash : '' }
}

/** Returns the text of a manifest. Equal entries have the same text on every machine. */
export function serializeManifest(paths: ReadonlyMap<string, string>, version: ManifestVersion = '1.1'): string {
  const sorted = [...paths].sort(([a], [b]) => compareKeys(a, b))
  const shown = sorted.map(([name, stored]) => `${pythonJson(name)}: ${pythonJson(stored)}`).join(', ')
  const hash = version === '1.0' ? '' : `, "hash": "${hashOfEntries(sorted)}"`
  return `{"paths": {${shown}}, "version": "${version}"${hash}}`
}

/** Returns the hash of the entries as Django computes it: 12 digits of the MD5 of the sorted pairs, in the JSON that Python writes. */
function hashOfEntries(sorted: ReadonlyArray<readonly [string, string]>): string {
  const pairs = sorted.map(pair => `[${pair.map(pythonJson).join(', ')}]`)
  return shortHash(`[${pairs.join(', ')}]`)
}

/** Returns a text in the JSON of Python's `json.dumps`, which escapes everything beyond ASCII. */
function pythonJson(text: string): string {
  return JSON.stringify(text).replace(
    /[\x7f-\uffff]/g,
    unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Returns the first 12 hexadecimal digits of the MD5, which identify the version of a file. (Django `HashedFilesMixin.file_hash`) */
export function shortHash(content: Uint8Array | string): string {
  return hashOfMd5(nodeCrypto().createHash('md5').update(content).digest('hex'))
}

/** The same for a known MD5, in hexadecimal. */
export function hashOfMd5(md5: string): string {
  return md5.slice(0, 12)
}

/**
 * Returns the name of a version: `css/a.css` becomes `css/a.<hash>.css`, and `a` becomes `a.<hash>`. (Django
 * `HashedFilesMixin.hashed_name`)
 */
export function hashedName(name: string, hash: string): string {
  const base = name.lastIndexOf('/') + 1
  // Like Python's `os.path.splitext`: dots at the beginning of the last part are no extension.
  let first = base
  while (name[first] === '.') first++
  const dot = name.lastIndexOf('.')
  return dot <= first ? `${name}.${hash}` : `${name.slice(0, dot)}.${hash}${name.slice(dot)}`
}

/**
 * Returns the name under which a file is stored. A query and a fragment are kept; a folder's name (`css/`) is returned unchanged. A name
 * that is not in the manifest is `not_found`; with `strict: false` it is returned unchanged. (Django `ManifestFilesMixin.stored_name`,
 * `HashedFilesMixin._url`)
 */
export function storedName(manifest: StaticManifest, name: string, strict = true): string {
  const [path, suffix] = splitSuffix(name)
  if (path === '' || path.endsWith('/')) return name
  const stored = manifest.paths.get(path)
  if (stored !== undefined) return stored + suffix
  if (!strict) return name
  throw new StorageError('not_found', `Missing staticfiles manifest entry for '${path}'`, {
    operation: 'url',
    fileName: path,
  })
}

/** Splits a URL into its path and the query and fragment behind it. */
export function splitSuffix(url: string): [path: string, suffix: string] {
  const at = url.search(/[?#]/)
  return at < 0 ? [url, ''] : [url.slice(0, at), url.slice(at)]
}
