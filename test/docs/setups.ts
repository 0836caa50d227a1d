/** What the programs of the pages need and do not show. They lie two folders below `test`. */
import { BACKEND_SETUPS } from './setups-backends.ts'
import { RECIPE_SETUPS } from './setups-recipes.ts'

export interface Setup {
  /** Declarations before the first block, compiled and run: values that a reader has, such as a stream. */
  readonly start?: string
  /** Before the first block where the program is run: names that replace imported ones. */
  readonly inside?: string
  /** Where files that the page imports are. */
  readonly modules?: Readonly<Record<string, string>>
  /** Variables of its environment. */
  readonly env?: Readonly<Record<string, string>>
  /** Whether it ends by itself, later than its last statement. */
  readonly goesOn?: boolean
  /** Run after the last block. */
  readonly end?: string
}

const ORM = `
import { Buffer } from 'node:buffer'
const buffer = Buffer.from('content')`

export const SETUPS: Readonly<Record<string, Setup>> = {
  ...BACKEND_SETUPS,
  ...RECIPE_SETUPS,
  'docs/guide.md': {
    start: `
declare const picked: File`,
    end: `
import { equal } from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
await new Promise<void>(resolve => {
  const server = app.listen(0, async () => {
    const form = new FormData()
    form.set('avatar', new File(['text'], 'me.png'))
    const url = 'http://localhost:' + (server.address() as AddressInfo).port + '/avatar'
    equal((await fetch(url, { method: 'POST', body: form })).status, 415)
    resolve()
  })
})`,
  },
  'docs/storage-browser.md': {
    start: `
import { configure } from 'holdall'
configure({ STORAGES: { default: { BACKEND: 'memory' }, media: { BACKEND: 'memory' } } })`,
  },
  'docs/orm/mikro-orm.md': {
    start: `
import { defineEntity, p } from '@mikro-orm/core'
import { fileField } from 'holdall/fields'
import { fileType } from 'holdall/mikro-orm'`,
  },
  'docs/orm/mongoose.md': {
    start: `${ORM}
import { upload, type FieldFile } from 'holdall/fields'
declare const resume: { set(values: object): void; save(): Promise<unknown>; pdf: FieldFile }`,
  },
  'docs/orm/sequelize.md': {
    start: `
import { AsyncLocalStorage } from 'node:async_hooks'
import { type InferAttributes, type InferCreationAttributes, Model, Sequelize } from 'sequelize'
import type { FieldFile, FileValue } from 'holdall/fields'
import type { FileAttributes } from 'holdall/sequelize'`,
  },
  'docs/orm/typeorm.md': {
    start: `${ORM}
import { Column, DataSource, type DataSourceOptions, Entity, PrimaryGeneratedColumn, type Repository } from 'typeorm'
import { fileField, type FieldFile, upload } from 'holdall/fields'
import { fileColumn, typeormFiles } from 'holdall/typeorm'
interface Found { pdf: FieldFile }
declare const resumes: Repository<Found>
declare const resume: Found
declare const options: DataSourceOptions
declare const TypeOrmModule: {
  forRootAsync(given: { useFactory(): DataSourceOptions; dataSourceFactory(options?: DataSourceOptions): Promise<DataSource> }): void
}`,
  },
  'docs/resumes.md': {
    start: `
import { configure } from 'holdall'
import { fileField, fileModel, imageField, upload } from 'holdall/fields'
const content = 'content'
const insert = (row: object): number => Object.keys(row).length
configure({ STORAGES: { default: { BACKEND: 'memory' } } })`,
  },
  // The types of Workers are a package that the project does not have.
  'docs/runtimes.md': { modules: { 'cloudflare:workers': '../workers-env.ts' } },
  'docs/migrate.md': {
    start: `
import { MemoryStorage } from 'holdall'
const [source, target] = [new MemoryStorage(), new MemoryStorage()]
await source.save('a.txt', 'a')`,
    end: 'if (report.counts.copied !== 1 || !report.isDone) throw new Error(JSON.stringify(report))',
  },
  'docs/sync.md': {
    start: `
import { MemoryStorage } from 'holdall'
const [source, target] = [new MemoryStorage(), new MemoryStorage()]
await source.save('a.txt', 'a')`,
    end: 'if (report.copied !== 1 || !check.isEqual) throw new Error(JSON.stringify(report))',
  },
  'docs/static-files.md': {
    start: `
import { MemoryStorage } from 'holdall'
import { Hono } from 'hono'
import type { FastifyReply as Reply } from 'fastify'
import type { StaticUrl } from 'holdall/static'
const storage = new MemoryStorage({ baseUrl: '/static/' })
const nonce = 'r4nd0m'`,
    inside: `
import { mkdir, writeFile } from 'node:fs/promises'
import { configure } from 'holdall'
import { FolderFinder as Finder, fromViteManifest as viteManifest, StaticFiles as Files, staticFilesFromSettings as fromSettings } from 'holdall/static'
await mkdir('assets/css', { recursive: true })
await mkdir('dist/.vite', { recursive: true })
await writeFile('assets/css/site.css', 'body { color: black }')
await writeFile('dist/main-5f3a.js', 'export {}')
await writeFile('dist/.vite/manifest.json', JSON.stringify({ 'src/main.ts': { file: 'main-5f3a.js', src: 'src/main.ts', isEntry: true } }))
const vite = viteManifest('dist/.vite/manifest.json', { base: 'app/', immutable: true })
const places = [new Finder(['assets', ['app', 'dist']])]
for await (const _ of new Files({ storage, finders: places, manifest: true, bundles: [vite] }).collect());
configure({ STATIC_URL: '/static/', STATIC_ROOT: 'public', STATICFILES_DIRS: ['assets'], STATICFILES_STORAGE: 'manifest-static' })
for await (const _ of fromSettings().collect());`,
    end: "if (!String(head).includes('main-5f3a.js')) throw new Error(String(head))",
  },
  'docs/writing-a-backend.md': { modules: { './sqlite-storage.ts': '../../../examples/sqlite-storage.ts' } },
}
