import {
  type AddressOptions,
  type BucketAddress,
  bucketAddress,
  isSiblingRegion,
  regionOfHost,
  signingRegion,
} from './addressing.ts'
import { S3Error } from './errors.ts'

/** Statuses that may mean that the bucket is in another region. */
const ELSEWHERE: ReadonlySet<number> = new Set([301, 307, 400, 403])

/** Minimum difference of clocks, in milliseconds, from which a request is signed with the server's time. */
const LEAST_SKEW_MS = 30_000

/** The region to sign requests for, the bucket's address there, and the service's clock. */
export class Place {
  /** The region to sign for. */
  readonly region: string
  readonly #options: AddressOptions
  /** Milliseconds that the service's clock is ahead of this machine's. */
  readonly #skewMs: number
  #address: BucketAddress | undefined

  constructor(options: AddressOptions, skewMs = 0) {
    this.#options = options
    this.#skewMs = skewMs
    this.region = signingRegion(options.regionName)
  }

  /** Computed at first use: a bad bucket, region or endpoint is `improperly_configured`. */
  get address(): BucketAddress {
    this.#address ??= bucketAddress(this.#options)
    return this.#address
  }

  /**
   * The place in an error, if it differs from this one. Only a region is taken from an answer: the client makes the host from it, and a
   * configured endpoint stays. So no request goes to a host that an answer chose.
   */
  namedBy(error: unknown): Place | undefined {
    if (!(error instanceof S3Error) || !ELSEWHERE.has(error.status)) return undefined
    const { endpointUrl } = this.#options
    const region = error.region ?? (endpointUrl == null ? this.#regionOf(error) : undefined)
    if (region === undefined || region === this.region) return undefined
    if (endpointUrl == null && !isSiblingRegion(region, this.region)) return undefined
    return new Place({ ...this.#options, regionName: region }, this.#skewMs)
  }

  /** The time to sign with, by the service's clock as far as it is known. */
  timeOf(now: Date): Date {
    return this.#skewMs === 0 ? now : new Date(now.getTime() + this.#skewMs)
  }

  /** The same place with the clock of a service that refused a request because of its time, if that clock differs. */
  withClockOf(error: S3Error, now: Date): Place | undefined {
    const { serviceCode, serverTime } = error
    if (serviceCode !== 'RequestTimeTooSkewed' || serverTime === undefined) return undefined
    const skewMs = serverTime.getTime() - now.getTime()
    return Math.abs(skewMs - this.#skewMs) < LEAST_SKEW_MS ? undefined : new Place(this.#options, skewMs)
  }

  /** The region in the host of a redirect, if it is one of Amazon's addresses of this bucket. */
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
