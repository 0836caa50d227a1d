import { isIP } from 'node:net'
import { ImproperlyConfigured } from '../../core/errors.ts'
import { type ServiceEndpoint, serviceEndpoint } from '../../remote/endpoint.ts'
import { encodeComponent } from '../../remote/sign/encode.ts'

/** Where the bucket's name is: in the host, in the path, or wherever the endpoint allows (`auto`, the same as `null`). */
export type AddressingStyle = 'virtual' | 'path' | 'auto'

/** The options for a bucket's address, with the names of the S3 options. */
export interface AddressOptions {
  readonly bucketName: string
  readonly regionName?: string | null | undefined
  readonly addressingStyle?: AddressingStyle | null | undefined
  /** With or without a scheme, with any port and path. It overrides the region and, if it has a scheme, `useSsl`. */
  readonly endpointUrl?: string | null | undefined
  /** Default: `true`. */
  readonly useSsl?: boolean | undefined
  /** Whether requests are for the account, not for a bucket. */
  readonly ofAccount?: boolean | undefined
}

/** The address of a bucket's requests: `origin + pathPrefix + '/' + encodeKey(key)`. */
export interface BucketAddress {
  /** Scheme, host and port without a trailing slash. */
  readonly origin: string
  /** Value of the `host` header, with the port unless it is the default of the scheme. */
  readonly host: string
  /** The part before `/` and the key: the endpoint's path, and the bucket if it is in the path; may be empty. */
  readonly pathPrefix: string
  /** Whether the bucket is in the path; otherwise it is in the host. */
  readonly bucketInPath: boolean
  /** `pathPrefix`, preceded by the bucket if it is in the host: version 2 signs this before `/` and the key. */
  readonly resourcePrefix: string
}

/** Host suffixes of AWS partitions by the beginning of their region names; all others are `amazonaws.com`. */
const PARTITIONS: ReadonlyArray<readonly [prefix: string, suffix: string]> = [
  ['cn-', 'amazonaws.com.cn'],
  ['us-iso-', 'c2s.ic.gov'],
  ['us-isob-', 'sc2s.sgov.gov'],
  ['us-isof-', 'csp.hci.ic.gov'],
  ['eu-isoe-', 'cloud.adc-e.uk'],
  ['eusc-', 'amazonaws.eu'],
]
const GLOBAL_REGIONS: ReadonlySet<string> = new Set(['us-east-1', 'aws-global'])

function partitionSuffix(region: string): string {
  return PARTITIONS.find(([prefix]) => region.startsWith(prefix))?.[1] ?? 'amazonaws.com'
}

/** Whether a service's text can be the name of a region. Services with their own endpoint also use capitals, dots and `_`: `RegionOne`. */
export function isRegion(text: string): boolean {
  return /^[\w.-]{1,64}$/.test(text)
}

/** Whether a service's region is one of Amazon's, in the partition of the current region. No host is ever made from another region. */
export function isSiblingRegion(region: string, used: string): boolean {
  return /^[a-z]{2,4}(?:-[a-z]{2,12}){1,3}-\d{1,2}$/.test(region) && partitionSuffix(region) === partitionSuffix(used)
}

/** The region in one of Amazon's S3 hosts; '' for the global host, undefined for a host that is not Amazon's. */
export function regionOfHost(host: string): string | undefined {
  const found = /^s3(?:[.-](?:dualstack\.)?((?!fips-)[a-z]{2,}(?:-[a-z]+)+-\d+))?\.amazonaws\.com(?:\.cn)?$/i.exec(host)
  return found ? (found[1]?.toLowerCase() ?? '') : undefined
}

/** The region to sign for: `us-east-1` if none is configured, or for the global host. */
export function signingRegion(regionName: string | null | undefined): string {
  return !regionName || regionName === 'aws-global' ? 'us-east-1' : regionName
}

/**
 * Finds a bucket's address. A bucket that cannot be a host label, or has a dot under https, stays in the path, and so does every bucket of
 * a custom endpoint unless the style is `virtual`. A bad bucket, region or endpoint is `improperly_configured`.
 */
export function bucketAddress(options: AddressOptions): BucketAddress {
  const { bucketName, ofAccount = false } = options
  if (!ofAccount) checkBucket(bucketName)
  const endpoint = options.endpointUrl
    ? { ...serviceEndpoint(options.endpointUrl, 'AWS_S3_ENDPOINT_URL', options), isCustom: true }
    : awsEndpoint(options)
  if (!ofAccount && isVirtual(endpoint, options)) {
    const host = `${bucketName}.${endpoint.host}`
    const origin = `${endpoint.scheme}://${host}`
    return {
      origin,
      host,
      pathPrefix: endpoint.path,
      bucketInPath: false,
      resourcePrefix: `/${bucketName}${endpoint.path}`,
    }
  }
  const { host } = endpoint
  const pathPrefix = ofAccount ? `${endpoint.path}/` : `${endpoint.path}/${encodeComponent(bucketName)}`
  const origin = `${endpoint.scheme}://${host}`
  return { origin, host, pathPrefix, bucketInPath: true, resourcePrefix: pathPrefix }
}

interface Endpoint extends ServiceEndpoint {
  readonly isCustom: boolean
}

function awsEndpoint({ regionName, useSsl = true }: AddressOptions): Endpoint {
  const region = regionName || 'us-east-1'
  if (!/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(region)) {
    throw new ImproperlyConfigured(`AWS_S3_REGION_NAME '${region}' is not the name of a region`)
  }
  const suffix = partitionSuffix(region)
  const host = GLOBAL_REGIONS.has(region) ? `s3.${suffix}` : `s3.${region}.${suffix}`
  return { scheme: useSsl ? 'https' : 'http', host, hostName: host, path: '', isCustom: false }
}

function isVirtual(endpoint: Endpoint, { bucketName, addressingStyle }: AddressOptions): boolean {
  if (addressingStyle === 'path') return false
  if (endpoint.isCustom && addressingStyle !== 'virtual') return false
  if (isIP(endpoint.hostName) !== 0 || endpoint.hostName.startsWith('[')) return false
  if (bucketName.includes('.') && (endpoint.scheme === 'https' || !endpoint.isCustom)) return false
  return isHostable(bucketName)
}

/** DNS labels of 1 to 63 characters joined by dots, 3 to 63 in total, in lower case, and not an IP address. */
function isHostable(bucketName: string): boolean {
  if (bucketName.length < 3 || bucketName.length > 63 || isIP(bucketName) !== 0) return false
  return bucketName.split('.').every(label => /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(label))
}

/** Whether a text can be a bucket name of any service: it has no character with a meaning in a host or a path. */
export function isBucketName(text: string): boolean {
  return /^[\w.:-]+$/.test(text) && !/^\.{1,2}$/.test(text)
}

function checkBucket(bucketName: string): void {
  if (!bucketName) throw new ImproperlyConfigured('bucketName (AWS_STORAGE_BUCKET_NAME) must be set')
  if (isBucketName(bucketName)) return
  throw new ImproperlyConfigured(`AWS_STORAGE_BUCKET_NAME '${bucketName}' is not the name of a bucket`)
}
