import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { MemoryDriver } from '../../src/backends/memory/driver.ts'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { bytesContent } from '../../src/core/content.ts'
import { driverConformance, registerConformance, storageConformance } from '../../src/testing/index.ts'

const cases = driverConformance({
  create: () => new MemoryDriver({ baseUrl: 'https://files.example/media/' }),
  tree: true,
  limits: true,
  keeps: ['modifiedAt', 'createdAt', 'accessedAt', 'etag'],
  expects: {
    features: { ranges: true, exclusiveCreate: true, ifMatch: true, metadata: true, listRange: true },
    methods: ['copy', 'move', 'setModifiedAt', 'deleteMany', 'publicUrl'],
  },
})
registerConformance({ describe, it }, cases, 'MemoryDriver')
const storageCases = storageConformance({
  create: wanted => new MemoryStorage({ ...wanted, baseUrl: '/media/' }, { settings: {}, env: {} }),
})
registerConformance({ describe, it }, storageCases, 'MemoryStorage')

describe('MemoryStorage', () => {
  it('refuses to remove a folder that is not empty, and to open one', async () => {
    const storage = new MemoryStorage()
    await storage.save('d/e/one', '1')
    await storage.save('d/two', '2')
    await assert.rejects(storage.open('d'), { code: 'is_directory' })
    await assert.rejects(storage.save('d/two/three', 'x'), {
      code: 'not_a_directory',
      message: /d\/two exists and is not a directory\./,
    })
    await assert.rejects(storage.delete('d'), { code: 'is_directory' })
    const { deleted, errors } = await storage.deleteMany(['d', 'd/e/one', 'd/two'])
    assert.deepEqual([deleted, errors.map(({ name, error }) => [name, error.code])], [2, [['d', 'is_directory']]])
    for (const folder of ['d/e', 'd']) await storage.delete(folder)
    assert.deepEqual(await storage.listdir(), [[], []])
  })

  it('keeps its files when it is closed', async () => {
    const storage = new MemoryStorage()
    await storage.save('kept', '1')
    await storage.close()
    assert.equal(await storage.exists('kept'), true)
  })

  it('keeps the longest name, however deep, and lists it a page at a time', async () => {
    const storage = new MemoryStorage()
    const deep = `${'a/'.repeat(4_094)}file`
    await storage.save(deep, 'deep')
    await storage.save('b', 'x')
    const page = await storage.calls.driver.list('', { recursive: true, limit: 1 }, storage.calls.context())
    assert.deepEqual([page.files[0]?.key.length, page.next === undefined], [deep.length, false])
    const names: string[] = []
    for await (const { name } of storage.entries('', { recursive: true })) names.push(name)
    assert.deepEqual(names, [deep, 'b'])
    assert.equal(await storage.size(deep), 4)
  })

  it('gives each storage files of its own', async () => {
    const [one, two] = [new MemoryStorage(), new MemoryStorage()]
    await one.save('a', '1')
    assert.equal(await two.exists('a'), false)
  })

  it('lists a hundred thousand files page by page', async () => {
    const storage = new MemoryStorage()
    for (let n = 0; n < 100_000; n++) {
      await storage.calls.driver.write(`f/${n}`, bytesContent(new Uint8Array(1)), {}, storage.calls.context())
    }
    const pages = new Set<number>()
    let count = 0
    for await (const { name } of storage.entries('', { recursive: true })) {
      assert.ok(name.startsWith('f/'))
      pages.add(Math.floor(count++ / 1000))
    }
    assert.deepEqual([count, pages.size], [100_000, 100])
  })
})
