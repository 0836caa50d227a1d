import type { CallContext } from '../../core/call.ts'
import type { ContainerPage, ContainerStat } from '../../core/container-driver.ts'
import { type ErrorCode, StorageError } from '../../core/errors.ts'
import type { HttpClient } from '../../http/request.ts'
import { bucketPage, bucketsQuery } from '../../remote/bucket-listing.ts'
import { type ContainerProtocol, checkIsMissing } from '../../remote/containers.ts'
import type { HttpStatusError } from '../../remote/http-error.ts'
import { ONE_OBJECT } from '../../remote/object-listing.ts'
import { isBucketName } from './addressing.ts'
import { bucketRequest } from './bucket.ts'
import { S3Client, type S3ClientOptions } from './client.ts'

const CODES: ReadonlyMap<string | undefined, ErrorCode> = new Map([
  ['InvalidBucketName', 'invalid_argument'],
  ['NoSuchBucket', 'not_found'],
])

/** The buckets of an account. Each request learns the region of its bucket; no request creates a missing bucket. */
export class Buckets implements ContainerProtocol {
  readonly #options: S3ClientOptions
  readonly #http: HttpClient

  constructor(options: S3ClientOptions, http: HttpClient) {
    this.#options = { ...options, autoCreateBucket: false }
    this.#http = http
  }

  codeOf({ serviceCode }: HttpStatusError): ErrorCode | undefined {
    return CODES.get(serviceCode)
  }

  /** CreateBucket, after a check that the bucket is missing: Amazon (us-east-1) and Ceph report success for an own bucket that exists. */
  async create(name: string, ctx: CallContext): Promise<void> {
    const client = this.#clientOf(name)
    await checkIsMissing(name, () => lookInto(client, ctx))
    await client.done({ ...bucketRequest(this.#options), conflicts: [409] }, ctx)
  }

  /** Lists one object: unlike with HeadBucket, the answer can be checked, and a refusal contains its cause. */
  async stat(name: string, ctx: CallContext): Promise<ContainerStat> {
    await lookInto(this.#clientOf(name), ctx)
    return { name }
  }

  /** ListBuckets. */
  async list(page: { readonly token?: string; readonly limit?: number }, ctx: CallContext): Promise<ContainerPage> {
    const account = new S3Client({ ...this.#options, bucketName: '', ofAccount: true }, this.#http)
    return bucketPage((await account.xml({ method: 'GET', query: bucketsQuery(page) }, ctx)).root)
  }

  /** DeleteBucket, which refuses a bucket that is not empty. */
  async delete(name: string, ctx: CallContext): Promise<void> {
    await this.#clientOf(name).done({ method: 'DELETE', conflicts: [404] }, ctx)
  }

  #clientOf(name: string): S3Client {
    if (isBucketName(name)) return new S3Client({ ...this.#options, bucketName: name }, this.#http)
    throw new StorageError('invalid_argument', `'${name}' is not the name of a bucket.`)
  }
}

async function lookInto(client: S3Client, ctx: CallContext): Promise<void> {
  await client.xml({ method: 'GET', query: ONE_OBJECT }, ctx)
}
