import { abortable } from '../../core/abort.ts'
import type { CallContext } from '../../core/call.ts'
import { ImproperlyConfigured } from '../../core/errors.ts'
import { detached } from '../../remote/aftermath.ts'
import type { S3Client, S3Request } from './client.ts'
import { S3Error } from './errors.ts'
import type { Preset } from './settings/presets.ts'

/** How the bucket may be made. */
export interface BucketOptions {
  readonly preset: Preset
  readonly regionName?: string | null | undefined
  /** Whether a missing bucket is created at the first use. */
  readonly autoCreateBucket?: boolean | undefined
  /** Canned ACL of a bucket that is created. */
  readonly bucketAcl?: string | null | undefined
}

/** The one bucket of a driver: created where that is asked for, and told apart from a missing file. */
export class Bucket {
  readonly #client: S3Client
  readonly #options: BucketOptions
  #found: Promise<void> | undefined
  #lacksKey = false

  constructor(client: S3Client, options: BucketOptions) {
    this.#client = client
    this.#options = options
  }

  /** Looks for the bucket once and creates it, where `autoCreateBucket` is on; one in another region is `improperly_configured`. */
  ready(ctx: CallContext): Promise<void> | undefined {
    if (this.#options.autoCreateBucket !== true) return undefined
    // One look for all who wait; whoever gives up waiting does not end it for the others.
    this.#found ??= this.#find(detached(ctx)).catch(error => {
      this.#found = undefined
      throw error
    })
    return abortable(this.#found, ctx.signal)
  }

  /** Creates the bucket in the region of the settings; one that is ours already is fine. */
  async create(ctx: CallContext): Promise<void> {
    const { bucketAcl, regionName, preset } = this.#options
    const headers: Record<string, string> = bucketAcl ? { 'x-amz-acl': bucketAcl } : {}
    const located = preset.provider === 'aws' && regionName && regionName !== 'us-east-1'
    const body = located
      ? `<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>${regionName}</LocationConstraint></CreateBucketConfiguration>`
      : ''
    try {
      await this.#client.call({ method: 'PUT', headers, body, stay: true }, ctx)
    } catch (error) {
      if (!(error instanceof S3Error) || error.serviceCode !== 'BucketAlreadyOwnedByYou') throw error
    }
  }

  /**
   * Sends a HEAD of an object. The answer to a refused one has no body and so no cause; the error is then that of a GET of the first
   * byte. So is the first 404, which may also mean that there is no such bucket.
   */
  head(request: Omit<S3Request, 'method'>, ctx: CallContext): ReturnType<S3Client['call']> {
    return this.#client.call({ ...request, method: 'HEAD' }, ctx).catch(async error => {
      const isClear = !(error instanceof S3Error) || error.status >= 500 || (error.status === 404 && this.#isThere)
      throw isClear ? error : await this.#explained(error, request, ctx)
    })
  }

  get #isThere(): boolean {
    return this.#client.hasBucket || this.#lacksKey
  }

  async #explained(error: S3Error, request: Omit<S3Request, 'method'>, ctx: CallContext): Promise<S3Error> {
    try {
      const headers = { ...request.headers, range: 'bytes=0-0' }
      await this.#client.call({ ...request, method: 'GET', headers }, ctx)
      return error
    } catch (told) {
      if (!(told instanceof S3Error) || told.status !== error.status || told.serviceCode === undefined) return error
      this.#lacksKey ||= told.status === 404 && told.serviceCode !== 'NoSuchBucket'
      return told
    }
  }

  async #find(ctx: CallContext): Promise<void> {
    try {
      await this.#client.call({ method: 'HEAD', stay: true }, ctx)
    } catch (error) {
      if (error instanceof S3Error && error.status === 301) {
        const where = error.region === undefined ? 'another region' : `the region '${error.region}'`
        const text = `Bucket ${this.#client.bucketName} exists in ${where}: set AWS_S3_REGION_NAME to the bucket's region.`
        throw new ImproperlyConfigured(text, { cause: error })
      }
      if (!(error instanceof S3Error) || error.status !== 404) throw error
      await this.create(ctx)
    }
  }
}
