import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { startStrictS3 } from '../servers/strict-s3.ts'
import { runCli } from './run-cli.ts'

// Every command is a process of its own.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const server = await startStrictS3()
afterAll(() => server.close())

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdall-cli-'))
})
afterEach(() => rm(dir, { recursive: true }))

async function check(settings: object, ...args: string[]) {
  await writeFile(join(dir, 'holdall.config.json'), JSON.stringify(settings))
  const { code, stdout, stderr } = await runCli(dir, ['check', '--json', ...args])
  return { code, stderr, ...(JSON.parse(stdout) as { advice: string[]; storages: Array<{ ok: boolean }> }) }
}

const { accessKeyId, secretAccessKey } = server.credentials
const AWS = {
  AWS_ACCESS_KEY_ID: accessKeyId,
  AWS_SECRET_ACCESS_KEY: secretAccessKey,
  AWS_STORAGE_BUCKET_NAME: 'media',
  AWS_S3_ENDPOINT_URL: server.url,
}

describe('check of static files', () => {
  test('warns where the storage signs its URLs, and names the setting', async () => {
    const warning =
      "storage 'staticfiles': its URLs are signed, and the references in stylesheets and modules carry no signature: " +
      'set AWS_QUERYSTRING_AUTH to False, as S3StaticStorage has it.'
    const signed = await check(
      { ...AWS, STATICFILES_STORAGE: 'storages.backends.s3boto3.S3Boto3Storage' },
      'staticfiles',
    )
    expect(signed).toMatchObject({ code: 0, advice: [warning] })
    expect(signed.stderr).toContain(warning)
    const both = { default: { BACKEND: 's3' }, staticfiles: { BACKEND: 's3-manifest-static' } }
    expect(await check({ ...AWS, STORAGES: both })).toMatchObject({ code: 0, advice: [] })
    const OPTIONS = { querystring_auth: true }
    const forAssets = { assets: { BACKEND: 's3-manifest-static', OPTIONS }, media: { BACKEND: 's3-static', OPTIONS } }
    expect((await check({ ...AWS, STORAGES: forAssets })).advice).toEqual([
      expect.stringContaining("storage 'assets': its URLs are signed"),
    ])
  })

  test('says which settings nothing reads, and which slashes are wrong', async () => {
    const settings = {
      MEDIA_ROOT: 'm',
      STATICFILES_DIR: ['assets'],
      STATICFILES_DIRS: ['assets'],
      STATIC_DIRS: [],
      STATIC_URL: '/static',
      AWS_S3_CUSTOM_DOMAIN: 'cdn.example.com/',
    }
    expect((await check(settings, 'default')).advice).toEqual([
      "STATIC_URL: expected a URL that ends in a slash, got '/static'.",
      expect.stringContaining('AWS_S3_CUSTOM_DOMAIN: it is a host, and must not end in a slash'),
      "STATICFILES_DIR: nothing reads this setting. (did you mean 'STATICFILES_DIRS'?)",
      expect.stringMatching(/^STATIC_DIRS: nothing reads this setting/),
    ])
  })

  test('names folders and packages that are missing, and settings that end every run', async () => {
    const place = { MEDIA_ROOT: 'm', STATIC_ROOT: 's', STATIC_URL: 'static/' }
    const gone = await check({ ...place, STATICFILES_DIRS: ['assets'] })
    const folder = join(await realpath(dir), 'assets')
    expect(gone).toMatchObject({ code: 0, advice: [`STATICFILES_DIRS: the folder '${folder}' does not exist.`] })
    expect(await check({ ...place, STATICFILES_PACKAGES: ['no-such-package/dist'] })).toMatchObject({
      code: 1,
      advice: [expect.stringContaining("the package 'no-such-package' is not installed")],
    })
    expect(await check({ ...place, STATICFILES_MANIFEST: { stric: true } })).toMatchObject({
      code: 1,
      advice: [
        expect.stringContaining("STATICFILES_MANIFEST: stric: there is no such option (did you mean 'strict'?)"),
      ],
    })
  })

  test('shows that a project with STATICFILES_DIRS needs STATIC_ROOT', async () => {
    const { code, storages } = await check({ MEDIA_ROOT: 'm', STATICFILES_DIRS: [] })
    expect(code).toBe(1)
    expect(JSON.stringify(storages)).toContain('Static files need the setting STATIC_ROOT')
  })

  test('fails where static files have the folder of the media files', async () => {
    const { code, storages } = await check({ MEDIA_ROOT: 'm', STATIC_ROOT: './m/', STATIC_URL: '/static/' })
    expect(code).toBe(1)
    expect(storages).toEqual([
      expect.objectContaining({ alias: 'default', ok: true }),
      expect.objectContaining({
        alias: 'staticfiles',
        ok: false,
        steps: [
          expect.objectContaining({
            error: expect.objectContaining({
              message: expect.stringContaining('The MEDIA_ROOT and STATIC_ROOT settings must have different values'),
            }),
          }),
        ],
      }),
    ])
  })
})
