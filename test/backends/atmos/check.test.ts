/** `holdall init` and `holdall check`, each in a process of its own. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { runCli, startCli } from '../../cli/run-cli.ts'
import { startStrictAtmos } from '../../servers/strict-atmos.ts'

const server = await startStrictAtmos()
const folder = await mkdtemp(join(tmpdir(), 'holdall-atmos-'))
afterAll(async () => {
  await rm(folder, { recursive: true })
  await server.close()
})

it('init begins a configuration that check connects with, and a wrong secret is told in words', async () => {
  expect(await runCli(folder, ['init', '--backend', 'atmos', '--format', 'json'])).toMatchObject({ code: 0 })
  const path = join(folder, 'holdall.config.json')
  const { STORAGES } = JSON.parse(await readFile(path, 'utf8'))
  expect(STORAGES.default).toEqual({ BACKEND: 'atmos', OPTIONS: { host: 'atmos.example.com', container: 'media' } })
  STORAGES.default.OPTIONS = { host: server.url, container: 'media' }
  await writeFile(path, JSON.stringify({ STORAGES }))
  const { uid, secret } = server.credentials
  const check = (key: string, ...args: string[]) => {
    const env = { HOLDALL_MAX_ATTEMPTS: '1', ATMOS_USER: uid, ATMOS_KEY: key }
    return startCli(folder, ['check', ...args, 'default'], { env, input: '' }).ended
  }
  const [right, refused] = await Promise.all([check(secret, '--json'), check('c29tZWJvZHkgZWxzZQ==')])
  expect(right).toMatchObject({ code: 0, stderr: '' })
  expect(JSON.parse(right.stdout)).toMatchObject({
    storages: [
      { backend: 'AtmosStorage', ok: true, features: { exclusiveCreate: false, signedUrl: true, metadata: true } },
    ],
  })
  expect(right.stdout).not.toContain(secret)
  expect(refused).toMatchObject({ code: 1 })
  expect(refused.stdout + refused.stderr).toContain('The shared secret is not that of the token')
  // Nothing is left of the probes.
  expect(server.tree.paths()).toEqual([])
})
