import { choice, flag, integer, optionalText, optionalWord, setting, word } from '../../core/setting-types.ts'
import type { SettingsOf } from '../../core/settings.ts'
import { serviceEndpoint } from '../../remote/endpoint.ts'
import { type IdentityOptions, identitySettings } from '../../remote/openstack/settings.ts'
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
import { type CommonOptions, commonSettings } from '../../storage/common-settings.ts'
import { checkParameters } from './headers.ts'
import type { TempUrlDigest } from './info.ts'
import { containerProblem } from './names.ts'
import type { LargeObjects } from './writes.ts'

/** Options of `SwiftStorage`. */
export interface SwiftOptions extends CommonOptions, ConnectionOptions, UploadOptions, PartOptions, IdentityOptions {
  readonly containerName: string
  readonly segmentsContainer: string | null
  readonly largeObjects: LargeObjects
  readonly leaveSegments: boolean
  readonly autoCreateContainer: boolean
  readonly autoCreateContainerPublic: boolean
  readonly autoCreateContainerAllowOrigin: string | null
  readonly autoBaseUrl: boolean
  readonly baseUrl: string | null
  readonly useTempUrls: boolean | null
  readonly tempUrlKey: string | null
  readonly tempUrlDuration: number
  readonly tempUrlDigest: TempUrlDigest | null
  readonly cacheControl: string | null
}

const connection = connectionSettings({
  verify: ['SWIFT_VERIFY', 'SWIFT_CACERT', 'OS_CACERT'],
  proxies: ['SWIFT_PROXIES'],
  maxSockets: ['SWIFT_MAX_SOCKETS'],
  connectTimeoutSecs: ['SWIFT_CONNECT_TIMEOUT_SECS'],
})
const upload = uploadSettings(
  {
    objectParameters: ['SWIFT_OBJECT_PARAMETERS'],
    gzip: ['SWIFT_GZIP'],
    gzipContentTypes: ['SWIFT_GZIP_CONTENT_TYPES'],
  },
  checkParameters,
)
const parts = partSettings(
  {
    multipartThreshold: ['SWIFT_MULTIPART_THRESHOLD'],
    partSize: ['SWIFT_SEGMENT_SIZE'],
    uploadConcurrency: ['SWIFT_UPLOAD_CONCURRENCY'],
  },
  1,
)

const DIGESTS = ['sha1', 'sha256', 'sha512'] as const

/** Declarations of the Swift options, with the names of django-storage-swift's `SWIFT_*` settings. */
export const swiftSettings: SettingsOf<SwiftOptions> = {
  ...commonSettings,
  ...identitySettings,
  location: locationSetting(['SWIFT_NAME_PREFIX', 'SWIFT_LOCATION']),
  fileOverwrite: { ...commonSettings.fileOverwrite, keys: ['SWIFT_AUTO_OVERWRITE', 'SWIFT_FILE_OVERWRITE'] },
  containerName: setting('name of a container', parseContainer, {
    default: '',
    keys: ['SWIFT_CONTAINER_NAME'],
    aliases: ['container', 'container_name'],
    doc: 'Name of the container; required at the first use.',
  }),
  segmentsContainer: setting<string | null>('name or null', parseOptionalContainer, {
    default: null,
    keys: ['SWIFT_SEGMENTS_CONTAINER'],
    aliases: ['segments_container'],
    doc: 'Container of the segments of large objects, created if it is missing; null = the name of the container with `_segments` appended.',
  }),
  largeObjects: choice(['auto', 'slo', 'dlo', 'none'], {
    default: 'auto',
    keys: ['SWIFT_LARGE_OBJECTS'],
    doc: 'Static (slo) or dynamic (dlo) large objects; auto = static where `/info` lists them; none = one PUT, up to 5 GiB.',
  }),
  leaveSegments: flag({
    default: false,
    keys: ['SWIFT_LEAVE_SEGMENTS'],
    doc: 'Whether old segments stay when a large file is replaced or deleted. This saves a request before each write.',
  }),
  autoCreateContainer: flag({
    default: false,
    keys: ['SWIFT_AUTO_CREATE_CONTAINER'],
    doc: 'Whether a missing container is created at its first use.',
  }),
  autoCreateContainerPublic: flag({
    default: false,
    keys: ['SWIFT_AUTO_CREATE_CONTAINER_PUBLIC'],
    doc: 'Whether a created container is publicly readable.',
  }),
  autoCreateContainerAllowOrigin: optionalText({
    default: null,
    keys: ['SWIFT_AUTO_CREATE_CONTAINER_ALLOW_ORIGIN'],
    aliases: ['autoCreateContainerAllowOrgin'],
    doc: 'Origins of other sites whose scripts may read a created container (CORS); `*` = all.',
  }),
  verify: connection.verify,
  proxies: connection.proxies,
  baseUrl: {
    ...optionalWord({
      default: null,
      keys: ['SWIFT_BASE_URL'],
      aliases: ['overrideBaseUrl', 'override_base_url'],
      shown: shownAddress,
      doc: 'Address at the beginning of URLs, instead of the address in the catalog; its path precedes the path of the account.',
    }),
    parse: parseBase,
  },
  autoBaseUrl: flag({
    default: true,
    keys: ['SWIFT_AUTO_BASE_URL'],
    role: 'destination',
    doc: 'false = baseUrl is the address of the container, for example your own domain or CDN.',
  }),
  useTempUrls: setting<boolean | null>('true, false or null', parseTemp, {
    default: null,
    keys: ['SWIFT_USE_TEMP_URLS'],
    doc: 'Whether URLs are temporary (TempURL); null = yes if tempUrlKey is set. Plain URLs need a public container.',
  }),
  tempUrlKey: optionalText({
    default: null,
    keys: ['SWIFT_TEMP_URL_KEY'],
    secret: true,
    role: 'credential',
    doc: 'Key that signs temporary URLs; null = the key of the container or the account, which is read once.',
  }),
  tempUrlDuration: integer(
    'seconds',
    { default: 1800, keys: ['SWIFT_TEMP_URL_DURATION'], doc: 'Lifetime of a temporary URL.' },
    1,
  ),
  tempUrlDigest: setting<TempUrlDigest | null>('sha1, sha256, sha512 or null', parseDigest, {
    default: null,
    keys: ['SWIFT_TEMP_URL_DIGEST'],
    doc: 'Digest of temporary URLs; null = the first one that `/info` of the cluster lists: sha256, sha512, sha1.',
  }),
  cacheControl: optionalText({
    default: null,
    keys: ['SWIFT_CACHE_CONTROL'],
    doc: 'Cache-Control of every upload; a value in objectParameters overrides it.',
  }),
  objectParameters: {
    ...upload.objectParameters,
    doc: 'Parameters of every upload (content_type, cache_control, delete_after, delete_at, metadata ...), or a function that returns them.',
  },
  gzip: upload.gzip,
  gzipContentTypes: upload.gzipContentTypes,
  multipartThreshold: { ...parts.multipartThreshold, doc: 'Maximum size of an upload that is stored as one object.' },
  partSize: { ...parts.partSize, aliases: ['segmentSize'], doc: 'Size of the segments of a larger upload.' },
  uploadConcurrency: parts.uploadConcurrency,
  maxSockets: connection.maxSockets,
  connectTimeoutSecs: connection.connectTimeoutSecs,
}

function parseContainer(raw: unknown): string {
  if (typeof raw !== 'string') throw new Error('expected the name of a container')
  const name = raw.trim()
  const problem = name === '' ? undefined : containerProblem(name)
  if (problem !== undefined) throw new Error(`expected the name of a container: ${problem}`)
  return name
}

function parseOptionalContainer(raw: unknown): string | null {
  return raw === null || raw === '' || raw === 'None' ? null : parseContainer(raw)
}

function parseBase(raw: unknown): string | null {
  if (raw === null || raw === '' || raw === 'None') return null
  const { scheme, host, path } = serviceEndpoint(word({ default: '', doc: '' }).parse(raw), 'the address')
  return `${scheme}://${host}${path}`
}

function parseTemp(raw: unknown): boolean | null {
  return raw === null || raw === '' || raw === 'None' ? null : flag({ default: false, doc: '' }).parse(raw)
}

function parseDigest(raw: unknown): TempUrlDigest | null {
  if (raw === null || raw === '' || raw === 'None') return null
  const found = DIGESTS.find(digest => digest === String(raw).toLowerCase().replaceAll('-', ''))
  if (found === undefined) throw new Error('expected sha1, sha256 or sha512')
  return found
}
