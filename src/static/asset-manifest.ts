import { splitSuffix } from '../core/static-manifest.ts'
import type { StaticBundle } from './bundle.ts'
import { filePrefix, ManifestFile, type ManifestSource } from './manifest-file.ts'

/** The location of a build among the static files. */
export interface AssetManifestOptions {
  /** Folder of the build in the static files, such as `app/`: the prefix of its finder; default ''. */
  readonly base?: string | undefined
  /**
   * Whether the names of built files have hashes, so that caches may keep them indefinitely. Only the program knows this; default false.
   */
  readonly immutable?: boolean | undefined
  /** Prefix of the built files' paths, which is removed; default '/'. */
  readonly publicPath?: string | undefined
}

/**
 * Returns a build from a plain map of names, `{ "main.js": "main.1f3c.js" }`, as webpack-manifest-plugin, Rollup's plugins and Laravel Mix
 * write it. `manifest` is its content, or the path of the file. Queries in the map are kept in the URLs. A malformed manifest is
 * `improperly_configured`, with the entry.
 */
export function fromAssetManifest(manifest: ManifestSource, options: AssetManifestOptions = {}): StaticBundle {
  const { base, immutable = false, publicPath = '/' } = options
  const prefix = filePrefix(base)
  const read = new ManifestFile(manifest, 'asset manifest')
  const paths = new Map<string, string>()
  const files = new Set<string>()
  for (const [name, value] of read.entries) {
    const path = typeof value === 'string' && value.startsWith(publicPath) ? value.slice(publicPath.length) : value
    const [file, suffix] = typeof path === 'string' ? splitSuffix(path) : [path, '']
    const built = prefix + read.fileName(file, name, name)
    paths.set(name.startsWith('/') ? name.slice(1) : name, built + suffix)
    files.add(built)
  }
  return { paths, files, immutable }
}
