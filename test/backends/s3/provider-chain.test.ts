import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { inspect } from 'node:util'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { S3Storage } from '../../../src/backends/s3/index.ts'
import type { S3Options } from '../../../src/backends/s3/settings/settings.ts'
import type { Input } from '../../../src/core/settings.ts'
import { type Running, serve } from '../../http/support.ts'
import { startStrictS3 } from '../../servers/strict-s3.ts'
import { runNode } from '../../support/child.ts'

/** Temporary keys that the services below give out; the strict server takes them only with their token. */
const KEYS = { accessKeyId: 'ASIATEMPORARY', secretAccessKey: 'temporary/secret', sessionToken: 'token+/=' }
const server = await startStrictS3({ credentials: [KEYS] })
afterAll(() => server.close())

let folder: string
let asked: string[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 's3-chain-'))
  asked = []
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  vi.stubEnv('AWS_CONFIG_FILE', join(folder, 'config'))
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(folder, 'credentials'))
  vi.stubEnv('AWS_REGION', 'us-east-1')
})

afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

const config = (...lines: string[]) => writeFile(join(folder, 'config'), lines.join('\n'))

function storage(options: Input<S3Options> = {}) {
  return new S3Storage({ endpointUrl: server.url, bucketName: 'media', maxAttempts: 1, ...options }, { settings: {} })
}

/** A security token service that gives the keys for every role, for as many minutes. */
async function startSts(minutes: number): Promise<Running> {
  return serve(async (request, response) => {
    const body = new URLSearchParams(await text(request))
    const action = body.get('Action')!
    asked.push(`${action} ${body.get('RoleArn')} ${body.get('WebIdentityToken') ?? ''}`.trim())
    const expiration = new Date(Date.now() + minutes * 60_000).toISOString()
    response.setHeader('content-type', 'text/xml')
    response.end(
      `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${action}Result><Credentials>` +
        `<AccessKeyId>${KEYS.accessKeyId}</AccessKeyId><SecretAccessKey>${KEYS.secretAccessKey}</SecretAccessKey>` +
        `<SessionToken>${KEYS.sessionToken}</SessionToken><Expiration>${expiration}</Expiration>` +
        `</Credentials></${action}Result></${action}Response>`,
    )
  })
}

describe('the official provider package gives the keys', () => {
  test('of a profile that assumes a role', async () => {
    await using sts = await startSts(60)
    vi.stubEnv('AWS_ENDPOINT_URL_STS', sts.url)
    await config(
      '[profile base]',
      'aws_access_key_id = BASE',
      'aws_secret_access_key = base',
      '[profile role]',
      'role_arn = arn:aws:iam::1:role/r',
      'source_profile = base',
    )
    await using files = storage({ sessionProfile: 'role' })
    await Promise.all(Array.from({ length: 20 }, (_, at) => files.save(`role/${at}`, 'x')))
    await files.save('role/later', 'x')
    expect(asked, 'once for all calls').toEqual(['AssumeRole arn:aws:iam::1:role/r'])
    expect(await (await fetch(await files.url('role/later'))).text()).toBe('x')
  })

  test('of a web identity', async () => {
    await using sts = await startSts(60)
    vi.stubEnv('AWS_ENDPOINT_URL_STS', sts.url)
    vi.stubEnv('AWS_ROLE_ARN', 'arn:aws:iam::1:role/pod')
    vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', join(folder, 'token'))
    await writeFile(join(folder, 'token'), 'jwt')
    await using files = storage()
    await files.save('web', 'x')
    expect(asked).toEqual(['AssumeRoleWithWebIdentity arn:aws:iam::1:role/pod jwt'])
  })

  test('of a container', async () => {
    await using metadata = await serve((request, response) => {
      asked.push(`${request.url} ${request.headers['authorization']}`)
      const { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: Token } = KEYS
      const Expiration = new Date(Date.now() + 3_600_000).toISOString()
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ AccessKeyId, SecretAccessKey, Token, Expiration }))
    })
    vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', `${metadata.url}/keys`)
    vi.stubEnv('AWS_CONTAINER_AUTHORIZATION_TOKEN', 'mine')
    await using files = storage()
    await files.save('container', 'x')
    expect(asked).toEqual(['/keys mine'])
  })

  test('of a program that the profile names', async () => {
    const { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken } = KEYS
    await writeFile(
      join(folder, 'keys.json'),
      JSON.stringify({ Version: 1, AccessKeyId, SecretAccessKey, SessionToken }),
    )
    await config('[profile program]', `credential_process = cat ${join(folder, 'keys.json')}`)
    await using files = storage({ sessionProfile: 'program' })
    expect(await files.save('program', 'x')).toBe('program')
  })

  test('from the files of the environment that the storage was given', async () => {
    const { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken } = KEYS
    await writeFile(
      join(folder, 'keys.json'),
      JSON.stringify({ Version: 1, AccessKeyId, SecretAccessKey, SessionToken }),
    )
    const own = join(folder, 'own config')
    await writeFile(own, `[profile own]\ncredential_process = cat ${join(folder, 'keys.json')}`)
    const env = { AWS_CONFIG_FILE: own, AWS_PROFILE: 'own', HOME: folder }
    const options = { endpointUrl: server.url, bucketName: 'media', maxAttempts: 1 }
    await using files = new S3Storage(options, { settings: {}, env })
    expect(await files.save('own', 'x')).toBe('own')
  })

  test('anew before they end', async () => {
    await using sts = await startSts(6)
    vi.stubEnv('AWS_ENDPOINT_URL_STS', sts.url)
    vi.stubEnv('AWS_ROLE_ARN', 'arn:aws:iam::1:role/pod')
    vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', join(folder, 'token'))
    await writeFile(join(folder, 'token'), 'jwt')
    await using files = storage()
    await files.save('short', 'x')
    expect(asked).toHaveLength(1)
    const now = Date.now()
    vi.useFakeTimers({ now: now + 90_000, toFake: ['Date'] })
    try {
      await Promise.all(Array.from({ length: 20 }, (_, at) => files.save(`short/${at}`, 'x')))
      await expect.poll(() => asked.length).toBe(2)
    } finally {
      vi.useRealTimers()
    }
  })

  test('or the reason why there are none, without a secret', async () => {
    await config('[profile nothing]', 'region = eu-west-1')
    const failure = await storage({ sessionProfile: 'nothing' })
      .save('a', 'x')
      .catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'permission_denied', retryable: false })
    expect((failure as Error).message).toContain('No AWS credentials were found')
    expect((failure as Error).cause).toMatchObject({ name: 'CredentialsProviderError' })
  })
})

describe('a profile that cannot give its keys says why', () => {
  const failureOf = (options: Input<S3Options>, env?: Record<string, string>) => {
    const place = { endpointUrl: server.url, bucketName: 'media', maxAttempts: 1, ...options }
    return new S3Storage(place, { settings: {}, ...(env && { env }) }).save('a', 'x').then(
      () => undefined,
      (error: unknown) => error as Error & { code: string },
    )
  }

  test.each([
    [
      'a program that is not there',
      '/nowhere/keys --password 5ec7e7',
      /The credential_process of the AWS profile 'p' returned no keys: .*the program was not found/,
    ],
    [
      'a program that fails',
      `sh -c 'echo 5ec7e7 >&2; exit 3'`,
      /The credential_process of the AWS profile 'p' returned no keys: .*run it by hand/,
    ],
    ['no JSON', 'echo 5ec7e7', /credential_process of the AWS profile 'p' returned no keys: .*invalid JSON/],
    ['another version', `echo '{"Version":2,"SecretAccessKey":"5ec7e7"}'`, /did not return Version 1/],
    ['no keys', `echo '{"Version":1}'`, /returned invalid credentials/],
    [
      'keys that have ended',
      `echo '{"Version":1,"AccessKeyId":"A","SecretAccessKey":"5ec7e7","Expiration":"2001-01-01T00:00:00Z"}'`,
      /expired credentials/,
    ],
  ])('a credential_process: %s', async (_title, command, message) => {
    await config('[profile p]', `credential_process = ${command}`)
    const failure = await failureOf({ sessionProfile: 'p' })
    expect(failure).toMatchObject({ code: 'permission_denied', message: expect.stringMatching(message) })
    expect(inspect(failure, { depth: 9, showHidden: true })).not.toContain('5ec7e7')
  })

  test('a credential_process that gives a key with a line feed', async () => {
    await config(
      '[profile p]',
      `credential_process = printf '{"Version":1,"AccessKeyId":"A\\\\nB","SecretAccessKey":"5ec7e7"}'`,
    )
    const failure = await failureOf({ sessionProfile: 'p' })
    expect(failure).toMatchObject({ code: 'improperly_configured' })
    expect(failure?.message).toContain('accessKeyId: expected text without line feeds')
  })

  test.each([
    [
      'a session that is not there',
      ['sso_session = gone', 'sso_account_id = 1', 'sso_role_name = r'],
      'improperly_configured',
      /SSO session 'gone'.*no section \[sso-session gone\]/,
    ],
    [
      'half an old form',
      ['sso_start_url = https://x.test', 'sso_region = eu-west-1'],
      'improperly_configured',
      /SSO configuration of the AWS profile 'p' lacks sso_account_id, sso_role_name/,
    ],
    [
      'a session without its region',
      ['sso_session = half', 'sso_account_id = 1', 'sso_role_name = r'],
      'improperly_configured',
      /lacks sso_region/,
    ],
    [
      'nobody logged in',
      ['sso_session = whole', 'sso_account_id = 1', 'sso_role_name = r'],
      'permission_denied',
      /The SSO session of the AWS profile 'p' returned no keys: .*aws sso login/,
    ],
  ])('an SSO section: %s', async (_title, lines, code, message) => {
    const sessions = [
      '[sso-session half]',
      'sso_start_url = https://x.test',
      '[sso-session whole]',
      'sso_start_url = https://x.test',
      'sso_region = eu-west-1',
    ]
    await config('[profile p]', ...lines, ...sessions)
    vi.stubEnv('HOME', folder)
    expect(await failureOf({ sessionProfile: 'p' })).toMatchObject({ code, message: expect.stringMatching(message) })
  })

  test('an SSO section in a file of the storage’s own environment', async () => {
    const own = join(folder, 'own')
    await writeFile(
      own,
      [
        '[profile p]',
        'sso_session = s',
        'sso_account_id = 1',
        'sso_role_name = r',
        '[sso-session s]',
        'sso_start_url = https://x.test',
        'sso_region = eu-west-1',
      ].join('\n'),
    )
    vi.stubEnv('HOME', folder)
    const failure = await failureOf({ sessionProfile: 'p' }, { AWS_CONFIG_FILE: own, HOME: folder })
    expect(failure?.message).toMatch(/The SSO session of the AWS profile 'p' returned no keys: .*aws sso login/)
  })

  test('a role whose source gives none', async () => {
    await config('[profile p]', 'role_arn = arn:aws:iam::1:role/r', 'source_profile = nobody')
    const failure = await failureOf({ sessionProfile: 'p' })
    expect(failure).toMatchObject({ code: 'permission_denied' })
    expect(failure?.message).toMatch(/^The role of the AWS profile 'p' returned no keys: /)
  })

  test('but the default profile, which nobody named, leaves it to the others in the chain', async () => {
    await using metadata = await serve((_request, response) => {
      const { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: Token } = KEYS
      const Expiration = new Date(Date.now() + 3_600_000).toISOString()
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ AccessKeyId, SecretAccessKey, Token, Expiration }))
    })
    await config('[default]', 'credential_process = /nowhere/keys')
    expect(await failureOf({})).toMatchObject({ message: expect.stringContaining('the program was not found') })
    vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', `${metadata.url}/keys`)
    expect(await failureOf({})).toBeUndefined()
  })
})

test('a missing provider package is told with the line that installs it', async () => {
  const script = `
    import { registerHooks } from 'node:module'
    registerHooks({
      resolve(specifier, context, next) {
        if (specifier !== '@aws-sdk/credential-providers') return next(specifier, context)
        throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' })
      },
    })
    const { S3Storage } = await import('./src/backends/s3/index.ts')
    const files = new S3Storage({ bucketName: 'bkt' }, { settings: {}, env: { HOME: '/nowhere' } })
    await files.save('a', 'x').catch(error => console.log(error.code, error.message))
  `
  const cwd = join(import.meta.dirname, '../../..')
  const { stdout, stderr } = await runNode(['--input-type=module', '-e', script], { cwd })
  expect({ stdout, stderr }).toEqual({
    stdout:
      "improperly_configured Finding AWS credentials without AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY needs the package '@aws-sdk/credential-providers'. Install it: npm i @aws-sdk/credential-providers\n",
    stderr: '',
  })
})
