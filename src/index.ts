export { LocalStorage } from './backends/local/index.ts'
export { MemoryStorage } from './backends/memory/index.ts'
export {
  configure,
  defaultStorage,
  defineConfig,
  type HoldallSettings,
  loadConfig,
  overrideSettings,
  resetStorages,
  type StaticSettings,
  type StorageAliases,
  type StorageConfig,
  type Storages,
  storages,
} from './config/index.ts'
export { type Body, BytesBody, StreamBody } from './core/body.ts'
export type { CallContext, CallOptions, FileRef, Repeat } from './core/call.ts'
export type { ContainerDriver, ContainerPage, ContainerStat } from './core/container-driver.ts'
export { asContent, type Content, type ContentProvider, type ContentSource, contentChunks } from './core/content.ts'
export type {
  DirectUpload,
  DirectUploadLimits,
  PartialUpload,
  ResumableUploads,
  SavedUpload,
  UploadPartSizes,
  WantedParts,
} from './core/direct-uploads.ts'
export type {
  ByteRange,
  ChecksumName,
  Checksums,
  DeleteOptions,
  DeleteResult,
  Driver,
  ExpectedHash,
  Features,
  FileAttributes,
  HandleFlags,
  ListedFile,
  ObjectParameters,
  Page,
  PageRequest,
  RandomAccess,
  ReadOptions,
  ReadResult,
  ReadStat,
  RequestOptions,
  RunningHash,
  SignUrlOptions,
  Stat,
  StatOptions,
  SweepRequest,
  Visibility,
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
export { type GuessedType, guessType } from './core/mime.ts'
export {
  cleanName,
  generateFilename,
  getValidName,
  type NameStrategy,
  safeJoin,
  validateFileName,
} from './core/names.ts'
export * as settingTypes from './core/setting-types.ts'
export type { Input, Origin, ResolvedSettings, Setting, SettingsOf } from './core/settings.ts'
export { strftime } from './core/strftime.ts'
export { filepathToUri } from './core/urls.ts'
export { type ContentData, ContentFile } from './files/content-file.ts'
export type { Whence } from './files/file-bytes.ts'
export type { Data, OpenMode } from './files/modes.ts'
export { StorageFile } from './files/storage-file.ts'
export { type ChaosOptions, chaos } from './layers/chaos.ts'
export type { Call, Layer } from './layers/layer.ts'
export type { TracedCall } from './layers/trace.ts'
export type { CallRunner } from './storage/call-runner.ts'
export { type CommonOptions, commonSettings } from './storage/common-settings.ts'
export type { NameOrContainer } from './storage/containers.ts'
export type { CopyFileOptions } from './storage/copy.ts'
export type { DeletableNames, DeletedFiles } from './storage/delete-many.ts'
export type { CopiedFiles, CopyAllOptions, FailedFiles, MovedFiles } from './storage/folders.ts'
export type { ManifestOptions } from './storage/manifest-options.ts'
export type { OpenUploadOptions, ResumeUploadOptions } from './storage/open-upload.ts'
export {
  type PausedUpload,
  ResumableUpload,
  type UploadSendOptions,
  type UploadWriteOptions,
} from './storage/resumable-upload.ts'
export type { ManifestPolicy, StaticPolicy } from './storage/static-policy.ts'
export { type AnyStorage, Storage } from './storage/storage.ts'
export { type HasCalls, StorageDriver } from './storage/storage-driver.ts'
export type {
  AvailableNameOptions,
  DeleteAllOptions,
  DeleteFileOptions,
  EntriesOptions,
  Entry,
  EntryPage,
  Feature,
  NameOrEntry,
  OnProgress,
  OpenOptions,
  PageOptions,
  ReadStreamOptions,
  SaveOptions,
  Services,
  SweepOptions,
  TransferProgress,
  UrlOptions,
  UrlSigning,
  VersionOptions,
} from './storage/types.ts'
export type { UploadTargetOptions } from './storage/upload-target.ts'
