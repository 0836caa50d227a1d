/** `holdall init`, `holdall check` and `holdall settings`, each in a process of its own. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { runCli, startCli } from '../../cli/run-cli.ts'
import { startStrictS3 } from '../../servers/strict-s3.ts'
import { entryOf, hostOf } from './support.ts'

const server = await startStrictS3({ buckets: ['media'] })
const folder = await mkdtemp(join(tmpdir(), 'holdall-libcloud-'))
afterAll(async () => {
  await rm(folder, { recursive: true })
  await server.close()
})

const { accessKeyId: user, secretAccessKey: key } = server.credentials
const good = entryOf('S3', { ...hostOf(server.url), user, key, region: server.region })
const check = (providers: unknown) =>
  startCli(folder, ['check', '--json', 'default'], {
    env: { LIBCLOUD_PROVIDERS: JSON.stringify(providers) },
    input: '',
  }).ended

it('init begins a configuration that check connects with; secrets of entries are not shown', async () => {
  expect(await runCli(folder, ['init', '--backend', 'libcloud', '--format', 'json'])).toMatchObject({ code: 0 })
  const { code, stdout, stderr } = await check({ default: good, second: entryOf('NIMBUS', { key: 's3cret' }) })
  expect([code, stderr.trim().split('\n').length]).toEqual([0, 1])
  for (const secret of [key, 's3cret']) expect(stdout + stderr).not.toContain(secret)
  const { advice, storages } = JSON.parse(stdout)
  expect(storages[0]).toMatchObject({ backend: 'LibCloudStorage', ok: true })
  expect(advice).toEqual([
    "LIBCLOUD_PROVIDERS['second']: Nimbus.io is closed: only a server of your own can be reached.",
  ])
  expect(server.bucket('media').objects.size).toBe(0)
})

it('check says why an entry cannot be used, and shows none of its secrets', async () => {
  const providers = { default: { ...good, type: 'S3_EU_WESTT', key: 's3cret' }, 'amazon-1': {}, good }
  const { code, stdout } = await check(providers)
  expect(code).toBe(1)
  expect(stdout).toContain("there is no provider 'S3_EU_WESTT' (did you mean 'S3_EU_WEST'?)")
  expect(stdout).toContain('LIBCLOUD_PROVIDERS amazon-1 not defined or invalid')
  expect(stdout).not.toContain('s3cret')
})

it('a .env file with SSL_CERT_FILE does not decide whom keys of elsewhere are shown to', async () => {
  await writeFile(join(folder, '.env'), 'SSL_CERT_FILE=/tmp/mine.pem\n')
  const { code, stdout } = await check({ default: good })
  await rm(join(folder, '.env'))
  expect(code).toBe(1)
  expect(stdout).toContain('SSL_CERT_FILE decides where requests go or where keys come from')
})

it('a .env file may bring the entries, with their keys and places', async () => {
  await writeFile(join(folder, '.env'), `LIBCLOUD_PROVIDERS='${JSON.stringify({ default: good })}'\n`)
  const { code, stdout } = await startCli(folder, ['check', '--json', 'default'], { input: '' }).ended
  await rm(join(folder, '.env'))
  expect([code, JSON.parse(stdout).storages[0].ok]).toEqual([0, true])
  expect(stdout).not.toContain(key)
})
