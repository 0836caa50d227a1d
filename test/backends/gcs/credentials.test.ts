import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GoogleAuth } from 'google-auth-library'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { GcsCredentials } from '../../../src/backends/gcs/credentials/credentials.ts'
import { textSigner } from '../../../src/backends/gcs/credentials/signer.ts'
import { type GcsOptions, GcsStorage } from '../../../src/backends/gcs/index.ts'
import type { Input } from '../../../src/core/settings.ts'
import { NodeClient } from '../../../src/http/node-client.ts'
import type { HttpClient } from '../../../src/http/request.ts'
import { sharedContext } from '../../../src/remote/aftermath.ts'
import { backendError, startStrictGcs } from '../../servers/strict-gcs.ts'

const server = await startStrictGcs()
const folder = await mkdtemp(join(tmpdir(), 'holdall-gcs-'))
const http = new NodeClient()
/** Google's hosts are at the test server. */
const mapped: HttpClient = {
  request: (request, ctx) =>
    http.request({ ...request, url: request.url.replace(/^https:\/\/[a-z.]+googleapis\.com/, server.url) }, ctx),
  close: async () => undefined,
}
afterAll(async () => {
  await rm(folder, { recursive: true })
  await http.close()
  await server.close()
})
beforeEach(() => {
  server.faults.clear()
  server.requests.length = 0
})

const HOST = new URL(server.url).host
const NOBODY = { HOME: folder, GCE_METADATA_HOST: '127.0.0.1:1' }

async function file(name: string, value: object): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, JSON.stringify(value))
  return path
}

async function saves(
  credentials: GcsOptions['credentials'],
  env: Record<string, string> = NOBODY,
  more: Input<GcsOptions> = {},
): Promise<string[]> {
  const options = { bucketName: 'media', endpointUrl: server.url, credentials, maxAttempts: 1, ...more }
  const storage = new GcsStorage(options, { settings: {}, env, httpClient: mapped })
  try {
    await storage.save('a.txt', 'text')
    return server.requests.map(({ operation }) => operation)
  } finally {
    await storage.close()
  }
}

describe('credentials', () => {
  it.each([
    ['a key file', async () => file('key.json', server.keyFile())],
    ['the JSON of one', async () => JSON.stringify(server.keyFile())],
    ['the object of one', async () => server.keyFile()],
    ['an authorized_user', async () => server.authorizedUserFile()],
    ['the file of an authorized_user', async () => file('user.json', server.authorizedUserFile())],
  ])('may be %s, without any package', async (_, make) => {
    expect(await saves(await make())).toEqual(['token', 'objects.insert'])
  })

  it('may be an external_account, by google-auth-library', async () => {
    const subject = join(folder, 'subject')
    await writeFile(subject, 'strict-subject-token')
    expect(await saves(server.externalAccountFile(subject))).toEqual(['sts', 'objects.insert'])
  })

  it('may be a client of google-auth-library, or any object with getAccessToken', async () => {
    const subject = join(folder, 'subject')
    await writeFile(subject, 'strict-subject-token')
    const scopes = ['https://www.googleapis.com/auth/cloud-platform']
    const auth = new GoogleAuth({ credentials: server.externalAccountFile(subject) as never, scopes })
    expect(await saves((await auth.getClient()) as never)).toEqual(['sts', 'objects.insert'])
    server.requests.length = 0
    expect(await saves({ getAccessToken: async () => server.token() })).toEqual(['objects.insert'])
    await expect(saves({ getAccessToken: async () => null })).rejects.toMatchObject({ code: 'permission_denied' })
  })

  it('are those of the machine where none are given: a named file, that of gcloud, the metadata server', async () => {
    const named = await file('named.json', server.keyFile())
    expect(await saves(null, { ...NOBODY, GOOGLE_APPLICATION_CREDENTIALS: named })).toEqual(['token', 'objects.insert'])
    await file('application_default_credentials.json', server.authorizedUserFile())
    expect((await saves(null, { ...NOBODY, CLOUDSDK_CONFIG: folder })).slice(-2)).toEqual(['token', 'objects.insert'])
    expect((await saves(null, { HOME: folder, GCE_METADATA_HOST: HOST })).slice(-2)).toEqual([
      'metadata',
      'objects.insert',
    ])
  })

  it('that are nowhere are an error that names the places', async () => {
    await expect(saves(null)).rejects.toMatchObject({
      code: 'permission_denied',
      message: expect.stringContaining('GS_CREDENTIALS'),
    })
  })

  it('are none with an emulator, and where they are anonymous', async () => {
    const seen: string[] = []
    const emulator: HttpClient = {
      request: (request, ctx) => {
        seen.push(request.url)
        return http.request(
          { ...request, headers: { ...request.headers, authorization: `Bearer ${server.token()}` } },
          ctx,
        )
      },
      close: async () => undefined,
    }
    const storage = new GcsStorage(
      { bucketName: 'media' },
      { settings: {}, env: { STORAGE_EMULATOR_HOST: HOST }, httpClient: emulator },
    )
    await storage.save('a.txt', 'b')
    expect(seen).toEqual([expect.stringContaining(`${server.url}/upload/`)])
    await storage.close()
    await expect(saves('anonymous')).rejects.toMatchObject({ code: 'permission_denied', status: 401 })
  })

  it.each([
    ['no such file', '/nowhere/key.json', "GS_CREDENTIALS: the file '/nowhere/key.json' cannot be read: ENOENT."],
    [
      'no RSA key',
      { ...server.keyFile(), private_key: 'secret-text' },
      "GS_CREDENTIALS: 'private_key' is not a readable private key in PEM",
    ],
    [
      'a token_uri without TLS',
      { ...server.keyFile(), token_uri: 'http://example.com/token' },
      "GS_CREDENTIALS: 'token_uri' must be an https URL",
    ],
  ])('with %s are improperly_configured', async (_, given, message) => {
    await expect(saves(given)).rejects.toMatchObject({
      code: 'improperly_configured',
      message: expect.stringContaining(message),
    })
  })

  it.each([
    ['{"private_key": "secret-text"}', "has no 'type'"],
    ['{"type": "service_account", "private_key": "secret-text"}', "has no 'client_email'"],
    ['{ "secret-text"', 'not a JSON object'],
  ])('that are incomplete (%s) are refused at construction, without their text', (given, message) => {
    const make = () => new GcsStorage({ bucketName: 'media', credentials: given }, { settings: {}, env: {} })
    expect(make).toThrow(message)
    expect(make).not.toThrow('secret-text')
  })

  it('that are refused say so, and no error shows the assertion or the refresh token', async () => {
    const user = { ...server.authorizedUserFile(), refresh_token: 'refresh-secret-text' }
    const error = await saves(user).catch(error => error)
    expect(error).toMatchObject({ code: 'permission_denied', status: 400, outcome: 'not_applied' })
    expect(error.message).not.toContain('refresh-secret-text')
    expect(error.message).toContain('invalid_grant')
  })

  it('are loaded again after a failure, and once for many calls', async () => {
    const storage = new GcsStorage(
      { bucketName: 'media', endpointUrl: server.url, credentials: server.keyFile(), maxAttempts: 1 },
      { settings: {}, env: {} },
    )
    server.faults.add({ operation: 'token', fault: backendError() })
    await expect(storage.exists('a')).rejects.toMatchObject({ code: 'unavailable', outcome: 'not_applied' })
    await Promise.all([1, 2, 3].map(() => storage.exists('a')))
    expect(server.requests.filter(({ operation }) => operation === 'token')).toHaveLength(2)
    await storage.close()
  })
})

it('a key file that is missing is looked for again by the next call', async () => {
  const path = join(folder, 'later.json')
  const options = { bucketName: 'media', endpointUrl: server.url, credentials: path, maxAttempts: 1 }
  const storage = new GcsStorage(options, { settings: {}, env: {}, httpClient: mapped })
  await expect(storage.exists('a')).rejects.toMatchObject({
    code: 'improperly_configured',
    message: expect.stringContaining('ENOENT'),
  })
  await file('later.json', server.keyFile())
  expect(await storage.exists('a')).toBe(false)
  await storage.close()
})

describe('signing by the IAM service', () => {
  const signer = (
    given: GcsOptions['credentials'],
    env: Record<string, string>,
    iamSignBlob = false,
    saEmail: string | null = null,
  ) => textSigner(new GcsCredentials(given, env, mapped), { iamSignBlob, saEmail })

  it('is how the service account of a machine signs URLs, which the service then takes', async () => {
    const options = { bucketName: 'media', endpointUrl: server.url }
    const storage = new GcsStorage(options, {
      settings: {},
      env: { HOME: folder, GCE_METADATA_HOST: HOST },
      httpClient: mapped,
    })
    await storage.save('signed.txt', 'by IAM')
    const url = await storage.url('signed.txt')
    expect(await (await fetch(url)).text()).toBe('by IAM')
    expect(server.requests.map(({ operation }) => operation)).toContain('iam.signBlob')
    expect(url).toContain(encodeURIComponent(server.accounts[0]!.email))
    const started = await fetch(await storage.resumableUploadUrl('started.bin'), {
      method: 'POST',
      headers: { 'x-goog-resumable': 'start' },
    })
    expect(started.status).toBe(201)
    const { url: address, fields } = await storage.uploadForm('form.txt', { maxSize: 10 })
    const form = new FormData()
    for (const [name, value] of Object.entries(fields)) form.append(name, value)
    form.append('file', new Blob(['by form']))
    expect((await fetch(address, { method: 'POST', body: form })).status).toBe(204)
    expect(await storage.readText('form.txt')).toBe('by form')
    await storage.close()
  })

  it('is done with a key, too, where the settings say so, and else makes no request', async () => {
    const offline = await signer(server.keyFile(), {})
    await offline.sign('text', sharedContext())
    expect(server.requests).toEqual([])
    await (await signer(server.keyFile(), {}, true)).sign('text', sharedContext())
    expect(server.requests.map(({ operation }) => operation)).toEqual(['token', 'iam.signBlob'])
  })

  it('renews a token that IAM refuses, once', async () => {
    const renewing = await signer(server.keyFile(), {}, true)
    await renewing.sign('text', sharedContext())
    server.tokens.revokeAll()
    server.requests.length = 0
    expect(await renewing.sign('text', sharedContext())).toMatch(/^[0-9a-f]{512}$/)
    expect(server.requests.map(({ operation, status }) => `${operation} ${status}`)).toEqual([
      'iam.signBlob 401',
      'token 200',
      'iam.signBlob 200',
    ])
  })

  it('needs the e-mail address of a service account, and the error names the setting', async () => {
    const needed = { code: 'improperly_configured', message: expect.stringContaining('GS_SA_EMAIL') }
    await expect(signer(server.authorizedUserFile(), {}, true)).rejects.toMatchObject(needed)
    const named = await signer(server.authorizedUserFile(), {}, true, server.accounts[0]!.email)
    expect(await named.sign('text', sharedContext())).toMatch(/^[0-9a-f]{512}$/)
  })

  it('that is refused names the role that is missing', async () => {
    const other = await startStrictGcs({
      accounts: [{}, { email: 'other@strict.iam.gserviceaccount.com', tokenCreator: false }],
    })
    const to: HttpClient = {
      request: (request, ctx) =>
        http.request({ ...request, url: request.url.replace(/^https:\/\/[a-z.]+/, other.url) }, ctx),
      close: async () => undefined,
    }
    const named = await textSigner(new GcsCredentials(other.keyFile(), {}, to), {
      iamSignBlob: true,
      saEmail: 'other@strict.iam.gserviceaccount.com',
    })
    await expect(named.sign('text', sharedContext())).rejects.toMatchObject({
      code: 'permission_denied',
      message: expect.stringContaining('Service Account Token Creator'),
    })
    await other.close()
  })
})

it('the project of a bucket that is created is that of the settings, of the environment, of the key file, of the machine', async () => {
  const machine = { HOME: folder, GCE_METADATA_HOST: HOST }
  const projectOf = (given: GcsOptions['credentials'], env: Record<string, string>) =>
    new GcsCredentials(given, env, http).projectId()
  expect(await projectOf(server.keyFile(), { GOOGLE_CLOUD_PROJECT: 'of-env' })).toBe('of-env')
  expect(await projectOf(server.keyFile(), {})).toBe(server.projectId)
  expect(await projectOf(null, machine)).toBe(server.projectId)
})
