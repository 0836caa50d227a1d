import { expect, test } from 'vitest'
import { checkFolders, FolderFinder } from '../../../src/static/finders/folders.ts'
import { PackageFinder } from '../../../src/static/finders/packages.ts'
import { ignorePatterns } from '../../../src/static/ignore.ts'
import { Tree } from './fixture.ts'

const refused = (message: string) => expect.objectContaining({ code: 'improperly_configured', message })

test.each([
  ['assets', "expected a list, got 'assets'. Put it in brackets: ['...']."],
  [undefined, 'expected a list, got undefined.'],
  [[7], 'expected a folder or [prefix, a folder], got number.'],
  [[['a', 'b', 'c']], 'expected a folder or [prefix, a folder], got a list of 3 values.'],
  [[['a', undefined]], 'expected a folder or [prefix, a folder], got a list of 2 values.'],
  [[''], 'expected a folder, got an empty text.'],
  [[['pre/', 'assets']], "the prefix 'pre/' must not end with a slash."],
  [[['/pre', 'assets']], "expected a relative path as the prefix, got '/pre'."],
  [[['../pre', 'assets']], "expected a relative path as the prefix, got '../pre'."],
  [[['a\\b', 'assets']], "expected a relative path as the prefix, got 'a\\b'."],
])('the folders %j are refused with the name of their setting', (entries, message) => {
  expect(() => new FolderFinder(entries as never)).toThrow(refused(`STATICFILES_DIRS: ${message}`))
})

test('packages are refused in the same way', () => {
  expect(() => new PackageFinder('bootstrap' as never)).toThrow(
    refused("STATICFILES_PACKAGES: expected a list, got 'bootstrap'. Put it in brackets: ['...']."),
  )
  expect(() => new PackageFinder([['pre/', 'bootstrap']])).toThrow(
    refused("STATICFILES_PACKAGES: the prefix 'pre/' must not end with a slash."),
  )
})

test('the folder that is collected into must not be one that is collected from', () => {
  using tree = new Tree({ 'assets/a.css': '', 'out/b.css': '' })
  tree.link('linked', 'out')
  const check = (folders: Array<string | [string, string]>, root: string) => () =>
    checkFolders(folders, root, { base: tree.path })
  for (const [folder, root] of [
    ['out', 'out'],
    ['out', './out/'],
    ['out', 'assets/../out'],
    ['linked', 'out'],
    ['out', 'linked'],
    ['new', 'new'],
  ] as const) {
    const message = `STATICFILES_DIRS must not contain the folder of STATIC_ROOT: '${tree.at(folder)}'.`
    expect(check([['pre', folder]], root), `${folder} ${root}`).toThrow(refused(message))
  }
  expect(check(['assets'], 'out')).not.toThrow()
  expect(check(['assets'], 'assets-2')).not.toThrow()
  expect(check(['out'], 'ou')).not.toThrow()
})

test('nor lie in one without being ignored there, nor hold one', () => {
  using tree = new Tree({ 'assets/a.css': '' })
  const check = (folder: string, root: string, ignore?: string[]) => () =>
    checkFolders([folder], root, { base: tree.path, isIgnored: ignore && ignorePatterns(ignore) })
  expect(check('assets', 'assets/deep/out')).toThrow(
    refused(
      `STATIC_ROOT lies in '${tree.at('assets')}' of STATICFILES_DIRS: each run would collect what the run before has stored. Choose another folder, or leave it out by STATICFILES_IGNORE.`,
    ),
  )
  expect(check('assets', 'assets/.out/static')).not.toThrow()
  expect(check('assets', 'assets/.out', [])).toThrow(/STATIC_ROOT lies in/)
  expect(check('assets', 'assets/deep/out', ['deep/out'])).not.toThrow()
  expect(check('assets', '.')).toThrow(
    refused(
      `STATICFILES_DIRS: '${tree.at('assets')}' lies in STATIC_ROOT: a run that clears it would delete the sources.`,
    ),
  )
})
