/** Copies, changes of metadata, saves of one name, and containers on OpenStack Swift itself. */
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { distinctBytes } from '../faults/ground.ts'
import { startSwift } from '../servers/swift.ts'
import { emptyAndClose } from './backend.ts'
import { namesIn, SMALL_PARTS, swiftStorage } from './places/swift.ts'

const server = await startSwift()
afterAll(() => server.close(), 60_000)
await using made = swiftStorage(server)
await made.createContainer()
afterEach(async () => {
  await emptyAndClose(swiftStorage(server))
  expect(await namesIn(server, 'media_segments')).toEqual([])
})

const LARGE = distinctBytes(1_400_000)
const ATTRIBUTES = {
  contentType: 'text/x-odd',
  contentDisposition: 'attachment; filename="a.txt"',
  contentEncoding: 'identity',
  contentLanguage: 'de',
  cacheControl: 'max-age=1',
  metadata: { owner: 'ü', project_name: 'x', 'with-dash': '1' },
}

describe.each([
  ['plain', 'slo', Buffer.from('plain text')],
  ['static large', 'slo', LARGE],
  ['dynamic large', 'dlo', LARGE],
] as const)('a %s object', (_, largeObjects, bytes) => {
  const create = () => swiftStorage(server, { ...SMALL_PARTS, largeObjects })

  test('is copied with its metadata, and its copy stays when it goes', async () => {
    await using files = create()
    const end = Math.floor(Date.now() / 1000) + 100_000
    await files.save('from', bytes, { ...ATTRIBUTES, extra: { deleteAt: end } })
    await files.copy('from', 'same')
    await files.copy('from', 'other', { metadata: { only: 'this' }, cacheControl: 'no-cache' })
    await files.delete('from')
    for (const name of ['same', 'other']) expect((await files.readBytes(name)).equals(bytes)).toBe(true)
    expect(await files.stat('same')).toMatchObject({ ...ATTRIBUTES, size: bytes.length })
    const other = await files.stat('other')
    expect(other).toMatchObject({ ...ATTRIBUTES, cacheControl: 'no-cache', metadata: { only: 'this' } })
    expect(Object.keys(other.metadata ?? {})).toEqual(['only'])
  })

  test('keeps everything else when its metadata is changed', async () => {
    await using files = create()
    await files.save('file', bytes, ATTRIBUTES)
    await files.copy('file', 'file', { overwrite: true, cacheControl: 'max-age=9' })
    expect((await files.readBytes('file')).equals(bytes)).toBe(true)
    expect(await files.stat('file')).toMatchObject({ ...ATTRIBUTES, cacheControl: 'max-age=9', size: bytes.length })
    await files.copy('file', 'file', { overwrite: true, metadata: {} })
    expect((await files.stat('file')).metadata ?? {}).toEqual({})
    expect((await files.readBytes('file')).equals(bytes)).toBe(true)
  })
})

test('a name that somebody else took meanwhile is not replaced', async () => {
  await using files = swiftStorage(server, SMALL_PARTS)
  const { driver } = files.calls
  const write = driver.write.bind(driver)
  for (const content of ['text', LARGE]) {
    let isFirst = true
    driver.write = async (key, given, options, ctx) => {
      if (isFirst) {
        await using others = swiftStorage(server, { fileOverwrite: true })
        await others.save(key, 'of somebody else')
      }
      isFirst = false
      return write(key, given, options, ctx)
    }
    const name = await files.save(`wanted ${content.length}`, content)
    expect(name).not.toBe(`wanted ${content.length}`)
    expect(await files.readText(`wanted ${content.length}`)).toBe('of somebody else')
  }
})

test('a stream of unknown length goes as one object where no large objects are wanted', async () => {
  await using files = swiftStorage(server, { ...SMALL_PARTS, largeObjects: 'none' })
  async function* source(): AsyncGenerator<Buffer> {
    for (let at = 0; at < LARGE.length; at += 100_000) yield LARGE.subarray(at, at + 100_000)
  }
  await files.save('stream', source())
  expect((await files.readBytes('stream')).equals(LARGE)).toBe(true)
})

test('containers are created, found, listed and deleted', async () => {
  await using files = swiftStorage(server)
  const { driver } = files
  await driver.createContainer('My Pictures ü')
  await expect(driver.createContainer('My Pictures ü')).rejects.toMatchObject({ code: 'exists' })
  expect(await driver.getContainer('My Pictures ü')).toMatchObject({ name: 'My Pictures ü', count: 0, size: 0 })
  expect((await driver.listContainers()).map(({ name }) => name)).toContain('My Pictures ü')
  await using inside = swiftStorage(server, {}, 'My Pictures ü')
  await inside.save('x', 'x')
  await expect(driver.deleteContainer('My Pictures ü')).rejects.toMatchObject({ code: 'not_empty' })
  await inside.delete('x')
  await driver.deleteContainer('My Pictures ü')
  await expect(driver.getContainer('My Pictures ü')).rejects.toMatchObject({ code: 'not_found' })
})
