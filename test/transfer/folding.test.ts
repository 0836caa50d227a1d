/** Targets that take names for the same that differ only in letter case or Unicode form. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { LocalStorage } from '../../src/backends/local/index.ts'
import { compare, sync } from '../../src/transfer/index.ts'
import { at, storageWith } from '../backends/dropbox/support.ts'
import { startStrictDropbox } from '../servers/strict-dropbox.ts'
import { changedStorage, filesIn, fill, memory, NOWHERE, WAYS } from './support.ts'

const server = await startStrictDropbox()
afterAll(() => server.close())

/** A storage in memory in which `Readme` and `README` are one file, which keeps the name that it was made with. */
function folding() {
  const names = new Map<string, string>()
  const keyOf = (key: string): string => names.get(key.normalize('NFC').toLowerCase()) ?? key
  return changedStorage(driver => ({
    read: (key, ...rest) => driver.read(keyOf(key), ...rest),
    stat: (key, ...rest) => driver.stat(keyOf(key), ...rest),
    write: (key, ...rest) => {
      const own = keyOf(key)
      names.set(key.normalize('NFC').toLowerCase(), own)
      return driver.write(own, ...rest)
    },
    setModifiedAt: (key, ...rest) => driver.setModifiedAt!(keyOf(key), ...rest),
    deleteMany: undefined,
    async delete(key, ...rest) {
      await driver.delete(keyOf(key), ...rest)
      names.delete(key.normalize('NFC').toLowerCase())
    },
  }))
}

describe.each(WAYS)('$name', ({ name: way, sync, synced }) => {
  it('reports names that the target would take for the same, with both names, and copies the others (syn-7)', async () => {
    const dropbox = storageWith(at(server))
    const source = memory()
    await fill(source, { Readme: 'upper', readme: 'lower', 'a/é': 'composed', 'a/e\u0301': 'decomposed', b: 'b' })
    for (const [target, options] of [
      [dropbox, {}],
      [folding(), { foldsNames: true }],
    ] as const) {
      const { events } = await synced(source, target, { ...options, delete: true })
      expect(events).toEqual([
        'copied b',
        "failed Readme: 'Readme' is not copied: the target cannot hold it beside 'readme'.",
        "failed a/e\u0301: 'a/e\u0301' is not copied: the target cannot hold it beside 'a/é'.",
        "failed a/é: 'a/é' is not copied: the target cannot hold it beside 'a/e\u0301'.",
        "failed readme: 'readme' is not copied: the target cannot hold it beside 'Readme'.",
      ])
    }
  })

  it('ends with the file there after a rename in letter case only (syn-8)', async () => {
    const source = memory()
    const target = folding()
    const options = { foldsNames: true, delete: true, maxDelete: 100 }
    await fill(source, { Readme: 'text', other: 'o' })
    await sync(source, target, options)
    await source.delete('Readme')
    await fill(source, { README: 'text' })
    const second = await sync(source, target, options)
    expect(second.failures).toEqual([])
    expect(second).toMatchObject({ deleted: 0, extra: 0, failed: 0, inSync: true })
    expect(await target.readText('README')).toBe('text')
    await fill(source, { README: 'new text' })
    expect(await sync(source, target, options)).toMatchObject({ copied: 2, deleted: 0, inSync: true })
    expect(await target.readText('README')).toBe('new text')
    expect(Object.keys(await filesIn(target))).toHaveLength(2)
  })

  it('never deletes what was copied to a name in other letters that is left out (syn-8)', async () => {
    const dropbox = storageWith(at(server))
    await fill(dropbox, { [`left-${way}/photo.JPG`]: 'old', [`left-${way}/other.JPG`]: 'extra' })
    const source = memory()
    await fill(source, { 'Photo.jpg': 'new' })
    const { events } = await synced(source, dropbox, {
      targetPath: `left-${way}`,
      exclude: ['*.JPG'],
      delete: true,
      deleteExcluded: true,
      maxDelete: 100,
    })
    // Only sync can delete what is left out.
    expect(events).toEqual(['copied Photo.jpg', ...(way === 'sync' ? ['deleted other.JPG'] : [])])
    expect(await dropbox.readText(`left-${way}/Photo.jpg`)).toBe('new')
  })

  it('ends with the file in Dropbox after a rename in letter case only (syn-8)', async () => {
    const dropbox = storageWith(at(server))
    const location = await mkdtemp(join(tmpdir(), 'holdall-renamed-'))
    const options = { delete: true, maxDelete: 100, targetPath: `renamed-${way}` }
    try {
      const source = new LocalStorage({ location }, NOWHERE)
      // Not every target takes `ß` and `SS` for the same: what it lists beside each other is two files.
      // `migrate` lists again before it deletes, and sees both at once.
      const isAtOnce = way === 'migrate'
      for (const [names, text, copied, deleted] of [
        [['Dir/Readme.TXT', 'straße'], 'text', 2, 0],
        [['dir/README.txt', 'STRASSE'], 'text', 1, isAtOnce ? 1 : 0],
        [['DIR/readme.txt', 'Strasse'], 'new text', 2, isAtOnce ? 0 : 1],
      ] as const) {
        await source.deleteAll('', { all: true })
        for (const name of names) await source.save(name, text)
        const report = await sync(source, dropbox, options)
        expect(report).toMatchObject({ copied, deleted, failed: 0, inSync: true })
        for (const name of names) expect(await dropbox.readText(`renamed-${way}/${name}`)).toBe(text)
      }
    } finally {
      await rm(location, { recursive: true })
    }
  })
})

it('takes the file that is wanted of two that the target would take for the same', async () => {
  const source = memory()
  await fill(source, { README: 'left out', readme: 'wanted' })
  const options = { exclude: ['README'], foldsNames: true }
  const target = folding()
  expect(await sync(source, target, options)).toMatchObject({ copied: 1, failed: 0, inSync: true })
  expect(await filesIn(target)).toEqual({ readme: 'wanted' })
  expect(await compare(source, target, options)).toMatchObject({ checked: 1, equal: 1, isEqual: true })
  const distinct = memory()
  await fill(distinct, { README: 'distinct', readme: 'wanted' })
  const both = await compare(target, distinct, { foldsNames: true })
  expect(both).toMatchObject({ checked: 2, equal: 1, extra: 1, missing: 0 })
})

it('finds out whether a folder of this machine folds names, and leaves nothing there', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdall-folding-'))
  try {
    const source = memory()
    await fill(source, { Readme: 'upper', readme: 'lower' })
    const target = new LocalStorage({ location: join(folder, 'new') }, NOWHERE)
    const isFolding = process.platform === 'darwin' || process.platform === 'win32'
    expect(await sync(source, target)).toMatchObject({ copied: isFolding ? 0 : 2 })
    expect(await readdir(join(folder, 'new'))).toEqual(isFolding ? [] : ['Readme', 'readme'])
    const planned = new LocalStorage({ location: join(folder, 'planned') }, NOWHERE)
    await sync(source, planned, { dryRun: true })
    expect(await readdir(folder)).toEqual(['new'])
  } finally {
    await rm(folder, { recursive: true })
  }
})
