import {
  choice,
  flag,
  integer,
  list,
  map,
  optionalChoice,
  optionalInteger,
  optionalText,
  parseFlag,
  parseMap,
  parseText,
  setting,
  text,
} from '../../../core/setting-types.ts'
import type { SettingsOf } from '../../../core/settings.ts'
import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm } from '../../../remote/checksums.ts'
import { type CommonOptions, commonSettings, SPOOL_DOC } from '../../../storage/common-settings.ts'
import type { AddressingStyle } from '../addressing.ts'
import type { CloudFrontSigner } from '../cloudfront/signer.ts'
import { PROVIDERS, type ProviderName } from './presets.ts'
import { shownAddress, shownClientConfig, shownParameters, shownProxies } from './shown.ts'

/** Upload parameters by their S3 names: `{ CacheControl: 'max-age=86400' }`. */
export type ObjectParameters = Readonly<Record<string, unknown>>

/** The same for every file, or made from the file's name. */
export type ObjectParametersSource = ObjectParameters | ((name: string) => ObjectParameters)

/** What signs CloudFront URLs, and cookies if it can. */
export type UrlSigner = Pick<CloudFrontSigner, 'url'> & Partial<Pick<CloudFrontSigner, 'cookies'>>

/** Options of `S3Storage`. */
export interface S3Options extends CommonOptions {
  readonly accessKey: string | null
  readonly secretKey: string | null
  readonly securityToken: string | null
  readonly sessionProfile: string | null
  readonly bucketName: string
  readonly regionName: string | null
  readonly endpointUrl: string | null
  readonly provider: ProviderName | null
  readonly accountId: string | null
  readonly useSsl: boolean
  readonly verify: boolean | string | null
  readonly addressingStyle: AddressingStyle | null
  readonly signatureVersion: 's3v4' | 's3' | 'unsigned'
  readonly payloadSigning: 'auto' | 'always' | 'never'
  readonly proxies: Readonly<Record<string, string>>
  readonly defaultAcl: string | null
  readonly bucketAcl: string | null
  readonly autoCreateBucket: boolean
  readonly objectParameters: ObjectParametersSource
  readonly encryption: boolean
  readonly reducedRedundancy: boolean
  readonly gzip: boolean
  readonly gzipContentTypes: readonly string[]
  readonly querystringAuth: boolean
  readonly querystringExpire: number
  readonly customDomain: string | null
  readonly urlProtocol: string
  readonly cloudfrontKeyId: string | null
  readonly cloudfrontKey: string | null
  readonly cloudfrontSigner: UrlSigner | null | undefined
  readonly conditionalWrites: 'auto' | 'on' | 'off'
  readonly checksums: 'when-supported' | 'always' | 'md5' | 'off'
  readonly checksumAlgorithm: ChecksumAlgorithm
  readonly multipartThreshold: number
  readonly partSize: number
  readonly uploadConcurrency: number
  readonly transferConfig: Readonly<Record<string, unknown>>
  readonly clientConfig: Readonly<Record<string, unknown>>
  readonly maxSockets: number | null
  readonly connectTimeoutSecs: number
  readonly headers: ObjectParameters
  readonly host: string | null
  readonly port: number | null
  readonly origin: string | null
  readonly callingFormat: unknown
  readonly proxyHost: string | null
  readonly proxyPort: number | null
  readonly useThreads: boolean
  readonly secureUrls: boolean | null
}

const MIB = 1_048_576

/** Content types that `gzip` compresses unless others are set. */
export const GZIP_CONTENT_TYPES: readonly string[] = [
  'text/css',
  'text/javascript',
  'application/javascript',
  'application/x-javascript',
  'image/svg+xml',
]

const signatureVersion = choice(['s3v4', 's3', 'unsigned'], {
  default: 's3v4',
  keys: ['AWS_S3_SIGNATURE_VERSION'],
  doc: "'s3' = the old version 2; 'unsigned' = without credentials, for public buckets.",
})

/** Declarations of the S3 options, with the names of django-storages' `AWS_*` settings. */
export const s3Settings: SettingsOf<S3Options> = {
  ...commonSettings,
  location: text({ default: '', keys: ['AWS_LOCATION'], doc: 'Prefix of every key, without a leading slash.' }),
  fileOverwrite: flag({
    default: true,
    keys: ['AWS_S3_FILE_OVERWRITE'],
    doc: 'Whether `save` replaces a file of the same name instead of choosing another name.',
  }),
  maxMemorySize: integer('bytes', {
    default: 8_388_608,
    keys: ['AWS_S3_MAX_MEMORY_SIZE'],
    doc: `${SPOOL_DOC} The manual of 1.7.1 has 0.`,
  }),
  accessKey: optionalText({
    default: null,
    keys: ['AWS_S3_ACCESS_KEY_ID', 'AWS_ACCESS_KEY_ID'],
    aliases: ['accessKeyId'],
    role: 'credential',
    doc: 'Access key id; null = from a profile, or by @aws-sdk/credential-providers.',
  }),
  secretKey: optionalText({
    default: null,
    keys: ['AWS_S3_SECRET_ACCESS_KEY', 'AWS_SECRET_ACCESS_KEY'],
    aliases: ['secretAccessKey'],
    secret: true,
    role: 'credential',
    doc: 'Secret access key.',
  }),
  securityToken: optionalText({
    default: null,
    keys: ['AWS_SESSION_TOKEN', 'AWS_SECURITY_TOKEN'],
    aliases: ['sessionToken', 'session_token'],
    secret: true,
    role: 'credential',
    doc: 'Session token of temporary keys.',
  }),
  sessionProfile: optionalText({
    default: null,
    keys: ['AWS_S3_SESSION_PROFILE'],
    doc: 'Profile of the shared configuration files; not together with keys. null = AWS_PROFILE or `default`.',
  }),
  bucketName: text({
    default: '',
    keys: ['AWS_STORAGE_BUCKET_NAME'],
    aliases: ['bucket'],
    doc: 'Name of the bucket; asked for at the first use.',
  }),
  regionName: optionalText({
    default: null,
    keys: ['AWS_S3_REGION_NAME', 'AWS_REGION', 'AWS_DEFAULT_REGION'],
    doc: "Region of the bucket; null = the profile's, else us-east-1. A wrong one is corrected once the server has told.",
  }),
  endpointUrl: optionalText({
    default: null,
    keys: ['AWS_S3_ENDPOINT_URL', 'AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'],
    shown: shownAddress,
    role: 'destination',
    doc: 'URL of another service, with or without a scheme; overrides region and SSL.',
  }),
  provider: optionalChoice(PROVIDERS, {
    default: null,
    keys: ['AWS_S3_PROVIDER'],
    role: 'destination',
    doc: 'Whose service it is: gives the endpoint where none is set; null = told by the endpoint.',
  }),
  accountId: optionalText({
    default: null,
    keys: ['AWS_S3_ACCOUNT_ID'],
    role: 'destination',
    doc: 'Account or namespace in the endpoint of Cloudflare R2 and Oracle.',
  }),
  useSsl: flag({
    default: true,
    keys: ['AWS_S3_USE_SSL'],
    role: 'destination',
    doc: 'https, where the endpoint names no scheme.',
  }),
  verify: setting('true, false, path or null', parseVerify, {
    default: null,
    keys: ['AWS_S3_VERIFY'],
    role: 'destination',
    doc: 'false = any certificate is accepted; a path = the file of the authorities to trust.',
  }),
  addressingStyle: optionalChoice(['virtual', 'path', 'auto'], {
    default: null,
    keys: ['AWS_S3_ADDRESSING_STYLE'],
    doc: "Whether the bucket stands in the host or in the path; null = what the bucket's name and the endpoint allow.",
  }),
  signatureVersion: { ...signatureVersion, parse: raw => signatureVersion.parse(raw ?? signatureVersion.default) },
  payloadSigning: choice(['auto', 'always', 'never'], {
    default: 'auto',
    keys: ['AWS_S3_PAYLOAD_SIGNING'],
    doc: 'Whether a signature covers the bytes of a body; auto = not those over 1 MiB that TLS protects.',
  }),
  proxies: map<string>({
    default: {},
    keys: ['AWS_S3_PROXIES'],
    shown: shownProxies,
    role: 'destination',
    doc: "Proxies by scheme or endpoint; none = the environment's http_proxy, https_proxy and no_proxy.",
  }),
  defaultAcl: optionalText({
    default: null,
    keys: ['AWS_DEFAULT_ACL'],
    aliases: ['acl'],
    doc: "Canned ACL of every upload; null = none, the bucket's own rules hold.",
  }),
  bucketAcl: optionalText({ default: null, keys: ['AWS_BUCKET_ACL'], doc: 'Canned ACL of a bucket that is created.' }),
  autoCreateBucket: flag({
    default: false,
    keys: ['AWS_AUTO_CREATE_BUCKET'],
    doc: 'Whether a missing bucket is created at the first use.',
  }),
  objectParameters: setting<ObjectParametersSource>('map or function of the name', parseParameters, {
    default: {},
    keys: ['AWS_S3_OBJECT_PARAMETERS'],
    shown: shownParameters,
    doc: 'Parameters of every upload (CacheControl, StorageClass, Metadata ...), or a function that gives them.',
  }),
  encryption: flag({ default: false, keys: ['AWS_S3_ENCRYPTION'], doc: 'Encrypt at rest with AES256.' }),
  reducedRedundancy: flag({
    default: false,
    keys: ['AWS_REDUCED_REDUNDANCY'],
    doc: 'Store in the class REDUCED_REDUNDANCY.',
  }),
  gzip: flag({ default: false, keys: ['AWS_IS_GZIPPED'], doc: 'Compress files of the types in gzipContentTypes.' }),
  gzipContentTypes: list({
    default: GZIP_CONTENT_TYPES,
    keys: ['GZIP_CONTENT_TYPES'],
    doc: 'Content types that `gzip` compresses.',
  }),
  querystringAuth: flag({ default: true, keys: ['AWS_QUERYSTRING_AUTH'], doc: 'Whether URLs are signed.' }),
  querystringExpire: integer(
    'seconds',
    { default: 3600, keys: ['AWS_QUERYSTRING_EXPIRE'], doc: 'Life of a signed URL.' },
    1,
  ),
  customDomain: optionalText({
    default: null,
    keys: ['AWS_S3_CUSTOM_DOMAIN'],
    doc: 'Host of URLs, without scheme or trailing slash: a CDN in front of the bucket.',
  }),
  urlProtocol: setting('https: | http:', parseProtocol, {
    default: 'https:',
    keys: ['AWS_S3_URL_PROTOCOL'],
    doc: 'Protocol of URLs on the custom domain.',
  }),
  cloudfrontKeyId: optionalText({
    default: null,
    keys: ['AWS_CLOUDFRONT_KEY_ID'],
    doc: 'Id of the CloudFront key that signs URLs on the custom domain.',
  }),
  cloudfrontKey: setting('text or null', parsePem, {
    default: null,
    keys: ['AWS_CLOUDFRONT_KEY'],
    secret: true,
    doc: 'The RSA private key of that id, PEM.',
  }),
  cloudfrontSigner: setting<UrlSigner | null | undefined>('signer or null', parseSigner, {
    default: undefined,
    noEnvironment: true,
    doc: 'A `CloudFrontSigner` instead of the two keys; null = no signing.',
  }),
  conditionalWrites: choice(['auto', 'on', 'off'], {
    default: 'auto',
    keys: ['AWS_S3_CONDITIONAL_WRITES'],
    doc: 'Whether the service keeps If-None-Match and If-Match; auto = known of the provider, else tried once.',
  }),
  checksums: choice(['when-supported', 'always', 'md5', 'off'], {
    default: 'when-supported',
    keys: ['AWS_S3_CHECKSUMS'],
    doc: 'x-amz-checksum headers for services known to check them, for all, Content-MD5 instead, or none.',
  }),
  checksumAlgorithm: choice(CHECKSUM_ALGORITHMS, {
    default: 'CRC32',
    keys: ['AWS_S3_CHECKSUM_ALGORITHM'],
    doc: 'Algorithm of the checksums.',
  }),
  multipartThreshold: integer('bytes', {
    default: 8 * MIB,
    keys: ['AWS_S3_MULTIPART_THRESHOLD'],
    doc: 'Largest upload that is sent as one request.',
  }),
  partSize: integer(
    'bytes',
    {
      default: 8 * MIB,
      keys: ['AWS_S3_FILE_BUFFER_SIZE'],
      aliases: ['bufferSize', 'fileBufferSize'],
      doc: 'Size of the parts of a larger upload, at least 5 MiB.',
    },
    5 * MIB,
  ),
  uploadConcurrency: integer(
    'parts',
    { default: 4, keys: ['AWS_S3_UPLOAD_CONCURRENCY'], doc: 'Parts of one upload under way at once.' },
    1,
  ),
  transferConfig: map({
    default: {},
    keys: ['AWS_S3_TRANSFER_CONFIG'],
    doc: "boto3's TransferConfig as a map: multipart_threshold, multipart_chunksize, max_concurrency, use_threads.",
  }),
  clientConfig: map({
    default: {},
    keys: ['AWS_S3_CLIENT_CONFIG'],
    shown: shownClientConfig,
    doc: "botocore's Config as a map: signature_version, s3.addressing_style, proxies, time-outs, retries; wins over theirs.",
  }),
  maxSockets: optionalInteger('connections', {
    default: null,
    keys: ['AWS_S3_MAX_POOL_CONNECTIONS'],
    doc: 'Connections at a time; null = no limit.',
  }),
  connectTimeoutSecs: integer('seconds', {
    default: 30,
    keys: ['AWS_S3_CONNECT_TIMEOUT_SECS'],
    doc: 'Seconds in which a connection must stand.',
  }),
  headers: map({
    default: {},
    keys: ['AWS_HEADERS'],
    shown: shownParameters,
    doc: 'Old: headers of every upload; use objectParameters.',
  }),
  host: optionalText({
    default: null,
    keys: ['AWS_S3_HOST'],
    role: 'destination',
    doc: 'Old: use regionName or endpointUrl.',
  }),
  port: optionalInteger('port', {
    default: null,
    keys: ['AWS_S3_PORT'],
    role: 'destination',
    doc: 'Old: use endpointUrl.',
  }),
  origin: optionalText({ default: null, keys: ['AWS_ORIGIN'], doc: 'Old: use regionName.' }),
  callingFormat: setting<unknown>('calling format', raw => raw, {
    default: null,
    keys: ['AWS_S3_CALLING_FORMAT'],
    doc: 'Old: use addressingStyle.',
  }),
  proxyHost: optionalText({
    default: null,
    keys: ['AWS_S3_PROXY_HOST'],
    shown: shownAddress,
    role: 'destination',
    doc: 'Old: use proxies.',
  }),
  proxyPort: optionalInteger('port', {
    default: null,
    keys: ['AWS_S3_PROXY_PORT', 'AWS_S3_PROXY_PORTY'],
    role: 'destination',
    doc: 'Old: use proxies.',
  }),
  useThreads: flag({
    default: true,
    keys: ['AWS_S3_USE_THREADS'],
    doc: 'Old: false = one part at a time; use uploadConcurrency.',
  }),
  secureUrls: setting('true, false or null', raw => (raw === null ? null : parseFlag(raw)), {
    default: null,
    keys: ['AWS_S3_SECURE_URLS'],
    doc: 'Old: true = https on the custom domain; use urlProtocol.',
  }),
}

function parseVerify(raw: unknown): boolean | string | null {
  if (raw === null || raw === '' || raw === 'None' || raw === 'null') return null
  try {
    return parseFlag(raw)
  } catch {
    if (typeof raw === 'string') return raw
    throw new Error('expected true, false, null or the path of a CA file')
  }
}

function parseParameters(raw: unknown): ObjectParametersSource {
  return typeof raw === 'function' ? (raw as (name: string) => ObjectParameters) : parseMap(raw)
}

function parseProtocol(raw: unknown): string {
  if (raw === null || raw === '') return 'https:'
  if (raw === 'https:' || raw === 'http:') return raw
  if (raw === 'https' || raw === 'http') return `${raw}:`
  throw new Error("expected 'https:' or 'http:'")
}

/** Python's settings have the key as bytes. */
function parsePem(raw: unknown): string | null {
  if (raw === null || raw === '') return null
  return raw instanceof Uint8Array ? Buffer.from(raw).toString('utf8') : parseText(raw)
}

function parseSigner(raw: unknown): UrlSigner | null {
  if (raw === null) return null
  if (typeof raw === 'object' && typeof (raw as { url?: unknown }).url === 'function') return raw as UrlSigner
  throw new Error('expected a CloudFrontSigner or null')
}
