import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { MemoryDriver } from '../../src/backends/memory/driver.ts'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { driverConformance, registerConformance, storageConformance } from '../../src/testing/index.ts'

const cases = driverConformance({
  create: () => new MemoryDriver({ baseUrl: 'https://files.example/media/' }),
  tree: true,
  limits: true,
  keeps: ['modifiedAt', 'createdAt', 'accessedAt', 'etag'],
  expects: {
    features: { ranges: true, exclusiveCreate: true, ifMatch: true, metadata: true },
    methods: ['copy', 'move', 'deleteMany', 'publicUrl'],
  },
})
registerConformance({ describe, it }, cases, 'MemoryDriver')
const storageCases = storageConformance({
  create: wanted => new MemoryStorage({ ...wanted, baseUrl: '/media/' }, { settings: {}, env: {} }),
})
registerConformance({ describe, it }, storageCases, 'MemoryStorage')

describe('MemoryStorage', () => {
  it('removes a folder with all that is in it, and refuses to open one', async () => {
    const storage = new MemoryStorage()
    await storage.save('d/e/one', '1')
    await storage.save('d/two', '2')
    await assert.rejects(storage.open('d'), { code: 'is_directory' })
    await assert.rejects(storage.save('d/two/three', 'x'), {
      code: 'not_a_directory',
      message: /d\/two exists and is not a directory\./,
    })
    await storage.delete('d')
    assert.deepEqual(await storage.listdir(), [[], []])
  })

  it('keeps its files when it is closed', async () => {
    const storage = new MemoryStorage()
    await storage.save('kept', '1')
    await storage.close()
    assert.equal(await storage.exists('kept'), true)
  })
})
