import { ImproperlyConfigured, StorageError } from '../core/errors.ts'
import { nearest } from '../core/nearest.ts'
import { withSlash } from '../core/urls.ts'
import type { StaticBundle } from './bundle.ts'
import { filePrefix, type ManifestSource } from './manifest-file.ts'
import { partsOf } from './static-name.ts'
import { Tags } from './tags.ts'
import type { StaticUrl } from './templates.ts'
import { importedChunks, readViteManifest, type ViteChunk } from './vite-manifest.ts'

/** The location of a Vite build among the static files. */
export interface ViteOptions {
  /** Folder of the build in the static files, such as `app/`: the prefix of its finder; default ''. */
  readonly base?: string | undefined
  /**
   * Whether the names of built files have hashes, so that caches may keep them indefinitely. Only the program knows this; default false.
   */
  readonly immutable?: boolean | undefined
  /** Built files that are not in the manifest, relative to the build's folder: the workers of Vite 5 to 7. */
  readonly files?: readonly string[] | undefined
  /** In development: URL of Vite's server, with its `base`. Tags and assets use it, and the manifest is not read. */
  readonly devServer?: string | undefined
}

/** Options of the tags of a page. */
export interface TagsOptions {
  /** Nonce of the page's Content-Security-Policy, for every tag. */
  readonly nonce?: string | undefined
}

/** A Vite build. */
export interface ViteBundle extends StaticBundle {
  /**
   * Returns the tags that a page needs for one or several entries: style sheets, the script, and preloads of its imports, in the order that
   * Vite recommends and each URL once. `url` makes the URLs of built files. An entry that is not in the manifest is `not_found`; one that
   * is neither script nor style sheet is `invalid_argument`. (https://vite.dev/guide/backend-integration)
   * @example
   * bundle.tags('src/main.ts', staticUrl(files), { nonce })
   */
  tags(entries: string | readonly string[], url: StaticUrl, options?: TagsOptions): string
  /** Returns the URL of a source that a page itself refers to, such as a picture; one that is not in the manifest is `not_found`. */
  asset(name: string, url: StaticUrl): string
}

/**
 * Returns a Vite 5 to 8 build from its manifest (`build.manifest: true`): the content of `.vite/manifest.json`, or its path. It is read at
 * once; a missing or malformed one is `improperly_configured`, with the entry.
 * @example
 * const bundle = fromViteManifest('dist/.vite/manifest.json', { base: 'app/', immutable: true })
 * const files = new StaticFiles({ storage, finders: [new FolderFinder([['app', 'dist']])], bundles: [bundle] })
 */
export function fromViteManifest(manifest: ManifestSource, options: ViteOptions = {}): ViteBundle {
  const { devServer } = options
  return devServer === undefined ? new Build(manifest, options) : new DevServer(devServer)
}

class Build implements ViteBundle {
  readonly paths: ReadonlyMap<string, string>
  readonly files: ReadonlySet<string>
  readonly immutable: boolean
  readonly #prefix: string
  readonly #title: string
  readonly #chunks: ReadonlyMap<string, ViteChunk>

  constructor(manifest: ManifestSource, { base, immutable = false, files = [] }: ViteOptions) {
    const { title, chunks } = readViteManifest(manifest)
    this.#title = title
    this.#chunks = chunks
    this.#prefix = filePrefix(base)
    this.immutable = immutable
    const paths = new Map<string, string>()
    const odd = files.find(file => partsOf(file) === undefined)
    if (odd !== undefined)
      throw new ImproperlyConfigured(`files: expected relative paths of built files, got '${odd}'.`)
    const built = new Set(files.flatMap(withMap))
    for (const { key, file, source, css, assets } of chunks.values()) {
      for (const each of [...withMap(file), ...css.flatMap(withMap), ...assets.flatMap(withMap)]) built.add(each)
      // A worker has its own key beside its source's.
      if (source !== undefined && (key === source || !chunks.has(source))) paths.set(source, this.#prefix + file)
    }
    this.paths = paths
    this.files = new Set([...built].map(file => this.#prefix + file))
  }

  tags(entries: string | readonly string[], url: StaticUrl, { nonce }: TagsOptions = {}): string {
    const chunks = (typeof entries === 'string' ? [entries] : entries).map(entry => this.#chunk(entry))
    const imported = chunks.map(chunk => importedChunks(this.#chunks, chunk))
    const urlOf = (file: string): string => url(this.#prefix + file)
    const tags = new Tags(nonce)
    for (const [at, chunk] of chunks.entries()) {
      for (const { css } of [chunk, ...imported[at]!]) for (const file of css) tags.stylesheet(urlOf(file))
      if (isStylesheet(chunk.file)) tags.stylesheet(urlOf(chunk.file))
      else if (!isScript(chunk.file)) throw notAnEntry(chunk.key)
    }
    for (const { file } of chunks) if (isScript(file)) tags.script(urlOf(file))
    for (const { file } of imported.flat()) if (isScript(file)) tags.preload(urlOf(file))
    return tags.toString()
  }

  asset(name: string, url: StaticUrl): string {
    return url(this.#prefix + this.#chunk(name).file)
  }

  #chunk(entry: string): ViteChunk {
    const chunk = this.#chunks.get(entry)
    if (chunk !== undefined) return chunk
    const close = nearest(entry, [...this.#chunks.keys()])
    const hint = close === undefined ? '' : ` Did you mean '${close}'?`
    throw new StorageError('not_found', `${this.#title} has no entry '${entry}'.${hint}`, { fileName: entry })
  }
}

class DevServer implements ViteBundle {
  readonly paths: ReadonlyMap<string, string> = new Map()
  readonly files: ReadonlySet<string> = new Set()
  readonly immutable = false
  readonly #base: string

  constructor(url: string) {
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
      throw new ImproperlyConfigured(
        `devServer: expected the URL of Vite's server, such as http://localhost:5173, got '${url}'.`,
      )
    }
    this.#base = withSlash(url)
  }

  tags(entries: string | readonly string[], _url: StaticUrl, { nonce }: TagsOptions = {}): string {
    const tags = new Tags(nonce)
    tags.script(this.asset('@vite/client'))
    for (const entry of typeof entries === 'string' ? [entries] : entries) {
      if (isStyleSource(entry)) tags.stylesheet(this.asset(entry))
      else tags.script(this.asset(entry))
    }
    return tags.toString()
  }

  asset(name: string): string {
    // Not `filepathToUri`: Vite recognises its own `@vite/client` only with the `@`.
    return this.#base + encodeURI(name.toWellFormed()).replace(/[?#]/g, encodeURIComponent)
  }
}

/** Returns a built file and its source map, which has no entry. */
function withMap(file: string): readonly string[] {
  return isScript(file) || isStylesheet(file) ? [file, `${file}.map`] : [file]
}

function isScript(file: string): boolean {
  return /\.[cm]?js$/i.test(file)
}

function isStylesheet(file: string): boolean {
  return /\.css$/i.test(file)
}

/** Whether Vite's server sends a source as a style sheet. (https://vite.dev/guide/features#css) */
function isStyleSource(name: string): boolean {
  return /\.(?:css|less|sass|scss|styl|stylus|pcss|postcss|sss)$/i.test(name)
}

function notAnEntry(key: string): StorageError {
  const text = `'${key}' is neither a script nor a style sheet: tags are for entries. The URL of a file is asset(name, url).`
  return new StorageError('invalid_argument', text, { fileName: key })
}
