export type { ManifestVersion } from '../core/static-manifest.ts'
export type { StaticBundle } from './bundle.ts'
export { FolderFinder } from './finders/folders.ts'
export { PackageFinder } from './finders/packages.ts'
export { StorageFinder } from './finders/storages.ts'
export type { Coding, CompressOptions, StaticFilesOptions, StaticManifestOptions } from './options.ts'
export { staticFilesFromSettings } from './settings.ts'
export { StaticFiles } from './static-files.ts'
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
