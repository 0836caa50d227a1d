import { spawnSync } from 'node:child_process'
import { globSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { BACKENDS } from '../src/config/backend-table.ts'
import { done, installPackage, linkOrms, linkPackage } from './support/installed.ts'

const ROOT = join(import.meta.dirname, '..')
/** Backends that speak to a service of their own, each in its chunk. */
const SERVICES = new Set(BACKENDS.map(({ chunk }) => chunk).filter(chunk => chunk !== 'config')).size
/**
 * Of the disk for each service after the first. They take 116 KiB on average: 73 of code, 13 of declarations, 12 for the subpath (a folder and two files of
 * a block each) and 18 of documentation. Two chunks have two services, Rackspace beside Swift and Ninefold beside Atmos. The rest comes out of the 2 MiB.
 */
const SERVICE_BYTES = 108 * 1024
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
const dependencies = Object.keys(manifest.dependencies)
/** The subpaths that stand on an ORM. */
const ADAPTERS = Object.keys(manifest.exports).filter(subpath => manifest.exports[subpath].default?.includes('/orm/'))
/** Of the disk for each adapter: on average 9 KiB of code, 6 of declarations, 4 for its folder and 9 of documentation. */
const ADAPTER_BYTES = 28 * 1024
/** Of the disk for what adapters share, `holdall/fields` and `src/orm`: 56 KiB of code, 32 of declarations, 12 for the subpath and 12 of documentation. */
const FIELDS_BYTES = 112 * 1024
/** Of the disk for `holdall/static`: 124 KiB of code, 24 of declarations, 12 for the subpath and 32 of documentation; and 636 for the three packages that it reads CSS, JavaScript and patterns with. */
const STATIC_BYTES = (192 + 636) * 1024
/** Of the disk for `holdall/uploads` and the adapters of multer, Fastify and NestJS: 44 KiB of code, 20 of declarations and 28 for four subpaths. */
const UPLOADS_BYTES = 92 * 1024
/** Of the disk for `holdall/storage-browser`: 56 KiB of code with its page, 16 of `serve` and the command line, 4 of declarations, 12 for the subpath and 8 of documentation; and 612 for `marked`, which renders Markdown: 424 of them are source maps. */
const BROWSER_BYTES = (96 + 612) * 1024
/** Of the disk for `holdall/transfer` and `holdall sync`: 48 KiB of code, 12 of declarations, 12 for the subpath, 12 of documentation, and 36 of the command line. */
const TRANSFER_BYTES = 120 * 1024
/** Of the disk for `holdall migrate`: 84 KiB of code of `holdall/transfer`, 32 of the command line, and 60 of documentation; its screenshot comes out of the 2 MiB. */
const MIGRATE_BYTES = 176 * 1024
/** Of the disk for `holdall/fleet`: 88 KiB of code, 8 of declarations and 12 for the subpath. */
const FLEET_BYTES = 108 * 1024
/**
 * Of the disk for checksums, conditions, folders as a whole, resumable uploads, visibility, parallel reads and progress: 72 KiB of code in `core` and `globs`,
 * 32 of declarations, 32 in the backends; and 24 for `fakeStorages`.
 */
const EVERYDAY_BYTES = 160 * 1024
/** Of the disk for the pages and programs that README and guide link to: recipes 56 KiB, the page on backends 36, SECURITY.md and an example 8. */
const LINKED_BYTES = 100 * 1024
const MAX_BYTES =
  2 * 1024 * 1024 +
  (SERVICES - 1) * SERVICE_BYTES +
  FIELDS_BYTES +
  ADAPTERS.length * ADAPTER_BYTES +
  STATIC_BYTES +
  LINKED_BYTES +
  UPLOADS_BYTES +
  BROWSER_BYTES +
  TRANSFER_BYTES +
  MIGRATE_BYTES +
  FLEET_BYTES +
  EVERYDAY_BYTES

let project: string
let installed: string

/** The package as npm would install it, in a project of its own, beside the ORMs whose classes and functions adapters import. */
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'holdall-package-'))
  installed = installPackage(project)
  linkOrms(project)
})

afterAll(() => {
  rmSync(project, { recursive: true, force: true })
})

/** Runs a module in the project; what it prints is JSON. */
function run(script: string): unknown {
  const options = { cwd: project, encoding: 'utf8' } as const
  return JSON.parse(done(spawnSync(process.execPath, ['--input-type=module', '-e', script], options)))
}

function diskBytes(folder: string): number {
  const files = globSync('**/*', { cwd: folder })
  return files.reduce((sum, file) => sum + lstatSync(join(folder, file)).blocks * 512, 0)
}

it('exports from every subpath what its source exports', async () => {
  const subpaths = Object.keys(manifest.exports).filter(subpath => subpath !== './package.json')
  const names = run(`
    const names = {}
    for (const subpath of ${JSON.stringify(subpaths)}) {
      names[subpath] = Object.keys(await import('holdall' + subpath.slice(1))).sort()
    }
    console.log(JSON.stringify(names))`)
  const expected: Record<string, string[]> = {}
  for (const subpath of subpaths) {
    const source = manifest.exports[subpath].default.replace('./dist/', 'src/').replace(/\.js$/, '.ts')
    expected[subpath] = Object.keys(await import(join(ROOT, source))).sort()
  }
  expect(names).toEqual(expected)
})

it('has each class once, whichever subpath it comes from, under its own name', () => {
  const result = run(`
    import { LocalStorage, MemoryStorage, Storage, StorageError } from 'holdall'
    import { LocalStorage as SameLocal } from 'holdall/local'
    import { MemoryStorage as SameMemory } from 'holdall/memory'
    import { S3Storage } from 'holdall/s3'
    import { SpacesStorage } from 'holdall/spaces'
    const credentials = { accessKey: 'a', secretKey: 'b', bucketName: 'c', regionName: 'us-east-1' }
    const s3 = new S3Storage(credentials)
    const error = await s3.delete('').catch(error => error)
    const missing = await new SameMemory().open('none').then(file => file.read()).catch(error => error)
    console.log(JSON.stringify({
      same: [LocalStorage === SameLocal, MemoryStorage === SameMemory],
      storages: [s3 instanceof Storage, new SpacesStorage(credentials) instanceof S3Storage],
      errors: [error instanceof StorageError || error.name, missing instanceof StorageError, missing.code],
      names: [Storage, StorageError, LocalStorage, MemoryStorage, S3Storage, SpacesStorage].map(({ name }) => name),
    }))`)
  expect(result).toEqual({
    same: [true, true],
    storages: [true, true],
    errors: [expect.anything(), true, 'not_found'],
    names: ['Storage', 'StorageError', 'LocalStorage', 'MemoryStorage', 'S3Storage', 'SpacesStorage'],
  })
})

it('finds the backends that a configuration names', () => {
  const result = run(`
    import { configure, storages } from 'holdall'
    import { S3Storage } from 'holdall/s3'
    const OPTIONS = { accessKey: 'a', secretKey: 'b', bucketName: 'c', regionName: 'us-east-1' }
    configure({ STORAGES: {
      default: { BACKEND: 'local' },
      s3: { BACKEND: 's3', OPTIONS },
      django: { BACKEND: 'storages.backends.s3.S3StaticStorage', OPTIONS },
      spaces: { BACKEND: 'spaces', OPTIONS },
    } })
    console.log(JSON.stringify(
      ['default', 's3', 'django', 'spaces'].map(alias => [storages[alias].constructor.name, storages[alias] instanceof S3Storage]),
    ))`)
  expect(result).toEqual([
    ['LocalStorage', false],
    ['S3Storage', true],
    ['S3StaticStorage', true],
    ['SpacesStorage', true],
  ])
})

it('tells a bundled program, which has no package beside it, to name the class', async () => {
  const apart = mkdtempSync(join(tmpdir(), 'holdall-bundled-'))
  try {
    const input = join(project, 'bundled.js')
    writeFileSync(
      input,
      `import { configure, storages } from 'holdall'
      import { S3Storage } from 'holdall/s3'
      configure({ STORAGES: { name: { BACKEND: 's3' }, class: { BACKEND: S3Storage } } })
      console.log(storages.class.constructor.name)
      try { storages.name } catch (error) { console.log(error.message) }`,
    )
    const bundle = await rolldown({ input, platform: 'node', external: [/^@aws-sdk/] })
    await bundle.write({ dir: apart, entryFileNames: 'bundled.mjs', chunkFileNames: '[name].mjs' })
    await bundle.close()
    const printed = done(spawnSync(process.execPath, ['bundled.mjs'], { cwd: apart, encoding: 'utf8' }))
    expect(printed.split('\n')).toEqual([
      'S3Storage',
      "Could not find backend 's3': the package is not beside this program; when it is bundled, pass the class: BACKEND: S3Storage.",
      '',
    ])
  } finally {
    rmSync(apart, { recursive: true, force: true })
  }
})

it('knows media types, whose tables are in the code, with the licence that they come under', () => {
  expect(run(`import { guessType } from 'holdall'; console.log(JSON.stringify(guessType('a.webp')))`)).toEqual({
    contentType: 'image/webp',
  })
  const code = readFileSync(join(installed, 'dist/chunks/core.js'), 'utf8')
  expect(code).toContain('Copyright (c) 2023 Robert Kieffer')
  expect(code).not.toContain('"mime/')
})

it('has declarations that compile in a program, also without skipLibCheck, and that take its own aliases', () => {
  linkPackage(project, '@types/node')
  writeFileSync(
    join(project, 'program.ts'),
    `import { Storage, type OpenOptions, settingTypes, storages } from 'holdall'
    import { LocalStorage } from 'holdall/local'
    import { MemoryStorage } from 'holdall/memory'
    import { S3Storage, type S3Options } from 'holdall/s3'
    import { SpacesStorage } from 'holdall/spaces'
    import { resolveBackend } from 'holdall/config'
    import { createFileHandler } from 'holdall/serve'
    import { NodeClient } from 'holdall/http'
    import { HttpStatusError, ObjectStorage, Service } from 'holdall/remote'
    import * as testing from 'holdall/testing'
    import { FieldFile, fileField, type FileField, fileModel } from 'holdall/fields'
    import { type CollectSummary, FolderFinder, StaticFiles } from 'holdall/static'
    declare module 'holdall' { interface StorageAliases { media: S3Storage } }
    export const media: S3Storage = storages.media
    export const all: Storage[] = [new LocalStorage(), new MemoryStorage(), new SpacesStorage(), new S3Storage()]
    // @ts-expect-error a bucket has a name
    export const options: S3Options = { bucketName: 3 }
    // @ts-expect-error an alias that nobody declared is any storage
    export const text: string = storages.other
    export const open: OpenOptions = {}
    export const pdf: FileField = fileField({ uploadTo: 'pdfs' })
    export const file: FieldFile = fileModel('resumes', { pdf }).attach('pdf', 'pdfs/a.txt')
    export const site: StaticFiles = new StaticFiles({ storage: media, finders: [new FolderFinder(['assets'])] })
    export const summary = (found: CollectSummary): number => found.copied
    export { createFileHandler, HttpStatusError, NodeClient, ObjectStorage, resolveBackend, Service, settingTypes, testing }`,
  )
  const options = ['--ignoreConfig', '--noEmit', '--strict', '--skipLibCheck', 'false', '--types', 'node']
  const level = ['--module', 'nodenext', '--target', 'es2023', '--lib', 'es2024,esnext.disposable']
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  done(spawnSync(process.execPath, [tsc, ...options, ...level, 'program.ts'], { cwd: project, encoding: 'utf8' }))
  // One file for each subpath, and one for each chunk with types: those of services, and core, config, fields, fleet, orm, remote, serve, static, storage-browser, testing, transfer, uploads.
  const subpaths = Object.keys(manifest.exports).length - 1
  expect(globSync('dist/**/*.d.ts', { cwd: installed }).length).toBeLessThanOrEqual(subpaths + SERVICES + 12)
})

it('has S3 in a chunk of its own, which no other backend loads', () => {
  const imported = (file: string): string[] => {
    const text = readFileSync(join(installed, 'dist', file), 'utf8')
    return [...text.matchAll(/^import .*"[./]*(chunks\/)?(\w+)\.js";$/gm)].map(([, , name]) => name!).sort()
  }
  expect(imported('chunks/core.js')).toEqual([])
  expect(imported('chunks/remote.js')).toEqual(['core'])
  expect(imported('chunks/s3.js')).toEqual(['core', 'remote'])
  expect(imported('http/index.js')).toEqual(expect.not.arrayContaining(['s3']))
})

it('leaves optional packages to the run time, in the one form that all bundlers leave alone', () => {
  const code = globSync('dist/**/*.js', { cwd: installed }).map(file => readFileSync(join(installed, file), 'utf8'))
  const imports = code.flatMap(text => [...text.matchAll(/\bimport\(\s*([^)]*)/g)].map(([, what]) => what!))
  const isOwn = (what: string): boolean => /^"(\.|node:)/.test(what) || dependencies.includes(what.slice(1, -1))
  const others = imports.filter(what => !isOwn(what))
  // An optional package, a configuration, and the models that `holdall orphans` takes.
  expect(others.length).toBe(3)
  for (const what of others) {
    expect(what).toMatch(/^(\/\* (webpackIgnore: true|turbopackIgnore: true|@vite-ignore) \*\/\s*){3}\w+/)
  }
})

it('says in one sentence on an older Node which one it needs', () => {
  const version = (text: string): unknown => {
    const script = `
      const { versions } = process
      Object.defineProperty(process, 'versions', { value: { ...versions, node: '${text}' } })
      import('holdall/s3').then(() => console.log('ran'), error => console.log(error.message))`
    const options = { cwd: project, encoding: 'utf8' } as const
    return done(spawnSync(process.execPath, ['--input-type=module', '-e', script], options)).trim()
  }
  for (const old of ['16.20.2', '20.20.2', '22.17.1']) {
    expect(version(old)).toBe(`holdall needs Node 22.18 or newer, and this is ${old} (${process.execPath}).`)
  }
  for (const fit of ['22.18.0', '24.0.0']) expect(version(fit)).toBe('ran')
})

it('does nothing at import: no file is read, no timer and no signal made', () => {
  const calls = (before: string): unknown =>
    run(`
      const calls = []
      // Node's loader reads files by these functions too.
      const noted = name => { if (/holdall\\/dist\\/|data:text/.test(new Error().stack)) calls.push(name) }
      const watched = (target, names) => {
        for (const name of names) {
          const value = new Proxy(target[name], {
            apply(run, self, args) { noted(name); return Reflect.apply(run, self, args) },
            construct(made, args, as) { noted(name); return Reflect.construct(made, args, as) },
          })
          Object.defineProperty(target, name, { value })
        }
      }
      const functions = module => Object.entries(Object.getOwnPropertyDescriptors(module))
        .filter(([name, { value, configurable }]) => configurable && typeof value === 'function' && /^[a-z]/.test(name))
        .map(([name]) => name)
      for (const name of ['fs', 'fs/promises', 'net', 'os', 'child_process', 'worker_threads', 'crypto', 'timers', 'timers/promises']) {
        const module = process.getBuiltinModule('node:' + name)
        watched(module, functions(module))
      }
      watched(globalThis, ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'AbortController', 'fetch'])
      ${before}
      for (const subpath of ${JSON.stringify(Object.keys(manifest.exports))}) {
        if (subpath !== './package.json') await import('holdall' + subpath.slice(1))
      }
      console.log(JSON.stringify(calls))`)
  expect(calls('')).toEqual([])
  const program =
    "process.getBuiltinModule('node:fs').existsSync('/'); new AbortController(); clearTimeout(setTimeout(Object, 1))"
  expect(calls(`await import(${JSON.stringify(`data:text/javascript,${program}`)})`)).toEqual([
    'existsSync',
    'AbortController',
    'setTimeout',
  ])
})

it('has a command line', () => {
  const bin = join(installed, manifest.bin.holdall)
  expect(lstatSync(bin).mode & 0o111).toBe(0o111)
  const env = { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' }
  const options = { cwd: project, encoding: 'utf8', env } as const
  expect(done(spawnSync(process.execPath, [bin, '--version'], options)).trim()).toBe(manifest.version)
  expect(done(spawnSync(process.execPath, [bin, 'settings', 's3', '--json'], options))).toContain('"bucketName"')
})

it('gives its command line to a folder where no package is installed', () => {
  const elsewhere = mkdtempSync(join(tmpdir(), 'holdall-elsewhere-'))
  const bin = join(installed, manifest.bin.holdall)
  const env = { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' }
  const cli = (...args: string[]): string =>
    done(spawnSync(process.execPath, [bin, ...args], { cwd: elsewhere, encoding: 'utf8', env }))
  try {
    cli('init')
    const own = "import { LocalStorage } from 'holdall/local'\nexport class Own extends LocalStorage {}\n"
    writeFileSync(join(elsewhere, 'own.ts'), own)
    expect(cli('settings', './own.ts#Own', '--json')).toContain('"location"')
    const text = readFileSync(join(elsewhere, 'holdall.config.ts'), 'utf8')
    writeFileSync(join(elsewhere, 'holdall.config.ts'), text.replace("BACKEND: 'local'", "BACKEND: './own.ts#Own'"))
    const [report] = JSON.parse(cli('check', '--json')).storages
    expect(report).toMatchObject({ alias: 'default', backend: 'Own', ok: true })
  } finally {
    rmSync(elsewhere, { recursive: true })
  }
})

it('loads no expensive module of Node at import', () => {
  const loaded = (subpath: string): unknown =>
    run(`await import('${subpath}'); console.log(JSON.stringify(process.moduleLoadList))`)
  const core = loaded('holdall')
  for (const name of ['crypto', 'http', 'https', 'net', 'tls', 'zlib', 'child_process', 'module']) {
    expect(core).not.toContain(`NativeModule ${name}`)
  }
  for (const name of ['crypto', 'http', 'https', 'tls']) {
    expect(loaded('holdall/s3')).not.toContain(`NativeModule ${name}`)
  }
})

it('is small: at most 2 MiB on the disk, 108 KiB for each service after the first, 28 KiB for each ORM, and five packages beside it, which have none', () => {
  expect(dependencies.length).toBeLessThanOrEqual(5)
  const folders = dependencies.map(name => join(ROOT, 'node_modules', name))
  for (const folder of folders) {
    const { dependencies: theirs } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    expect(Object.keys(theirs ?? {}), folder).toEqual([])
  }
  const sizes = [installed, ...folders].map(diskBytes)
  expect(
    sizes.reduce((sum, size) => sum + size, 0),
    `${sizes}`,
  ).toBeLessThanOrEqual(MAX_BYTES)
})

it('has no syntax that Node 22, the oldest that it runs on, does not know', () => {
  for (const file of globSync('dist/**/*.js', { cwd: installed })) {
    const lines = readFileSync(join(installed, file), 'utf8').split('\n')
    // Its SQLite does not bind them.
    expect(lines.filter(line => /\b(?:WHERE|AND|LIMIT|VALUES)\b.*\?\d/.test(line))).toEqual([])
    expect(lines.filter(line => /\b(?:await )?using \w+ (?:=|of) /.test(line))).toEqual([])
  }
})

it('ships what it names, and no map of sources that are not shipped', () => {
  const files = readdirSync(installed).sort()
  expect(files).toEqual([
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'SECURITY.md',
    'dist',
    'docs',
    'examples',
    'package.json',
  ])
  for (const target of Object.values<string | { types: string; default: string }>(manifest.exports)) {
    if (typeof target === 'string') continue
    for (const file of [target.types, target.default])
      expect(lstatSync(join(installed, file)).isFile(), file).toBe(true)
  }
  expect(globSync('**/*.map', { cwd: installed })).toEqual([])
})
