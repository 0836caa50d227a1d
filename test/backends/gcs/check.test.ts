/** `holdall init` and `holdall check`, each in a process of its own. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { runCli, startCli } from '../../cli/run-cli.ts'
import { startStrictGcs } from '../../servers/strict-gcs.ts'

const server = await startStrictGcs({ buckets: ['my-bucket'] })
const check = (env: NodeJS.ProcessEnv, ...args: string[]) =>
  startCli(folder, ['check', ...args, 'default'], { env, input: '' }).ended
const folder = await mkdtemp(join(tmpdir(), 'holdall-gcs-'))
afterAll(async () => {
  await rm(folder, { recursive: true })
  await server.close()
})

it('init begins a configuration that check connects with, and its advice names what has no effect', async () => {
  expect(await runCli(folder, ['init', '--backend', 'gcs', '--format', 'json'])).toMatchObject({ code: 0 })
  const { STORAGES } = JSON.parse(await readFile(join(folder, 'holdall.config.json'), 'utf8'))
  expect(STORAGES.default).toEqual({ BACKEND: 'gcs', OPTIONS: { bucketName: 'my-bucket' } })
  await writeFile(join(folder, 'key.json'), JSON.stringify(server.keyFile()))
  const env = { GS_CREDENTIALS: join(folder, 'key.json'), GS_ENDPOINT_URL: server.url }
  const right = await check(env, '--json')
  expect(right).toMatchObject({ code: 0, stderr: '' })
  expect(JSON.parse(right.stdout)).toMatchObject({ advice: [] })
  expect(right.stdout).not.toContain('PRIVATE KEY')
  // Nothing is left of its probe.
  expect(server.bucket('my-bucket').objects.size).toBe(0)

  const advised = await check({ ...env, GS_DEFAULT_ACL: 'publicRead', STORAGE_EMULATOR_HOST: 'localhost:1' })
  expect(advised.stdout + advised.stderr).toContain('GS_QUERYSTRING_AUTH')
  expect(advised.stdout + advised.stderr).toContain('STORAGE_EMULATOR_HOST: it has no effect')
})

it('check that finds no bucket, or no right, says what to do', async () => {
  await writeFile(join(folder, 'key.json'), JSON.stringify(server.keyFile()))
  const env = { GS_CREDENTIALS: join(folder, 'key.json'), GS_ENDPOINT_URL: server.url, HOLDALL_MAX_ATTEMPTS: '1' }
  await writeFile(
    join(folder, 'holdall.config.json'),
    JSON.stringify({ STORAGES: { default: { BACKEND: 'gcs', OPTIONS: { bucketName: 'missing' } } } }),
  )
  const missing = await check(env)
  expect(missing.code).toBe(1)
  expect(missing.stdout + missing.stderr).toMatch(/bucket does not exist/)
  expect(missing.stdout).toContain("'holdall containers default --create' makes a missing container")

  const containers = async (...args: string[]) => {
    const result = await startCli(folder, ['containers', ...args], {
      env: { ...env, GS_PROJECT_ID: server.projectId },
      input: '',
    }).ended
    return [result.code, result.stdout.replace(/^[\d: -]+/gm, ''), result.stderr.trim()]
  }
  expect(await containers()).toEqual([0, 'my-bucket\n', ''])
  expect(await containers('--create', '--dry-run')).toEqual([0, 'would create the container of the storage\n', ''])
  expect(await containers('default', '--create')).toEqual([0, '', 'the container of the storage is there now'])
  expect(await containers('--create', 'bucket-1')).toEqual([0, '', 'created bucket-1'])
  expect(await containers('--create', 'bucket-1')).toEqual([1, '', expect.stringContaining('bucket-1')])
  expect(await containers('default:')).toEqual([0, 'bucket-1\nmissing\nmy-bucket\n', ''])
  expect(await containers('--delete', 'bucket-1')).toEqual([0, '', 'deleted bucket-1'])
  expect(await containers('--delete', 'bucket-1', '--create')).toEqual([2, '', expect.stringContaining('not both')])
  expect(await containers('--json')).toEqual([
    0,
    expect.stringMatching(/^\{"name":"missing",.*\}\n\{"name":"my-bucket"/),
    '',
  ])
})
