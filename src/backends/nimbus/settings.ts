import { ImproperlyConfigured } from '../../core/errors.ts'
import {
  flag,
  optionalInteger,
  optionalPort,
  optionalText,
  optionalToken,
  parseToken,
  setting,
} from '../../core/setting-types.ts'
import type { SettingsOf } from '../../core/settings.ts'
import {
  type ConnectionOptions,
  connectionSettings,
  locationSetting,
  type PartOptions,
  partSettings,
} from '../../remote/options.ts'
import { type CommonOptions, commonSettings } from '../../storage/common-settings.ts'
import { collectionProblem } from './names.ts'
import type { NimbusKey } from './sign.ts'

/** Options of `NimbusStorage`. */
export interface NimbusOptions extends CommonOptions, PartOptions, ConnectionOptions {
  readonly user: string | null
  readonly keyId: number | null
  readonly key: string | null
  readonly collection: string
  readonly domain: string
  readonly host: string | null
  readonly port: number | null
  readonly secure: boolean
  readonly publicRead: boolean
  readonly listSizes: boolean
}

const connection = connectionSettings({
  verify: ['NIMBUS_VERIFY'],
  proxies: ['NIMBUS_PROXIES'],
  maxSockets: ['NIMBUS_MAX_SOCKETS'],
  connectTimeoutSecs: ['NIMBUS_CONNECT_TIMEOUT_SECS'],
})
const parts = partSettings(
  {
    multipartThreshold: ['NIMBUS_MULTIPART_THRESHOLD'],
    partSize: ['NIMBUS_PART_SIZE'],
    uploadConcurrency: ['NIMBUS_UPLOAD_CONCURRENCY'],
  },
  65_536,
)

/** Declarations of the options of Nimbus.io. */
export const nimbusSettings: SettingsOf<NimbusOptions> = {
  ...commonSettings,
  location: locationSetting(['NIMBUS_LOCATION']),
  fileOverwrite: { ...commonSettings.fileOverwrite, keys: ['NIMBUS_FILE_OVERWRITE'] },
  user: optionalToken({
    default: null,
    keys: ['NIMBUS_USER'],
    role: 'credential',
    doc: "Name of the user, or name and key id as 'alice:5001'.",
  }),
  keyId: optionalInteger('number', {
    default: null,
    keys: ['NIMBUS_KEY_ID'],
    role: 'credential',
    doc: 'Number of the key, if `user` does not contain it.',
  }),
  key: optionalText({
    default: null,
    keys: ['NIMBUS_KEY'],
    secret: true,
    role: 'credential',
    doc: 'The key. It looks like base64 but is used without decoding.',
  }),
  collection: setting('name', parseCollection, {
    default: '',
    keys: ['NIMBUS_COLLECTION'],
    aliases: ['bucket', 'bucketName'],
    role: 'destination',
    doc: 'Collection of the files: lower-case letters, digits and single hyphens.',
  }),
  domain: setting('host', parseDomain, {
    default: 'nimbus.io',
    keys: ['NIMBUS_DOMAIN', 'NIMBUS_IO_SERVICE_DOMAIN'],
    role: 'destination',
    doc: 'Domain of the service; a collection has the host `<collection>.<domain>`.',
  }),
  host: setting<string | null>('host or null', raw => (raw === null || raw === '' ? null : parseHost(raw)), {
    default: null,
    keys: ['NIMBUS_HOST'],
    role: 'destination',
    doc: 'Name or address to connect to if DNS does not resolve the hosts of the collections.',
  }),
  port: optionalPort({
    default: null,
    keys: ['NIMBUS_PORT', 'NIMBUS_IO_SERVICE_PORT'],
    role: 'destination',
    doc: 'Port of the service; null = 443, or 80 without `secure`.',
  }),
  secure: flag({
    default: true,
    keys: ['NIMBUS_SECURE', 'NIMBUS_IO_SERVICE_SSL'],
    aliases: ['useSsl', 'ssl'],
    role: 'destination',
    doc: 'Whether requests use https.',
  }),
  publicRead: flag({
    default: false,
    keys: ['NIMBUS_PUBLIC_READ'],
    doc: 'Whether the access control of the collection has allow_unauth_read. Files then have plain URLs; the service has no signed URLs.',
  }),
  listSizes: flag({
    default: false,
    keys: ['NIMBUS_LIST_SIZES'],
    doc: 'Whether listings send one request per file for its size; if false, sizes in listings are NaN.',
  }),
  multipartThreshold: parts.multipartThreshold,
  partSize: { ...parts.partSize, doc: 'Size of the parts of a larger upload, at least 64 KiB.' },
  uploadConcurrency: parts.uploadConcurrency,
  verify: connection.verify,
  proxies: connection.proxies,
  maxSockets: connection.maxSockets,
  connectTimeoutSecs: connection.connectTimeoutSecs,
}

/** The identity in the options: user, number of the key, key. Code `improperly_configured` with the missing options. */
export function nimbusKey({ user: given, keyId, key }: Pick<NimbusOptions, 'user' | 'keyId' | 'key'>): NimbusKey {
  const [, name, id] = /^([^:]*)(?::(.*))?$/s.exec(given ?? '') ?? []
  if (id !== undefined && !/^[1-9]\d{0,14}$/.test(id)) {
    throw new ImproperlyConfigured(`NIMBUS_USER: expected a name or 'name:number' with the number of the key.`)
  }
  if (id !== undefined && keyId !== null && Number(id) !== keyId) {
    throw new ImproperlyConfigured(`NIMBUS_KEY_ID is ${keyId}, but NIMBUS_USER has the key id ${id}.`)
  }
  const number = id ?? (keyId === null ? undefined : String(keyId))
  const missing = [
    ...(name ? [] : ['the user (user, NIMBUS_USER)']),
    ...(number === undefined ? ["the number of the key (keyId, NIMBUS_KEY_ID, or user 'name:number')"] : []),
    ...(key ? [] : ['the key (key, NIMBUS_KEY)']),
  ]
  if (missing.length > 0) {
    throw new ImproperlyConfigured(
      `Nimbus.io signs by user, number of the key and key. Missing: ${missing.join('; ')}.`,
    )
  }
  return { user: name!, keyId: number!, key: key! }
}

function parseCollection(raw: unknown): string {
  const name = raw === '' ? '' : parseToken(raw)
  const problem = name === '' ? undefined : collectionProblem(name)
  if (problem !== undefined) throw new Error(`expected a name that ${problem}`)
  return name
}

/** Parses a domain. Each collection has its own name below it, so it cannot be an IP address. */
function parseDomain(raw: unknown): string {
  const domain = parseToken(raw).toLowerCase()
  if (/^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/.test(domain) && URL.canParse(`http://collection.${domain}`)) return domain
  throw new Error('expected a domain without scheme, port and path; an address is given as host')
}

function parseHost(raw: unknown): string {
  const host = parseToken(raw)
  if (!/^[a-z0-9.-]+$/i.test(host) && !/^\[?[0-9a-f:]+\]?$/i.test(host)) {
    throw new Error('expected a host, without scheme, port and path')
  }
  return host.toLowerCase().replace(/^\[|\]$/g, '')
}
