import {
  choice,
  flag,
  integer,
  map,
  optionalChoice,
  optionalText,
  optionalToken,
  optionalWord,
  setting,
  word,
} from '../../../core/setting-types.ts'
import type { SettingsOf } from '../../../core/settings.ts'
import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm } from '../../../remote/checksums.ts'
import {
  type ConnectionOptions,
  connectionSettings,
  locationSetting,
  type PartOptions,
  partSettings,
  type UploadOptions,
  type UrlPolicyOptions,
  uploadSettings,
  urlPolicySettings,
} from '../../../remote/options.ts'
import { shownAddress, shownClientConfig } from '../../../remote/shown.ts'
import type { CloudFrontSigner } from '../../../remote/sign/cloudfront.ts'
import { type CommonOptions, commonSettings, SPOOL_DOC } from '../../../storage/common-settings.ts'
import type { AddressingStyle } from '../addressing.ts'
import { checkParameters } from './object-parameters.ts'
import { type OldOptions, oldSettings } from './old.ts'
import { PROVIDERS, type ProviderName } from './presets.ts'

/** Signs CloudFront URLs, and optionally cookies. */
export type UrlSigner = Pick<CloudFrontSigner, 'url'> & Partial<Pick<CloudFrontSigner, 'cookies'>>

/** Options of `S3Storage`. */
export interface S3Options
  extends CommonOptions,
    ConnectionOptions,
    UploadOptions,
    UrlPolicyOptions,
    PartOptions,
    OldOptions {
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
  readonly addressingStyle: AddressingStyle | null
  readonly signatureVersion: 's3v4' | 's3' | 'unsigned'
  readonly payloadSigning: 'auto' | 'always' | 'never'
  readonly defaultAcl: string | null
  readonly bucketAcl: string | null
  readonly autoCreateBucket: boolean
  readonly encryption: boolean
  readonly reducedRedundancy: boolean
  readonly cloudfrontKeyId: string | null
  readonly cloudfrontKey: string | null
  readonly cloudfrontSigner: UrlSigner | null | undefined
  readonly conditionalWrites: 'auto' | 'on' | 'off'
  readonly checksums: 'when-supported' | 'always' | 'md5' | 'off'
  readonly checksumAlgorithm: ChecksumAlgorithm
  readonly transferConfig: Readonly<Record<string, unknown>>
  readonly clientConfig: Readonly<Record<string, unknown>>
}

/** Minimum size in bytes of every part but the last. */
export const MIN_PART: number = 5 * 1_048_576

const connection = connectionSettings({
  verify: ['AWS_S3_VERIFY'],
  proxies: ['AWS_S3_PROXIES'],
  maxSockets: ['AWS_S3_MAX_POOL_CONNECTIONS'],
  connectTimeoutSecs: ['AWS_S3_CONNECT_TIMEOUT_SECS'],
})
const upload = uploadSettings(
  {
    objectParameters: ['AWS_S3_OBJECT_PARAMETERS'],
    gzip: ['AWS_IS_GZIPPED'],
    gzipContentTypes: ['GZIP_CONTENT_TYPES'],
  },
  checkParameters,
)
const urlPolicy = urlPolicySettings({
  querystringAuth: ['AWS_QUERYSTRING_AUTH'],
  querystringExpire: ['AWS_QUERYSTRING_EXPIRE'],
  customDomain: ['AWS_S3_CUSTOM_DOMAIN'],
  urlProtocol: ['AWS_S3_URL_PROTOCOL'],
})
const parts = partSettings(
  {
    multipartThreshold: ['AWS_S3_MULTIPART_THRESHOLD'],
    partSize: ['AWS_S3_FILE_BUFFER_SIZE'],
    uploadConcurrency: ['AWS_S3_UPLOAD_CONCURRENCY'],
  },
  MIN_PART,
)

const signatureVersion = choice(['s3v4', 's3', 'unsigned'], {
  default: 's3v4',
  keys: ['AWS_S3_SIGNATURE_VERSION'],
  doc: "'s3' = the old version 2; 'unsigned' = without credentials, for public buckets.",
})

/** Declarations of the S3 options, with the names of django-storages' `AWS_*` settings. */
export const s3Settings: SettingsOf<S3Options> = {
  ...commonSettings,
  location: locationSetting(['AWS_LOCATION']),
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
  accessKey: optionalToken({
    default: null,
    keys: ['AWS_S3_ACCESS_KEY_ID', 'AWS_ACCESS_KEY_ID'],
    aliases: ['accessKeyId'],
    role: 'credential',
    doc: 'Access key id; null = the key comes from a profile or from @aws-sdk/credential-providers.',
  }),
  secretKey: optionalText({
    default: null,
    keys: ['AWS_S3_SECRET_ACCESS_KEY', 'AWS_SECRET_ACCESS_KEY'],
    aliases: ['secretAccessKey'],
    secret: true,
    role: 'credential',
    doc: 'Secret access key.',
  }),
  securityToken: optionalToken({
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
    doc: 'Profile of the shared configuration files; cannot be combined with keys. null = AWS_PROFILE or `default`.',
  }),
  bucketName: word({
    default: '',
    keys: ['AWS_STORAGE_BUCKET_NAME'],
    aliases: ['bucket'],
    doc: 'Name of the bucket; required at the first use.',
  }),
  regionName: optionalToken({
    default: null,
    keys: ['AWS_S3_REGION_NAME', 'AWS_REGION', 'AWS_DEFAULT_REGION'],
    doc: "Region of the bucket; null = the profile's region, else us-east-1. A wrong region is corrected from the server's answer.",
  }),
  endpointUrl: optionalWord({
    default: null,
    keys: ['AWS_S3_ENDPOINT_URL', 'AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'],
    shown: shownAddress,
    role: 'destination',
    doc: 'URL of another service, with or without a scheme; overrides regionName, and useSsl if it has a scheme.',
  }),
  provider: optionalChoice(PROVIDERS, {
    default: null,
    keys: ['AWS_S3_PROVIDER'],
    role: 'destination',
    doc: 'Provider of the service; the endpoint is made of it where none is set. null = detected from the endpoint.',
  }),
  accountId: optionalWord({
    default: null,
    keys: ['AWS_S3_ACCOUNT_ID'],
    role: 'destination',
    doc: 'Account or namespace in the endpoint of Cloudflare R2 and Oracle.',
  }),
  useSsl: flag({
    default: true,
    keys: ['AWS_S3_USE_SSL'],
    role: 'destination',
    doc: 'Whether https is used where the endpoint has no scheme.',
  }),
  verify: connection.verify,
  addressingStyle: optionalChoice(['virtual', 'path', 'auto'], {
    default: null,
    keys: ['AWS_S3_ADDRESSING_STYLE'],
    doc: "Whether the bucket is in the host or in the path of URLs; null = chosen by the bucket's name and the endpoint.",
  }),
  signatureVersion: { ...signatureVersion, parse: raw => signatureVersion.parse(raw ?? signatureVersion.default) },
  payloadSigning: choice(['auto', 'always', 'never'], {
    default: 'auto',
    keys: ['AWS_S3_PAYLOAD_SIGNING'],
    doc: 'Whether signatures cover the body; auto = except bodies of more than 1 MiB that are sent over TLS.',
  }),
  proxies: connection.proxies,
  defaultAcl: optionalToken({
    default: null,
    keys: ['AWS_DEFAULT_ACL'],
    aliases: ['acl'],
    doc: 'Canned ACL of every upload; null = none, and the rules of the bucket apply.',
  }),
  bucketAcl: optionalToken({ default: null, keys: ['AWS_BUCKET_ACL'], doc: 'Canned ACL of a bucket that is created.' }),
  autoCreateBucket: flag({
    default: false,
    keys: ['AWS_AUTO_CREATE_BUCKET'],
    doc: 'Whether a missing bucket is created at the first use.',
  }),
  objectParameters: upload.objectParameters,
  encryption: flag({ default: false, keys: ['AWS_S3_ENCRYPTION'], doc: 'Whether to encrypt at rest with AES256.' }),
  reducedRedundancy: flag({
    default: false,
    keys: ['AWS_REDUCED_REDUNDANCY'],
    doc: 'Whether files are stored in the class REDUCED_REDUNDANCY.',
  }),
  gzip: upload.gzip,
  gzipContentTypes: upload.gzipContentTypes,
  ...urlPolicy,
  cloudfrontKeyId: optionalToken({
    default: null,
    keys: ['AWS_CLOUDFRONT_KEY_ID'],
    doc: 'Id of the CloudFront key that signs URLs on the custom domain.',
  }),
  cloudfrontKey: setting('text or null', parsePem, {
    default: null,
    keys: ['AWS_CLOUDFRONT_KEY'],
    secret: true,
    doc: 'The RSA private key of `cloudfrontKeyId`, in PEM.',
  }),
  cloudfrontSigner: setting<UrlSigner | null | undefined>('signer or null', parseSigner, {
    default: undefined,
    noEnvironment: true,
    doc: 'A `CloudFrontSigner` instead of the two keys; null = no signing.',
  }),
  conditionalWrites: choice(['auto', 'on', 'off'], {
    default: 'auto',
    keys: ['AWS_S3_CONDITIONAL_WRITES'],
    doc: 'Whether the service honours If-None-Match and If-Match; auto = known for the provider, else tested once.',
  }),
  checksums: choice(['when-supported', 'always', 'md5', 'off'], {
    default: 'when-supported',
    keys: ['AWS_S3_CHECKSUMS'],
    doc: 'Whether uploads send x-amz-checksum headers: to services known to check them (when-supported), always, Content-MD5 instead (md5), or never (off).',
  }),
  checksumAlgorithm: choice(CHECKSUM_ALGORITHMS, {
    default: 'CRC32',
    keys: ['AWS_S3_CHECKSUM_ALGORITHM'],
    doc: 'Algorithm of the x-amz-checksum headers.',
  }),
  ...parts,
  partSize: { ...parts.partSize, aliases: ['bufferSize', 'fileBufferSize'] },
  transferConfig: map({
    default: {},
    keys: ['AWS_S3_TRANSFER_CONFIG'],
    doc: "boto3's TransferConfig as a map: multipart_threshold, multipart_chunksize, max_concurrency, use_threads; overrides the separate settings.",
  }),
  clientConfig: map({
    default: {},
    keys: ['AWS_S3_CLIENT_CONFIG'],
    shown: shownClientConfig,
    doc: "botocore's Config as a map: signature_version, s3.addressing_style, proxies, timeouts, retries; overrides the separate settings.",
  }),
  maxSockets: connection.maxSockets,
  connectTimeoutSecs: connection.connectTimeoutSecs,
  ...oldSettings,
}

/** Python's settings have the key as bytes. */
function parsePem(raw: unknown): string | null {
  if (raw === null || raw === '') return null
  const pem = raw instanceof Uint8Array ? Buffer.from(raw).toString('utf8') : raw
  if (typeof pem === 'string') return pem.trim() || null
  throw new Error('expected a private key in PEM')
}

function parseSigner(raw: unknown): UrlSigner | null {
  if (raw === null) return null
  if (typeof raw === 'object' && typeof (raw as { url?: unknown }).url === 'function') return raw as UrlSigner
  throw new Error('expected a CloudFrontSigner or null')
}
