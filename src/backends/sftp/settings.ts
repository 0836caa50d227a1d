import {
  choice,
  flag,
  integer,
  optionalInteger,
  optionalMode,
  optionalPlace,
  optionalText,
  parseFlag,
  parseText,
  place,
  setting,
} from '../../core/setting-types.ts'
import type { SettingsOf } from '../../core/settings.ts'
import { parseParams, type SftpParams, shownParams } from '../../remote/ssh/params.ts'
import type { Ask } from '../../remote/ssh/prompts.ts'
import { type CommonOptions, commonSettings } from '../../storage/common-settings.ts'

/** Options of `SftpStorage`; `location` is the folder on the server that holds the files. */
export interface SftpOptions extends CommonOptions {
  readonly host: string
  readonly params: SftpParams
  readonly interactive: boolean | Ask
  readonly fileMode: number | null
  readonly dirMode: number | null
  readonly uid: number | null
  readonly gid: number | null
  readonly knownHostFile: string | null
  readonly hostKey: string | null
  readonly unknownHosts: 'refuse' | 'accept'
  readonly directWrite: boolean
  readonly fsync: boolean
  readonly poolSize: number
  readonly idleSecs: number
}

/** Declarations of the options of `SftpStorage`, with the names of django-storages' settings. */
export const sftpSettings: SettingsOf<SftpOptions> = {
  ...commonSettings,
  location: place({
    default: '',
    keys: ['SFTP_STORAGE_ROOT'],
    aliases: ['root_path', 'rootPath'],
    doc: 'Folder of the files on the server, with or without a slash at its end; created at the first save. A relative path is below the folder of the login.',
  }),
  baseUrl: optionalText({
    default: null,
    keys: ['SFTP_BASE_URL', 'MEDIA_URL'],
    doc: 'URL below which a web server serves the folder; null = `url` is `unsupported`.',
  }),
  host: setting('text', parseHost, {
    default: '',
    keys: ['SFTP_STORAGE_HOST'],
    role: 'destination',
    doc: 'Name or address of the server; required at the first use.',
  }),
  params: setting<SftpParams>('map', parseParams, {
    default: {},
    keys: ['SFTP_STORAGE_PARAMS'],
    shown: shownParams,
    role: 'both',
    doc: "Keyword arguments of paramiko's connect(): port, username, password, pkey, key_filename, passphrase, timeout, allow_agent, look_for_keys, compress ...",
  }),
  interactive: setting<boolean | Ask>('boolean or function', parseInteractive, {
    default: false,
    keys: ['SFTP_STORAGE_INTERACTIVE'],
    doc: 'Whether the terminal asks for a password if the server accepts no key and `params` has no password; or a function that returns it.',
  }),
  fileMode: optionalMode({
    default: null,
    keys: ['SFTP_STORAGE_FILE_MODE'],
    doc: "Permission bits of a saved file; null = the bits of the replaced file, or the server's default.",
  }),
  dirMode: optionalMode({
    default: null,
    keys: ['SFTP_STORAGE_DIR_MODE'],
    doc: "Permission bits of every new folder; null = the server's default.",
  }),
  uid: optionalInteger('user id', {
    default: null,
    keys: ['SFTP_STORAGE_UID'],
    doc: 'Owner of saved files and new folders; 0 is root. Only a superuser may set another owner.',
  }),
  gid: optionalInteger('group id', {
    default: null,
    keys: ['SFTP_STORAGE_GID'],
    doc: 'Group of saved files and new folders. The user of the login must be a member of this group.',
  }),
  knownHostFile: optionalPlace({
    default: null,
    keys: ['SFTP_KNOWN_HOST_FILE'],
    aliases: ['known_host_file'],
    role: 'destination',
    doc: 'File of the known host keys; null = ~/.ssh/known_hosts.',
  }),
  hostKey: setting<string | null>('text or null', parseHostKey, {
    default: null,
    keys: ['SFTP_HOST_KEY'],
    role: 'destination',
    doc: 'Public key of the server (`ssh-ed25519 AAAA...`) or its fingerprint (`SHA256:...`), used instead of the file.',
  }),
  unknownHosts: choice(['refuse', 'accept'], {
    default: 'refuse',
    keys: ['SFTP_UNKNOWN_HOSTS'],
    role: 'destination',
    doc: 'Whether a server with an unknown key is accepted. A server whose key differs from the known key is always refused.',
  }),
  directWrite: flag({
    default: false,
    keys: ['SFTP_DIRECT_WRITE'],
    doc: 'Whether files are written under their final name instead of a temporary one, for servers that refuse to rename. Readers may then see incomplete files.',
  }),
  fsync: flag({
    default: true,
    keys: ['SFTP_FSYNC'],
    doc: "Whether `save` waits until the file is on the server's disk, where the server has the fsync extension.",
  }),
  poolSize: integer(
    'sessions',
    {
      default: 4,
      keys: ['SFTP_POOL_SIZE'],
      doc: 'Maximum number of SFTP sessions; they share one connection where the server allows it.',
    },
    1,
  ),
  idleSecs: integer(
    'seconds',
    { default: 30, keys: ['SFTP_IDLE_SECS'], doc: 'Idle time after which a session is closed.' },
    1,
    86_400,
  ),
}

function parseHost(raw: unknown): string {
  const host = parseText(raw).replace(/^\[(.*)\]$/, '$1')
  if (/^sftp:\/\//i.test(host)) throw new Error('expected a host name, not a URL')
  if (/[@/\s]/.test(host)) throw new Error('expected a host name; user and port go into SFTP_STORAGE_PARAMS')
  if (/^[^:]+:\d+$/.test(host)) throw new Error('expected a host name; the port goes into SFTP_STORAGE_PARAMS')
  return host
}

function parseInteractive(raw: unknown): boolean | Ask {
  return typeof raw === 'function' ? (raw as Ask) : parseFlag(raw)
}

function parseHostKey(raw: unknown): string | null {
  if (raw === null || raw === 'null' || raw === 'None' || raw === '') return null
  const text = parseText(raw)
  if (/^SHA256:[A-Za-z0-9+/]{43}=?$/.test(text)) return text.replace(/=$/, '')
  if (/^[a-z0-9@.-]+ AAAA[A-Za-z0-9+/]+={0,2}( .*)?$/.test(text)) return text
  throw new Error('expected a public key as ssh-keyscan shows it (ssh-ed25519 AAAA...), or SHA256: and the fingerprint')
}
