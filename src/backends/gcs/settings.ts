import { choice, flag, optionalText, optionalToken, optionalWord, setting, word } from '../../core/setting-types.ts'
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
import { shownAddress } from '../../remote/shown.ts'
import { type CommonOptions, commonSettings, SPOOL_DOC } from '../../storage/common-settings.ts'
import { type GivenCredentials, parseGiven } from './credentials/given.ts'
import { type Expiration, parseExpiration } from './expiration.ts'
import { ALIGN } from './parts.ts'
import { aclName, checkParameters } from './resource.ts'

/** Options of `GcsStorage`. */
export interface GcsOptions
  extends CommonOptions,
    ConnectionOptions,
    UploadOptions,
    Omit<PartOptions, 'uploadConcurrency' | 'partSize'> {
  readonly bucketName: string
  readonly projectId: string | null
  readonly credentials: GivenCredentials
  readonly hmacKeyId: string | null
  readonly hmacSecret: string | null
  readonly hmacSignature: 'GOOG4' | 'GOOG1'
  readonly endpointUrl: string | null
  readonly customEndpoint: string | null
  readonly autoCreateBucket: boolean
  readonly autoCreateAcl: string
  readonly defaultAcl: string | null
  readonly fileCharset: string
  readonly cacheControl: string | null
  readonly blobChunkSize: number
  readonly expiration: Expiration
  readonly querystringAuth: boolean
  readonly iamSignBlob: boolean
  readonly saEmail: string | null
}

const connection = connectionSettings({
  verify: ['GS_VERIFY'],
  proxies: ['GS_PROXIES'],
  maxSockets: ['GS_MAX_SOCKETS'],
  connectTimeoutSecs: ['GS_CONNECT_TIMEOUT_SECS'],
})
const upload = uploadSettings(
  { objectParameters: ['GS_OBJECT_PARAMETERS'], gzip: ['GS_IS_GZIPPED'], gzipContentTypes: ['GZIP_CONTENT_TYPES'] },
  checkParameters,
)
const parts = partSettings({ multipartThreshold: ['GS_MULTIPART_THRESHOLD'], partSize: ['GS_BLOB_CHUNK_SIZE'] }, ALIGN)

/** Declarations of the options of Google Cloud Storage, with the names of django-storages' `GS_*` settings. */
export const gcsSettings: SettingsOf<GcsOptions> = {
  ...commonSettings,
  location: locationSetting(['GS_LOCATION']),
  fileOverwrite: {
    ...commonSettings.fileOverwrite,
    default: true,
    keys: ['GS_FILE_OVERWRITE'],
  },
  maxMemorySize: {
    ...commonSettings.maxMemorySize,
    default: 8_388_608,
    keys: ['GS_MAX_MEMORY_SIZE'],
    doc: `${SPOOL_DOC} The manual of 1.7.1 has 0.`,
  },
  bucketName: word({
    default: '',
    keys: ['GS_BUCKET_NAME'],
    aliases: ['bucket'],
    doc: 'Name of the bucket; required at the first use.',
  }),
  projectId: optionalToken({
    default: null,
    keys: ['GS_PROJECT_ID'],
    doc: 'Project of buckets that are created or listed; null = GOOGLE_CLOUD_PROJECT, else the project of the credentials.',
  }),
  credentials: setting<GivenCredentials>('path, JSON, client or null', parseGiven, {
    default: null,
    keys: ['GS_CREDENTIALS'],
    secret: true,
    role: 'credential',
    doc: "Path of a key file, its JSON, a client with `getAccessToken`, or 'anonymous'; null = application default credentials.",
  }),
  hmacKeyId: optionalToken({
    default: null,
    keys: ['GS_ACCESS_KEY_ID'],
    role: 'credential',
    doc: 'Id of an HMAC key, which signs requests to the XML API instead of the credentials.',
  }),
  hmacSecret: optionalText({
    default: null,
    keys: ['GS_SECRET_ACCESS_KEY'],
    secret: true,
    role: 'credential',
    doc: 'Secret of the HMAC key.',
  }),
  hmacSignature: choice(['GOOG4', 'GOOG1'], {
    default: 'GOOG4',
    keys: ['GS_HMAC_SIGNATURE'],
    doc: 'Signature version of requests with the HMAC key; GOOG1 is the old one. URLs always use version 4.',
  }),
  endpointUrl: optionalWord({
    default: null,
    keys: ['GS_ENDPOINT_URL'],
    shown: shownAddress,
    role: 'destination',
    doc: 'URL of the service; null = the emulator of STORAGE_EMULATOR_HOST, else https://storage.googleapis.com.',
  }),
  customEndpoint: optionalWord({
    default: null,
    keys: ['GS_CUSTOM_ENDPOINT'],
    shown: shownAddress,
    role: 'destination',
    doc: 'URL of a host that replaces host and bucket in URLs: a CDN or a bucket-bound hostname. Requests do not use it.',
  }),
  verify: connection.verify,
  proxies: connection.proxies,
  autoCreateBucket: flag({
    default: false,
    keys: ['GS_AUTO_CREATE_BUCKET'],
    doc: 'Whether a missing bucket is created at the first use.',
  }),
  autoCreateAcl: setting('ACL', parseAcl, {
    default: 'projectPrivate',
    keys: ['GS_AUTO_CREATE_ACL'],
    doc: 'Predefined ACL of a bucket that is created.',
  }),
  defaultAcl: setting<string | null>('ACL or null', raw => (isNone(raw) ? null : parseAcl(raw)), {
    default: null,
    keys: ['GS_DEFAULT_ACL'],
    doc: 'Predefined ACL of every upload; publicRead (or public-read) makes URLs plain. null = the rules of the bucket apply.',
  }),
  fileCharset: setting('utf-8', parseCharset, {
    default: 'utf-8',
    keys: ['GS_FILE_CHARSET', 'GS_FILE_NAME_CHARSET'],
    aliases: ['fileNameCharset', 'file_name_charset'],
    doc: 'Character set of names; the service only supports UTF-8.',
  }),
  cacheControl: optionalText({
    default: null,
    keys: ['GS_CACHE_CONTROL'],
    doc: 'Cache-Control of every upload; a value in objectParameters overrides it.',
  }),
  objectParameters: {
    ...upload.objectParameters,
    doc: 'Parameters of every upload (acl, cache_control, content_disposition, custom_time, metadata, storage_class ...), or a function that returns them.',
  },
  gzip: upload.gzip,
  gzipContentTypes: upload.gzipContentTypes,
  multipartThreshold: parts.multipartThreshold,
  blobChunkSize: {
    ...parts.partSize,
    type: 'integer (bytes)',
    doc: 'Size of the parts of a larger upload, a multiple of 256 KiB.',
    parse: raw => parseChunkSize(parts.partSize.parse(raw ?? parts.partSize.default)),
  },
  expiration: setting<Expiration>('seconds, duration or date', parseExpiration, {
    default: 86_400,
    keys: ['GS_EXPIRATION'],
    aliases: ['querystringExpire'],
    doc: "Lifetime of a signed URL, at most 7 days: seconds, '1d', '12h 30m', { days: 1 }, or the date at which the URL expires.",
  }),
  querystringAuth: flag({
    default: true,
    keys: ['GS_QUERYSTRING_AUTH'],
    doc: 'Whether URLs are signed; URLs of publicRead files are always plain.',
  }),
  iamSignBlob: flag({
    default: false,
    keys: ['GS_IAM_SIGN_BLOB'],
    doc: 'Whether the IAM service signs URLs although the credentials have a key; without a key it always does.',
  }),
  saEmail: optionalToken({
    default: null,
    keys: ['GS_SA_EMAIL'],
    doc: 'Service account for which the IAM service signs; null = the account of the credentials.',
  }),
  maxSockets: connection.maxSockets,
  connectTimeoutSecs: connection.connectTimeoutSecs,
}

function isNone(raw: unknown): boolean {
  return raw === null || raw === '' || raw === 'None' || raw === 'null'
}

function parseAcl(raw: unknown): string {
  return aclName(typeof raw === 'string' ? raw.trim() : '', 'the ACL')
}

function parseCharset(raw: unknown): string {
  if (isNone(raw) || /^utf-?8$/i.test(String(raw).trim())) return 'utf-8'
  throw new Error('expected utf-8: the service has no other names')
}

function parseChunkSize(size: number): number {
  if (size % ALIGN === 0) return size
  throw new Error(`expected a multiple of ${ALIGN} bytes (256 KiB)`)
}
