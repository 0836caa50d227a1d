import { createHash } from 'node:crypto'
import {
  GetObjectAclCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  ListObjectsV2Command,
  type S3Client,
} from '@aws-sdk/client-s3'

/** What the official client sees of an object. */
export type Seen = Readonly<Record<string, unknown>>

/** Keys of a customer's encryption, which reading needs too. */
export interface CustomerKey {
  readonly SSECustomerAlgorithm: string
  readonly SSECustomerKey: string
}

/** Every object of a bucket by its key, with its attributes, grants, tags and the SHA-256 of its bytes. */
export async function objectsIn(client: S3Client, Bucket: string, key?: CustomerKey): Promise<Record<string, Seen>> {
  const seen: Record<string, Seen> = {}
  for (const Key of await keysIn(client, Bucket)) seen[Key] = await objectAt(client, Bucket, Key, key)
  return seen
}

/** Every key of a bucket with no more than a page of objects. */
export async function keysIn(client: S3Client, Bucket: string): Promise<string[]> {
  const { Contents = [], IsTruncated } = await client.send(new ListObjectsV2Command({ Bucket }))
  if (IsTruncated) throw new Error(`${Bucket} holds more than a page of objects`)
  return Contents.map(({ Key }) => Key!)
}

async function objectAt(client: S3Client, Bucket: string, Key: string, customer?: CustomerKey): Promise<Seen> {
  const place = { Bucket, Key }
  const got = await client.send(new GetObjectCommand({ ...place, ...sseHeaders(customer) }))
  const bytes = await got.Body!.transformToByteArray()
  const { Grants = [] } = await client.send(new GetObjectAclCommand(place))
  const { TagSet = [] } = await client.send(new GetObjectTaggingCommand(place))
  return {
    size: bytes.byteLength,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    etag: got.ETag,
    type: got.ContentType,
    encoding: got.ContentEncoding,
    cacheControl: got.CacheControl,
    disposition: got.ContentDisposition,
    language: got.ContentLanguage,
    expires: got.ExpiresString,
    redirect: got.WebsiteRedirectLocation,
    metadata: got.Metadata,
    storageClass: got.StorageClass,
    encryption: got.ServerSideEncryption,
    kmsKey: got.SSEKMSKeyId,
    customerAlgorithm: got.SSECustomerAlgorithm,
    grants: Grants.map(({ Grantee, Permission }) => `${Grantee?.ID ?? Grantee?.URI} ${Permission}`).sort(),
    tags: TagSet.map(({ Key: name, Value }) => `${name}=${Value}`).sort(),
  }
}

function sseHeaders(customer: CustomerKey | undefined) {
  if (customer === undefined) return {}
  const key = Buffer.from(customer.SSECustomerKey)
  return {
    SSECustomerAlgorithm: customer.SSECustomerAlgorithm,
    SSECustomerKey: key.toString('base64'),
    SSECustomerKeyMD5: createHash('md5').update(key).digest('base64'),
  }
}
