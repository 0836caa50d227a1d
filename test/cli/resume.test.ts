/** An old estate is read out by `holdall cp -r --resume`, each command in a process of its own. */
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { startStrictAtmos } from '../servers/strict-atmos.ts'
import { startStrictS3 } from '../servers/strict-s3.ts'
import { startCli } from './run-cli.ts'

const atmos = await startStrictAtmos()
const s3 = await startStrictS3()
const folder = await mkdtemp(join(tmpdir(), 'holdall-resume-'))
afterAll(async () => {
  await rm(folder, { recursive: true })
  await Promise.all([atmos.close(), s3.close()])
})
afterEach(() => {
  atmos.tree.clear()
  s3.bucket().objects.clear()
  s3.faults.clear()
  for (const { requests } of [atmos, s3]) requests.length = 0
})

await writeFile(
  join(folder, 'holdall.config.json'),
  JSON.stringify({
    STORAGES: {
      old: {
        BACKEND: 'atmos',
        OPTIONS: { host: atmos.url, user: atmos.credentials.uid, key: atmos.credentials.secret, container: 'estate' },
      },
      new: {
        BACKEND: 's3',
        OPTIONS: {
          bucketName: 'media',
          endpointUrl: s3.url,
          regionName: s3.region,
          accessKey: s3.credentials.accessKeyId,
          secretKey: s3.credentials.secretAccessKey,
          conditionalWrites: 'on',
        },
      },
      disk: { BACKEND: 'local', OPTIONS: { location: 'disk' } },
      copies: { BACKEND: 'local', OPTIONS: { location: 'copies' } },
    },
  }),
)

/** Starts a copy of the estate. */
const copy = (...args: string[]) =>
  startCli(folder, ['cp', '-r', '--resume', '--concurrency', '8', ...args], {
    env: { HOLDALL_MAX_ATTEMPTS: '1' },
    input: '',
  })

/** Fills the estate; what a file holds is told by its name. The files are a minute old. */
function fill(count: number, prefix = ''): string[] {
  return Array.from({ length: count }, (_, index) => {
    const name = `${prefix}${index % 10}/${index % 3 ? `é ${index}` : `file+${index}%`}.txt`
    const object = atmos.tree.put(`estate/${name}`, atmos.credentials.uid, bodyOf(name))
    object.contentType = 'text/x-odd'
    object.tags.set('owner', { value: `user ${index}`, listable: false })
    object.modifiedAt -= 60_000
    return name
  })
}
const bodyOf = (name: string): Buffer => Buffer.from(createHash('sha512').update(name).digest('hex').repeat(3))
const stored = (): Map<string, Buffer> =>
  new Map([...s3.bucket().objects].map(([key, [object]]) => [key, object!.body]))
const puts = (): string[] => s3.requests.filter(({ operation }) => operation === 'PutObject').map(({ key }) => key)

/** Calls something when so many files are being written. */
function atPut(count: number, call: () => void): void {
  let puts = 0
  const match = (): boolean => {
    if (++puts === count) call()
    return false
  }
  s3.faults.add({ operation: 'PutObject', match })
}

describe('cp -r --resume', () => {
  it('reads out 1,000 files, killed once and run again: all are equal, and none is copied twice but those in flight', async () => {
    const names = fill(1000)
    const killed = copy('old:', 'new:')
    atPut(450, () => killed.process.kill('SIGKILL'))
    expect(await killed.ended).toMatchObject({ signal: 'SIGKILL' })
    const first = puts()
    expect(first.length).toBeLessThan(1000)
    // Nothing of it is half there.
    for (const [key, body] of stored()) expect(body.equals(bodyOf(key)), key).toBe(true)
    const { code, stdout, stderr } = await copy('--json', 'old:', 'new:').ended
    expect([code, stderr]).toEqual([0, ''])
    expect([...stored().keys()].toSorted()).toEqual(names.toSorted())
    for (const [key, body] of stored()) expect(body.equals(bodyOf(key)), key).toBe(true)
    const twice = puts().length - 1000
    expect(twice).toBeGreaterThanOrEqual(0)
    expect(twice).toBeLessThanOrEqual(8)
    const { summary } = JSON.parse(stdout.trim().split('\n').at(-1)!)
    const { copied, unchanged, failed, verifiedBy } = summary
    expect([copied + unchanged, failed, unchanged >= 400]).toEqual([1000, 0, true])
    expect(verifiedBy).toEqual({ etag: copied, mark: unchanged, bytes: 0 })
    const [object] = s3.bucket().objects.get(names[1]!)!
    expect(object).toMatchObject({ system: { 'content-type': 'text/x-odd' }, metadata: { owner: 'user 1' } })
  })
  it('ends after SIGINT with what it has done, and leaves no half file', async () => {
    fill(60)
    const child = copy('old:', 'new:')
    atPut(20, () => child.process.kill('SIGINT'))
    const { code, stderr } = await child.ended
    expect(code).toBe(130)
    const [, copied] = /^(\d+) copied, 0 there already, 0 failed; verified by MD5: \d+/.exec(stderr)!
    expect(Number(copied)).toBeGreaterThan(0)
    expect(Number(copied)).toBeLessThan(60)
    for (const [key, body] of stored()) expect(body.equals(bodyOf(key)), key).toBe(true)
    expect(await copy('old:', 'new:').ended).toMatchObject({ code: 0 })
    expect(stored().size).toBe(60)
  })

  it('replaces no other file unless --overwrite says so, and tells it by name and exit code', async () => {
    const names = fill(5)
    expect(await copy('old:', 'new:').ended).toMatchObject({ code: 0 })
    const object = s3.bucket().objects.get(names[2]!)!
    // As long, and newer.
    const body = Buffer.alloc(object[0]!.body.length, 'x')
    object[0] = { ...object[0]!, body, etag: createHash('md5').update(body).digest('hex'), lastModified: Date.now() }
    const refused = await copy('old:', 'new:').ended
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain(`'${names[2]}' is a different file from its source; --overwrite replaces it.`)
    expect(refused.stderr).toContain('0 copied, 4 there already, 1 failed')
    expect(stored().get(names[2]!)?.equals(body)).toBe(true)
    const planned = await copy('--overwrite', '--dry-run', 'old:', 'new:').ended
    expect(planned).toMatchObject({ code: 0, stdout: `would copy old:${names[2]} to new:${names[2]}\n` })
    const replaced = await copy('--overwrite', 'old:', 'new:').ended
    expect(replaced).toMatchObject({ code: 0, stdout: `new:${names[2]}\n` })
    expect(stored().get(names[2]!)?.equals(bodyOf(names[2]!))).toBe(true)
  })

  it('finds a file that changes to as many bytes within the second in which it was listed', async () => {
    const object = atmos.tree.put('estate/a', atmos.credentials.uid, Buffer.from('before'))
    expect(await copy('old:', 'new:').ended).toMatchObject({ code: 0 })
    // The service tells whole seconds.
    object.body = Buffer.from('behind')
    const again = await copy('old:', 'new:').ended
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining("'a' is a different file from its source") })
  })

  it('counts what fails, goes on, and gives up where nothing goes on', async () => {
    const names = fill(40)
    s3.faults.add({ operation: 'PutObject', key: names[7]!, fault: { do: 'refuse', status: 403 } })
    const once = await copy('old:', 'new:').ended
    expect(once.code).toBe(1)
    expect(once.stderr).toContain('39 copied, 0 there already, 1 failed')
    expect(await copy('old:', 'new:').ended).toMatchObject({ code: 0, stdout: `new:${names[7]}\n` })
    s3.bucket().objects.clear()
    s3.faults.add({ operation: 'PutObject', times: Number.POSITIVE_INFINITY, fault: { do: 'refuse', status: 403 } })
    const never = await copy('old:', 'new:').ended
    expect(never.code).toBe(1)
    const [, failed] = /0 copied, 0 there already, (\d+) failed/.exec(never.stderr)!
    expect(Number(failed)).toBeLessThan(20)
  })

  it.each([
    ['a right is missing', 403, '2003'],
    ['the bytes are lost', 500, '1020'],
  ])(
    'leaves out a folder of the source of which %s, however many files it has, and copies what is behind',
    async (_, status, code) => {
      const names = fill(200)
      const isLost = (name: string): boolean => name.startsWith('1/')
      const body = `<Error><Code>${code}</Code><Message>no</Message></Error>`
      const fault = { do: 'refuse', status, body } as const
      const match = ({ key }: { readonly key: string }): boolean => key.startsWith('estate/1/')
      atmos.faults.add({ operation: 'ReadObject', match, times: Number.POSITIVE_INFINITY, fault })
      const ended = await copy('old:', 'new:').ended
      atmos.faults.clear()
      expect([ended.code, ended.stderr]).toEqual([1, expect.stringContaining('180 copied, 0 there already, 20 failed')])
      expect([...stored().keys()].toSorted()).toEqual(names.filter(name => !isLost(name)).toSorted())
    },
  )

  it('is for folders', async () => {
    const { code, stderr } = await startCli(folder, ['cp', '--resume', 'old:a', 'new:a'], { input: '' }).ended
    expect([code, stderr]).toEqual([2, expect.stringContaining('--resume is for folders: use it with -r.')])
  })
})
