/** `holdall init` and `holdall check`, each in a process of its own. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { runCli, startCli } from '../../cli/run-cli.ts'
import { PROJECT, startStrictSwift, USER } from '../../servers/strict-swift.ts'

const server = await startStrictSwift({ containers: [] })
const folder = await mkdtemp(join(tmpdir(), 'holdall-swift-'))
afterAll(async () => {
  await rm(folder, { recursive: true })
  await server.close()
  expect(server.complaints).toEqual([])
})
const check = (env: NodeJS.ProcessEnv, ...args: string[]) =>
  startCli(folder, ['check', ...args, 'default'], { env, input: '' }).ended

it('init begins a configuration that check connects with, and its advice names what has no effect', async () => {
  expect(await runCli(folder, ['init', '--backend', 'swift', '--format', 'json'])).toMatchObject({ code: 0 })
  const { STORAGES } = JSON.parse(await readFile(join(folder, 'holdall.config.json'), 'utf8'))
  expect(STORAGES.default).toMatchObject({ BACKEND: 'swift', OPTIONS: { containerName: 'media' } })
  const { writeFile } = await import('node:fs/promises')
  const OPTIONS = { ...STORAGES.default.OPTIONS, authUrl: `${server.identityUrl}/v3`, projectName: PROJECT.name }
  await writeFile(
    join(folder, 'holdall.config.json'),
    JSON.stringify({ STORAGES: { default: { BACKEND: 'swift', OPTIONS } } }),
  )
  const env = { SWIFT_USERNAME: USER.name, SWIFT_PASSWORD: USER.password }
  const right = await check(env, '--json')
  expect(right).toMatchObject({ code: 0, stderr: '' })
  expect(JSON.parse(right.stdout)).toMatchObject({ advice: [] })
  // Nothing is left of its probe.
  const account = server.requests.find(({ container }) => container === 'media')!.account
  expect(server.names('media', account)).toEqual([])
  const wrong = await check({ ...env, SWIFT_PASSWORD: 'wrong', SWIFT_FULL_LISTING: 'True', HOLDALL_MAX_ATTEMPTS: '1' })
  expect(wrong.code).not.toBe(0)
  expect(wrong.stdout + wrong.stderr).toContain('SWIFT_FULL_LISTING: it has no effect')
  expect(wrong.stdout + wrong.stderr).not.toContain('wrong')
})
