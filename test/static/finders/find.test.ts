import { expect, test } from 'vitest'
import { FolderFinder } from '../../../src/static/finders/folders.ts'
import { Tree, textOf } from './fixture.ts'

test('a file is found by its name, also where a run ignores it', async () => {
  using tree = new Tree({ 'css/a.css': 'a', '.hidden': 'h', 'CVS/Root': 'r' })
  tree.link('vendor', 'css')
  const finder = new FolderFinder([tree.path])
  for (const [name, text] of Object.entries({
    'css/a.css': 'a',
    '.hidden': 'h',
    'CVS/Root': 'r',
    'vendor/a.css': 'a',
  })) {
    const [file, ...more] = await finder.find(name)
    expect([file?.name, file?.path, file?.origin]).toEqual([name, tree.at(name), tree.at(name)])
    expect([await textOf(file), more]).toEqual([text, []])
  }
})

test('folders, missing files, and names that lead elsewhere are not there', async () => {
  using tree = new Tree({ 'static/css/a.css': '', 'secret.css': '', 'static/b\\c.css': '' })
  const finder = new FolderFinder([tree.at('static'), ['pre', tree.at('static')]])
  const names = [
    ['', '.', 'css', 'css/', '/', 'nope.css', 'css/nope.css', 'css/a.css/', 'css/a.css/x', 'css//a.css', './css/a.css'],
    ['../secret.css', 'css/../../secret.css', 'css/../css/a.css', 'pre/../../secret.css', tree.at('secret.css')],
    ['/css/a.css', 'b\\c.css', 'css\\a.css', 'css/a.css\0', '\0', 'css/\n', '\ud800', 'pre', 'pre/', 'precss/a.css'],
    ['a'.repeat(300), 'a/'.repeat(5000), 'pre//css/a.css', 'C:/css/a.css', 'CSS/a.css', 'css/A.css'],
  ].flat()
  for (const name of names) expect(await finder.find(name), name).toEqual([])
  expect(await finder.find('pre/css/a.css')).toHaveLength(1)
})

test('what is no regular file is not found', async () => {
  using tree = new Tree()
  tree.link('null', '/dev/null')
  tree.link('circle', 'circle')
  const finder = new FolderFinder([tree.path, tree.at('gone')])
  for (const name of ['null', 'circle']) expect(await finder.find(name)).toEqual([])
})
