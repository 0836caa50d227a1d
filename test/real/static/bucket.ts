import { PutBucketCorsCommand } from '@aws-sdk/client-s3'
import { S3Storage } from '../../../src/backends/s3/index.ts'
import type { RgwServer } from '../../servers/rgw.ts'
import { officialClient, rgwStorage } from '../places/rgw.ts'

/** Settings, by Django's names. */
export type Settings = Readonly<Record<string, unknown>>

/** The settings that reach a bucket of the gateway by its own host name, as behind a content network: anybody may read, and URLs are not signed. */
export function bucketSettings(server: RgwServer, bucket: string, more: Settings = {}): Settings {
  return {
    AWS_S3_ENDPOINT_URL: server.url,
    AWS_ACCESS_KEY_ID: server.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
    AWS_STORAGE_BUCKET_NAME: bucket,
    // Browsers take every name below localhost for this machine, and the gateway takes its first part for a bucket.
    AWS_S3_CUSTOM_DOMAIN: `${bucket}.localhost:${server.port}`,
    AWS_S3_URL_PROTOCOL: 'http:',
    AWS_QUERYSTRING_AUTH: false,
    AWS_DEFAULT_ACL: 'public-read',
    ...more,
  }
}

/** Our storage of the settings. */
export function bucketStorage(settings: Settings): S3Storage {
  return new S3Storage({}, { settings, env: {} })
}

/** Makes a bucket whose files pages of any origin may read. */
export async function makeBucket(server: RgwServer, bucket: string): Promise<void> {
  await using storage = rgwStorage(server, {}, bucket)
  await storage.createContainer()
  const client = officialClient(server)
  const rule = { AllowedMethods: ['GET', 'HEAD'], AllowedOrigins: ['*'], AllowedHeaders: ['*'] }
  await client.send(new PutBucketCorsCommand({ Bucket: bucket, CORSConfiguration: { CORSRules: [rule] } }))
  client.destroy()
}
