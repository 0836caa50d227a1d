import { expect, it } from 'vitest'
import { StorageError } from '../../src/core/errors.ts'
import { checkedPage, sizedPage } from '../../src/remote/page-range.ts'

const files = (...keys: string[]) => keys.map(key => ({ key, size: 1 }))
const keysOf = (page: { files: ReadonlyArray<{ key: string }> }) => page.files.map(({ key }) => key)

it('leaves out what is not below the prefix, not in the range, or a folder marker', () => {
  const page = { files: files('a/', 'a/b', 'a/c', 'a/d', 'b'), directories: ['a/bb/', 'a/x', 'z/'], next: 't' }
  const checked = checkedPage(page, 'a/', { recursive: false, startAfter: 'a/b', until: 'a/d' })
  expect([keysOf(checked), checked.directories]).toEqual([['a/c'], ['a/bb']])
})

it('ends at `until`, also where the service goes on', () => {
  const page = { files: files('a', 'b', 'c'), directories: [], next: 't' }
  expect(checkedPage(page, '', { recursive: true, until: 'c' }).next).toBeUndefined()
  expect(checkedPage(page, '', { recursive: true, until: 'd' }).next).toBe('t')
})

it('refuses the token that it was given, and ranges of keys without order', () => {
  const page = { files: files('b', 'a'), directories: [], next: 't' }
  const again = () => checkedPage(page, '', { recursive: true, token: 't' })
  expect(again).toThrow(expect.objectContaining({ code: 'unavailable' }))
  const odd = () => checkedPage(page, '', { recursive: true, startAfter: '0' })
  expect(odd).toThrow(expect.objectContaining({ code: 'unsupported' }))
  expect(keysOf(checkedPage(page, '', { recursive: true }))).toEqual(['b', 'a'])
})

it('asks for sizes that a page lacks, and leaves out what is missing by now', async () => {
  const page = {
    files: [...files('a'), { key: 'b', size: Number.NaN }, { key: 'c', size: Number.NaN }],
    directories: [],
  }
  const asked: string[] = []
  const stat = async (key: string) => {
    asked.push(key)
    if (key === 'c') throw new StorageError('not_found', 'none')
    return { size: 7 }
  }
  const classify = (error: unknown) => (error as StorageError).code
  const sized = await sizedPage(page, stat, classify)
  expect(sized.files).toEqual([
    { key: 'a', size: 1 },
    { key: 'b', size: 7 },
  ])
  expect(asked).toEqual(['b', 'c'])
  const failing = async () => {
    throw new StorageError('throttled', 'later')
  }
  await expect(sizedPage(page, failing, classify)).rejects.toMatchObject({ code: 'throttled' })
})
