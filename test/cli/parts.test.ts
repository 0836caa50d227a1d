/** Commands between a storage over two others and one of these two: they are one place. */
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
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
  dir = await realpath(await mkdtemp(join(tmpdir(), 'holdall-parts-')))
  const folder = (location: string) => ({ BACKEND: 'local', OPTIONS: { location } })
  const media = { BACKEND: 'migrating', OPTIONS: { from: 'old', to: 'new' } }
  const STORAGES = { old: folder('old'), new: folder('new'), media }
  await writeFile(join(dir, 'holdall.config.json'), JSON.stringify({ STORAGES }))
  for (const name of ['old', 'new']) {
    await mkdir(join(dir, name, 'd'), { recursive: true })
    await writeFile(join(dir, name, 'd/a.txt'), name)
  }
})
afterEach(() => rm(dir, { recursive: true }))

test.each([
  ['mv media:d/a.txt new:d/a.txt', 2],
  ['mv old:d/a.txt media:d/a.txt', 2],
  ['cp media:d/a.txt new:d/a.txt', 2],
  ['cp -r media:d new:d', 2],
  ['cp -r new: media:d/in', 2],
  ['mv -r media:d old:d', 2],
  ['sync media: new: --delete', 1],
  ['sync new: media: --delete', 1],
  ['migrate old: media: --ledger ledger.sqlite', 1],
  ['migrate media:d old:d --ledger ledger.sqlite --delete', 1],
] as const)('%s is refused and changes nothing', async (command, expected) => {
  const { code, stderr } = await inProcess(dir, command.split(' '))
  expect({ code, stderr }).toEqual({
    code: expected,
    stderr: expect.stringMatching(/same (file|place)|inside|source and target/),
  })
  for (const name of ['old', 'new']) expect(await readFile(join(dir, name, 'd/a.txt'), 'utf8')).toBe(name)
})

test('other places of them are copied, and all are compared', async () => {
  expect((await inProcess(dir, ['cp', 'media:d/a.txt', 'old:b.txt'])).code).toBe(0)
  expect(await readFile(join(dir, 'old/b.txt'), 'utf8')).toBe('new')
  expect((await inProcess(dir, ['check', 'media:d', 'new:d'])).code).toBe(0)
  expect((await inProcess(dir, ['check', 'media:', 'new:'])).code).toBe(1)
})
