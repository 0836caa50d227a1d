import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { configure, defaultStorage, LocalStorage, overrideSettings, storages } from '../../src/index.ts'

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

/** Chapter 1.1.4 of the manual, line by line; the settings are all that differs between backends. */
async function transcript(): Promise<void> {
  expect(await defaultStorage.exists('storage_test')).toBe(false)
  let file = await defaultStorage.open('storage_test', 'w')
  await file.write('storage contents')
  await file.close()
  expect(await defaultStorage.exists('storage_test')).toBe(true)
  const read = await defaultStorage.open('storage_test', 'r')
  expect(await read.read()).toBe('storage contents')
  await read.close()
  await defaultStorage.delete('storage_test')
  expect(await defaultStorage.exists('storage_test')).toBe(false)
  file = await defaultStorage.open('storage_test', 'w')
  await file.discard()
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
      /^FILE_UPLOAD_PERMISSIONS: expected permission bits/,
    )
  })
})
