import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { isFull } from '../support/sampled.ts'
import { runCli } from './run-cli.ts'

// Every command is a process of its own.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const SECRET = 'wJalrXUtnFEMIK7MDENG'

let dir: string
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'holdall-cli-secrets-')))
})
afterEach(() => rm(dir, { recursive: true }))

const put = (name: string, text: string) => writeFile(join(dir, name), text)
const said = async (...args: string[]) => {
  const { stdout, stderr, code } = await runCli(dir, args)
  expect(`${args.join(' ')}: ${stdout}${stderr}`).not.toContain(SECRET)
  return { stdout, stderr, code }
}

test('no command shows a secret of its configuration', async () => {
  const s3 = { bucketName: 'b', accessKey: 'AKID', secretKey: SECRET, securityToken: SECRET, maxAttempts: 1 }
  const STORAGES = {
    default: { BACKEND: 'local', OPTIONS: { location: 'm', baseUrl: '/m/', urlSecret: SECRET } },
    down: { BACKEND: 's3', OPTIONS: { ...s3, endpointUrl: `http://user:${SECRET}@127.0.0.1:9` } },
    wrong: { BACKEND: 's3', OPTIONS: { ...s3, secretKeyy: SECRET } },
    half: { BACKEND: 's3', OPTIONS: { bucketName: 'b', secretKey: SECRET } },
    proxied: { BACKEND: 's3', OPTIONS: { ...s3, proxies: [SECRET] } },
  }
  await put('holdall.config.json', JSON.stringify({ STORAGES, AWS_S3_SECRET_ACCESS_KEY: SECRET, AWS_HEADERS: SECRET }))
  await put('.env', `AWS_SESSION_TOKEN=${SECRET}\nHOLDALL_URL_SECRET=${SECRET}\n`)
  await put('a.txt', 'alpha')
  expect(await said('put', 'a.txt', 'default:')).toMatchObject({ code: 0 })
  const commands = [
    ...['check', 'ls', 'du', 'settings', 'completion bash', 'init', 'ls down:', 'ls wrong:', 'ls half:', 'ls proxied:'],
    ...[
      'stat a.txt',
      'url a.txt',
      'url down:a.txt',
      'cat down:a.txt',
      'get down:a.txt',
      'put a.txt down:',
      'rm down:a.txt',
    ],
    ...['cp a.txt down:', 'mv :a.txt down:', 'settings s3', 'serve . --once'],
    ...['default', 'down', 'wrong', 'half', 'proxied'].map(alias => `collectstatic ${alias} --noinput`),
    ...['collectstatic', 'findstatic a.txt'],
  ]
  for (const [at, command] of commands.entries()) {
    const flags = ['--verbose', '--json']
    for (const flag of isFull ? flags : [flags[at % 2]!]) await said(flag, ...command.split(' '))
  }
})

describe('a slip beside a secret is shown by no command', () => {
  test.each([
    ['config.json', `{"STORAGES": {"default": {"BACKEND": "s3", "OPTIONS": {"secretKey": ${SECRET}}}}}`],
    ['config.mjs', `export default { secretKey: ${SECRET} }`],
    ['config.mjs', `export default { secretKey: a ${SECRET} }`],
    ['config.ts', `export default { secretKey: a ${SECRET} }`],
    ['config.ts', `enum A { secretKey = '${SECRET}' }\nexport default {}`],
  ])('in %s: %s', async (file, text) => {
    await put(file, text)
    for (const args of [['check'], ['--json', 'ls'], ['--verbose', 'ls']]) {
      expect(await said('--config', file, ...args)).toMatchObject({ code: 1, stderr: expect.stringContaining(file) })
    }
  })

  test.each([
    ['no JSON', `STORAGES='{"default": {"BACKEND": "s3", "OPTIONS": {"secretKey": ${SECRET}}}}'`, 'line 1, column'],
    [
      'an open quote',
      `DEFAULT_FILE_STORAGE="s3\nAWS_S3_SECRET_ACCESS_KEY=${SECRET}\nX="y"`,
      "Could not find backend 's3'",
    ],
    ['half a pair', `DEFAULT_FILE_STORAGE=s3\nAWS_S3_SECRET_ACCESS_KEY=${SECRET}`, 'must be provided together'],
  ])('in .env: %s', async (_what, text, message) => {
    await put('.env', text)
    for (const args of [['check'], ['--json', 'ls'], ['--verbose', 'ls']]) {
      const { code, stdout, stderr } = await said('--env-file', '.env', ...args)
      expect([code, stdout + stderr]).toEqual([1, expect.stringContaining(message)])
    }
  })
})
