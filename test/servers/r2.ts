/**
 * Cloudflare's own local R2 (the npm package `miniflare`) as an S3 server to test against: path style, region `auto`.
 * It ignores `If-None-Match` on CompleteMultipartUpload and accepts but ignores ACLs.
 */
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Miniflare, type MiniflareOptions } from 'miniflare'

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
  const folder = mkdtempSync(join(tmpdir(), 'holdall-r2-'))
  const miniflare = inFolder(folder, {
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
    close: async () => {
      await miniflare.dispose()
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** A Miniflare whose temporary files are in a folder of ours, since it leaves some behind. */
export function inFolder(folder: string, options: MiniflareOptions): Miniflare {
  const before = process.env['TMPDIR']
  process.env['TMPDIR'] = folder
  try {
    return new Miniflare(options)
  } finally {
    if (before === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = before
  }
}
