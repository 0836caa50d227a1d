import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { GetObjectCommand, ListMultipartUploadsCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { S3Storage } from '../../../src/backends/s3/index.ts'
import { presetOf } from '../../../src/backends/s3/settings/presets.ts'
import type { S3Options } from '../../../src/backends/s3/settings/settings.ts'
import type { Input } from '../../../src/core/settings.ts'
import { groundOf, type StepName } from '../../backends/s3/fault-steps.ts'
import type { Ground } from '../../faults/ground.ts'
import type { RgwServer } from '../../servers/rgw.ts'

/** What a user of an own Ceph sets: endpoint, keys and bucket; everything else is found out. */
export function rgwOptions(server: RgwServer, bucketName = 'media'): Input<S3Options> {
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = server.credentials
  return { endpointUrl: server.url, accessKey, secretKey, bucketName }
}

/** A storage in a bucket of the gateway. */
export function rgwStorage(server: RgwServer, options: Input<S3Options> = {}, bucketName = 'media'): S3Storage {
  return new S3Storage({ ...rgwOptions(server, bucketName), ...options }, { settings: {}, env: {} })
}

/** The official client for the gateway, which knows no trailing checksums. */
export function officialClient(server: RgwServer): S3Client {
  return new S3Client({
    endpoint: server.url,
    region: server.region,
    credentials: server.credentials,
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
}

/** A bucket of the gateway as a ground for faults; what is left is seen by the official client. */
export function rgwGround(server: RgwServer, client: S3Client, Bucket: string): Ground<StepName> {
  const options = { preset: presetOf('ceph', server.url), checksum: 'none', conditionalWrites: 'on' } as const
  return groundOf(server, Bucket, options, {
    put: async (Key, Body) => {
      await client.send(new PutObjectCommand({ Bucket, Key, Body }))
    },
    stored: async Key => {
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }))
        return Buffer.from(await Body!.transformToByteArray())
      } catch (error) {
        if ((error as Error).name === 'NoSuchKey') return undefined
        throw error
      }
    },
    openUploads: async Prefix => {
      const { Uploads = [], IsTruncated } = await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix }))
      if (IsTruncated) throw new Error('there are more uploads than one page tells')
      return Uploads.map(({ Key = '' }) => Key)
    },
  })
}

/** `fetch` that sends every request to this machine, since its resolver may not know the buckets below localhost. */
export async function localFetch(url: string, init: RequestInit = {}): Promise<Response> {
  const { host, port, pathname, search } = new URL(url)
  const wanted = new Request(url, init)
  const body = Buffer.from(await wanted.arrayBuffer())
  const headers = { ...Object.fromEntries(wanted.headers), host, 'content-length': String(body.byteLength) }
  const options = { host: '127.0.0.1', port, path: pathname + search, method: wanted.method, headers }
  const [answer] = (await once(request(options).end(body), 'response')) as [IncomingMessage]
  const bytes = await buffer(answer)
  const answered = Object.entries(answer.headers).map(([name, value]): [string, string] => [name, String(value)])
  return new Response(bytes.length > 0 ? bytes : null, { status: answer.statusCode ?? 0, headers: answered })
}
