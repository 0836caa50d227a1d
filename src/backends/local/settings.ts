import { flag, integer, optionalMode, optionalText, place, setting } from '../../core/setting-types.ts'
import type { SettingsOf } from '../../core/settings.ts'
import { rootedUrl } from '../../core/urls.ts'
import { type CommonOptions, commonSettings } from '../../storage/common-settings.ts'
import { MAX_URL_SECS, parseUrlSecret } from './signed-urls.ts'

/** Options of `LocalStorage`. `location` is the folder of the files, `baseUrl` the URL under which a web server publishes it. */
export interface LocalOptions extends CommonOptions {
  readonly filePermissionsMode: number | null
  readonly directoryPermissionsMode: number | null
  readonly keepMetadata: boolean
  readonly urlSecret: string | null
  readonly urlExpire: number
  readonly fsync: boolean
}

const baseUrl = optionalText({
  default: null,
  keys: ['MEDIA_URL'],
  doc: 'URL below which a web server serves the folder; `media/` is read as `/media/`. null = `url` is `unsupported`.',
})

/** Declarations of the options of `LocalStorage`. */
export const localSettings: SettingsOf<LocalOptions> = {
  ...commonSettings,
  location: place({
    default: 'media',
    keys: ['MEDIA_ROOT'],
    doc: 'Folder of the files, created at the first save. Empty = the current folder.',
  }),
  baseUrl: {
    ...baseUrl,
    parse: raw => {
      const url = baseUrl.parse(raw)
      return url === null ? null : rootedUrl(url)
    },
  },
  filePermissionsMode: optionalMode({
    default: 0o644,
    keys: ['FILE_UPLOAD_PERMISSIONS'],
    doc: 'Permission bits of a new file, independent of the umask; null = 0o666 without the bits of the umask.',
  }),
  directoryPermissionsMode: optionalMode({
    default: null,
    keys: ['FILE_UPLOAD_DIRECTORY_PERMISSIONS'],
    doc: 'Permission bits of every new folder, independent of the umask; null = 0o777 without the bits of the umask.',
  }),
  keepMetadata: flag({
    default: false,
    doc: 'Whether content type, cache control and user metadata are stored in a hidden file beside each file.',
  }),
  urlSecret: setting('text or null', parseUrlSecret, {
    default: null,
    keys: ['HOLDALL_URL_SECRET'],
    secret: true,
    // An empty secret is a mistake; if it were ignored, every file would be open.
    emptyCounts: true,
    doc: 'Secret of at least 16 bytes for signed URLs, which `createFileHandler` verifies; null = URLs are not signed.',
  }),
  urlExpire: integer(
    'seconds',
    {
      default: 3600,
      keys: ['HOLDALL_URL_EXPIRE'],
      doc: 'Lifetime of a signed URL without `expiresInSecs`, at most 366 days.',
    },
    1,
    MAX_URL_SECS,
  ),
  fsync: flag({
    default: true,
    doc: 'Whether `save` waits until the file is on the disk and not only in the system’s cache.',
  }),
}
