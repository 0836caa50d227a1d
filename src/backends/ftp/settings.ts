import { flag, integer, optionalChoice, optionalPlace, optionalText, setting } from '../../core/setting-types.ts'
import type { SettingsOf } from '../../core/settings.ts'
import { type ConnectionOptions, connectionSettings } from '../../remote/options.ts'
import { type CommonOptions, commonSettings } from '../../storage/common-settings.ts'
import { parseLocation, shownLocation } from './location.ts'

/** The encodings of names and commands. */
export type FtpEncoding = 'utf-8' | 'latin-1'

/** Options of `FtpStorage`; `location` is the URL of the server and of the folder that holds the files. */
export interface FtpOptions extends CommonOptions, Pick<ConnectionOptions, 'verify' | 'connectTimeoutSecs'> {
  readonly encoding: FtpEncoding
  readonly tls: 'explicit' | 'implicit' | null
  readonly clientCert: string | null
  readonly clientKey: string | null
  readonly allowDataHost: boolean
  readonly poolSize: number
  readonly idleSecs: number
}

const connection = connectionSettings({
  verify: ['FTP_STORAGE_VERIFY'],
  connectTimeoutSecs: ['FTP_STORAGE_CONNECT_TIMEOUT_SECS'],
})

/** Declarations of the options of FTP, with the names of django-storages' settings. */
export const ftpSettings: SettingsOf<FtpOptions> = {
  ...commonSettings,
  location: setting('URL', parseUrl, {
    default: '',
    keys: ['FTP_STORAGE_LOCATION', 'LOCATION'],
    tooCommon: ['LOCATION'],
    aliases: ['LOCATION'],
    shown: url => (url === '' ? '' : shownLocation(url)),
    role: 'both',
    doc: 'ftp://user:password@host:port/path of the folder of the files; `aftp` = active mode, `ftps` = with TLS.',
  }),
  baseUrl: optionalText({
    default: null,
    keys: ['FTP_STORAGE_BASE_URL', 'BASE_URL', 'MEDIA_URL'],
    tooCommon: ['BASE_URL'],
    aliases: ['BASE_URL'],
    doc: 'URL below which a web server serves the folder; null = `url` is `unsupported`.',
  }),
  fileOverwrite: { ...commonSettings.fileOverwrite, keys: ['FTP_ALLOW_OVERWRITE'] },
  encoding: setting<FtpEncoding>('utf-8 | latin-1', parseEncoding, {
    default: 'utf-8',
    keys: ['FTP_STORAGE_ENCODING'],
    doc: 'Encoding of names. The default of django-storages is latin-1.',
  }),
  tls: optionalChoice(['explicit', 'implicit'], {
    default: null,
    keys: ['FTP_STORAGE_TLS'],
    doc: 'How `ftps` starts TLS: by a command (explicit) or with the first byte (implicit); null = implicit at port 990, else explicit.',
  }),
  verify: connection.verify,
  clientCert: optionalPlace({
    default: null,
    keys: ['FTP_STORAGE_CLIENT_CERT'],
    doc: 'PEM file of the client certificate.',
  }),
  clientKey: optionalPlace({
    default: null,
    keys: ['FTP_STORAGE_CLIENT_KEY'],
    doc: 'PEM file of the key of the client certificate; null = the key is in the same file.',
  }),
  allowDataHost: flag({
    default: false,
    keys: ['FTP_STORAGE_ALLOW_DATA_HOST'],
    role: 'destination',
    doc: 'Whether data connections may go to another host than the control connection.',
  }),
  poolSize: integer(
    'connections',
    { default: 4, keys: ['FTP_STORAGE_POOL_SIZE'], doc: 'Maximum number of connections.' },
    1,
  ),
  idleSecs: integer(
    'seconds',
    { default: 30, keys: ['FTP_STORAGE_IDLE_SECS'], doc: 'Idle time after which a connection is closed.' },
    1,
  ),
  connectTimeoutSecs: {
    ...connection.connectTimeoutSecs,
    doc: 'Timeout for opening a connection; the login may take `timeoutSecs`.',
  },
}

function parseUrl(raw: unknown): string {
  if (raw === null || raw === undefined || raw === '') return ''
  if (typeof raw !== 'string') throw new Error('expected text')
  parseLocation(raw)
  return raw.trim()
}

/** Python's names of the two encodings are also accepted. */
function parseEncoding(raw: unknown): FtpEncoding {
  const name = typeof raw === 'string' ? raw.trim().toLowerCase().replaceAll(/[\s_]/g, '-') : ''
  if (/^(utf-?8)$/.test(name)) return 'utf-8'
  if (/^(latin-?1|iso-?8859-1|l1|8859)$/.test(name)) return 'latin-1'
  throw new Error("expected 'utf-8' or 'latin-1'")
}
