import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it, vi } from 'vitest'
import { sync } from '../../src/transfer/index.ts'
import type { Item } from '../../src/transfer/item.ts'
import { settledState, stateOf } from '../../src/transfer/record.ts'
import { sorted } from '../../src/transfer/sorted.ts'
import { fill, memory } from './support.ts'

const folder = await mkdtemp(join(tmpdir(), 'holdall-record-'))
afterAll(() => rm(folder, { recursive: true }))

it('ignores a record that is damaged from where it is damaged, and one of another form', async () => {
  const record = join(folder, 'record')
  const [source, target] = [memory(), memory()]
  await fill(source, { a: 'a', 'b\u2028c': 'b', d: 'd' })
  await sync(source, target, { record })
  expect(await sync(source, target, { record })).toMatchObject({ compared: { record: 3 } })
  const text = await readFile(record, 'utf8')
  const lines = text.split('\n')
  for (const [damaged, left] of [
    [text.slice(0, -3), 2],
    [lines.with(2, '{"a":1}').join('\n'), 1],
    [lines.with(3, lines[1]!).join('\n'), 2],
    [lines.with(0, '{"holdallSync":2}').join('\n'), 0],
    ['', 0],
    ['\n\n', 0],
    ['\0'.repeat(300), 0],
  ] as const) {
    await writeFile(record, damaged)
    expect(await sync(source, target, { record, dryRun: true }), damaged).toMatchObject({ compared: { record: left } })
    // A dry run reads it, and leaves it.
    expect(await readFile(record, 'utf8')).toBe(damaged)
  }
})

it('neither reads nor replaces what is no record, and leaves the target as it is then', async () => {
  const [source, target] = [memory(), memory()]
  await fill(source, { a: 'a' })
  const record = join(folder, 'index.html')
  await writeFile(record, '<html>')
  for (const path of [record, folder]) {
    await expect(sync(source, target, { record: path })).rejects.toMatchObject({
      code: 'invalid_argument',
      message: `record: '${path}' is no record of sync, and is not replaced.`,
    })
  }
  await expect(sync(source, target, { record: join(record, 'below') })).rejects.toMatchObject({
    fileName: join(record, 'below'),
  })
  expect(await readFile(record, 'utf8')).toBe('<html>')
  expect(await target.exists('a')).toBe(false)
  expect((await readdir(folder)).filter(name => name.startsWith('.'))).toEqual([])
})

it('ignores the record of another user, who may name other files as equal', async () => {
  const record = join(folder, 'foreign')
  const [source, target] = [memory(), memory()]
  await fill(source, { a: 'a' })
  await sync(source, target, { record })
  const other = vi.spyOn(process, 'geteuid').mockReturnValue(12_345)
  try {
    expect(await sync(source, target, { record, dryRun: true })).toMatchObject({ compared: { record: 0 } })
  } finally {
    other.mockRestore()
  }
  expect(await sync(source, target, { record, dryRun: true })).toMatchObject({ compared: { record: 1 } })
})

it('records no state that another change may leave as it is', () => {
  const now = 1_700_000_000_000
  const at = (ms: number) => new Date(now - ms)
  expect(settledState({ size: 1, modifiedAt: at(59_999) }, false, now)).toBeUndefined()
  expect(settledState({ size: 1, modifiedAt: at(60_000) }, false, now)).toBeDefined()
  expect(settledState({ size: 1, modifiedAt: at(60_000), isRoughTime: true }, false, now)).toBeUndefined()
  expect(settledState({ size: 1, etag: 'e', modifiedAt: at(0) }, false, now)).toBe('1 e')
  expect(settledState({ size: 1, etag: 'e', modifiedAt: at(99) }, true, now)).toBeUndefined()
  expect(settledState({ size: 1, etag: 'e', modifiedAt: at(-59_999) }, true, now)).toBeUndefined()
  expect(settledState({ size: 1, etag: 'e', modifiedAt: at(-60_000) }, true, now)).toBeDefined()
  expect(settledState({ size: 1, modifiedAt: at(-86_400_000) }, false, now)).toBeUndefined()
  expect(settledState({ size: 1, etag: 'e', modifiedAt: at(100) }, true, now)).toBeDefined()
  expect(stateOf({ size: 1 }, false)).toBeUndefined()
})

it('sorts more items than it holds by temporary files, with their dates and unknown sizes', async () => {
  const names = Array.from({ length: 50 }, (_, at) => `${(at * 37) % 50}\u2028\n\u{1f600}\uffee`)
  async function* items(): AsyncGenerator<Item> {
    for (const name of names) {
      const entry = { name, size: name.startsWith('1') ? Number.NaN : 5, isDirectory: false, modifiedAt: new Date(5) }
      yield { key: name, name, entry }
    }
  }
  for (const length of [7, 50, 100]) {
    const found: Item[] = []
    for await (const item of sorted(items(), length)) found.push(item)
    expect(found.map(({ name }) => name)).toEqual([...names].sort())
    expect(found.every(({ entry }) => entry.modifiedAt?.getTime() === 5)).toBe(true)
    expect(found.filter(({ entry }) => Number.isNaN(entry.size))).toHaveLength(11)
  }
})
