import {
  choice,
  flag,
  integer,
  map,
  optionalInteger,
  optionalText,
  optionalToken,
  optionalWord,
  setting,
  word,
} from '../../core/setting-types.ts'
import type { SettingsOf } from '../../core/settings.ts'
import {
  type ConnectionOptions,
  connectionSettings,
  locationSetting,
  type PartOptions,
  partSettings,
  type UploadOptions,
  uploadSettings,
} from '../../remote/options.ts'
import { shownAddress, shownClientConfig } from '../../remote/shown.ts'
import { type CommonOptions, commonSettings, SPOOL_DOC } from '../../storage/common-settings.ts'
import { parseTokenCredential, type TokenCredential } from './credentials/token.ts'
import { checkParameters } from './headers.ts'

/** Options of `AzureStorage`. */
export interface AzureOptions extends CommonOptions, ConnectionOptions, UploadOptions, PartOptions {
  readonly accountName: string | null
  readonly accountKey: string | null
  readonly azureContainer: string
  readonly azureSsl: boolean
  readonly isEmulated: boolean
  readonly connectionString: string | null
  readonly sasToken: string | null
  readonly tokenCredential: TokenCredential | 'default' | null
  readonly endpointSuffix: string
  readonly endpointUrl: string | null
  readonly customDomain: string | null
  readonly expirationSecs: number | null
  readonly cacheControl: string | null
  readonly defaultContentType: string
  readonly checksums: 'crc64' | 'md5' | 'off'
  readonly deleteSnapshots: boolean
  readonly apiVersion: string
  readonly clientOptions: Readonly<Record<string, unknown>>
}

/** Default protocol version; emulators also support it. */
export const API_VERSION = '2025-11-05'

const connection = connectionSettings({
  verify: ['AZURE_VERIFY'],
  proxies: ['AZURE_PROXIES'],
  maxSockets: ['AZURE_MAX_SOCKETS'],
  connectTimeoutSecs: ['AZURE_CONNECTION_TIMEOUT_SECS'],
})
const upload = uploadSettings(
  { objectParameters: ['AZURE_OBJECT_PARAMETERS'], gzip: ['AZURE_GZIP'], gzipContentTypes: ['GZIP_CONTENT_TYPES'] },
  checkParameters,
)
const parts = partSettings(
  {
    multipartThreshold: ['AZURE_MULTIPART_THRESHOLD'],
    partSize: ['AZURE_PART_SIZE'],
    uploadConcurrency: ['AZURE_UPLOAD_MAX_CONN'],
  },
  1,
)

/** Declarations of the Azure options, with the names of django-storages' `AZURE_*` settings. */
export const azureSettings: SettingsOf<AzureOptions> = {
  ...commonSettings,
  location: locationSetting(['AZURE_LOCATION']),
  fileOverwrite: { ...commonSettings.fileOverwrite, keys: ['AZURE_OVERWRITE_FILES'] },
  maxMemorySize: integer('bytes', {
    default: 2_097_152,
    keys: ['AZURE_BLOB_MAX_MEMORY_SIZE'],
    aliases: ['blobMaxMemorySize'],
    doc: SPOOL_DOC,
  }),
  accountName: optionalToken({
    default: null,
    keys: ['AZURE_ACCOUNT_NAME'],
    doc: 'Name of the storage account, the first label of its host.',
  }),
  accountKey: optionalText({
    default: null,
    keys: ['AZURE_ACCOUNT_KEY'],
    secret: true,
    role: 'credential',
    doc: 'Key of the account, in base64; overrides sasToken and tokenCredential.',
  }),
  azureContainer: word({
    default: '',
    keys: ['AZURE_CONTAINER'],
    aliases: ['container', 'containerName'],
    doc: 'Name of the container, which must exist; required at the first use.',
  }),
  azureSsl: flag({
    default: true,
    keys: ['AZURE_SSL'],
    role: 'destination',
    doc: 'Whether https is used where no endpoint has a scheme.',
  }),
  isEmulated: flag({
    default: false,
    keys: ['AZURE_EMULATED_MODE'],
    doc: 'Use the emulator Azurite at http://127.0.0.1:10000 with its public account; other accounts and keys are then ignored.',
  }),
  connectionString: optionalText({
    default: null,
    keys: ['AZURE_CONNECTION_STRING'],
    secret: true,
    role: 'both',
    doc: 'Connection string of the portal or of Azurite; overrides all other credentials and addresses.',
  }),
  sasToken: optionalText({
    default: null,
    keys: ['AZURE_SAS_TOKEN'],
    secret: true,
    role: 'credential',
    doc: 'A SAS for the container or the account, with or without a leading `?`; overrides tokenCredential.',
  }),
  tokenCredential: setting<TokenCredential | 'default' | null>("credential, 'default' or null", parseTokenCredential, {
    default: null,
    keys: ['AZURE_TOKEN_CREDENTIAL'],
    role: 'credential',
    doc: "An object with `getToken`, for example from @azure/identity; 'default' = its DefaultAzureCredential.",
  }),
  endpointSuffix: word({
    default: 'core.windows.net',
    keys: ['AZURE_ENDPOINT_SUFFIX'],
    role: 'destination',
    doc: 'Domain of another cloud: core.chinacloudapi.cn, core.usgovcloudapi.net.',
  }),
  endpointUrl: optionalWord({
    default: null,
    keys: ['AZURE_ENDPOINT_URL'],
    shown: shownAddress,
    role: 'destination',
    doc: 'URL of the account; a path-style URL contains the account name in its path. null = made of the account name.',
  }),
  verify: connection.verify,
  proxies: connection.proxies,
  expirationSecs: optionalInteger('seconds', {
    default: null,
    keys: ['AZURE_URL_EXPIRATION_SECS'],
    doc: 'Lifetime of signed URLs; null or 0 = plain URLs, for containers with public read access.',
  }),
  customDomain: optionalText({
    default: null,
    keys: ['AZURE_CUSTOM_DOMAIN'],
    doc: 'Host of download URLs, without scheme: a CDN, or a domain of the account. Path and SAS stay the same.',
  }),
  cacheControl: optionalText({
    default: null,
    keys: ['AZURE_CACHE_CONTROL'],
    doc: 'Cache-Control of every upload; a value in objectParameters overrides it.',
  }),
  objectParameters: {
    ...upload.objectParameters,
    doc: 'Parameters of every upload (cache_control, content_type, access_tier, tags, metadata ...), or a function that returns them.',
  },
  defaultContentType: word({
    default: 'application/octet-stream',
    doc: 'Content type of a file whose name has no known extension.',
  }),
  gzip: {
    ...upload.gzip,
    doc: 'Whether files of the types in gzipContentTypes are compressed. django-storages leaves this to the CDN.',
  },
  gzipContentTypes: upload.gzipContentTypes,
  uploadConcurrency: {
    ...parts.uploadConcurrency,
    default: 2,
    aliases: ['upload_max_conn', 'uploadMaxConn'],
    doc: 'Blocks of one upload that are sent at the same time.',
  },
  multipartThreshold: parts.multipartThreshold,
  partSize: { ...parts.partSize, doc: 'Size of the blocks of a larger upload, at most 4,000 MiB.' },
  checksums: choice(['crc64', 'md5', 'off'], {
    default: 'crc64',
    keys: ['AZURE_CHECKSUMS'],
    doc: 'Checksum that the service verifies for uploads. Reads of a whole file are compared with the stored MD5, unless this is off.',
  }),
  deleteSnapshots: flag({
    default: false,
    keys: ['AZURE_DELETE_SNAPSHOTS'],
    doc: 'Whether `delete` also deletes the snapshots of a file; if false, a file with snapshots is not deleted.',
  }),
  apiVersion: setting('date', parseVersion, {
    default: API_VERSION,
    keys: ['AZURE_API_VERSION'],
    doc: 'Version of the protocol (`x-ms-version`).',
  }),
  clientOptions: map({
    default: {},
    keys: ['AZURE_CLIENT_OPTIONS'],
    shown: shownClientConfig,
    doc: 'Options of the Python client as a map: retry_total, read_timeout, max_block_size, proxies ...; they override other options.',
  }),
  maxSockets: connection.maxSockets,
  connectTimeoutSecs: {
    ...connection.connectTimeoutSecs,
    default: 20,
    aliases: ['timeout'],
  },
}

function parseVersion(raw: unknown): string {
  if (raw === null || raw === '') return API_VERSION
  if (typeof raw === 'string' && /^20\d\d-\d\d-\d\d$/.test(raw.trim())) return raw.trim()
  throw new Error(`expected a date as in ${API_VERSION}`)
}
