/** Targets that hold their own sources, and storages that share a place. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, onTestFinished, test } from 'vitest'
import { LocalStorage } from '../../src/backends/local/index.ts'
import { FolderFinder } from '../../src/static/index.ts'
import { StaticFiles } from '../../src/static/static-files.ts'
import type { CollectOptions } from '../../src/static/types.ts'
import { startStrictS3 } from '../servers/strict-s3.ts'
import { strictStorage } from './faults/ground.ts'
import { collect, pathsIn, SourceMap } from './support.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdall-own-'))
  folders.push(folder)
  return folder
}

function sourceFolder(): string {
  const folder = newFolder()
  mkdirSync(join(folder, 'css'))
  writeFileSync(join(folder, 'css/a.css'), 'a{}')
  return folder
}

test.each<[string, CollectOptions]>([
  ['copies', {}],
  ['links', { link: true }],
  ['clears', { clear: true }],
])('a run that %s refuses sources that lie in its target, and changes nothing', async (_, options) => {
  const source = sourceFolder()
  for (const location of [source, join(source, 'css')]) {
    const files = new StaticFiles({ storage: new LocalStorage({ location }), finders: [new FolderFinder([source])] })
    await expect(collect(files, options)).rejects.toMatchObject({
      code: 'improperly_configured',
      message: expect.stringContaining('lies in the target'),
    })
    expect(readFileSync(join(source, 'css/a.css'), 'utf8')).toBe('a{}')
  }
})

test('a source is never replaced by a link to itself, through a folder of the target that is a link', async () => {
  const source = sourceFolder()
  const location = newFolder()
  symlinkSync(join(source, 'css'), join(location, 'css'))
  const files = new StaticFiles({ storage: new LocalStorage({ location }), finders: [new FolderFinder([source])] })
  expect((await collect(files, { link: true })).failures).toEqual([expect.stringContaining('is the source itself')])
  expect(readFileSync(join(source, 'css/a.css'), 'utf8')).toBe('a{}')
})

test('a link has no compressed siblings of a former copy beside it, also when another file fails', async () => {
  const [source, location] = [sourceFolder(), newFolder()]
  writeFileSync(join(source, 'css/a.css'), 'a { color: red }\n'.repeat(40))
  const storage = new LocalStorage({ location })
  await collect(new StaticFiles({ storage, finders: [new FolderFinder([source])], compress: true }))
  expect(existsSync(join(location, 'css/a.css.br'))).toBe(true)
  const finders = [new FolderFinder([source]), new SourceMap({ 'b.txt': 'no file of this machine' })]
  const { summary } = await collect(new StaticFiles({ storage, finders }), { link: true })
  expect(summary).toMatchObject({ linked: 1, failed: 1 })
  expect(existsSync(join(location, 'css/a.css.br'))).toBe(false)
})

test.each(['', 'meta'])(
  'a manifest that another storage keeps in the target (%j) stays until the new one',
  async below => {
    const location = newFolder()
    const storage = new LocalStorage({ location })
    const manifest = { storage: new LocalStorage({ location: join(location, below) }) }
    const source = new SourceMap({ 'a.css': 'a{}' })
    const files = new StaticFiles({ storage, finders: [source], manifest })
    await collect(files)
    const former = await pathsIn(manifest.storage)
    source.files_ = { 'a.css': '@import "gone.css";', 'meta/staticfiles.json': '{}', 'staticfiles.json': '{}' }
    await collect(files, { clear: true })
    expect(await pathsIn(manifest.storage)).toEqual(former)
    source.files_ = { 'a.css': 'b{}' }
    const run = await collect(files, { clear: true })
    expect(run.of('deleted')).not.toContain(join(below, 'staticfiles.json'))
    expect(Object.values(await pathsIn(manifest.storage))).toEqual([expect.stringMatching(/^a\.[0-9a-f]{12}\.css$/)])
  },
)

test('a link in the target to another file of it is replaced by a file, also where the bytes are equal', async () => {
  const location = newFolder()
  writeFileSync(join(location, 'other.css'), 'a{}')
  symlinkSync('other.css', join(location, 'a.css'))
  const files = new StaticFiles({
    storage: new LocalStorage({ location }),
    finders: [new SourceMap({ 'a.css': 'a{}' })],
  })
  expect((await collect(files)).of('copied')).toEqual(['a.css'])
  expect(lstatSync(join(location, 'a.css')).isSymbolicLink()).toBe(false)
  expect(readFileSync(join(location, 'other.css'), 'utf8')).toBe('a{}')
})

test("a manifest that a second storage of one bucket keeps is the target's own", async () => {
  const server = await startStrictS3()
  onTestFinished(() => server.close())
  const [storage, other] = [strictStorage(server), strictStorage(server)]
  const source = new SourceMap({ 'a.css': 'a{}', 'staticfiles.json': '{}' })
  const files = new StaticFiles({ storage, finders: [source], baseUrl: '/static/', manifest: { storage: other } })
  expect((await collect(files)).warnings).toEqual([
    expect.stringContaining("'staticfiles.json' is reserved for the run itself"),
  ])
  expect((await collect(files, { clear: true })).of('deleted')).toEqual(['a.css'])
  expect(Object.keys(await pathsIn(storage))).toEqual(['a.css'])
})
