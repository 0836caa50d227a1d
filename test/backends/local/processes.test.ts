import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sweepFolder } from '../../../src/backends/local/sweep.ts'
import { builtProgram } from '../../support/built.ts'
import { Child } from '../../support/child.ts'
import { allFiles, bytesOf, ctx, localDriver, temporaryFolder } from './fixture.ts'

/** Each moment costs a process; CI tries them all. */
const MOMENTS = process.env['HOLDALL_TESTS'] === 'full' ? 200 : 60

const cache = temporaryFolder()
const programs = new Map<string, string>()

/** A process of its own, of one file; what it compiles is kept for the next ones. */
function child(name: string, ...args: string[]): Child {
  const env = { ...process.env, NODE_COMPILE_CACHE: cache.path }
  return new Child(process.execPath, [programs.get(name)!, ...args], { env, input: '', timeoutMs: 110_000 })
}

beforeAll(async () => {
  for (const name of ['saver.child.ts', 'rewriter.child.ts']) {
    programs.set(name, await builtProgram(join(import.meta.dirname, name), cache.path))
  }
  // Only a process that ends by itself leaves what it compiled.
  await child('rewriter.child.ts', cache.path, 'warm-up').done()
})

afterAll(() => cache[Symbol.dispose]())

test('eight processes that save one name a hundred times each leave eight hundred right files', {
  timeout: 120_000,
}, async () => {
  using folder = temporaryFolder()
  const children = Array.from({ length: 8 }, (_, who) => child('saver.child.ts', folder.path, String(who), '100'))
  await Promise.all(children.map(each => each.done()))
  const driver = localDriver(folder.path)
  const seen = new Set<string>()
  for (const { key } of await allFiles(driver)) {
    const content = (await bytesOf(driver, key)).toString()
    const [who, round] = content.split('/') as [string, string]
    expect(content).toBe(`${who}/${round}/`.padEnd(5000, who))
    expect(key).toMatch(/^folder\/same(_[A-Za-z0-9]{7})?\.txt$/)
    seen.add(`${who}/${round}`)
  }
  expect(seen.size).toBe(800)
  expect(readdirSync(join(folder.path, 'folder'))).toHaveLength(800)
})

test('a process killed at any moment leaves one whole version and nothing visible besides', {
  timeout: 240_000,
}, async () => {
  using folder = temporaryFolder()
  const versions = new Set<number>()
  let killed = 0
  async function round(lane: number, index: number): Promise<void> {
    const location = join(folder.path, String(lane))
    const writer = child('rewriter.child.ts', location, index % 2 === 0 ? 'metadata' : 'plain')
    await writer.printed(/./)
    const driver = localDriver(location, { keepMetadata: true })
    // Random work, not time, decides the moment.
    for (let reads = Math.floor(Math.random() * 12); reads > 0; reads--)
      await driver.list('folder/', { recursive: false }, ctx)
    expect(await writer.kill('SIGKILL')).toMatchObject({ code: null, signal: 'SIGKILL' })
    killed++
    const files = await allFiles(driver)
    if (files.length === 0) return
    expect(files.map(file => file.key)).toEqual(['folder/file.bin'])
    const bytes = await bytesOf(driver, 'folder/file.bin')
    const first = bytes[0]!
    const withAttributes = first < 97
    expect(bytes.length).toBe(200_000 + first - (withAttributes ? 65 : 97))
    expect(bytes.equals(Buffer.alloc(bytes.length, first))).toBe(true)
    const { metadata } = await driver.stat('folder/file.bin', ctx)
    expect(metadata).toEqual(withAttributes ? { letter: String.fromCharCode(first) } : undefined)
    versions.add(first)
  }
  await Promise.all(
    Array.from({ length: 4 }, async (_, lane) => {
      for (let index = 0; index < MOMENTS / 4; index++) await round(lane, index)
    }),
  )
  expect(killed).toBe(MOMENTS)
  expect([...versions].some(first => first < 97) && [...versions].some(first => first >= 97)).toBe(true)
  let swept = 0
  for (let lane = 0; lane < 4; lane++)
    swept += await sweepFolder(join(folder.path, String(lane), 'folder'), { minAgeMs: 0 })
  expect(swept).toBeGreaterThan(0)
  for (let lane = 0; lane < 4; lane++) {
    const left = readdirSync(join(folder.path, String(lane), 'folder'))
    expect(left.filter(name => !/^(file\.bin|\.holdall-[0-9a-f-]+\.meta)$/.test(name))).toEqual([])
    expect(left.length).toBeLessThanOrEqual(2)
  }
})
