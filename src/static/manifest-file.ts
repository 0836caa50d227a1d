import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { ImproperlyConfigured } from '../core/errors.ts'
import { partsOf } from './static-name.ts'

/** A bundler's manifest: its content, or the path or `file:` URL of the JSON file. */
export type ManifestSource = object | string | URL

/** A manifest that is read entry by entry. */
export class ManifestFile {
  /** Its name in messages: `The Vite manifest 'dist/.vite/manifest.json'`. */
  readonly title: string
  readonly entries: ReadonlyMap<string, unknown>

  /** Reads it at once. A missing file, invalid JSON, and JSON that is not an object are `improperly_configured`. */
  constructor(source: ManifestSource, kind: string) {
    const path = source instanceof URL ? fileURLToPath(source) : source
    this.title = typeof path === 'string' ? `The ${kind} '${path}'` : `The ${kind}`
    const content = typeof path === 'string' ? this.#read(path) : path
    if (typeof content !== 'object' || content === null || Array.isArray(content)) {
      throw this.wrong(`expected an object of entries, got ${shown(content)}`)
    }
    this.entries = new Map(Object.entries(content))
  }

  /** Returns an error about the manifest, or about one of its entries. */
  wrong(problem: string, entry?: string, cause?: unknown): ImproperlyConfigured {
    const place = entry === undefined ? '' : `, entry '${entry}'`
    return new ImproperlyConfigured(`${this.title}${place}: ${problem}.`, { cause })
  }

  /** Returns the name of a built file, relative to the manifest's folder; any other value in the entry is `improperly_configured`. */
  fileName(value: unknown, entry: string, key: string): string {
    if (typeof value === 'string' && partsOf(value) !== undefined) return value
    throw this.wrong(`expected the relative path of a built file in '${key}', got ${shown(value)}`, entry)
  }

  /** Returns an optional list of texts. */
  texts(value: unknown, entry: string, key: string): readonly string[] {
    if (value === undefined) return []
    if (Array.isArray(value) && value.every(text => typeof text === 'string')) return value
    throw this.wrong(`expected a list of texts in '${key}', got ${shown(value)}`, entry)
  }

  #read(path: string): unknown {
    let text: string
    try {
      text = readFileSync(path, 'utf8')
    } catch (cause) {
      throw this.wrong(
        `it cannot be read (${(cause as Error).message}). Build first, or set the path`,
        undefined,
        cause,
      )
    }
    try {
      return JSON.parse(text)
    } catch (cause) {
      throw this.wrong('it is no JSON', undefined, cause)
    }
  }
}

/** Returns the prefix of a folder for the names of its files: '' or with a slash at its end. */
export function filePrefix(base: string | undefined): string {
  const parts = (base ?? '').split('/').filter(part => part !== '')
  if (parts.length === 0) return ''
  if (partsOf(parts.join('/')) !== undefined) return `${parts.join('/')}/`
  throw new ImproperlyConfigured(`base: expected a folder in the static files, such as 'app/', got '${base}'.`)
}

/** Formats a value for a message. */
function shown(value: unknown): string {
  const text = value === undefined ? 'nothing' : (JSON.stringify(value) ?? typeof value)
  return text.length > 60 ? `${text.slice(0, 60)}...` : text
}
