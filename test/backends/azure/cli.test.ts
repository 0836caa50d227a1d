import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { runCli } from '../../cli/run-cli.ts'
import { startStrictAzure } from '../../servers/strict-azure.ts'

// Every command is a process of its own.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })
const server = await startStrictAzure({ containers: ['my-container'] })
afterAll(() => server.close())

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdall-azure-'))
})
afterEach(() => rm(dir, { recursive: true }))
const put = (name: string, text: string) => writeFile(join(dir, name), text)
const cli = (...args: string[]) => runCli(dir, args)

describe('the command line', () => {
  test('writes a first configuration, of which check finds nothing to say', async () => {
    const made = await cli('init', '--format', 'json', '--backend', 'azure')
    expect(made).toMatchObject({ code: 0, stderr: expect.stringContaining('AZURE_ACCOUNT_KEY') })
    const { STORAGES, ...rest } = JSON.parse(await readFile(join(dir, 'holdall.config.json'), 'utf8'))
    expect(STORAGES.default).toMatchObject({ BACKEND: 'azure', OPTIONS: { azureContainer: 'my-container' } })
    // The account of the tests has another address.
    const OPTIONS = { ...STORAGES.default.OPTIONS, accountName: server.account, endpointUrl: server.endpoint }
    await put(
      'holdall.config.json',
      JSON.stringify({ ...rest, STORAGES: { default: { ...STORAGES.default, OPTIONS } } }),
    )
    await put('.env', `AZURE_ACCOUNT_KEY=${server.accountKey}\n`)
    const { code, stdout, stderr } = await cli('check', '--json')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({
      advice: [],
      storages: [{ backend: 'AzureStorage', ok: true, features: { exclusiveCreate: true, signedUrl: true } }],
    })
    expect(stdout).not.toContain(server.accountKey)
    expect(server.container('my-container').blobs.size).toBe(0)
  })

  test('gives advice about settings, and tells what is wrong with the container', async () => {
    await put(
      'holdall.config.json',
      JSON.stringify({
        DEFAULT_FILE_STORAGE: 'storages.backends.azure_storage.AzureStorage',
        AZURE_CONNECTION_STRING: server.connectionString,
        AZURE_ACCOUNT_KEY: 'bXlrZXk=',
        AZURE_CONTAINER: 'missing',
        AZURE_CONTAINR: 'typo',
      }),
    )
    const { code, stdout } = await cli('check', '--json', 'default')
    const { advice, storages } = JSON.parse(stdout)
    expect(code).toBe(1)
    expect(advice.join('\n')).toMatch(/AZURE_ACCOUNT_KEY: it has no effect, since AZURE_CONNECTION_STRING wins/)
    expect(advice.join('\n')).toMatch(/AZURE_URL_EXPIRATION_SECS: without it URLs are plain/)
    expect(advice.join('\n')).toMatch(/AZURE_CONTAINR: no backend reads this setting.*AZURE_CONTAINER/)
    expect(JSON.stringify(storages[0].steps)).toContain('azureContainer (AZURE_CONTAINER) is not a container')
    expect(stdout).not.toContain(server.accountKey)
  })
})
