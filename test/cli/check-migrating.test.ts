/** `holdall check` of a storage over two others tests all three, and leaves nothing in them. */
import { mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { MigratingStorage } from '../../src/backends/migrating/index.ts'
import { registerBackend } from '../../src/config/backends.ts'
import { inProcess } from './in-process.ts'

// Else Node would load it, and the core a second time.
registerBackend('migrating', MigratingStorage)

let dir: string
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'holdall-check-')))
})
afterEach(() => rm(dir, { recursive: true }))

const folder = (location: string) => ({ BACKEND: 'local', OPTIONS: { location } })

async function check(options: object): Promise<{ readonly code: number; readonly reports: readonly Report[] }> {
  const media = { BACKEND: 'migrating', OPTIONS: options }
  const STORAGES = { old: folder('old'), new: folder('new'), media }
  await writeFile(join(dir, 'holdall.config.json'), JSON.stringify({ STORAGES }))
  const { code, stdout } = await inProcess(dir, ['--json', 'check', 'media'])
  return { code, reports: JSON.parse(stdout).storages }
}

interface Report {
  readonly alias: string
  readonly backend: string
  readonly ok: boolean
  readonly options: ReadonlyArray<{ readonly name: string; readonly value: unknown }>
  readonly steps: ReadonlyArray<{ readonly error?: { readonly message: string } }>
}

test('shows the storage and both of its storages', async () => {
  const { code, reports } = await check({ from: 'old', to: 'new' })
  expect(code).toBe(0)
  expect(reports.map(({ alias, backend, ok }) => `${alias}: ${backend} ${ok}`)).toEqual([
    'media: MigratingStorage true',
    'media, storage 1: LocalStorage true',
    'media, storage 2: LocalStorage true',
  ])
  const locations = reports.slice(1).map(({ options }) => options.find(({ name }) => name === 'location')?.value)
  expect(locations).toEqual([join(dir, 'old'), join(dir, 'new')])
  expect(await Promise.all(['old', 'new'].map(name => readdir(join(dir, name))))).toEqual([[], []])
})

test('reports a storage that names itself', async () => {
  const { code, reports } = await check({ from: 'media', to: 'new' })
  expect(code).toBe(1)
  expect(reports.map(({ ok }) => ok)).toEqual([false])
  expect(reports[0]?.steps[0]?.error?.message).toContain("from: 'media' is the storage itself")
})
