import { splitSuffix } from '../core/static-manifest.ts'
import type { StaticBundle } from './bundle.ts'
import { filePrefix, ManifestFile, type ManifestSource } from './manifest-file.ts'

/** How a build lies among the static files. */
export interface AssetManifestOptions {
  /** Folder of the build in the static files, such as `app/`: the prefix of its finder; default ''. */
  readonly base?: string | undefined
  /** Whether the names of built files have hashes, so that caches may keep them for ever. Only the program knows; default false. */
  readonly immutable?: boolean | undefined
  /** What the built files' paths begin with, which is taken off; default '/'. */
  readonly publicPath?: string | undefined
}

/**
 * A build by a plain map of names, `{ "main.js": "main.1f3c.js" }`, as webpack-manifest-plugin, Rollup's plugins and Laravel Mix write it: the
 * content, or the path of the file. A query that the map has stays in the URLs. A malformed one is `improperly_configured`, with the entry.
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
