/** The steps of an upload in parts to Ceph, each with the faults of the proxy; what is left is seen by the official client. */
import { GetObjectCommand, ListMultipartUploadsCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, describe, expect, test } from 'vitest'
import type { S3Storage } from '../../src/backends/s3/index.ts'
import { presetOf } from '../../src/backends/s3/settings/presets.ts'
import { distinctBytes, streamed } from '../backends/s3/fault-steps.ts'
import { FAULTS, type FaultCase, type Ground, runCase, type StepName } from '../faults/case.ts'
import { startRgw } from '../servers/rgw.ts'
import { officialClient, rgwStorage } from './places/rgw.ts'

const MIB = 1024 * 1024
const Bucket = 'faults'
const server = await startRgw()
const client = officialClient(server)
afterAll(async () => {
  client.destroy()
  await server.close()
}, 60_000)
await using made = rgwStorage(server, {}, Bucket)
await made.createContainer()

const ground: Ground = {
  server,
  bucketName: Bucket,
  driver: { preset: presetOf('ceph', server.url), checksum: 'none', conditionalWrites: 'on' },
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
    expect(IsTruncated).toBe(false)
    return Uploads.map(({ Key = '' }) => Key)
  },
}

const large = distinctBytes(2 * 5 * MIB + 40_000)
const old = Buffer.from('what was there before')
const titles = ['reset before', 'reset after', '500', '500 after', 'SlowDown', 'duplicate']
const faults = FAULTS.filter(({ title }) => titles.includes(title))

interface Plan {
  readonly title: string
  readonly steps: readonly StepName[]
  readonly overwrite: boolean
  readonly also?: FaultCase['also']
}

const plans: readonly Plan[] = [
  {
    title: 'a stream over an old file',
    steps: ['CreateMultipartUpload', 'UploadPart 1', 'UploadPart 2', 'UploadPart 3', 'CompleteMultipartUpload'],
    overwrite: true,
  },
  {
    title: 'a new file, whose key is held by an empty object at last',
    steps: ['PutObject', 'CompleteMultipartUpload'],
    overwrite: false,
  },
  {
    title: 'the end of an upload that failed',
    steps: ['AbortMultipartUpload'],
    overwrite: true,
    also: request => (request.url.includes('partNumber=2&') ? { do: 'answer', status: 403 } : undefined),
  },
]

describe.each(plans)('$title', ({ steps, overwrite, also }) => {
  const work = async (files: S3Storage, prefix: string): Promise<unknown> => {
    if (overwrite) await ground.put(`${prefix}new`, old)
    return files.save(`${prefix}new`, streamed(large), { overwrite })
  }
  for (const step of steps) {
    test.each(
      faults.flatMap(fault => [
        { fault, mode: 'once' as const },
        { fault, mode: 'always' as const },
      ]),
    )(`${step}: $fault.title, $mode`, async ({ fault, mode }) => {
      const { error, hit, open, prefix } = await runCase(ground, { step, fault, mode, also }, work)
      const stored = await ground.stored(`${prefix}new`)
      const isOld = overwrite ? stored?.equals(old) === true : stored === undefined
      expect(hit).toBe(true)
      const asked = step === 'CompleteMultipartUpload' || step === 'PutObject'
      const wins =
        also === undefined && (mode === 'once' || fault.code === undefined || (asked && fault.work === 'done'))
      if (wins) {
        expect(error).toBeUndefined()
        expect(stored?.equals(large)).toBe(true)
      } else {
        expect(error?.code).toBe(also === undefined ? fault.code : 'permission_denied')
        expect(isOld).toBe(true)
      }
      const cannotEnd = step === 'AbortMultipartUpload' && mode === 'always' && fault.work === 'none'
      expect(open).toEqual(cannotEnd ? [`${prefix}new`] : [])
    })
  }
})
