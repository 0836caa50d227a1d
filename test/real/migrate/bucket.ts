/** A bucket of the gateway as others see it: the official SDK lists it, and plain HTTP without a signature reads it. */
import { Agent, request } from 'node:http'
import {
  CreateBucketCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { readAll } from '../../faults/exchange.ts'
import type { RgwServer } from '../../servers/rgw.ts'
import { officialClient } from '../places/rgw.ts'
import { bytesOf, type PlannedFile } from './tree.ts'

/** Objects that are read at a time. */
const LANES = 8
/** The differences that are shown of each kind. */
const SHOWN = 10

/** A bucket that this process made. */
export class Bucket {
  readonly name: string
  readonly #server: RgwServer
  readonly #client: S3Client
  readonly #agent = new Agent({ keepAlive: true, maxSockets: LANES })

  private constructor(server: RgwServer, name: string) {
    this.name = name
    this.#server = server
    this.#client = officialClient(server)
  }

  /** Makes a bucket that everyone may read. */
  static async make(server: RgwServer, name: string): Promise<Bucket> {
    const bucket = new Bucket(server, name)
    await bucket.#client.send(new CreateBucketCommand({ Bucket: name }))
    const statement = {
      Effect: 'Allow',
      Principal: '*',
      Action: ['s3:GetObject'],
      Resource: [`arn:aws:s3:::${name}/*`],
    }
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
    await bucket.#client.send(new PutBucketPolicyCommand({ Bucket: name, Policy }))
    return bucket
  }

  /** Every key, as often as it is listed. */
  async *keys(): AsyncGenerator<string> {
    let ContinuationToken: string | undefined
    do {
      const command = new ListObjectsV2Command({ Bucket: this.name, EncodingType: 'url', ContinuationToken })
      const page = await this.#client.send(command)
      for (const { Key = '' } of page.Contents ?? []) yield decodeURIComponent(Key.replaceAll('+', '%20'))
      ContinuationToken = page.NextContinuationToken
    } while (ContinuationToken !== undefined)
  }

  /** The bytes of an object; undefined where the gateway answers anything but 200. */
  read(key: string): Promise<Buffer | undefined> {
    const path = `/${this.name}/${key.split('/').map(encodeURIComponent).join('/')}`
    return new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port: this.#server.port, path, agent: this.#agent }, answer => {
        readAll(answer).then(bytes => resolve(answer.statusCode === 200 ? bytes : undefined), reject)
      })
        .on('error', reject)
        .end()
    })
  }

  async put(key: string, bytes: Buffer, attributes: object = {}): Promise<void> {
    await this.#client.send(new PutObjectCommand({ Bucket: this.name, Key: key, Body: bytes, ...attributes }))
  }

  /** The keys of uploads in parts that are not finished. */
  async openUploads(): Promise<string[]> {
    const { Uploads = [], IsTruncated } = await this.#client.send(
      new ListMultipartUploadsCommand({ Bucket: this.name }),
    )
    if (IsTruncated) throw new Error('there are more unfinished uploads than one page has')
    return Uploads.map(({ Key = '' }) => Key)
  }

  close(): void {
    this.#agent.destroy()
    this.#client.destroy()
  }
}

/** How a bucket differs from the files that it should have, and nothing else; a line for each kind of difference, with the first keys. */
export async function differences(bucket: Bucket, seed: number, files: readonly PlannedFile[]): Promise<string[]> {
  const found = new Map<string, string[]>()
  const add = (kind: string, key: string): void => {
    found.set(kind, [...(found.get(kind) ?? []), JSON.stringify(key)])
  }
  const wanted = new Map(files.map(file => [file.name, file]))
  const seen = new Set<string>()
  for await (const key of bucket.keys()) {
    if (seen.has(key)) add('listed twice', key)
    else if (!wanted.has(key)) add('extra', key)
    seen.add(key)
  }
  const left = wanted.values()
  const lane = async (): Promise<void> => {
    for (const file of left) {
      if (!seen.has(file.name)) add('missing', file.name)
      else if ((await bucket.read(file.name))?.equals(bytesOf(seed, file)) !== true) add('other bytes', file.name)
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  for (const key of await bucket.openUploads()) add('unfinished upload', key)
  return [...found].sort().map(([kind, keys]) => `${keys.length} ${kind}: ${keys.sort().slice(0, SHOWN).join(', ')}`)
}
