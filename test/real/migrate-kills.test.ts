/** Transfers to Ceph RADOS Gateway whose processes are killed all the time, with faults on the way and odd names: nothing is lost, nothing is doubled. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AbortMultipartUploadCommand, CreateMultipartUploadCommand, DeleteObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, describe, expect, it } from 'vitest'
import { startRgw } from '../servers/rgw.ts'
import { Bucket, differences } from './migrate/bucket.ts'
import { Commands, killedUntilDone } from './migrate/commands.ts'
import { ODD_NAMES } from './migrate/odd-names.ts'
import { Traffic } from './migrate/traffic.ts'
import { bytesOf, planTree, writeTree } from './migrate/tree.ts'
import { officialClient } from './places/rgw.ts'

const SEED = 14
const folder = await mkdtemp(join(tmpdir(), 'holdall-kills-'))
const rgw = await startRgw()
const files = planTree({ seed: SEED, files: 2000, odd: ODD_NAMES })
const source = join(folder, 'source')
writeTree(source, SEED, files)
afterAll(async () => {
  await rgw.close()
  await rm(folder, { recursive: true })
}, 60_000)

describe('the check itself', () => {
  it('finds a changed byte, a missing object, one too many and an unfinished upload', async () => {
    const bucket = await Bucket.make(rgw, 'checked')
    const client = officialClient(rgw)
    const plan = files.slice(0, 20)
    for (const file of plan) await bucket.put(file.name, bytesOf(SEED, file))
    expect(await differences(bucket, SEED, plan)).toEqual([])

    const [one, two] = plan.filter(({ size }) => size > 0)
    const bytes = bytesOf(SEED, one!)
    bytes[bytes.length - 1]! ^= 1
    await bucket.put(one!.name, bytes)
    await client.send(new DeleteObjectCommand({ Bucket: bucket.name, Key: two!.name }))
    await bucket.put('one too many', Buffer.from('x'))
    const open = { Bucket: bucket.name, Key: 'unfinished' }
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(open))
    expect(await differences(bucket, SEED, plan)).toEqual([
      '1 extra: "one too many"',
      `1 missing: ${JSON.stringify(two!.name)}`,
      `1 other bytes: ${JSON.stringify(one!.name)}`,
      '1 unfinished upload: "unfinished"',
    ])
    await client.send(new AbortMultipartUploadCommand({ ...open, UploadId }))
    client.destroy()
    bucket.close()
  }, 60_000)
})

it('sync ends with the same files, however often it is killed', async () => {
  const bucket = await Bucket.make(rgw, 'synced')
  const traffic = await Traffic.start(rgw.url, SEED)
  try {
    const commands = await Commands.make(join(folder, 'sync'), rgw, traffic.url, { target: bucket.name })
    const { ended, kills } = await killedUntilDone(
      () => commands.start('sync', source, 'target:'),
      () => traffic.more(1),
      1000,
    )
    console.log(
      kills,
      ended.code,
      ended.stdout.slice(-300),
      ended.stderr.slice(-3000),
      traffic.struck,
      traffic.requests,
    )
    await traffic.quiet()
    expect(await differences(bucket, SEED, files)).toEqual([])
    expect(ended.code).toBe(0)
    expect(kills).toBeGreaterThan(0)
  } finally {
    await traffic.close()
    bucket.close()
  }
}, 120_000)
