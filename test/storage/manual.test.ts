import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { configure, defaultStorage, LocalStorage, overrideSettings, storages } from '../../src/index.ts'
import { startStrictS3 } from '../servers/strict-s3.ts'

let folder: string | undefined

async function temporary(): Promise<string> {
  folder = await mkdtemp(join(tmpdir(), 'holdall-manual-'))
  return folder
}

afterEach(async () => {
  configure({})
  if (folder !== undefined) await rm(folder, { recursive: true, force: true })
  folder = undefined
})

/** Chapter 1.1.4 of the manual, word for word; the settings are all that differs between backends. */
const TRANSCRIPT = `
>>> from django.core.files.storage import default_storage
>>> default_storage.exists('storage_test')
False
>>> file = default_storage.open('storage_test', 'w')
>>> file.write('storage contents')
>>> file.close()
>>> default_storage.exists('storage_test')
True
>>> file = default_storage.open('storage_test', 'r')
>>> file.read()
'storage contents'
>>> file.close()
>>> default_storage.delete('storage_test')
>>> default_storage.exists('storage_test')
False
`

/** Does what each line says, with our names for the same things, and compares what it prints with the next line. */
async function transcript(): Promise<void> {
  const objects: Record<string, unknown> = { default_storage: defaultStorage }
  const lines = TRANSCRIPT.trim().split('\n')
  let calls = 0
  for (const [at, line] of lines.entries()) {
    const call = /^>>> (?:(\w+) = )?(\w+)\.(\w+)\((.*)\)$/.exec(line)
    if (call === null) continue
    const [, assigned, object, method, given] = call as unknown as [string, string | undefined, string, string, string]
    const values = [...given.matchAll(/'([^']*)'/g)].map(([, value]) => value)
    const target = objects[object] as Record<string, (...args: unknown[]) => Promise<unknown>>
    const result = await target[method]!(...values)
    calls++
    if (assigned !== undefined) objects[assigned] = result
    const printed = lines[at + 1]
    if (printed === undefined || printed.startsWith('>>>')) continue
    const shown = typeof result === 'string' ? `'${result}'` : result === true ? 'True' : String(result)
    expect(result === false ? 'False' : shown, line).toBe(printed)
  }
  expect(calls).toBe(10)
}

describe('the manual, 1.1.4 Storage', () => {
  it('runs on local disk by Django’s old setting', async () => {
    configure({
      DEFAULT_FILE_STORAGE: 'django.core.files.storage.FileSystemStorage',
      MEDIA_ROOT: await temporary(),
    })
    await transcript()
  })

  it('runs on memory by Django’s new setting', async () => {
    configure({ STORAGES: { default: { BACKEND: 'django.core.files.storage.InMemoryStorage' } } })
    await transcript()
  })

  it('runs on S3 by its own settings', async () => {
    const server = await startStrictS3()
    const { accessKeyId, secretAccessKey } = server.credentials
    configure({
      DEFAULT_FILE_STORAGE: 'storages.backends.s3boto3.S3Boto3Storage',
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_STORAGE_BUCKET_NAME: 'media',
      AWS_S3_ENDPOINT_URL: server.url,
      AWS_S3_REGION_NAME: server.region,
    })
    await transcript()
    await storages['default']?.close()
    await server.close()
  })

  it('builds a storage once per alias and reads settings when it builds', async () => {
    configure({ STORAGES: { default: { BACKEND: 'local', OPTIONS: { location: await temporary() } } } })
    expect(storages['default']).toBe(storages['default'])
    await overrideSettings({ STORAGES: { default: { BACKEND: 'memory' } } }, async () => {
      await defaultStorage.save('only-in-memory', 'x')
    })
    expect(await defaultStorage.exists('only-in-memory')).toBe(false)
  })
})

describe('a subclass that fixes options', () => {
  it('wins over settings and environment and loses to the constructor', async () => {
    class Archive extends LocalStorage {
      static override readonly defaults: Readonly<Record<string, unknown>> = {
        location: '/from/class',
        baseUrl: '/archive/',
      }
    }
    class Deep extends Archive {
      static override readonly defaults: Readonly<Record<string, unknown>> = { baseUrl: '/deep/' }
    }
    const services = { settings: { MEDIA_ROOT: '/from/settings' }, env: { MEDIA_ROOT: '/from/env' } }
    expect(new Deep({}, services).options).toMatchObject({ location: '/from/class', baseUrl: '/deep/' })
    expect(new Deep({ location: '/given' }, services).options.location).toBe('/given')
    expect(new LocalStorage({}, services).options.location).toBe('/from/settings')
    expect(new LocalStorage({}, { settings: {}, env: services.env }).options.location).toBe('/from/env')
    expect(() => new Deep({ foo: 1 } as object)).toThrow("Invalid setting 'foo' for Deep")
    expect(() => new LocalStorage({}, { settings: { FILE_UPLOAD_PERMISSIONS: 'rw' }, env: {} })).toThrow(
      /^filePermissionsMode \(FILE_UPLOAD_PERMISSIONS\): expected permission bits/,
    )
  })
})
