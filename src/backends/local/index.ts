export {
  type CompressedManifestOptions,
  CompressedManifestStaticFilesStorage,
  CompressedStaticFilesStorage,
  type LocalManifestOptions,
  ManifestStaticFilesStorage,
} from './manifest-static-files-storage.ts'
export type { LocalOptions } from './settings.ts'
export type { SignedUrl } from './signed-urls.ts'
export { StaticFilesStorage } from './static-files-storage.ts'
export { LocalStorage } from './storage.ts'
