import 'reflect-metadata'
import { Injectable, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { afterEach, expect, test } from 'vitest'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { configure } from '../../src/config/configure.ts'
import { storages } from '../../src/config/storages.ts'
import { getStorageToken, HoldallModule, InjectStorage } from '../../src/frameworks/nestjs/index.ts'

/** A storage that says when it is closed. */
class Watched extends MemoryStorage {
  static readonly closed: Watched[] = []
  override async close(): Promise<void> {
    Watched.closed.push(this)
    await super.close()
  }
}

const settings = { STORAGES: { default: { BACKEND: Watched }, media: { BACKEND: Watched } } }

afterEach(() => {
  Watched.closed.length = 0
  configure({})
})

test('forRoot provides each storage of the settings, for constructors and properties, and closes them at the end', async () => {
  class Files {
    readonly media: MemoryStorage
    readonly main: MemoryStorage | undefined
    constructor(media: MemoryStorage) {
      this.media = media
    }
  }
  // What decorators do, without their syntax.
  InjectStorage('media')(Files, undefined, 0)
  InjectStorage()(Files.prototype, 'main')
  Injectable()(Files)
  class App {}
  Module({ imports: [HoldallModule.forRoot(settings)], providers: [Files] })(App)
  const app = await NestFactory.createApplicationContext(App, { logger: false })
  const files = app.get(Files)
  expect(files.media).toBeInstanceOf(Watched)
  expect(files.media).toBe(storages.get('media'))
  expect(files.main).toBe(app.get(getStorageToken()))
  expect(files.main).not.toBe(files.media)
  await app.close()
  expect(new Set(Watched.closed)).toEqual(new Set([files.media, files.main]))
  expect(Watched.closed.length).toBe(2)
})

test('storages can still be used while other providers shut down', async () => {
  const storage = (): MemoryStorage => storages.get('media') as MemoryStorage
  const seen: number[] = []
  class Report {
    async onModuleDestroy(): Promise<void> {
      seen.push(Watched.closed.length)
      await storage().save('report.txt', 'done')
    }
  }
  Injectable()(Report)
  class App {}
  Module({ imports: [HoldallModule.forRoot(settings)], providers: [Report] })(App)
  const app = await NestFactory.createApplicationContext(App, { logger: false })
  await app.close()
  expect(seen).toEqual([0])
})

test('forRootAsync takes settings that a factory makes of other providers, and the aliases that they will have', async () => {
  class Config {
    readonly backend = Watched
  }
  Injectable()(Config)
  class ConfigModule {}
  Module({ providers: [Config], exports: [Config] })(ConfigModule)
  class App {}
  const holdall = HoldallModule.forRootAsync({
    imports: [ConfigModule],
    inject: [Config],
    useFactory: async (config: Config) => ({
      STORAGES: { default: { BACKEND: config.backend }, media: { BACKEND: config.backend } },
    }),
    aliases: ['media'],
  })
  Module({ imports: [holdall] })(App)
  const app = await NestFactory.createApplicationContext(App, { logger: false })
  const media = app.get<MemoryStorage>(getStorageToken('media'))
  expect(media).toBeInstanceOf(Watched)
  expect(() => app.get(getStorageToken())).toThrow()
  await app.close()
  expect(Watched.closed).toEqual([media])
})

test('forRoot without settings has the storages of the process', async () => {
  configure(settings)
  class App {}
  Module({ imports: [HoldallModule.forRoot(undefined, { isGlobal: false })] })(App)
  const app = await NestFactory.createApplicationContext(App, { logger: false })
  expect(app.get(getStorageToken('media'))).toBe(storages.get('media'))
  await app.close()
})

test('settings that are wrong fail when the application starts', async () => {
  expect(() => HoldallModule.forRoot({ STORAGES: { media: {} as never } })).toThrow('media')
  class App {}
  Module({ imports: [HoldallModule.forRootAsync({ useFactory: () => ({ STORAGES: {} }), aliases: ['media'] })] })(App)
  const starting = NestFactory.createApplicationContext(App, { logger: false, abortOnError: false })
  await expect(starting).rejects.toThrow("Could not find config for 'media'")
})
