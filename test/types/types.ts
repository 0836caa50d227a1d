/** Compiled by `npm run types`, never run: each `@ts-expect-error` fails the build when its line becomes valid. */
import { S3ManifestStaticStorage, S3StaticStorage } from '../../src/backends/s3/index.ts'
import type { StaticCompressSetting, StaticHeadersSetting, StaticManifestSetting } from '../../src/config/index.ts'
import {
  type AnyStorage,
  defineConfig,
  isStorageError,
  LocalStorage,
  MemoryStorage,
  type OpenMode,
  type Storage,
  type StorageFile,
  type storages,
} from '../../src/index.ts'
import { type Coding, createFileHandler, type FileHandler } from '../../src/serve/index.ts'
import {
  type CompressOptions,
  type StaticHeaders,
  type StaticManifestOptions,
  staticFilesFromSettings,
} from '../../src/static/index.ts'

declare module '../../src/index.ts' {
  interface StorageAliases {
    readonly drawers: LocalStorage
  }
}

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function assertType<T extends true>(): T | undefined {
  return undefined
}

export async function modes(storage: Storage): Promise<void> {
  const bytes = await storage.open('a')
  assertType<Equal<Awaited<ReturnType<typeof bytes.read>>, Buffer>>()
  const text = await storage.open('a', 'r')
  assertType<Equal<Awaited<ReturnType<typeof text.read>>, string>>()
  const update = await storage.open('a', 'r+b')
  assertType<Equal<Awaited<ReturnType<typeof update.readLine>>, Buffer>>()
  const created: StorageFile<'x'> = await storage.open('a', 'x')
  await created.write('text')
  for await (const line of text) assertType<Equal<typeof line, string>>()
  for await (const chunk of bytes.chunks()) assertType<Equal<typeof chunk, Buffer>>()
  const result = await storage.edit('a', 'w', file => file.write('x'))
  assertType<Equal<typeof result, number>>()
  const options = { signal: AbortSignal.timeout(1) }
  const line: string = await text.readLine(options)
  const rest: Buffer = await bytes.read(null, options)
  await update.write(`${line}${rest}`, options)
  await update.close(options)
  // @ts-expect-error a signal is in the options
  await bytes.read(1, options.signal)
  // @ts-expect-error a mode that does not exist
  await storage.open('a', 'rw')
  const mode: OpenMode = 'ab+'
  await storage.open('a', mode)
}

export async function webAnswers(storage: Storage): Promise<readonly Response[]> {
  const bytes = await storage.readBytes('a')
  const stream = storage.webStream('a', { start: 1, length: 2 })
  assertType<Equal<typeof bytes, Buffer<ArrayBuffer>>>()
  assertType<Equal<typeof stream, ReadableStream<Uint8Array<ArrayBuffer>>>>()
  return [new Response(bytes), new Response(stream), new Response(await storage.readText('a'))]
}

export function options(): void {
  new LocalStorage({ location: '/x', filePermissionsMode: 0o640, baseUrl: undefined })
  // @ts-expect-error an unknown option
  new LocalStorage({ foo: 1 })
  // @ts-expect-error an option of another type
  new LocalStorage({ location: 1 })
  // @ts-expect-error an option of another backend
  new MemoryStorage({ filePermissionsMode: 0o640 })
  const storage = new LocalStorage({})
  assertType<Equal<typeof storage.options.filePermissionsMode, number | null>>()
  // @ts-expect-error options are read-only
  storage.options.location = '/y'
}

export function aliases(): void {
  assertType<Equal<typeof storages.drawers, LocalStorage>>()
  assertType<Equal<typeof storages.default, AnyStorage>>()
}

export function codes(error: unknown): void {
  if (isStorageError(error, 'exists', 'not_found')) assertType<Equal<typeof error.code, 'exists' | 'not_found'>>()
  else if (isStorageError(error)) error.outcome
}

export async function content(storage: Storage): Promise<void> {
  await storage.save('a', 'text')
  await storage.save('a', new Uint8Array(1))
  await storage.save('a', new Blob(['x']))
  await storage.save('a', new Blob(['x']).stream())
  await storage.save('a', storage.createReadStream('b'), { signal: AbortSignal.timeout(1) })
  await storage.save('a', await storage.open('b', 'r'))
  await storage.deleteMany(['a', 'b'], { signal: AbortSignal.timeout(1) })
  // @ts-expect-error a number is no content
  await storage.save('a', 1)
}

export function serving(storage: Storage, files: { isImmutable(name: string): boolean }): FileHandler[] {
  const codings: readonly Coding[] = ['br', 'zstd', 'gzip']
  // @ts-expect-error: no coding that files are stored in.
  createFileHandler(storage, { precompressed: ['deflate'] })
  // @ts-expect-error: a function gives text or nothing.
  createFileHandler(storage, { cacheControl: () => false })
  return [
    createFileHandler(storage, { precompressed: true, cacheControl: 'no-cache' }),
    createFileHandler(storage, {
      precompressed: codings,
      cacheControl: name => (files.isImmutable(name) ? 'public, max-age=31536000, immutable' : undefined),
    }),
  ]
}

export function staticFiles(): void {
  const settings = defineConfig({
    STATICFILES_DIRS: ['assets', ['vendor', 'node_modules/lib/dist']],
    STATICFILES_MANIFEST: { storage: 'manifests', lenientFor: ['vendor/*'] },
    STATICFILES_COMPRESS: { codings: ['br'] },
    STATICFILES_HEADERS: { '*.html': { cacheControl: 'no-cache', extra: { StorageClass: 'STANDARD' } } },
    DEBUG: false,
  })
  assertType<Equal<(typeof settings)['DEBUG'], false>>()
  // @ts-expect-error an entry of three parts
  defineConfig({ STATICFILES_DIRS: [['a', 'b', 'c']] })
  // @ts-expect-error an option that manifests do not have
  defineConfig({ STATICFILES_MANIFEST: { stritc: true } })
  // @ts-expect-error a coding that does not exist
  defineConfig({ STATICFILES_COMPRESS: { codings: ['gz'] } })
  // What settings may say is what the program may say, but for the alias of a storage.
  assertType<Equal<Omit<StaticManifestSetting, 'storage'>, Omit<StaticManifestOptions, 'storage'>>>()
  assertType<Equal<StaticCompressSetting, CompressOptions>>()
  const headers: Readonly<Record<string, StaticHeaders>> = {} satisfies StaticHeadersSetting
  staticFilesFromSettings('assets', { headers, manifest: false })
  const storage = new S3ManifestStaticStorage({ manifestStrict: false, manifestStorage: new MemoryStorage({}) })
  assertType<Equal<typeof storage.options.manifestName, string>>()
  // @ts-expect-error an option of another class
  new S3StaticStorage({ manifestStrict: false })
}
