import { expect, test, vi } from 'vitest'
import { DiskFile } from '../../src/static/disk-file.ts'
import { Tree } from './finders/fixture.ts'

/** What another process does just before the next read. */
let meanwhile = () => {}

vi.mock('node:fs', async original => {
  const fs = await original<typeof import('node:fs')>()
  const readSync = (...args: Parameters<typeof fs.readSync>) => {
    meanwhile()
    meanwhile = () => {}
    return fs.readSync(...args)
  }
  return { ...fs, default: fs, readSync }
})

test.each([
  ['grows by a byte', '123456'],
  ['grows', '1'.repeat(5000)],
  ['shrinks', '123'],
  ['is emptied', ''],
])('a file that %s between the look at its size and the reading is an error', async (_, content) => {
  using tree = new Tree({ a: '12345' })
  const file = new DiskFile('a', tree.at('a'))
  meanwhile = () => tree.write('a', content)
  await expect(file.readUpTo(100)).rejects.toMatchObject({ code: 'source_failed', fileName: tree.at('a') })
  expect(String(await file.readUpTo(10_000))).toBe(content)
})

test('a file that the system returns in pieces is read to its end', async () => {
  const fs = await import('node:fs')
  using tree = new Tree({ a: '12345' })
  const whole = fs.readSync
  const spy = vi.spyOn(fs, 'readSync')
  spy.mockImplementation(((descriptor: number, buffer: Buffer, offset: number) =>
    whole(descriptor, buffer, offset, 2, null)) as typeof fs.readSync)
  expect(String(await new DiskFile('a', tree.at('a')).readUpTo(100))).toBe('12345')
  expect(spy).toHaveBeenCalledTimes(3)
  spy.mockRestore()
})
