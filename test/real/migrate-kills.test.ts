/** Transfers to Ceph RADOS Gateway whose processes are killed all the time, with faults on the way and odd names: nothing is lost, nothing is doubled. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateMultipartUploadCommand, DeleteObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, describe, expect, it } from 'vitest'
import type { MigrationStatus } from '../../src/core/migration-status.ts'
import { startPostgres } from '../servers/postgres.ts'
import { startRgw } from '../servers/rgw.ts'
import { Bucket, differences } from './migrate/bucket.ts'
import { Commands, killedUntilDone } from './migrate/commands.ts'
import { judgedFleet, statusOf } from './migrate/judged.ts'
import { leftovers, miscounts } from './migrate/ledger.ts'
import { FOLDER_KEYS, ODD_KEYS, ODD_NAMES } from './migrate/odd-names.ts'
import { Traffic } from './migrate/traffic.ts'
import { bytesOf, planTree, writeTree } from './migrate/tree.ts'
import { officialClient } from './places/rgw.ts'

const SEED = 14
const folder = await mkdtemp(join(tmpdir(), 'holdall-kills-'))
const [rgw, postgres] = await Promise.all([startRgw(), startPostgres()])
const files = planTree({ seed: SEED, files: 3000, odd: ODD_NAMES })
const source = join(folder, 'source')
writeTree(source, SEED, files)
const few = files.slice(0, 1000)
const fewSource = join(folder, 'few')
writeTree(fewSource, SEED, few)
afterAll(async () => {
  await Promise.all([rgw.close(), postgres.close()])
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
    await client.send(new CreateMultipartUploadCommand({ Bucket: bucket.name, Key: 'unfinished' }))
    expect(await differences(bucket, SEED, plan)).toEqual([
      '1 extra: "one too many"',
      `1 missing: ${JSON.stringify(two!.name)}`,
      `1 other bytes: ${JSON.stringify(one!.name)}`,
      '1 unfinished upload: "unfinished"',
    ])
    client.destroy()
    bucket.close()
  }, 60_000)
})

describe.each([
  ['sync', []],
  ['migrate', []],
  ['migrate', ['--verify', 'full']],
])('%s %j on one machine', (command, words) => {
  it('ends with the same files, however often it is killed', async () => {
    const bucket = await Bucket.make(rgw, `${command}-${words.length}`)
    const traffic = await Traffic.start(rgw.url, SEED)
    try {
      const commands = await Commands.make(join(folder, bucket.name), rgw, traffic.url, { target: bucket.name })
      const start = () => commands.start('--quiet', command, fewSource, 'target:', ...words)
      const { ended, kills } = await killedUntilDone(start, () => traffic.more(50), 500)
      await traffic.quiet()
      expect(ended, ended.stderr).toMatchObject({ code: 0, signal: null })
      expect(kills).toBeGreaterThan(0)
      expect(await differences(bucket, SEED, few)).toEqual([])
      if (command === 'migrate') {
        const status = await commands.run('--json', 'migrate', 'status', fewSource, 'target:')
        expect(miscounts(JSON.parse(status.stdout) as MigrationStatus, few, [])).toEqual([])
      }
      // What is there is not sent again.
      const { puts } = traffic
      expect((await start().ended).code).toBe(0)
      expect(traffic.puts).toBe(puts)
    } finally {
      await traffic.close()
      bucket.close()
    }
  }, 120_000)
})

describe('migrate by four workers, one of which is killed again and again', () => {
  it('ends with the same files, and nothing waits, runs or is left open', async () => {
    const place = { rgw, postgres, folder, name: 'fleet' }
    const work = { seed: SEED, source, files, killEveryMs: 1000, killEveryUploads: 250 }
    const { wrong, kills, struck, commands, bucket, traffic, url } = await judgedFleet(place, work)
    try {
      expect(wrong).toEqual([])
      expect(kills).toBeGreaterThan(2)
      expect(Object.entries(struck).filter(([, times]) => times === 0)).toEqual([])
      // The next migration finds everything, and its only worker ends with it.
      const { puts } = traffic
      const again = ['migrate', source, 'target:', '--fleet', url]
      expect((await commands.run(...again, '--no-work', '--detach')).code).toBe(0)
      expect((await commands.run('migrate', 'worker', '--fleet', url, '--once')).code).toBe(0)
      const { stdout } = await commands.run('--json', 'migrate', 'status', '--fleet', url)
      const newest = JSON.parse(stdout.split('\n')[0]!) as MigrationStatus
      expect(newest).toMatchObject({ state: 'done', counts: { seen: 3000, copied: 0, unchanged: 3000, failed: 0 } })
      expect(traffic.puts).toBe(puts)
      expect(await leftovers(url)).toEqual([])
    } finally {
      await traffic.close()
      bucket.close()
    }
  }, 300_000)

  it('names exactly the files that cannot be copied, and copies them when it can', async () => {
    // Not one after the other: that would look like a broken service.
    const failing = few.filter((_, index) => index % 250 === 249).map(({ name }) => name)
    let isForbidden = (key: string): boolean => failing.includes(key)
    const place = { rgw, postgres, folder, name: 'failing' }
    const work = { seed: SEED, source: fewSource, files: few, killEveryMs: 1000, killEveryUploads: 250, failing }
    const judged = await judgedFleet(place, { ...work, isForbidden: key => isForbidden(key) })
    const { wrong, code, commands, bucket, traffic, url } = judged
    try {
      expect(wrong).toEqual([])
      expect(code).toBe(1)
      const { stdout } = await commands.run('--json', 'migrate', 'status', '--failures', '--fleet', url)
      const named = [...stdout.matchAll(/"name":("(?:[^"\\]|\\.)*")/g)].map(([, text]) => JSON.parse(text!) as string)
      expect(named.filter(name => failing.includes(name)).sort()).toEqual(failing.toSorted())
      isForbidden = () => false
      expect((await commands.run('migrate', 'retry', '--fleet', url)).code).toBe(0)
      expect((await commands.run('migrate', 'worker', '--fleet', url, '--once')).code).toBe(0)
      expect(await statusOf(commands, url)).toMatchObject({ state: 'done', counts: { failed: 0 } })
      expect(await differences(bucket, SEED, few)).toEqual([])
      expect(await leftovers(url)).toEqual([])
    } finally {
      await traffic.close()
      bucket.close()
    }
  }, 300_000)
})

it('migrate copies keys that no disk can have from bucket to bucket, with the faults', async () => {
  const [from, to] = [await Bucket.make(rgw, 'odd-from'), await Bucket.make(rgw, 'odd-to')]
  const traffic = await Traffic.start(rgw.url, SEED)
  try {
    const keys = planTree({ seed: SEED, files: 0, odd: [...ODD_KEYS, ...ODD_NAMES] })
    for (const file of keys) await from.put(file.name, bytesOf(SEED, file))
    for (const key of FOLDER_KEYS) await from.put(key, Buffer.alloc(0))
    const commands = await Commands.make(join(folder, 'odd'), rgw, traffic.url, { from: from.name, to: to.name })
    const start = () => commands.start('migrate', 'from:', 'to:', '--verify', 'full')
    const { ended } = await killedUntilDone(start, () => traffic.more(100), 500)
    await traffic.quiet()
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
    expect(await differences(to, SEED, keys)).toEqual([])
  } finally {
    await traffic.close()
    from.close()
    to.close()
  }
}, 120_000)
