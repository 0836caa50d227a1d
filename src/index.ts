export { LocalStorage } from './backends/local/index.ts'
export { MemoryStorage } from './backends/memory/index.ts'
export {
  configure,
  defaultStorage,
  defineConfig,
  loadConfig,
  overrideSettings,
  storages,
} from './config/index.ts'
export { asContent, type Content, type ContentProvider, type ContentSource } from './core/content.ts'
export type {
  ByteRange,
  CallContext,
  DeleteResult,
  Driver,
  Features,
  FileAttributes,
  ListedFile,
  Page,
  PageRequest,
  RandomAccess,
  ReadOptions,
  ReadResult,
  SignUrlOptions,
  Stat,
  WriteOptions,
} from './core/driver.ts'
export {
  type ErrorCode,
  type ErrorDetails,
  ImproperlyConfigured,
  isStorageError,
  type Outcome,
  StorageError,
  SuspiciousFileOperation,
} from './core/errors.ts'
export { guessType } from './core/mime.ts'
export { cleanName, generateFilename, getValidName, safeJoin, validateFileName } from './core/names.ts'
export * as settingTypes from './core/setting-types.ts'
export type { Input, Setting, SettingsOf } from './core/settings.ts'
export { strftime } from './core/strftime.ts'
export { filepathToUri } from './core/urls.ts'
export { ContentFile } from './files/content-file.ts'
export type { Data, OpenMode } from './files/modes.ts'
export { StorageFile } from './files/storage-file.ts'
export { chaos } from './layers/chaos.ts'
export type { Call, Layer } from './layers/layer.ts'
export type { CallOptions } from './storage/call-runner.ts'
export { type CommonOptions, commonSettings } from './storage/common-settings.ts'
export type { CopyFileOptions } from './storage/copy.ts'
export { Storage } from './storage/storage.ts'
export type {
  Entry,
  Feature,
  OpenOptions,
  ReadStreamOptions,
  SaveOptions,
  Services,
  UrlOptions,
} from './storage/types.ts'
