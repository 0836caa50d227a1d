import { ImproperlyConfigured } from '../../../core/errors.ts'

/** Services with known properties. */
export const PROVIDERS = [
  'aws',
  'r2',
  'digitalocean',
  'backblaze',
  'wasabi',
  'minio',
  'ceph',
  'scaleway',
  'oracle',
  'ovh',
  'google',
] as const

/** One of them. */
export type ProviderName = (typeof PROVIDERS)[number]

/** The properties of a service; `undefined` must be tested with the server. */
export interface Preset {
  readonly provider: ProviderName | undefined
  /** PUT honours `If-None-Match: *` and `If-Match`. */
  readonly conditions: boolean | undefined
  /** CompleteMultipartUpload honours them. */
  readonly conditionalComplete: boolean
  /** CopyObject honours them. */
  readonly conditionalCopy: boolean
  /** DELETE honours `If-Match`. */
  readonly conditionalDelete: boolean
  /** `x-amz-checksum-*` headers are verified. */
  readonly checksums: boolean
  /** All parts but the last must have the same size. */
  readonly uniformParts: boolean
  /** Browsers can upload with a form. */
  readonly forms: boolean
}

const UNKNOWN: Preset = {
  provider: undefined,
  conditions: undefined,
  conditionalComplete: false,
  conditionalCopy: false,
  conditionalDelete: false,
  checksums: false,
  uniformParts: false,
  forms: true,
}

const KNOWN: Readonly<Partial<Record<ProviderName, Partial<Preset>>>> = {
  aws: { conditions: true, conditionalComplete: true, conditionalCopy: true, conditionalDelete: true, checksums: true },
  r2: { conditions: true, uniformParts: true, forms: false },
  backblaze: { forms: false },
  google: { forms: false },
}

const HOSTS: ReadonlyArray<readonly [RegExp, ProviderName]> = [
  [/(^|\.)amazonaws\.(com|com\.cn|eu)$/, 'aws'],
  [/(^|\.)r2\.cloudflarestorage\.com$/, 'r2'],
  [/(^|\.)digitaloceanspaces\.com$/, 'digitalocean'],
  [/(^|\.)backblazeb2\.com$/, 'backblaze'],
  [/(^|\.)wasabisys\.com$/, 'wasabi'],
  [/(^|\.)scw\.cloud$/, 'scaleway'],
  [/(^|\.)(oci\.customer-oci|oraclecloud|oraclegovcloud)\.com$/, 'oracle'],
  [/(^|\.)(cloud\.ovh\.(net|us)|ovh\.net)$/, 'ovh'],
  [/(^|\.)storage\.googleapis\.com$/, 'google'],
]

/** The properties of the service at an endpoint; without an endpoint, those of Amazon. */
export function presetOf(provider: ProviderName | null, endpointUrl: string | null): Preset {
  const name = provider ?? (endpointUrl ? providerOf(endpointUrl) : 'aws')
  return name === undefined ? UNKNOWN : { ...UNKNOWN, ...KNOWN[name], provider: name }
}

function providerOf(endpointUrl: string): ProviderName | undefined {
  const text = endpointUrl.includes('://') ? endpointUrl : `https://${endpointUrl}`
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  if (url.pathname.startsWith('/cdn-cgi/local/r2/')) return 'r2'
  return HOSTS.find(([pattern]) => pattern.test(url.hostname))?.[1]
}

/** The endpoint of a provider in a region; undefined for Amazon. Code `improperly_configured` for a missing region, account or endpoint. */
export function providerEndpoint(
  provider: ProviderName,
  region: string | null,
  accountId: string | null,
): string | undefined {
  const named = (value: string | null, setting: string): string => {
    if (!value) throw new ImproperlyConfigured(`${setting} must be set for the provider '${provider}'.`)
    if (/^[\w.-]+$/.test(value)) return value
    throw new ImproperlyConfigured(
      `${setting}: expected a part of a host's name, as the provider '${provider}' takes it.`,
    )
  }
  switch (provider) {
    case 'r2':
      return `https://${named(accountId, 'AWS_S3_ACCOUNT_ID')}.r2.cloudflarestorage.com`
    case 'digitalocean':
      return `https://${named(region, 'AWS_S3_REGION_NAME')}.digitaloceanspaces.com`
    case 'backblaze':
      return `https://s3.${named(region, 'AWS_S3_REGION_NAME')}.backblazeb2.com`
    case 'wasabi':
      return `https://s3.${named(region ?? 'us-east-1', 'AWS_S3_REGION_NAME')}.wasabisys.com`
    case 'scaleway':
      return `https://s3.${named(region, 'AWS_S3_REGION_NAME')}.scw.cloud`
    case 'oracle': {
      const namespace = named(accountId, 'AWS_S3_ACCOUNT_ID')
      return `https://${namespace}.compat.objectstorage.${named(region, 'AWS_S3_REGION_NAME')}.oci.customer-oci.com`
    }
    case 'ovh': {
      const place = named(region, 'AWS_S3_REGION_NAME').toLowerCase()
      return `https://s3.${place}.io.cloud.ovh.${place.startsWith('us-') ? 'us' : 'net'}`
    }
    case 'google':
      return 'https://storage.googleapis.com'
    case 'minio':
    case 'ceph':
      throw new ImproperlyConfigured(`AWS_S3_ENDPOINT_URL must be set for the provider '${provider}'.`)
    default:
      return undefined
  }
}

/** The region to sign for if none is set. */
export function providerRegion(preset: Preset): string | null {
  return preset.provider === 'r2' ? 'auto' : null
}
