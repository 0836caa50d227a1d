/** The optional package @azure/identity beside the built package: its default identity gives tokens, and a program without it is told. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { serve } from '../http/support.ts'
import { azuriteFolder, azuriteToken, startAzurite } from '../servers/azurite.ts'
import { installPackage, output } from '../support/installed.ts'

const PROGRAM = `
import { AzureStorage } from 'holdall/azure'
const { endpointUrl, verify } = JSON.parse(process.argv[2])
const options = { endpointUrl, verify, accountName: 'holdalltests', azureContainer: 'media', tokenCredential: 'default' }
const files = new AzureStorage(options, { settings: {}, env: {} })
try {
  await files.createContainer()
  await files.save('by identity', 'content', { overwrite: true })
  console.log(await files.readText('by identity'), (await files.url('by identity', { expiresInSecs: 60 })).includes('skoid='))
} catch (error) {
  console.log(error.code, error.message)
}
await files.close()
`

const project = mkdtempSync(join(tmpdir(), 'holdall-identity-'))
const server = await startAzurite({ oauth: true })
/** The endpoint that App Service gives to its programs, where they get the tokens of their identity. */
const asked: Array<string | undefined> = []
const identity = await serve((request, response) => {
  asked.push(request.url)
  const { 'x-identity-header': secret } = request.headers
  if (secret !== 'the secret of this machine') return void response.writeHead(400).end('{}')
  const expires = String(Math.floor(Date.now() / 1000) + 3600)
  const body = {
    access_token: azuriteToken(),
    expires_on: expires,
    resource: 'https://storage.azure.com',
    token_type: 'Bearer',
  }
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
})
afterAll(async () => {
  rmSync(project, { recursive: true, force: true })
  await server.close()
  await identity[Symbol.asyncDispose]()
})

installPackage(project)
writeFileSync(join(project, 'package.json'), '{ "type": "module" }')
writeFileSync(join(project, 'program.mjs'), PROGRAM)

async function printed(): Promise<string> {
  const options = JSON.stringify({ endpointUrl: server.endpoint, verify: server.certPath })
  const env = { IDENTITY_ENDPOINT: `${identity.url}/msi/token`, IDENTITY_HEADER: 'the secret of this machine' }
  return (await output(process.execPath, ['program.mjs', options], { cwd: project, env })).trim()
}

test('without the package the setting and the way to install it are named', async () => {
  const text = await printed()
  expect(text).toMatch(/^improperly_configured /)
  expect(text).toContain('npm i @azure/identity')
})

test('its default identity reads, writes and signs', async () => {
  const scope = join(project, 'node_modules/@azure')
  mkdirSync(scope, { recursive: true })
  symlinkSync(join(azuriteFolder(), 'node_modules/@azure/identity'), join(scope, 'identity'))
  expect(await printed()).toBe('content true')
  expect(asked).toHaveLength(1)
  expect(asked[0]).toContain('resource=https%3A%2F%2Fstorage.azure.com')
})
