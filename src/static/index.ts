export type { StaticSource } from '../config/static-settings.ts'
export type { Coding } from '../core/codings.ts'
export type { ManifestVersion } from '../core/static-manifest.ts'
export { type AssetManifestOptions, fromAssetManifest } from './asset-manifest.ts'
export type { StaticBundle } from './bundle.ts'
export { FolderFinder } from './finders/folders.ts'
export { PackageFinder } from './finders/packages.ts'
export { StorageFinder } from './finders/storages.ts'
export { IMMUTABLE } from './headers.ts'
export { DEFAULT_IGNORE, ignorePatterns } from './ignore.ts'
export type { ManifestSource } from './manifest-file.ts'
export type { CompressOptions, StaticFilesOptions, StaticManifestOptions } from './options.ts'
export { staticFilesFromSettings } from './settings.ts'
export { StaticFiles } from './static-files.ts'
export {
  type ExpressMiddleware,
  expressStaticUrl,
  type FastifyApplication,
  type FastifyPlugin,
  fastifyStaticUrl,
  type HonoMiddleware,
  honoStaticUrl,
  type StaticUrl,
  type StaticUrls,
  staticUrl,
  type TemplateOptions,
} from './templates.ts'
export type {
  CollectEvent,
  CollectOptions,
  CollectSummary,
  Finder,
  FinderOptions,
  IsIgnored,
  StaticFile,
  StaticHeaders,
} from './types.ts'
export { fromViteManifest, type TagsOptions, type ViteBundle, type ViteOptions } from './vite.ts'
