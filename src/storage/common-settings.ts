import type { NameStrategy } from '../core/names.ts'
import {
  choice,
  flag,
  integer,
  optionalInteger,
  optionalPlace,
  optionalSeconds,
  optionalText,
  place,
} from '../core/setting-types.ts'
import type { SettingsOf } from '../core/settings.ts'

/** Options that every backend has. */
export interface CommonOptions {
  readonly location: string
  readonly baseUrl: string | null
  readonly fileOverwrite: boolean
  readonly nameStrategy: NameStrategy
  readonly maxMemorySize: number
  readonly maxUnpackedSize: number | null
  readonly tempDir: string | null
  readonly maxAttempts: number
  readonly timeoutSecs: number | null
  readonly concurrency: number
  readonly keepSha256: boolean
  readonly readOnly: boolean
}

/** The meaning of `maxMemorySize`, for the tables in `docs/`. */
export const SPOOL_DOC =
  'Maximum size in memory of a spooled file; a larger one goes to a temporary file. 0 = opened files never go to disk.'

/** Declarations of the options that every backend has; backends override keys and defaults by spreading. */
export const commonSettings: SettingsOf<CommonOptions> = {
  location: place({ default: '', doc: 'Path prefix of every file in the storage.' }),
  baseUrl: optionalText({ default: null, doc: 'URL below which the files are served.' }),
  fileOverwrite: flag({
    default: false,
    aliases: ['allow_overwrite', 'allowOverwrite', 'overwrite_files', 'overwriteFiles'],
    doc: 'Whether `save` replaces a file of the same name instead of choosing another name.',
  }),
  nameStrategy: choice(['random', 'underscore'], {
    default: 'random',
    keys: ['HOLDALL_NAME_STRATEGY'],
    doc: 'How `save` changes a taken name: 7 random alphanumerics, or an underscore per collision.',
  }),
  maxMemorySize: integer('bytes', {
    default: 2_621_440,
    keys: ['FILE_UPLOAD_MAX_MEMORY_SIZE'],
    doc: SPOOL_DOC,
  }),
  maxUnpackedSize: optionalInteger('bytes', {
    default: 268_435_456,
    keys: ['HOLDALL_MAX_UNPACKED_SIZE'],
    doc: 'Maximum size of a compressed file after decompression by `open`, `readBytes`, `readText` or `copy`; null = no limit.',
  }),
  tempDir: optionalPlace({
    default: null,
    keys: ['FILE_UPLOAD_TEMP_DIR'],
    doc: "Folder of spooled files; null = the system's folder for temporary files.",
  }),
  maxAttempts: integer(
    'tries',
    { default: 4, keys: ['HOLDALL_MAX_ATTEMPTS'], doc: 'Maximum number of tries of a call that can be repeated.' },
    1,
  ),
  timeoutSecs: optionalSeconds({
    default: 60,
    keys: ['HOLDALL_TIMEOUT_SECS'],
    doc: 'A try fails after this time without progress; null = no timeout.',
  }),
  concurrency: integer(
    'calls',
    { default: 64, keys: ['HOLDALL_CONCURRENCY'], doc: 'Maximum number of calls at a time.' },
    1,
  ),
  keepSha256: flag({
    default: false,
    keys: ['HOLDALL_KEEP_SHA256'],
    doc: 'Whether the SHA-256 of each file is stored in its metadata; `stat` reports it as `checksums.sha256`.',
  }),
  readOnly: flag({ default: false, doc: 'Whether all changes are refused.' }),
}
