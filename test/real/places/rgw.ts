import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { S3Client } from '@aws-sdk/client-s3'
import { S3Storage } from '../../../src/backends/s3/index.ts'
import type { S3Options } from '../../../src/backends/s3/settings/settings.ts'
import type { Input } from '../../../src/core/settings.ts'
import type { Storage } from '../../../src/storage/storage.ts'
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

/** All keys of a storage; a key left by trying out the server would show. */
export async function keysOf(storage: Storage): Promise<string[]> {
  const names: string[] = []
  for await (const { name } of storage.entries('', { recursive: true })) names.push(name)
  return names.sort()
}

/** Removes every object below the storage and closes it. */
export async function emptyAndClose(storage: Storage): Promise<void> {
  const { errors } = await storage.deleteMany(await keysOf(storage))
  await storage.close()
  if (errors.length > 0) throw new Error(`not removed: ${errors.map(each => each.name).join(', ')}`)
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
