import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative, sep } from 'node:path'
import { expect, it } from 'vitest'

const SRC = join(import.meta.dirname, '../src')
const RANKS: Readonly<Record<string, number>> = {
  core: 0,
  files: 1,
  layers: 1,
  http: 1,
  storage: 2,
  remote: 3,
  backends: 4,
  config: 5,
  serve: 6,
  fields: 6,
  static: 6,
  transfer: 6,
  uploads: 6,
  fleet: 7,
  orm: 7,
  frameworks: 7,
  testing: 7,
  cli: 8,
  'index.ts': 9,
}
/** Backends that may stand on another one. */
const STANDS_ON: Readonly<Record<string, readonly string[]>> = {
  spaces: ['s3'],
  libcloud: ['s3', 'gcs', 'azure', 'swift', 'atmos', 'nimbus', 'local'],
}
const OPTIONAL = [
  '@aws-sdk/credential-providers',
  'basic-ftp',
  'ssh2',
  'image-size',
  'htmlparser2',
  '@fastify/busboy',
  '@fastify/multipart',
  'file-type',
  'pg',
  'pg-boss',
  '@opentelemetry/api',
]
/** Packages that the build puts into the code, by the one file that it replaces. */
const BUILT_IN: Readonly<Record<string, string>> = { mime: 'core/media-types.ts', picomatch: 'core/globs.ts' }

interface Import {
  readonly file: string
  readonly target: string
}

function imports(): { own: Import[]; packages: Import[] } {
  const own: Import[] = []
  const packages: Import[] = []
  for (const file of globSync('**/*.ts', { cwd: SRC })) {
    const text = readFileSync(join(SRC, file), 'utf8')
    for (const [, stated, loaded, optional] of text.matchAll(
      /^(?:import|export)\b[^'"]*?from '([^']+)'|\bimport\('([^']+)'\)|\bimportOptional<[^']*?\(\s*'([^']+)'/gm,
    )) {
      const target = stated ?? loaded ?? optional
      if (target!.startsWith('.')) own.push({ file, target: normalize(join(dirname(file), target!)) })
      else if (!target!.startsWith('node:')) packages.push({ file, target: target! })
    }
  }
  return { own, packages }
}

const folder = (path: string): string => path.split(sep)[0]!

it('imports only from folders of a lower rank, or from its own', () => {
  const { own } = imports()
  expect(own.length).toBeGreaterThan(100)
  for (const { file, target } of own) {
    expect(RANKS, `${file}: the folder has no rank`).toHaveProperty([folder(file)])
    const allowed = folder(file) === folder(target) || RANKS[folder(target)]! < RANKS[folder(file)]!
    expect(allowed, `${file} imports ${target}`).toBe(true)
  }
})

it('keeps backends apart', () => {
  for (const { file, target } of imports().own) {
    if (folder(file) !== 'backends' || folder(target) !== 'backends') continue
    const [from, to] = [file.split(sep)[1]!, target.split(sep)[1]!]
    expect(from === to || STANDS_ON[from]?.includes(to), `${file} imports ${target}`).toBe(true)
  }
})

it('names each optional package in one file only', () => {
  const { packages } = imports()
  for (const name of OPTIONAL) {
    const files = new Set(packages.filter(({ target }) => target === name).map(({ file }) => relative('.', file)))
    expect([...files].length, name).toBe(1)
  }
})

it('imports no package that is not declared', () => {
  const manifest = JSON.parse(readFileSync(join(SRC, '../package.json'), 'utf8'))
  const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })
  for (const { file, target } of imports().packages) {
    const [name = ''] = target.split('/')
    if (Object.hasOwn(BUILT_IN, name)) {
      expect([file, manifest.dependencies[name], typeof manifest.devDependencies[name]]).toEqual([
        BUILT_IN[name],
        undefined,
        'string',
      ])
      continue
    }
    expect(
      declared.some(name => target === name || target.startsWith(`${name}/`)),
      `${file} imports ${target}`,
    ).toBe(true)
  }
  expect(Object.keys(manifest.dependencies).length).toBeLessThanOrEqual(6)
})

it('has no files that import each other in a circle, types included', () => {
  const targets = new Map<string, string[]>()
  for (const { file, target } of imports().own) targets.set(file, [...(targets.get(file) ?? []), target])
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): void => {
    expect(path, 'files in a circle').not.toContain(file)
    if (done.has(file)) return
    for (const target of targets.get(file) ?? []) visit(target, [...path, file])
    done.add(file)
  }
  for (const file of targets.keys()) visit(file, [])
  expect(done.size).toBeGreaterThan(100)
})

it('has short files, and no folder of a backend over 4,000 lines', () => {
  const folders = new Map<string, number>()
  for (const file of globSync('**/*.ts', { cwd: SRC })) {
    const lines = readFileSync(join(SRC, file), 'utf8').split('\n').length - 1
    expect(lines, file).toBeLessThanOrEqual(300)
    if (folder(file) !== 'backends') continue
    const backend = file.split(sep)[1]!
    folders.set(backend, (folders.get(backend) ?? 0) + lines)
  }
  for (const [backend, lines] of folders) expect(lines, backend).toBeLessThanOrEqual(4000)
})

/** Lines of an adapter, types and comments included; and of what adapters share. */
const ADAPTER_LINES = 250
const SHARED_LINES = 400

it('has small adapters of ORMs', () => {
  const lines = new Map<string, number>()
  for (const file of globSync('orm/**/*.ts', { cwd: SRC })) {
    const parts = file.split(sep)
    const name = parts.length === 2 ? '' : parts[1]!
    lines.set(name, (lines.get(name) ?? 0) + readFileSync(join(SRC, file), 'utf8').split('\n').length - 1)
  }
  for (const [name, count] of lines) {
    expect(count, name || 'shared').toBeLessThanOrEqual(name === '' ? SHARED_LINES : ADAPTER_LINES)
  }
})
