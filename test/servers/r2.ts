/**
 * Cloudflare's own local R2 (the npm package `miniflare`) as an S3 server to test against: path style, region `auto`.
 * It ignores `If-None-Match` on CompleteMultipartUpload and accepts but ignores ACLs.
 */
import { Miniflare } from 'miniflare'

/** A running local R2. */
export interface R2Server {
  /** The S3 endpoint, without a slash at its end; path style only. */
  readonly url: string
  readonly bucket: string
  readonly region: 'auto'
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** What this server lacks compared with Amazon S3. */
  readonly lacks: readonly string[]
  close(): Promise<void>
}

/** Starts a local R2 with one empty bucket on a free loopback port. */
export async function startR2(bucket = 'media'): Promise<R2Server> {
  const credentials = { accessKeyId: 'r2-access-key', secretAccessKey: 'r2-secret-key' }
  const miniflare = new Miniflare({
    modules: true,
    script: "export default { fetch() { return new Response('ok') } }",
    host: '127.0.0.1',
    port: 0,
    cf: false,
    r2Buckets: { B: { id: bucket, s3Credentials: credentials } },
  })
  const base = await miniflare.ready
  return {
    url: new URL('/cdn-cgi/local/r2/s3', base).href,
    bucket,
    region: 'auto',
    credentials,
    lacks: ['acl', 'conditional-complete', 'sigv2', 'virtual-host', 'checksum-echo', 'versions'],
    close: () => miniflare.dispose(),
  }
}
