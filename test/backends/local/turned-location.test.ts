import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { bytesContent } from '../../../src/core/content.ts'
import { allFiles, bytesOf, CHANGE, codeOf, ctx, localDriver, temporaryFolder } from './fixture.ts'
import { before, beforeOnHandles } from './hooks.ts'

afterEach(() => vi.restoreAllMocks())

const text = (value: string) => bytesContent(Buffer.from(value))

/** Two folders and a link that leads to the first. */
function ground() {
  const folder = temporaryFolder()
  const at = (name: string) => join(folder.path, name)
  for (const name of ['v1', 'v2']) {
    mkdirSync(join(at(name), 'd'), { recursive: true })
    for (const file of ['top', 'd/deep']) writeFileSync(join(at(name), file), name)
  }
  symlinkSync('v1', at('current'))
  return {
    at,
    turn(to: string): void {
      symlinkSync(to, at('next'))
      renameSync(at('next'), at('current'))
    },
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  }
}

test.each([false, true])(
  'a location that is turned is followed by the next call, metadata kept: %s',
  async keepMetadata => {
    using place = ground()
    const { at } = place
    const driver = localDriver(at('current'), { keepMetadata, fsync: true })
    const read = async (key: string) => (await bytesOf(driver, key)).toString()
    for (const version of ['v1', 'v2', 'v1']) {
      place.turn(version)
      expect([await read('top'), await read('d/deep')]).toEqual([version, version])
      expect(await driver.address('top')).toBe(join(at(version), 'top'))
      await driver.write('new', text('x'), { metadata: { a: 'b' } }, ctx)
      await driver.write('d/new', text('x'), {}, ctx)
      await driver.write('e/f/new', text('x'), {}, ctx)
      await driver.copy('new', 'd/copied', {}, ctx)
      await driver.move('d/new', 'moved', {}, ctx)
      const handle = await driver.openHandle('d/handle', CHANGE, {}, ctx)
      await handle.commit(ctx)
      const keys = ['d/copied', 'd/deep', 'd/handle', 'e/f/new', 'moved', 'new', 'top']
      expect((await allFiles(driver)).map(file => file.key).sort()).toEqual(keys)
      for (const key of keys) expect(existsSync(join(at(version), key)), key).toBe(true)
      for (const key of keys) if (!['top', 'd/deep'].includes(key)) await driver.delete(key, ctx)
      for (const key of ['e/f', 'e']) await driver.delete(key, ctx)
      expect(readdirSync(at(version)).sort()).toEqual(['d', 'top'])
    }
  },
)

test('a call that is under way while the location is turned stays in one place', async () => {
  const calls: Array<[string, (driver: ReturnType<typeof localDriver>) => Promise<unknown>]> = [
    ['write', driver => driver.write('made', text('v1'), {}, ctx)],
    ['write', driver => driver.write('made', text('v1'), { ifAbsent: true }, ctx)],
    ['write', driver => driver.write('d/made', text('v1'), {}, ctx)],
    ['write', driver => driver.write('new/made', text('v1'), {}, ctx)],
    ['copyFile', driver => driver.copy('top', 'made', {}, ctx)],
    ['copyFile', driver => driver.copy('top', 'new/made', {}, ctx)],
    ['copyFile', driver => driver.copy('d/deep', 'made', {}, ctx)],
    ['open', driver => driver.copy('top', 'd/made', {}, ctx)],
    ['open', driver => driver.move('d/deep', 'made', {}, ctx)],
    ['rename', driver => driver.move('top', 'd/made', {}, ctx)],
    ['lstat', driver => driver.delete('top', ctx)],
    ['unlink', driver => driver.delete('d/deep', ctx)],
    [
      'copyFile',
      async driver => {
        const handle = await driver.openHandle('top', CHANGE, {}, ctx)
        await handle.write(2, Buffer.from('+'), ctx)
        await handle.commit(ctx)
      },
    ],
  ]
  for (const [index, [step, call]] of calls.entries()) {
    using place = ground()
    const { at } = place
    const driver = localDriver(at('current'))
    await driver.stat('top', ctx)
    let turned = false
    const turn = () => {
      if (!turned) place.turn('v2')
      turned = true
    }
    using _ = step === 'write' ? await beforeOnHandles(step, turn) : before(step as 'rename', turn)
    await call(driver)
    expect(turned, `${index}`).toBe(true)
    const versions = ['v1', 'v2'].map(name => ({
      names: readdirSync(at(name), { recursive: true, encoding: 'utf8' }).sort(),
      contents: ['top', 'd/deep', 'made', 'd/made', 'new/made']
        .map(key => join(at(name), key))
        .filter(path => existsSync(path))
        .map(path => readFileSync(path, 'utf8').slice(0, 2)),
    }))
    const same = ({ names, contents }: (typeof versions)[0], content: string) =>
      JSON.stringify(names) === '["d","d/deep","top"]' && contents.every(each => each === content)
    // One is as it was, and the other has only what came from itself.
    const [one, other] = versions as [(typeof versions)[0], (typeof versions)[0]]
    const changed = same(other, 'v2') ? one : other
    expect(changed === one || same(one, 'v1'), JSON.stringify([index, versions])).toBe(true)
    if (step !== 'write') expect(new Set(changed.contents).size, JSON.stringify([index, versions])).toBeLessThan(2)
  }
})

test.each(['open', 'lstat', 'realpath'] as const)(
  'a location that is turned before %s does not make its own files foreign',
  async step => {
    const now = performance.now.bind(performance)
    let late = 0
    vi.spyOn(performance, 'now').mockImplementation(() => now() + late)
    const calls = ['read', 'read link', 'stat', 'stat link', 'list'] as const
    for (const name of calls) {
      using place = ground()
      const { at } = place
      for (const version of ['v1', 'v2']) {
        symlinkSync('deep', join(at(version), 'd/link'))
        symlinkSync('top', join(at(version), 'link'))
      }
      const driver = localDriver(at('current'))
      let turned = false
      const turn = () => {
        if (turned) return
        place.turn('v2')
        // What is remembered of the location is too old by then.
        late += 5000
        turned = true
      }
      using _ = before(step, turn)
      for (const folder of ['d/', '']) {
        const key = folder + (name.endsWith('link') ? 'link' : folder === '' ? 'top' : 'deep')
        if (name === 'list') {
          const links = (await allFiles(driver, folder, false)).filter(file => file.key === `${folder}link`)
          expect(links, folder).toHaveLength(1)
        } else if (name.startsWith('read')) {
          expect(['v1', 'v2']).toContain((await bytesOf(driver, key)).toString())
        } else {
          expect(await driver.stat(key, ctx)).toMatchObject({ size: 2 })
        }
      }
    }
  },
)

test('what leads back into the folder that the location led to before is outside by then', async () => {
  using place = ground()
  const { at } = place
  const driver = localDriver(at('current'))
  await driver.stat('d/deep', ctx)
  symlinkSync('../../v1/d', join(at('v2'), 'd/back'))
  symlinkSync('../v1/top', join(at('v2'), 'link'))
  place.turn('v2')
  await driver.write('d/new', text('x'), {}, ctx)
  expect(await codeOf(driver, driver.read('d/back/deep', {}, ctx))).toBe('suspicious_name')
  expect(await codeOf(driver, driver.stat('link', ctx))).toBe('suspicious_name')
})

test('a location that became a file is named, and one that vanished is empty until something is saved', async () => {
  using folder = temporaryFolder()
  const root = join(folder.path, 'root')
  const driver = localDriver(root)
  await driver.write('d/file', text('x'), {}, ctx)
  rmSync(root, { recursive: true })
  expect(await codeOf(driver, driver.read('d/file', {}, ctx))).toBe('not_found')
  expect(await codeOf(driver, driver.copy('d/file', 'x', {}, ctx))).toBe('not_found')
  expect(await allFiles(driver)).toEqual([])
  expect(existsSync(root)).toBe(false)
  writeFileSync(root, 'a file')
  const calls = [
    () => driver.read('file', {}, ctx),
    () => driver.read('d/file', {}, ctx),
    () => driver.stat('file', ctx),
    () => driver.stat('', ctx),
    () => driver.write('file', text('x'), {}, ctx),
    () => driver.write('d/file', text('x'), {}, ctx),
    () => driver.copy('file', 'other', {}, ctx),
    () => driver.move('d/file', 'other', {}, ctx),
    () => driver.delete('file', ctx),
    () => driver.list('', { recursive: true }, ctx),
    () => driver.openHandle('file', CHANGE, {}, ctx),
    () => driver.openHandle('file', { ...CHANGE, write: false }, {}, ctx),
    () => driver.sweep({ prefix: '', minAgeMs: 0, dryRun: false }, ctx),
  ]
  const message = `${root} exists and is not a directory.`
  for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'not_a_directory', message })
  expect(readFileSync(root, 'utf8')).toBe('a file')
})
