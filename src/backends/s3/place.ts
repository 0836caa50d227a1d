import {
  type AddressOptions,
  type BucketAddress,
  bucketAddress,
  isSiblingRegion,
  regionOfHost,
  signingRegion,
} from './addressing.ts'
import { S3Error } from './errors.ts'

/** Statuses by which a service may say that the bucket is in another region. */
const ELSEWHERE: ReadonlySet<number> = new Set([301, 307, 400, 403])

/** The region that requests are signed for, and the bucket's address there. */
export class Place {
  /** The region signed for. */
  readonly region: string
  readonly #options: AddressOptions
  #address: BucketAddress | undefined

  constructor(options: AddressOptions) {
    this.#options = options
    this.region = signingRegion(options.regionName)
  }

  /** Found at first use: a bad bucket, region or endpoint is `improperly_configured`. */
  get address(): BucketAddress {
    this.#address ??= bucketAddress(this.#options)
    return this.#address
  }

  /**
   * The place that an error names, if it is another one. A service only ever names a region: the host is made of that by ourselves, and
   * where an endpoint is set it stays. So nothing is sent to a host that an answer chose.
   */
  namedBy(error: unknown): Place | undefined {
    if (!(error instanceof S3Error) || !ELSEWHERE.has(error.status)) return undefined
    const { endpointUrl } = this.#options
    const region = error.region ?? (endpointUrl == null ? this.#regionOf(error) : undefined)
    if (region === undefined || region === this.region) return undefined
    if (endpointUrl == null && !isSiblingRegion(region, this.region)) return undefined
    return new Place({ ...this.#options, regionName: region })
  }

  /** The region in the host of a redirect to one of Amazon's addresses of this bucket. */
  #regionOf({ headers, endpoint }: S3Error): string | undefined {
    const target = headers.location ?? (endpoint && `https://${endpoint}/`)
    if (target === undefined || !URL.canParse(target)) return undefined
    const { host, username, password } = new URL(target)
    if (username !== '' || password !== '') return undefined
    const { bucketName } = this.#options
    const service = host.startsWith(`${bucketName}.`) ? host.slice(bucketName.length + 1) : host
    const region = regionOfHost(service)
    return region === '' ? signingRegion(undefined) : region
  }
}
