import { flag, map, optionalInteger, optionalWord, parseWord } from '../../../core/setting-types.ts'
import type { AnySettings, ResolvedSettings, Setting, SettingsOf } from '../../../core/settings.ts'
import { serviceEndpoint } from '../../../remote/endpoint.ts'
import { shownAddress } from '../../../remote/shown.ts'
import { type SwiftOptions, swiftSettings } from '../settings.ts'
import { withCumulus } from './cumulus.ts'

/** Options of `RackspaceStorage`: those of Swift, and the CDN. */
export interface RackspaceOptions extends SwiftOptions {
  readonly servicenet: boolean
  readonly cdn: boolean
  readonly cdnSsl: boolean
  readonly cdnUri: string | null
  readonly ttlSecs: number | null
  readonly cumulus: Readonly<Record<string, unknown>>
}

/** The identity services of Rackspace. */
const US = 'https://identity.api.rackspacecloud.com/v2.0'
const UK = 'https://lon.identity.api.rackspacecloud.com/v2.0'

/** Options that only Keystone has; they have no global names here. */
const OF_KEYSTONE = /^(?:user(?:Id|Domain)|projectDomain|domain|applicationCredential)/

/** The declarations of Swift with the names of Rackspace: settings of one backend do not apply to the other. */
const own = Object.fromEntries(
  Object.entries<Setting<unknown>>(swiftSettings as unknown as AnySettings).map(([option, setting]) => {
    const keys = OF_KEYSTONE.test(option) ? [] : setting.keys.filter(key => !/^(?:OS|ST)_/.test(key))
    return [option, { ...setting, keys: keys.map(ownName) }]
  }),
) as unknown as SettingsOf<SwiftOptions>

function ownName(key: string): string {
  return key.replace(/^SWIFT_/, 'RACKSPACE_')
}

/** Declarations of the options of Rackspace Cloud Files. */
export const rackspaceSettings: SettingsOf<RackspaceOptions> = {
  ...own,
  username: {
    ...own.username,
    keys: ['RACKSPACE_USERNAME'],
    aliases: ['userName', 'user_name', ...own.username.aliases],
    doc: 'User of the account.',
  },
  password: {
    ...own.password,
    keys: ['RACKSPACE_API_KEY', 'RACKSPACE_PASSWORD'],
    doc: 'API key of the user; with authType password, the password.',
  },
  authUrl: {
    ...own.authUrl,
    default: US,
    parse: parseAuthUrl,
    doc: 'Identity service: us, uk or a URL.',
  },
  authType: { ...own.authType, default: 'apikey', doc: 'How to authenticate: apikey or password.' },
  regionName: {
    ...own.regionName,
    keys: ['RACKSPACE_REGION', 'RACKSPACE_REGION_NAME'],
    parse: raw => own.regionName.parse(raw)?.toUpperCase() ?? null,
    doc: 'Region: ORD, DFW, IAD, LON, HKG, SYD; null = LON with the identity service uk, else ORD.',
  },
  containerName: { ...own.containerName, keys: ['RACKSPACE_CONTAINER', 'RACKSPACE_CONTAINER_NAME'] },
  useTempUrls: {
    ...own.useTempUrls,
    doc: 'false = URLs of a container that is not published are plain instead of temporary.',
  },
  servicenet: flag({
    default: false,
    keys: ['RACKSPACE_SERVICENET', 'RACKSPACE_USE_SERVICENET'],
    aliases: ['useServicenet', 'use_servicenet', 'snet'],
    doc: "Whether transfers use Rackspace's internal network; URLs are always public.",
  }),
  cdn: flag({
    default: true,
    keys: ['RACKSPACE_CDN'],
    doc: 'Whether `url` returns addresses of the CDN where the container is published; false = always TempURLs.',
  }),
  cdnSsl: flag({
    default: true,
    keys: ['RACKSPACE_CDN_SSL'],
    role: 'destination',
    doc: 'Whether addresses of the CDN use https.',
  }),
  cdnUri: {
    ...optionalWord({
      default: null,
      keys: ['RACKSPACE_CDN_URI'],
      shown: shownAddress,
      doc: 'Address of the container at the CDN, or a domain for it; null = requested from the service and cached for 5 minutes.',
    }),
    parse: parseCdnUri,
  },
  ttlSecs: optionalInteger(
    'seconds',
    {
      default: null,
      keys: ['RACKSPACE_TTL'],
      aliases: ['ttl'],
      doc: 'Lifetime of files in the cache of the CDN, which `enableCdn` sets; at least 900. null = the default of the service.',
    },
    900,
  ),
  cumulus: {
    ...map<unknown>({
      default: {},
      keys: ['CUMULUS'],
      secret: true,
      noEnvironment: true,
      doc: 'The dictionary of django-cumulus; RACKSPACE_* and options override it.',
    }),
  },
}

/** The options with those of `CUMULUS`, the default region, and the interface of ServiceNet. */
export function withRegion<T>({ options, origins }: ResolvedSettings<T>): ResolvedSettings<T> {
  const found = withCumulus(rackspaceSettings as unknown as AnySettings, options as never, origins as never)
  const given = found.options as unknown as RackspaceOptions
  const { authUrl, regionName, servicenet } = given
  const values = {
    ...given,
    regionName: regionName ?? (/^https?:\/\/lon\./i.test(authUrl ?? '') ? 'LON' : 'ORD'),
    interface: servicenet ? 'internal' : given.interface,
  }
  return { options: Object.freeze(values) as unknown as Readonly<T>, origins: found.origins as never }
}

function parseAuthUrl(raw: unknown): string | null {
  const text = own.authUrl.parse(raw)
  if (text === null || /^us(?:_authurl)?$/i.test(text)) return US
  return /^uk(?:_authurl)?$/i.test(text) ? UK : text
}

function parseCdnUri(raw: unknown): string | null {
  if (raw === null || raw === '' || raw === 'None') return null
  const { scheme, host, path } = serviceEndpoint(parseWord(raw), 'the address')
  return `${scheme}://${host}${path}`
}
