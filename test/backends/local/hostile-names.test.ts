import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bytesContent } from '../../../src/core/content.ts'
import { isStorageError } from '../../../src/core/errors.ts'
import { ctx, localDriver, temporaryFolder } from './fixture.ts'

function snapshot(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .sort()
    .map(name => {
      const stats = lstatSync(join(folder, name), { bigint: true })
      const content = stats.isFile() ? readFileSync(join(folder, name), 'utf8') : ''
      return `${name} ${stats.mtimeNs} ${stats.mode} ${stats.ino} ${content}`
    })
}

const piece = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('..', '.', '', 'out', 'in', 'sub', 'secret', 'file', '...', '..\\', '\\..') },
  {
    weight: 1,
    arbitrary: fc.constantFrom('\0', '\ud800', '%2e%2e', '~', '$HOME', 'CON', '.holdall-1-ab.tmp', 'é'.repeat(200)),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
)
const hostile = fc.array(piece, { minLength: 1, maxLength: 6 }).map(pieces => pieces.join('/'))

test('no name whatever touches anything outside of the root, and every refusal is a typed error', {
  timeout: 120_000,
}, async () => {
  using folder = temporaryFolder()
  const root = join(folder.path, 'area/root')
  const outside = join(folder.path, 'area/outside')
  mkdirSync(join(root, 'sub'), { recursive: true })
  mkdirSync(join(outside, 'sub'), { recursive: true })
  writeFileSync(join(outside, 'secret'), 'secret')
  writeFileSync(join(outside, 'sub/secret'), 'secret')
  symlinkSync(outside, join(root, 'sub/out'))
  symlinkSync('../../outside/sub', join(root, 'sub/in'))
  symlinkSync(join(outside, 'secret'), join(root, 'sub/secret'))
  const driver = localDriver(root)
  const before = snapshot(outside)
  const above = readdirSync(join(folder.path, 'area')).sort()
  const codes = new Set<string>()
  async function attempt(work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
    } catch (error) {
      const code = isStorageError(error) ? error.code : driver.classify(error)
      if (code === undefined) throw error
      codes.add(code)
    }
  }
  const content = bytesContent(Buffer.from('planted'))
  let checked = 0
  await fc.assert(
    fc.asyncProperty(hostile, fc.integer({ min: 0, max: 6 }), async (key, operation) => {
      // Links are planted anew where an earlier name has replaced or removed them.
      for (const [name, target] of [
        ['out', outside],
        ['in', join(outside, 'sub')],
      ] as const) {
        if (!readdirSync(join(root, 'sub')).includes(name)) symlinkSync(target, join(root, 'sub', name))
      }
      await attempt(async () => {
        if (operation === 0) await driver.write(key, content, {}, ctx)
        else if (operation === 1) await driver.write(`sub/${key}`, content, { ifAbsent: true }, ctx)
        else if (operation === 2) await driver.move('seed', key, {}, ctx)
        else if (operation === 3) await driver.list(`${key}/`, { recursive: true, limit: 50 }, ctx)
        else if (operation === 4) await driver.copy('seed', `sub/${key}`, {}, ctx)
        else if (operation === 5 && key !== 'sub') await driver.delete(`sub/${key}`, ctx)
        else {
          const { body } = await driver.read(`sub/${key}`, {}, ctx)
          for await (const chunk of body) expect(chunk.toString()).toBe('planted')
        }
      })
      if (operation === 2) await driver.write('seed', content, {}, ctx)
      if (++checked % 1000 === 0) expect(snapshot(outside)).toEqual(before)
    }),
    { numRuns: 20_000 },
  )
  await driver.close()
  expect(snapshot(outside)).toEqual(before)
  expect(readdirSync(join(folder.path, 'area')).sort()).toEqual(above)
  expect([...codes]).toEqual(expect.arrayContaining(['suspicious_name', 'not_found', 'is_directory']))
})
