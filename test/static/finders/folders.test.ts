import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FolderFinder } from '../../../src/static/finders/folders.ts'
import { DEFAULT_IGNORE, ignorePatterns } from '../../../src/static/ignore.ts'
import { seeded } from '../../oracles/seeded.ts'
import { runChild } from '../../support/child.ts'
import { listed, namesOf, Tree, textOf } from './fixture.ts'

test('a folder that a pattern names is left out with all that it holds (row 234)', async () => {
  using tree = new Tree({ 'a.css': '', 'skip/b.css': '', 'skip/deep/c.css': '', 'sub/skip/d.css': '', 'sub/e.css': '' })
  const finder = new FolderFinder([tree.path])
  expect(await namesOf(finder, ['skip'])).toEqual(['a.css', 'sub/e.css'])
  expect(await namesOf(finder, ['sub/skip'])).toEqual(['a.css', 'skip/b.css', 'skip/deep/c.css', 'sub/e.css'])
})

test('hidden files, CVS and backups are left out, unless the patterns for them are not given (row 235)', async () => {
  const all = ['.git/config', '.hidden', 'CVS/Root', 'a.css', 'bak~', 'sub/.htaccess', 'sub/CVS']
  using tree = new Tree(Object.fromEntries(all.map(name => [name, ''])))
  const finder = new FolderFinder([tree.path])
  expect((await listed(finder, DEFAULT_IGNORE)).names).toEqual(['a.css'])
  expect((await listed(finder)).names).toEqual(all)
})

test('files of a folder with a prefix have it before their names (row 237)', async () => {
  using tree = new Tree({ 'a.css': 'a', 'sub/b.css': 'b' })
  const { names, files } = await listed(new FolderFinder([['pre/fix', tree.path]]))
  expect(names).toEqual(['pre/fix/a.css', 'pre/fix/sub/b.css'])
  expect(files.map(({ path }) => path)).toEqual([tree.at('a.css'), tree.at('sub/b.css')])
  // Patterns are compared with the path from the folder on.
  expect(await namesOf(new FolderFinder([['pre', tree.path]]), ['pre', 'pre/*'])).toHaveLength(2)
  expect(await namesOf(new FolderFinder([['pre', tree.path]]), ['sub/*'])).toEqual(['pre/a.css'])
})

test('the same folder may be listed with prefixes and without, each with its own', async () => {
  using tree = new Tree({ 'a.css': 'a' })
  const finder = new FolderFinder([tree.path, ['x', tree.path], ['y', tree.path], tree.path, `${tree.path}/.`])
  expect(await namesOf(finder)).toEqual(['a.css', 'x/a.css', 'y/a.css'])
  expect(finder.locations).toEqual([tree.path])
  expect((await finder.find('y/a.css')).map(({ name, path }) => [name, path])).toEqual([['y/a.css', tree.at('a.css')]])
})

test('folders come in the order of the list, and a name may come twice', async () => {
  using first = new Tree({ 'b.css': 'first' })
  using second = new Tree({ 'a.css': 'second', 'b.css': 'second' })
  const finder = new FolderFinder([first.path, second.path])
  const { files } = await listed(finder)
  expect(await Promise.all(files.map(async file => [file.name, await textOf(file)]))).toEqual([
    ['b.css', 'first'],
    ['a.css', 'second'],
    ['b.css', 'second'],
  ])
  expect(await Promise.all((await finder.find('b.css')).map(textOf))).toEqual(['first', 'second'])
  expect(finder.locations).toEqual([first.path, second.path])
})

test('relative folders begin at the base', async () => {
  using tree = new Tree({ 'assets/a.css': '' })
  const finder = new FolderFinder(['assets'], { base: tree.path })
  expect(await namesOf(finder)).toEqual(['a.css'])
  expect(finder.locations).toEqual([tree.at('assets')])
})

test('a folder that does not exist is reported and no failure; a file in its place is one', async () => {
  using tree = new Tree({ file: '', 'there/a.css': '' })
  const { names, skipped } = await listed(new FolderFinder(['gone', 'file', 'file/in', 'there'], { base: tree.path }))
  expect(names).toEqual(['a.css'])
  expect(skipped).toEqual([
    [tree.at('gone'), 'the directory in the STATICFILES_DIRS setting does not exist', false],
    [tree.at('file'), 'the directory in the STATICFILES_DIRS setting is not a folder', true],
    [tree.at('file/in'), 'the directory in the STATICFILES_DIRS setting does not exist', false],
  ])
})

test('links are followed wherever they lead, and loops end', async () => {
  using outside = new Tree({ 'lib.js': 'lib', 'deep/x.js': 'x' })
  using tree = new Tree({ 'a.css': 'a', 'sub/b.css': 'b' })
  tree.link('vendor', outside.path)
  tree.link('one.js', outside.at('lib.js'))
  tree.link('self', '.')
  tree.link('sub/up', '../sub')
  tree.link('twice', 'sub')
  outside.link('back', tree.path)
  const { names, files, skipped } = await listed(new FolderFinder([tree.path]))
  expect(names).toEqual(['a.css', 'one.js', 'sub/b.css', 'twice/b.css', 'vendor/deep/x.js', 'vendor/lib.js'])
  expect(await textOf(files[4])).toBe('x')
  const loop = (name: string) => [tree.at(name), 'it leads back to a folder above it', false]
  expect(skipped).toEqual([loop('self'), loop('sub/up'), loop('twice/up'), loop('vendor/back')])
})

test('a loop by way of a folder above the first one ends as well', async () => {
  using tree = new Tree({ 'static/a.css': '', 'other/b.css': '' })
  tree.link('static/up', '..')
  const { names, skipped } = await listed(new FolderFinder([tree.at('static')]))
  expect(names).toEqual(['a.css', 'up/other/b.css'])
  expect(skipped).toEqual([[tree.at('static/up/static'), 'it leads back to a folder above it', false]])
})

test('folders that are full of links to each other end', async () => {
  using tree = new Tree()
  for (let from = 0; from < 12; from++) {
    tree.write(`packages/${from}/index.js`)
    tree.link(`packages/${from}/next`, `../${from + 1}`)
  }
  tree.write('packages/12/index.js')
  const { names, skipped } = await listed(new FolderFinder([tree.at('packages/0')]))
  expect(names.at(-1)).toBe(`${'next/'.repeat(8)}index.js`)
  expect(names).toHaveLength(9)
  expect(skipped).toEqual([
    [tree.at(`packages/0/${'next/'.repeat(9)}`).slice(0, -1), 'it lies behind more than 8 links', true],
  ])
})

test('links that lead nowhere or to themselves are reported as failures, unless they are ignored', async () => {
  using tree = new Tree({ 'a.css': '' })
  tree.link('gone.css', 'nowhere.css')
  tree.link('circle', 'circle')
  tree.link('.#lock', 'user@host.1234')
  const { names, skipped } = await listed(new FolderFinder([tree.path]), DEFAULT_IGNORE)
  expect(names).toEqual(['a.css'])
  expect(skipped).toEqual([
    [tree.at('circle'), 'the link leads back to itself', true],
    [tree.at('gone.css'), 'the link leads nowhere', true],
  ])
})

test('pipes, sockets and devices are left out, also behind links', async () => {
  using tree = new Tree({ 'a.css': '' })
  execFileSync('mkfifo', [tree.at('pipe')])
  tree.link('null', '/dev/null')
  tree.link('piped.css', 'pipe')
  const server = createServer()
  await new Promise<void>(resolve => server.listen(tree.at('socket'), resolve))
  try {
    const { names, skipped } = await listed(new FolderFinder([tree.path]))
    expect(names).toEqual(['a.css'])
    expect(skipped).toEqual(
      ['null', 'pipe', 'piped.css', 'socket'].map(name => [tree.at(name), 'it is neither a file nor a folder', false]),
    )
  } finally {
    await new Promise(resolve => server.close(resolve))
  }
})

async function limited(limit: 'user' | 'descriptors', folder: string): Promise<unknown> {
  const program = join(import.meta.dirname, 'limited.child.ts')
  const shell = ['-c', 'ulimit -n 64; exec "$0" "$@"', process.execPath, program, limit, folder]
  return JSON.parse((await runChild('sh', shell)).stdout)
}

test('what cannot be read is a failure, and the rest is found', async () => {
  using tree = new Tree({ 'a.css': 'a', 'shut.css': '', 'shut/b.css': '', 'z/c.css': 'c' })
  for (const name of ['', 'z']) chmodSync(tree.at(name), 0o755)
  for (const name of ['shut', 'shut.css']) chmodSync(tree.at(name), 0)
  const result = await limited('user', tree.path)
  chmodSync(tree.at('shut'), 0o755)
  const refused = expect.stringMatching(`^StorageError: read '${tree.at('shut.css')}': .*permission denied`)
  expect(result).toEqual({
    read: { 'a.css': ['a', 'a'], 'shut.css': ['permission_denied', refused], 'z/c.css': ['c', 'c'] },
    skipped: [[tree.at('shut'), 'permission denied', true]],
    found: 'permission_denied',
  })
})

test('a lack of descriptors ends the run, and no folder is taken for an unreadable one', async () => {
  using tree = new Tree({ 'a.css': 'a' })
  expect(await limited('descriptors', tree.path)).toEqual({
    read: { 'a.css': ['unavailable', expect.stringContaining(`read '${tree.at('a.css')}': EMFILE`)] },
    listed: 'unavailable',
    skipped: [],
  })
})

test('names that are not the same everywhere are reported, and not turned into others', async () => {
  using tree = new Tree({ 'a.css': '', 'ok\ufffd.css': '', 'caf\u00e9.css': '' })
  for (const name of ['back\\slash.css', 'li\nne.css', 'de\x7fl.css', 'c1\x85.css', 'fo\tlder/b.css']) tree.write(name)
  const raw = Buffer.concat([Buffer.from(tree.at('raw')), Buffer.from([0xe9])])
  writeFileSync(raw, '')
  mkdirSync(Buffer.concat([Buffer.from(tree.at('dir')), Buffer.from([0xff])]))
  const { names, skipped } = await listed(new FolderFinder([tree.path]))
  expect(names).toEqual(['a.css', 'caf\u00e9.css', 'ok\ufffd.css'])
  expect(skipped).toEqual([
    [tree.at('back\\slash.css'), 'its name has a backslash', true],
    [tree.at('c1\x85.css'), 'its name has a control character', true],
    [tree.at('de\x7fl.css'), 'its name has a control character', true],
    [tree.at('dir\ufffd'), 'its name is not UTF-8', true],
    [tree.at('fo\tlder'), 'its name has a control character', true],
    [tree.at('li\nne.css'), 'its name has a control character', true],
    [tree.at('raw\ufffd'), 'its name is not UTF-8', true],
  ])
  // What is ignored may have any name.
  const quiet = await listed(new FolderFinder([tree.path]), ['*\\*', '*[\x01-\x1f\x7f\x85]*', '*\ufffd*'])
  expect([quiet.names, quiet.skipped]).toEqual([['a.css', 'caf\u00e9.css'], []])
})

test('temporary files of Holdall are left out and not reported', async () => {
  using tree = new Tree({ 'a.css': '', '.holdall-1-a.tmp': '', 'sub/.holdall-x.meta': '', '.holdall-notes.txt': '' })
  const finder = new FolderFinder([tree.path])
  const { names, skipped } = await listed(finder)
  expect([names, skipped]).toEqual([['.holdall-notes.txt', 'a.css'], []])
  expect(await finder.find('.holdall-1-a.tmp')).toEqual([])
})

describe('a tree of 5,000 files', () => {
  const folders = ['dir', 'dir-2', 'dir.x', 'dir/deep', 'd\u00e9', 'z\u{1f600}', 'z\uff5e', 'a/b/c', 'a/b.', 'a']
  const all = folders.flatMap(folder => Array.from({ length: 500 }, (_, at) => `${folder}/${at}\u{1f600}.css`))
  const tree = new Tree()
  const finder = new FolderFinder([tree.path])

  beforeAll(() => {
    const random = seeded(1)
    const shuffled = all.map(name => [random(), name] as const).sort(([a], [b]) => a - b)
    for (const [, name] of shuffled) tree.write(name, '')
  })
  afterAll(() => tree[Symbol.dispose]())

  test('comes in the order of the UTF-8 bytes of names, in whatever order it was made', async () => {
    const sorted = [...all].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    expect((await listed(finder)).names).toEqual(sorted)
  })

  test('leaves time for other work, and a signal ends it', async () => {
    const isIgnored = ignorePatterns([])
    const controller = new AbortController()
    let turns = 0
    const turn = () => {
      if (++turns === 3) controller.abort(new Error('enough'))
      else setImmediate(turn)
    }
    setImmediate(turn)
    let count = 0
    const walk = async () => {
      for await (const _ of finder.files({ isIgnored, signal: controller.signal })) count++
    }
    await expect(walk()).rejects.toMatchObject({ code: 'aborted' })
    expect(count).toBeGreaterThan(0)
    expect(count).toBeLessThan(5000)
    await expect(walk()).rejects.toMatchObject({ code: 'aborted' })
    await expect(finder.find('a/1', { signal: controller.signal })).rejects.toMatchObject({ code: 'aborted' })
  })
})

test('a deep tree is gone through', async () => {
  using tree = new Tree()
  const deep = 'd/'.repeat(200)
  tree.write(`${deep}a.css`)
  const { names, skipped } = await listed(new FolderFinder([tree.path]))
  expect([names, skipped]).toEqual([[`${deep}a.css`], []])
})
