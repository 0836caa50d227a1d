import { CALL_OPTIONS, type KnownOptions } from '../core/known-options.ts'
import type {
  AvailableNameOptions,
  DeleteAllOptions,
  DeleteFileOptions,
  EntriesOptions,
  PageOptions,
  ReadStreamOptions,
  SweepOptions,
  UrlOptions,
  VersionOptions,
} from './types.ts'

// The options of the methods of a storage, where they are more than a signal.

export const VERSION_OPTIONS: KnownOptions<VersionOptions> = { ...CALL_OPTIONS, versionId: true }

export const READ_OPTIONS: KnownOptions<ReadStreamOptions> = {
  ...VERSION_OPTIONS,
  parallel: true,
  partSize: true,
  etag: true,
  start: true,
  end: true,
  length: true,
  onProgress: true,
}

export const ENTRIES_OPTIONS: KnownOptions<EntriesOptions> = {
  ...CALL_OPTIONS,
  recursive: true,
  startAfter: true,
  until: true,
  match: true,
  trailingSlash: true,
}

export const PAGE_OPTIONS: KnownOptions<PageOptions> = { ...ENTRIES_OPTIONS, token: true, limit: true }

export const DELETE_OPTIONS: KnownOptions<DeleteFileOptions> = { ...CALL_OPTIONS, ifMatch: true }

export const DELETE_ALL_OPTIONS: KnownOptions<DeleteAllOptions> = { ...CALL_OPTIONS, all: true }

export const SWEEP_OPTIONS: KnownOptions<SweepOptions> = {
  ...CALL_OPTIONS,
  minAgeSecs: true,
  path: true,
  dryRun: true,
}

export const AVAILABLE_NAME_OPTIONS: KnownOptions<AvailableNameOptions> = {
  ...CALL_OPTIONS,
  maxLength: true,
  overwrite: true,
  exclusive: true,
}

/** The options of `url` on every backend. */
export const URL_OPTIONS: KnownOptions<UrlOptions> = {
  ...CALL_OPTIONS,
  method: true,
  expiresInSecs: true,
  contentType: true,
  contentDisposition: true,
  cacheControl: true,
  contentEncoding: true,
  contentLanguage: true,
  parameters: true,
}
