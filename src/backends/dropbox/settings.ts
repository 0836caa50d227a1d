import { BLOCK } from '../../core/digests/content-hash.ts'
import { trimTrailingSlashes } from '../../core/names.ts'
import { choice, flag, integer, optionalToken, parsePlace, parseWord, setting } from '../../core/setting-types.ts'
import type { Origin, ResolvedSettings, SettingsOf } from '../../core/settings.ts'
import { warnOnce } from '../../core/warn.ts'
import { serviceEndpoint } from '../../remote/endpoint.ts'
import { type ConnectionOptions, connectionSettings, type PartOptions, partSettings } from '../../remote/options.ts'
import { shownAddress } from '../../remote/shown.ts'
import { type CommonOptions, commonSettings } from '../../storage/common-settings.ts'
import { problemOf } from './names.ts'
import { MAX_REQUEST } from './parts.ts'

/** Options of `DropboxStorage`. */
export interface DropboxOptions extends CommonOptions, ConnectionOptions, Omit<PartOptions, 'uploadConcurrency'> {
  readonly oauth2AccessToken: string | null
  readonly oauth2RefreshToken: string | null
  readonly appKey: string | null
  readonly appSecret: string | null
  readonly rootPath: string
  readonly teamRoot: boolean
  readonly writeMode: 'add' | 'overwrite' | 'update'
  readonly sharedLinks: boolean
  readonly apiUrl: string
  readonly contentUrl: string
}

const connection = connectionSettings({
  verify: ['DROPBOX_VERIFY'],
  proxies: ['DROPBOX_PROXIES'],
  maxSockets: ['DROPBOX_MAX_SOCKETS'],
  connectTimeoutSecs: ['DROPBOX_CONNECT_TIMEOUT_SECS'],
})
const parts = partSettings({ partSize: ['DROPBOX_PART_SIZE'] }, BLOCK)

/** Declarations of the options of Dropbox, with the names of django-storages' `DROPBOX_*` settings. */
export const dropboxSettings: SettingsOf<DropboxOptions> = {
  ...commonSettings,
  location: setting('path', raw => (raw === '' ? '' : parseRoot(raw)), {
    default: '',
    doc: 'The old name of rootPath.',
  }),
  fileOverwrite: {
    ...commonSettings.fileOverwrite,
    doc: `${commonSettings.fileOverwrite.doc} Default: true with any writeMode except add.`,
  },
  timeoutSecs: {
    ...commonSettings.timeoutSecs,
    default: 100,
    keys: ['DROPBOX_TIMEOUT', ...commonSettings.timeoutSecs.keys],
    aliases: ['timeout'],
  },
  oauth2AccessToken: optionalToken({
    default: null,
    keys: ['DROPBOX_OAUTH2_TOKEN'],
    secret: true,
    role: 'credential',
    doc: 'Access token, valid for 4 hours; with a refresh token it is used until it expires.',
  }),
  oauth2RefreshToken: optionalToken({
    default: null,
    keys: ['DROPBOX_OAUTH2_REFRESH_TOKEN'],
    secret: true,
    role: 'credential',
    doc: 'Refresh token, which is exchanged for access tokens; needs appKey.',
  }),
  appKey: optionalToken({
    default: null,
    keys: ['DROPBOX_APP_KEY'],
    role: 'credential',
    doc: 'Key of the app of the refresh token.',
  }),
  appSecret: optionalToken({
    default: null,
    keys: ['DROPBOX_APP_SECRET'],
    secret: true,
    role: 'credential',
    doc: 'Secret of the app; null = the refresh token was made with PKCE.',
  }),
  rootPath: setting('path', parseRoot, {
    default: '/',
    keys: ['DROPBOX_ROOT_PATH'],
    doc: "Folder of all files, beginning with '/'; files outside it cannot be accessed.",
  }),
  teamRoot: flag({
    default: false,
    keys: ['DROPBOX_TEAM_ROOT'],
    doc: "Whether rootPath begins at the root of the team space instead of the member's own folder.",
  }),
  writeMode: choice(['add', 'overwrite', 'update'], {
    default: 'add',
    keys: ['DROPBOX_WRITE_MODE'],
    doc: 'What save does when the name is taken: choose another name (add), replace the file (overwrite), or replace it only if it has not changed since the save began (update).',
  }),
  sharedLinks: flag({
    default: false,
    keys: ['DROPBOX_SHARED_LINKS'],
    doc: 'Whether URLs are permanent shared links instead of links that are valid for 4 hours.',
  }),
  multipartThreshold: integer(
    'bytes',
    {
      default: BLOCK,
      keys: ['DROPBOX_MULTIPART_THRESHOLD'],
      doc: `${parts.multipartThreshold.doc} At most 150 MiB.`,
    },
    0,
    MAX_REQUEST,
  ),
  partSize: {
    ...parts.partSize,
    default: BLOCK,
    doc: 'Size of the parts of a larger upload: a multiple of 4 MiB, at most 148 MiB.',
    parse: raw => parsePartSize(parts.partSize.parse(raw)),
  },
  apiUrl: setting('URL', parseUrl, {
    default: 'https://api.dropboxapi.com',
    keys: ['DROPBOX_API_URL'],
    shown: shownAddress,
    role: 'destination',
    doc: 'URL for API calls and token requests.',
  }),
  contentUrl: setting('URL', parseUrl, {
    default: 'https://content.dropboxapi.com',
    keys: ['DROPBOX_CONTENT_URL'],
    shown: shownAddress,
    role: 'destination',
    doc: 'URL for uploads and downloads.',
  }),
  verify: connection.verify,
  proxies: connection.proxies,
  maxSockets: connection.maxSockets,
  connectTimeoutSecs: connection.connectTimeoutSecs,
}

/** The root becomes `location`, the prefix of keys. The write mode decides whether files are overwritten, unless another option does. */
export function withRoot<T>({ options, origins }: ResolvedSettings<T>): ResolvedSettings<T> {
  const { location, rootPath, writeMode, fileOverwrite } = options as unknown as DropboxOptions
  const from = origins as Readonly<Record<keyof DropboxOptions, Origin>>
  const isOld = from.location.from !== 'default' && location !== ''
  if (isOld) warnOnce(`${from.location.key}: the option of DropboxStorage is called rootPath now.`)
  const root = isOld && from.rootPath.from === 'default' ? location : rootPath
  const refined = {
    ...options,
    rootPath: root,
    location: root.slice(1),
    fileOverwrite: from.fileOverwrite.from === 'default' ? writeMode !== 'add' : fileOverwrite,
  }
  return { options: Object.freeze(refined), origins }
}

function parseRoot(raw: unknown): string {
  const path = trimTrailingSlashes(parsePlace(raw))
  if (raw === '/') return '/'
  if (!path.startsWith('/')) throw new Error("expected a path that begins with '/'")
  const problem = problemOf(path.slice(1))
  if (problem !== undefined) throw new Error(`expected a path of Dropbox, which ${problem}`)
  return path
}

function parsePartSize(size: number): number {
  if (size % BLOCK === 0 && size <= MAX_REQUEST) return size
  throw new Error(`expected a multiple of ${BLOCK} bytes (4 MiB), at most 148 MiB`)
}

function parseUrl(raw: unknown): string {
  const { scheme, host, path } = serviceEndpoint(parseWord(raw), 'the address')
  return `${scheme}://${host}${path}`
}
