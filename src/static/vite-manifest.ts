import { ManifestFile, type ManifestSource } from './manifest-file.ts'

/** A built file of Vite, and its imports. */
export interface ViteChunk {
  /** Its key in the manifest: the path of the source relative to the project's folder, or a name that Vite has made. */
  readonly key: string
  /** Name of the built file. */
  readonly file: string
  /** Its name in programs; undefined for chunks that Vite has made of several sources, and for HTML pages, which have a separate file. */
  readonly source: string | undefined
  readonly imports: readonly string[]
  readonly css: readonly string[]
  readonly assets: readonly string[]
}

/**
 * Reads `.vite/manifest.json` of Vite 5 to 8; a malformed one is `improperly_configured`, with the entry.
 * (https://vite.dev/guide/backend-integration)
 */
export function readViteManifest(source: ManifestSource): { title: string; chunks: ReadonlyMap<string, ViteChunk> } {
  const manifest = new ManifestFile(source, 'Vite manifest')
  const chunks = new Map([...manifest.entries].map(([key, value]) => [key, chunkOf(manifest, key, value)]))
  for (const { key, imports } of chunks.values()) {
    const missing = imports.find(name => !chunks.has(name))
    if (missing !== undefined) throw manifest.wrong(`its import '${missing}' is not in the manifest`, key)
  }
  return { title: manifest.title, chunks }
}

function chunkOf(manifest: ManifestFile, key: string, value: unknown): ViteChunk {
  if (typeof value === 'string') {
    throw manifest.wrong('expected an object, got a text; a map of names is read by fromAssetManifest', key)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw manifest.wrong("expected an object with a 'file', as build.manifest makes it", key)
  }
  const { file, src, imports, css, assets } = value as Record<string, unknown>
  if (src !== undefined && typeof src !== 'string') throw manifest.wrong("expected a text in 'src'", key)
  const names = (list: unknown, name: string): readonly string[] =>
    manifest.texts(list, key, name).map(each => manifest.fileName(each, key, name))
  const built = manifest.fileName(file, key, 'file')
  return {
    key,
    file: built,
    source: src === undefined || isMade(key, built) || src.endsWith('.html') ? undefined : src,
    imports: manifest.texts(imports, key, 'imports'),
    css: names(css, 'css'),
    assets: names(assets, 'assets'),
  }
}

/** Whether a key is made by Vite: the name of the built file, or a placeholder of it. */
function isMade(key: string, file: string): boolean {
  return key === `_${file.slice(file.lastIndexOf('/') + 1)}` || key.includes('!~{')
}

/** Returns the chunks that a chunk imports, directly or indirectly: each once, dependencies first. Dynamic imports are left out. */
export function importedChunks(chunks: ReadonlyMap<string, ViteChunk>, chunk: ViteChunk): readonly ViteChunk[] {
  const seen = new Set([chunk.key])
  const found: ViteChunk[] = []
  const path = [{ chunk, next: 0 }]
  for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
    const name = top.chunk.imports[top.next++]
    if (name === undefined) {
      path.pop()
      if (top.chunk !== chunk) found.push(top.chunk)
    } else if (!seen.has(name)) {
      seen.add(name)
      path.push({ chunk: chunks.get(name)!, next: 0 })
    }
  }
  return found
}
