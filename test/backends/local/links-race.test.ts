import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { heldPath } from '../../../src/backends/local/anchor.ts'
import { LocalStorage } from '../../../src/backends/local/index.ts'
import { isStorageError } from '../../../src/core/errors.ts'
import { Child } from '../../support/child.ts'
import { temporaryFolder } from './fixture.ts'

const ROUNDS = 250

test('a folder that is swapped for a link between check and use leads nowhere outside', async () => {
  // Elsewhere than on Linux nothing can be done about it.
  expect(heldPath(0) !== undefined).toBe(process.platform === 'linux')
  if (heldPath(0) === undefined) return
  using folder = temporaryFolder()
  const [root, inside, outside] = ['root', 'root/d', 'outside'].map(name => join(folder.path, name)) as [
    string,
    string,
    string,
  ]
  mkdirSync(inside, { recursive: true })
  mkdirSync(outside)
  symlinkSync(outside, join(root, 'd.link'))
  for (const place of [inside, outside]) {
    writeFileSync(join(place, 'file'), place)
    writeFileSync(join(place, `only ${place === inside ? 'inside' : 'outside'}`), '')
    writeFileSync(join(place, 'victim'), 'victim')
    mkdirSync(join(place, 'folder'))
  }
  writeFileSync(join(root, 'source'), inside)
  const before = readdirSync(outside)
  const modified = lstatSync(join(outside, 'file'), { bigint: true }).mtimeNs
  const words = [join(import.meta.dirname, 'swapper.child.ts'), inside, join(root, 'd.link')]
  const swapper = new Child(process.execPath, words, { input: '', timeoutMs: 110_000 })
  await swapper.printed(/./)
  const storage = new LocalStorage({ location: root, fsync: false, fileOverwrite: true }, { settings: {}, env: {} })
  const codes = new Map<string, number>()
  const listed = new Set<string>()
  const read = new Set<string>()
  const settle = async (work: Promise<unknown>): Promise<void> => {
    const code = await work.then(
      () => 'done',
      error => (isStorageError(error) ? error.code : `untyped: ${error}`),
    )
    codes.set(code, (codes.get(code) ?? 0) + 1)
  }
  const take = async (): Promise<void> => {
    await using file = await storage.open('d/file', 'r')
    read.add(await file.read())
  }
  const list = async (recursive: boolean): Promise<void> => {
    for await (const { name } of storage.entries('d', { recursive })) listed.add(name)
  }
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const work = [
        storage.save(`d/new-${round % 5}`, 'planted'),
        storage.save(`d/made-${round}/file`, 'planted'),
        storage.edit(`d/edited-${round % 5}`, 'w', file => file.write('planted')),
        storage.delete('d/victim'),
        storage.delete('d/folder'),
        storage.copy('source', `d/copied-${round % 5}`),
        storage.copy('d/file', `copied-${round % 5}`),
        take(),
        list(false),
        list(true),
        storage.stat('d/file'),
      ]
      await Promise.all(work.map(settle))
    }
  } finally {
    await swapper.kill('SIGKILL')
    await storage.close()
  }
  expect(readdirSync(outside)).toEqual(before)
  expect(existsSync(join(outside, 'victim'))).toBe(true)
  expect(lstatSync(join(outside, 'file'), { bigint: true }).mtimeNs).toBe(modified)
  expect([...read]).toEqual([inside])
  for (let n = 0; n < 5; n++) {
    if (existsSync(join(root, `copied-${n}`))) expect(readFileSync(join(root, `copied-${n}`), 'utf8')).toBe(inside)
  }
  expect([...listed].filter(name => name.includes('only outside'))).toEqual([])
  // Both sides of the race were seen.
  expect(codes.get('suspicious_name')).toBeGreaterThan(20)
  expect(codes.get('done')).toBeGreaterThan(20)
  const typed = ['done', 'suspicious_name', 'not_found', 'not_a_directory', 'exists']
  expect([...codes.keys()].filter(code => !typed.includes(code))).toEqual([])
})
