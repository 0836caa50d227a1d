import { hint, nearest } from '../../core/nearest.ts'

/** The backends of the providers. */
export type StoreName = 's3' | 'gcs' | 'azure' | 'swift' | 'rackspace' | 'atmos' | 'ninefold' | 'nimbus' | 'local'

/** One type of provider. */
export interface ProviderType {
  /** Libcloud's name: `S3_EU_WEST`. */
  readonly tag: string
  readonly store: StoreName
  /** Default region. */
  readonly region?: string | undefined
  /** Whether this is the only region of the type. */
  readonly isOneRegion?: boolean | undefined
  /** Default host; `{region}` is replaced by the region. */
  readonly host?: string | undefined
  /** Regions of that host; absent: any region. */
  readonly regions?: readonly string[] | undefined
  /** A key that an entry of this type must have besides user, key and bucket. */
  readonly needs?: 'host' | 'region' | 'authUrl' | undefined
  /** `provider` of the S3 backend. */
  readonly service?: 'aws' | 'minio' | 'ceph' | 'digitalocean' | 'scaleway' | 'ovh' | 'backblaze' | undefined
  readonly signatureVersion?: '2' | undefined
  readonly authUrl?: string | undefined
  readonly authVersion?: string | undefined
}

/** Amazon's regions by the end of a tag. (libcloud/storage/drivers/s3.py) */
const AWS_REGIONS: Readonly<Record<string, string>> = {
  US_STANDARD: 'us-east-1',
  US_EAST2: 'us-east-2',
  US_WEST: 'us-west-1',
  US_WEST_OREGON: 'us-west-2',
  US_GOV_EAST: 'us-gov-east-1',
  US_GOV_WEST: 'us-gov-west-1',
  CN_NORTH: 'cn-north-1',
  CN_NORTHWEST: 'cn-northwest-1',
  EU_WEST: 'eu-west-1',
  EU_WEST2: 'eu-west-2',
  EU_CENTRAL: 'eu-central-1',
  EU_NORTH1: 'eu-north-1',
  AP_SOUTH: 'ap-south-1',
  AP_SOUTHEAST: 'ap-southeast-1',
  AP_SOUTHEAST2: 'ap-southeast-2',
  AP_NORTHEAST: 'ap-northeast-1',
  AP_NORTHEAST1: 'ap-northeast-1',
  AP_NORTHEAST2: 'ap-northeast-2',
  SA_EAST: 'sa-east-1',
  CA_CENTRAL: 'ca-central-1',
}

const OUTSCALE = ['eu-west-1', 'eu-west-2', 'us-west-1', 'us-east-2']
const UK = { store: 'rackspace', region: 'LON', isOneRegion: true } as const
const US = { store: 'rackspace', region: 'ORD' } as const

/** All other types. `CLOUDFIULES` is a misspelling in the manual that configurations have copied. */
const OTHERS: Readonly<Record<string, Omit<ProviderType, 'tag'>>> = {
  S3: { store: 's3', service: 'aws', region: 'us-east-1' },
  MINIO: { store: 's3', service: 'minio', needs: 'host' },
  S3_RGW: { store: 's3', service: 'ceph', needs: 'host', region: 'default' },
  S3_RGW_OUTSCALE: {
    store: 's3',
    service: 'ceph',
    region: 'eu-west-2',
    regions: OUTSCALE,
    host: 'osu.{region}.outscale.com',
  },
  DIGITALOCEAN_SPACES: {
    store: 's3',
    service: 'digitalocean',
    region: 'nyc3',
    host: '{region}.digitaloceanspaces.com',
  },
  SCALEWAY: { store: 's3', service: 'scaleway', region: 'fr-par', host: 's3.{region}.scw.cloud' },
  OVH: {
    store: 's3',
    service: 'ovh',
    region: 'sbg',
    regions: ['sbg', 'gra'],
    host: 's3.{region}.perf.cloud.ovh.net',
  },
  AURORAOBJECTS: { store: 's3', host: 'o.auroraobjects.eu', signatureVersion: '2' },
  BACKBLAZE_B2: { store: 's3', service: 'backblaze', needs: 'region', host: 's3.{region}.backblazeb2.com' },
  GOOGLE_STORAGE: { store: 'gcs' },
  AZURE_BLOBS: { store: 'azure' },
  CLOUDFILES: US,
  CLOUDFILES_US: US,
  CLOUDFIULES_US: US,
  CLOUDFILES_UK: UK,
  CLOUDFIULES_UK: UK,
  OPENSTACK_SWIFT: { store: 'swift', needs: 'authUrl' },
  CLOUDFILES_SWIFT: { store: 'swift', needs: 'authUrl' },
  KTUCLOUD: { store: 'swift', authUrl: 'https://ssproxy.ucloudbiz.olleh.com/auth/v1.0', authVersion: '1.0' },
  ATMOS: { store: 'atmos', needs: 'host' },
  NINEFOLD: { store: 'ninefold' },
  NIMBUS: { store: 'nimbus' },
  LOCAL: { store: 'local' },
}

/** Types of libcloud without a backend here, and what to use instead. */
const REFUSED: Readonly<Record<string, string>> = {
  ALIYUN_OSS: 'its own protocol is not supported; use S3 with the host of its S3-compatible endpoint',
  DUMMY: "it keeps nothing; use BACKEND 'memory' in STORAGES",
}

const MODULE = 'libcloud.storage.types.Provider'

/** django-storages' message about a type in another module. */
export const INVALID_MODULE = 'Invalid module path'

/** The types by their tags. */
export const PROVIDER_TYPES: ReadonlyMap<string, ProviderType> = new Map([
  ...Object.entries(AWS_REGIONS).flatMap(([name, region]) => {
    const type = { store: 's3', service: 'aws', region, isOneRegion: true } as const
    const tags = name === 'US_STANDARD' ? [`S3_${name}`] : [`S3_${name}`, `S3_${name}_HOST`]
    return [...new Set([...tags, `S3_${name}_HOST`])].map((tag): [string, ProviderType] => [tag, { tag, ...type }])
  }),
  ...Object.entries(OTHERS).map(([tag, type]): [string, ProviderType] => [tag, { tag, ...type }]),
])

/**
 * The type in an entry: `libcloud.storage.types.Provider.S3`, or only `S3`, in any case. Throws an `Error` with the reason; for another
 * module, its message begins like libcloud's own.
 */
export function providerType(text: string): ProviderType {
  const dot = text.lastIndexOf('.')
  if (dot >= 0 && text.slice(0, dot) !== MODULE) throw new Error(INVALID_MODULE)
  const tag = text.slice(dot + 1).toUpperCase()
  const found = PROVIDER_TYPES.get(tag)
  if (found !== undefined) return found
  const refused = Object.hasOwn(REFUSED, tag) ? REFUSED[tag] : undefined
  if (refused !== undefined) throw new Error(refused)
  throw new Error(`there is no provider '${text.slice(dot + 1)}'${hint(nearest(tag, PROVIDER_TYPES.keys()))}`)
}
