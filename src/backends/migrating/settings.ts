import { choice, flag, setting } from '../../core/setting-types.ts'
import type { Setting, SettingsOf } from '../../core/settings.ts'
import { type CommonOptions, commonSettings } from '../../storage/common-settings.ts'
import type { AnyStorage } from '../../storage/storage.ts'

/** One of the two storages: an alias of the same configuration, a storage, or a function that returns one. */
export type SideOption = string | AnyStorage | (() => AnyStorage)

/** Where files are looked up: in `from` only, in `to` only, or in `to` and then in `from`. */
export type ReadSides = 'from' | 'both' | 'to'

/** Where files are written: in `to` only, or in both storages. */
export type WriteSides = 'to' | 'both'

/** Options of `MigratingStorage`. */
export interface MigratingOptions extends CommonOptions {
  readonly from: SideOption | null
  readonly to: SideOption | null
  readonly read: ReadSides
  readonly write: WriteSides
  readonly copyOnRead: boolean
}

/** Declarations of the options of `MigratingStorage`. The two storages have their own tries, timeouts and digests. */
export const migratingSettings: SettingsOf<MigratingOptions> = {
  ...commonSettings,
  from: sideSetting('The storage that the files leave.'),
  to: sideSetting('The storage that gets the files.'),
  read: choice(['both', 'from', 'to'], {
    default: 'both',
    doc: 'Where files are looked up: `from`, `to`, or both: first `to`, then `from`.',
  }),
  write: choice(['to', 'both'], {
    default: 'to',
    doc: 'Where files are written: `to`, or both storages. One that is not looked up in both needs `both`.',
  }),
  copyOnRead: flag({
    default: false,
    doc: 'Whether a file that is found only in `from` is copied to `to` after a read, in the background.',
  }),
  fileOverwrite: {
    ...commonSettings.fileOverwrite,
    doc: `${commonSettings.fileOverwrite.doc} Default: as in the storage that is read first.`,
  },
  maxAttempts: {
    ...commonSettings.maxAttempts,
    keys: [],
    default: 1,
    doc: 'Tries of a call over both storages. Each storage repeats its own requests by its own option.',
  },
  timeoutSecs: {
    ...commonSettings.timeoutSecs,
    keys: [],
    default: null,
    doc: 'Timeout of a call over both storages. Each storage has its own for its requests.',
  },
  keepSha256: {
    ...commonSettings.keepSha256,
    keys: [],
    doc: 'Not available here: set it for the two storages.',
  },
}

function sideSetting(doc: string): Setting<SideOption | null> {
  return setting<SideOption | null>('alias, storage or function', parseSide, {
    default: null,
    noEnvironment: true,
    shown: shownSide,
    doc,
  })
}

function shownSide(value: SideOption | null): unknown {
  if (value === null || typeof value === 'string') return value
  return typeof value === 'function' ? `[function ${value.name}]` : value.constructor.name
}

function parseSide(raw: unknown): SideOption | null {
  if (raw === null || typeof raw === 'function') return raw as SideOption | null
  if (typeof raw === 'string' && raw !== '') return raw
  if (typeof raw === 'object' && 'open' in raw && 'calls' in raw) return raw as AnyStorage
  throw new Error('expected the alias of a storage, a storage, or a function that returns one')
}
