/** `holdall init` and `holdall check`, each in a process of its own. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { runCli, startCli } from '../../cli/run-cli.ts'
import { startStrictNimbus } from '../../servers/strict-nimbus.ts'

const server = await startStrictNimbus({ domain: 'nimbus.example.com', collections: ['alice-photos'] })
const folder = await mkdtemp(join(tmpdir(), 'holdall-nimbus-'))
afterAll(async () => {
  await rm(folder, { recursive: true })
  await server.close()
})

it('init begins a configuration that check connects with, and a wrong key is told with the collection', async () => {
  expect(await runCli(folder, ['init', '--backend', 'nimbus', '--format', 'json'])).toMatchObject({ code: 0 })
  const { STORAGES } = JSON.parse(await readFile(join(folder, 'holdall.config.json'), 'utf8'))
  expect(STORAGES.default).toEqual({
    BACKEND: 'nimbus',
    OPTIONS: { user: 'alice', keyId: 5001, collection: 'alice-photos', domain: 'nimbus.example.com' },
  })
  const place = { NIMBUS_HOST: '127.0.0.1', NIMBUS_PORT: String(server.port), NIMBUS_SECURE: 'false' }
  const check = (key: string, ...args: string[]) => {
    const env = { ...place, NIMBUS_KEY: key, HOLDALL_MAX_ATTEMPTS: '1' }
    return startCli(folder, ['check', ...args, 'default'], { env, input: '' }).ended
  }
  const [right, wrong] = await Promise.all([check(server.user.key, '--json'), check('another-key')])
  expect(right).toMatchObject({ code: 0, stderr: '' })
  expect(JSON.parse(right.stdout)).toMatchObject({
    advice: [],
    storages: [
      { backend: 'NimbusStorage', ok: true, features: { exclusiveCreate: false, metadata: true, versions: true } },
    ],
  })
  expect(right.stdout).not.toContain(server.user.key)
  expect(wrong).toMatchObject({ code: 1 })
  expect(wrong.stdout + wrong.stderr).toContain("the credentials or the collection 'alice-photos'")
  expect(wrong.stdout + wrong.stderr).not.toContain('another-key')
  // Nothing is left of the probes.
  expect([...server.collection('alice-photos').keys]).toEqual([])
})
