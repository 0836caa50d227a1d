import assert from 'node:assert/strict'
import { failsWith, namesOf, type StorageCase, textOf } from './storage-place.ts'

/** Conditional saves and deletions: honoured or rejected; never ignored. */
export const conditionalCases: readonly StorageCase[] = [
  {
    title: 'A save with ifAbsent fails with exists on a taken name and takes no other one, or is unsupported.',
    overwrite: true,
    async run(storage) {
      await storage.save('taken', 'old')
      await storage.discover()
      const isKept = storage.supports('exclusiveCreate')
      const code = isKept ? 'exists' : 'unsupported'
      await failsWith(code, storage.save('taken', 'new', { ifAbsent: true }))
      await failsWith(code, storage.copy('taken', 'taken', { ifAbsent: true }))
      if (isKept) {
        assert.equal(await storage.save('free', 'first', { ifAbsent: true }), 'free')
        await failsWith('exists', storage.copy('free', 'taken', { ifAbsent: true }))
        await failsWith('exists', storage.move('free', 'taken', { ifAbsent: true }))
        assert.equal(await storage.copy('taken', 'copy', { ifAbsent: true }), 'copy')
      } else {
        await failsWith('unsupported', storage.save('free', 'first', { ifAbsent: true }))
      }
      assert.deepEqual(await namesOf(storage), isKept ? ['copy', 'free', 'taken'] : ['taken'])
      assert.equal(await textOf(storage, 'taken'), 'old')
    },
  },
  {
    title: 'Conditions that contradict each other are an invalid_argument.',
    async run(storage) {
      await failsWith('invalid_argument', storage.save('new', 'text', { ifAbsent: true, overwrite: true }))
      await failsWith('invalid_argument', storage.save('new', 'text', { ifAbsent: true, ifMatch: 'etag' }))
      await failsWith('invalid_argument', storage.copy('new', 'other', { ifAbsent: true, overwrite: true }))
      assert.deepEqual(await namesOf(storage), [])
    },
  },
  {
    title: 'A deletion with ifMatch removes no other version, or is unsupported and removes nothing.',
    async run(storage) {
      await storage.save('file', 'old')
      const { etag = 'none' } = await storage.stat('file')
      await storage.save('file', 'newer', { overwrite: true })
      await storage.discover()
      const isKept = storage.supports('deleteIfMatch')
      await failsWith(isKept ? 'precondition_failed' : 'unsupported', storage.delete('file', { ifMatch: etag }))
      assert.equal(await textOf(storage, 'file'), 'newer')
      if (!isKept) return
      await storage.delete('file', { ifMatch: (await storage.stat('file')).etag })
      assert.equal(await storage.exists('file'), false)
      await failsWith('precondition_failed', storage.delete('file', { ifMatch: etag }))
    },
  },
]
