import { describe, expect, test } from 'vitest'
import { BlockIds } from '../../../src/backends/azure/block-ids.ts'
import { storedNames, userNames } from '../../../src/backends/azure/metadata-names.ts'
import { checkKey, nameMaxLength, validAzureName, validPath } from '../../../src/backends/azure/names.ts'
import { storageWith } from './support.ts'

const media = (options = {}) => storageWith({ isEmulated: true, azureContainer: 'media', ...options })

describe('a valid path', () => {
  test.each([
    ['path/to/somewhere', 'path/to/somewhere'],
    ['path/to/../somewhere', 'path/somewhere'],
    ['path/to/../', 'path'],
    ['path/to/somewhere/', 'path/to/somewhere'],
    ['path\\to', 'path/to'],
    ['some///path', 'some/path'],
    ['//$//a//$//', '$/a/$'],
    ['a.', 'a'],
    ['a..', 'a'],
    ['.hidden', '.hidden'],
    ['../x', 'x'],
    ['a'.repeat(1024), 'a'.repeat(1024)],
    ['a/a'.repeat(256), 'a/a'.repeat(256)],
  ])('of %j', (name, path) => {
    expect(validPath(name)).toBe(path)
    expect(validPath(path), 'it stays').toBe(path)
    expect(media().getValidPath(name)).toBe(path)
  })

  test.each([
    ['a'.repeat(1025), 'File name max len is 1024'],
    ['a/a'.repeat(257), 'File name must not contain more than 256 slashes'],
    ...['', '/', '//', '..', '/../', '///', '...'].map(name => [name, 'must contain one or more printable']),
  ])('is refused for %j', (name, message) => {
    expect(() => validPath(name)).toThrow(message)
  })
})

describe('a key', () => {
  test.each([
    ['a\\b', 'backslash'],
    ['a/./b', "no part '.' or '..'"],
    ['a/../b', "no part '.' or '..'"],
    ['a\nb', 'control characters'],
    ['a\u0085', 'control characters'],
    ['a.', 'end with a dot'],
    ['a/', 'end with a slash'],
    ['a'.repeat(1025), 'at most 1024 characters, not 1025'],
    [`${'a/'.repeat(254)}a`, 'at most 254 parts, not 255'],
  ])('%j is refused', (key, message) => {
    expect(() => checkKey(key)).toThrow(
      expect.objectContaining({ code: 'suspicious_name', message: expect.stringContaining(message) }),
    )
  })

  test('that is odd but Azure takes it is none of our business', () => {
    for (const key of ['.a', '..a/b', 'a b', '%2E', 'é', 'a'.repeat(1024), `${'a/'.repeat(253)}a`]) checkKey(key)
  })
})

test('bad names are refused before anything is sent', async () => {
  let requests = 0
  const httpClient = {
    async request(): Promise<never> {
      requests++
      throw new Error('nothing should be sent')
    },
    async close() {},
  }
  const files = storageWith({ isEmulated: true, azureContainer: 'media', location: 'loc' }, { httpClient })
  for (const name of ['a.', 'x/a\u0001', `${'d/'.repeat(254)}a`, 'a'.repeat(1021)]) {
    const calls = [
      () => files.save(name, 'x'),
      () => files.stat(name),
      () => files.open(name),
      () => files.url(name),
      () => files.copy('from', name),
    ]
    for (const call of calls) await expect(call(), name.slice(0, 20)).rejects.toMatchObject({ code: 'suspicious_name' })
  }
  await expect(files.stat('a\\b')).rejects.toMatchObject({ code: 'suspicious_name' })
  expect(requests).toBe(0)
})

test('a valid name keeps the folders of a path', () => {
  expect(validAzureName('my photos/a b?.jpg')).toBe('my_photos/a_b.jpg')
  expect(media().getValidName('a\\b./ c..')).toBe('a/b'.concat('/c'))
  expect(media().getValidName('Ünïcode.txt')).toBe('Ünïcode.txt')
  for (const name of ['', '/', '..', '???']) {
    expect(() => validAzureName(name)).toThrow(expect.objectContaining({ code: 'suspicious_name' }))
  }
})

test('the longest name leaves room for location and suffix', () => {
  expect(nameMaxLength('', true)).toBe(1024)
  expect(nameMaxLength('', false)).toBe(1016)
  expect(nameMaxLength('loc', true)).toBe(1020)
  expect(nameMaxLength('loc/', true)).toBe(1020)
  expect(media({ location: 'loc/' }).getNameMaxLength()).toBe(1012)
  expect(media({ fileOverwrite: true }).getNameMaxLength()).toBe(1024)
})

describe('names of metadata', () => {
  test.each(['plain', 'with-dash', 'a.b', '1st', '_x2d_', 'a_x2d_b', '__x5f__', "o'k", 'x_', '_'])(
    '%j comes back',
    name => {
      const stored = storedNames({ [name]: 'v' })
      for (const key of Object.keys(stored)) expect(key).toMatch(/^[a-z_][a-z0-9_]*$/)
      expect(userNames(stored)).toEqual({ [name]: 'v' })
    },
  )

  test('no two names share one', () => {
    const names = ['a-b', 'a_x2d_b', 'a_x5f_x2d_b', 'a.b', 'a_b']
    expect(new Set(names.flatMap(name => Object.keys(storedNames({ [name]: '' })))).size).toBe(names.length)
  })
})

describe('ids of blocks', () => {
  test('have one length up to the last block and begin with something random', () => {
    const ids = new BlockIds()
    const lengths = new Set([1, 9, 10, 99, 100, 9_999, 10_000, 50_000].map(number => ids.idOf(number).length))
    expect(lengths.size).toBe(1)
    expect(new Set(Array.from({ length: 1000 }, (_, at) => ids.idOf(at + 1))).size).toBe(1000)
    expect(new BlockIds().idOf(1)).not.toBe(ids.idOf(1))
  })

  test('take the length of others', () => {
    const other = Buffer.from('block-00001').toString('base64')
    expect(BlockIds.like(other)!.idOf(50_000)).toHaveLength(other.length)
    expect(BlockIds.like(Buffer.from('0001').toString('base64'))).toBeUndefined()
    expect(BlockIds.like(undefined)).toBeUndefined()
  })
})
