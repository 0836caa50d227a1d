/** `holdall init` and `holdall check`, each in a process of its own. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { runCli, startCli } from '../../cli/run-cli.ts'
import { startStrictDropbox } from '../../servers/strict-dropbox.ts'

const server = await startStrictDropbox()
const folder = await mkdtemp(join(tmpdir(), 'holdall-dropbox-'))
afterAll(async () => {
  await rm(folder, { recursive: true })
  await server.close()
})

it('init begins a configuration that check connects with, and its advice names a token that ends', async () => {
  expect(await runCli(folder, ['init', '--backend', 'dropbox', '--format', 'json'])).toMatchObject({ code: 0 })
  const { STORAGES } = JSON.parse(await readFile(join(folder, 'holdall.config.json'), 'utf8'))
  expect(STORAGES.default).toEqual({ BACKEND: 'dropbox', OPTIONS: { rootPath: '/my-app' } })
  const hosts = { DROPBOX_API_URL: server.apiUrl, DROPBOX_CONTENT_URL: server.contentUrl }
  const token = server.token()
  const check = (env: NodeJS.ProcessEnv, ...args: string[]) =>
    startCli(folder, ['check', ...args, 'default'], { env: { ...hosts, HOLDALL_MAX_ATTEMPTS: '1', ...env }, input: '' })
      .ended
  const { appKey, appSecret, refreshToken } = server.tokens
  const [right, ending, refused] = await Promise.all([
    check(
      { DROPBOX_APP_KEY: appKey, DROPBOX_APP_SECRET: appSecret, DROPBOX_OAUTH2_REFRESH_TOKEN: refreshToken },
      '--json',
    ),
    check({ DROPBOX_OAUTH2_TOKEN: token }),
    check({ DROPBOX_OAUTH2_TOKEN: 'sl.nobodys-token' }),
  ])
  expect(right).toMatchObject({ code: 0, stderr: '' })
  expect(JSON.parse(right.stdout)).toMatchObject({
    advice: [],
    storages: [
      { backend: 'DropboxStorage', ok: true, features: { exclusiveCreate: true, signedUrl: true, metadata: false } },
    ],
  })
  expect(right.stdout).not.toContain(refreshToken)
  expect(right.stdout).not.toContain(appSecret)
  expect(ending).toMatchObject({ code: 0 })
  expect(ending.stdout + ending.stderr).toContain('DROPBOX_OAUTH2_TOKEN: such a token ends after 4 hours')
  expect(refused).toMatchObject({ code: 1 })
  expect(refused.stdout + refused.stderr).toContain('see oauth2AccessToken (DROPBOX_OAUTH2_TOKEN)')
  // Nothing is left of the probes.
  expect(server.paths()).toEqual([])
})
