import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
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
  {
    weight: 4,
    arbitrary: fc.constantFrom('..', '.', '', 'out', 'in', 'sub', 'secret', 'file', '...', '..\\', '\\..', '..\\..'),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...[
        '\0',
        '\ud800',
        'a\udc00',
        '%2e%2e',
        '%2e%2e%2f',
        '\uff0e\uff0e',
        '~',
        '$HOME',
        'CON',
        'nul.txt',
        'C:',
        '//host',
      ],
      ...[
        '.holdall-1-ab.tmp',
        'é'.repeat(200),
        'x'.repeat(256),
        'e\u0301',
        'é',
        'trailing.',
        'trailing ',
        ' ',
        '\n',
        '\x7f',
      ],
      ...['x/'.repeat(2500), '-rf', '*', '\u202e', '\ufeff'],
    ),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
)
const hostile = fc.array(piece, { minLength: 1, maxLength: 6 }).map(pieces => pieces.join('/'))
const OPERATIONS = 8

/** Names are tried many at a time, which is faster and lets operations meet on their way. */
const BATCH = 50
/** 22,000 names in CI. Those that fail are shown with their seed. */
const BATCHES = process.env['HOLDALL_TESTS'] === 'full' ? 440 : 60

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
  const links = { out: outside, in: '../../outside/sub', secret: join(outside, 'secret') }
  const driver = localDriver(root)
  const content = bytesContent(Buffer.from('planted'))
  const before = snapshot(outside)
  const codes = new Map<string, number>()
  let names = 0

  function plantLinks(): void {
    // Anew where an earlier name has replaced or removed them.
    for (const [name, target] of Object.entries(links)) {
      if (lstatSync(join(root, 'sub', name), { throwIfNoEntry: false }) === undefined) {
        symlinkSync(target, join(root, 'sub', name))
      }
    }
  }

  async function attempt(key: string, operation: number, at: number): Promise<void> {
    names++
    if (operation === 0) await driver.write(key, content, {}, ctx)
    else if (operation === 1) await driver.write(`sub/${key}`, content, { ifAbsent: true }, ctx)
    else if (operation === 2) await driver.move(`seed${at}`, key, {}, ctx)
    else if (operation === 3) await driver.list(`${key}/`, { recursive: true, limit: 50 }, ctx)
    else if (operation === 4) await driver.copy('seed', `sub/${key}`, {}, ctx)
    else if (operation === 5 && key !== 'sub') await driver.delete(`sub/${key}`, ctx)
    else if (operation === 6) await driver.stat(`sub/${key}`, ctx)
    else {
      const { body } = await driver.read(`sub/${key}`, {}, ctx)
      for await (const chunk of body.stream())
        if (chunk.toString() !== 'planted') throw new Error(`read ${chunk} of ${key}`)
    }
  }

  async function settle(work: Promise<void>): Promise<void> {
    try {
      await work
    } catch (error) {
      const code = isStorageError(error) ? error.code : driver.classify(error)
      if (code === undefined) throw error
      codes.set(code, (codes.get(code) ?? 0) + 1)
    }
  }

  const pair = fc.tuple(hostile, fc.integer({ min: 0, max: OPERATIONS - 1 }))
  await fc.assert(
    fc.asyncProperty(fc.array(pair, { minLength: BATCH, maxLength: BATCH }), async pairs => {
      plantLinks()
      await driver.write('seed', content, {}, ctx)
      for (const [at, [, operation]] of pairs.entries()) {
        if (operation === 2) await driver.write(`seed${at}`, content, {}, ctx)
      }
      await Promise.all(pairs.map(([key, operation], at) => settle(attempt(key, operation, at))))
      return isDeepStrictEqual(snapshot(outside), before)
    }),
    { numRuns: BATCHES },
  )
  await driver.close()
  expect(names).toBe(BATCH * BATCHES)
  expect(readdirSync(join(folder.path, 'area')).sort()).toEqual(['outside', 'root'])
  expect([...codes.keys()]).toEqual(expect.arrayContaining(['suspicious_name', 'not_found', 'is_directory', 'exists']))
})
