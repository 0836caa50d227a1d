import { afterAll, describe, expect, it } from 'vitest'
import type { Storage } from '../../src/storage/storage.ts'
import { Kinds } from './kinds.ts'

const kinds = await Kinds.start()
afterAll(() => kinds.end())

/** One call with the name for each public method that takes a name. */
const CALLS: Readonly<Record<string, (storage: Storage, name: string) => Promise<unknown>>> = {
  open: (storage, name) => storage.open(name),
  'open for writing': (storage, name) => storage.open(name, 'wb'),
  edit: (storage, name) => storage.edit(name, 'w', () => undefined),
  save: (storage, name) => storage.save(name, 'x'),
  'save over': (storage, name) => storage.save(name, 'x', { overwrite: true }),
  'save within a length': (storage, name) => storage.save(name, 'x', { maxLength: 100 }),
  delete: (storage, name) => storage.delete(name),
  deleteMany: (storage, name) => storage.deleteMany([name]),
  exists: (storage, name) => storage.exists(name),
  stat: (storage, name) => storage.stat(name),
  size: (storage, name) => storage.size(name),
  listdir: (storage, name) => storage.listdir(name),
  entries: (storage, name) => storage.entries(name).next(),
  url: (storage, name) => storage.url(name),
  getModifiedTime: (storage, name) => storage.getModifiedTime(name),
  path: async (storage, name) => storage.path(name),
  readBytes: (storage, name) => storage.readBytes(name),
  copy: (storage, name) => storage.copy(name, 'b'),
  'copy to it': (storage, name) => storage.copy('a', name),
  move: (storage, name) => storage.move(name, 'b'),
  'move to it': (storage, name) => storage.move('a', name),
  getAvailableName: (storage, name) => storage.getAvailableName(name),
  isNameAvailable: (storage, name) => storage.isNameAvailable(name),
  generateFilename: async (storage, name) => storage.generateFilename(name),
  getValidName: async (storage, name) => storage.getValidName(name),
}

/** Methods that never get that far on this backend. */
const NO_PATH: Readonly<Record<string, readonly string[]>> = { memory: ['path'], local: [], s3: ['path'] }

describe.each(['memory', 'local', 's3'] as const)('a name longer than any backend takes, on %s', kind => {
  it.each(Object.keys(CALLS).filter(call => !NO_PATH[kind]!.includes(call)))('is refused by %s', async call => {
    const storage = kinds[kind]()
    for (const name of [`${'../'.repeat(60_000)}x`, 'x'.repeat(8193)]) {
      await expect(CALLS[call]!(storage, name)).rejects.toMatchObject({
        code: 'suspicious_name',
        outcome: 'not_applied',
        message: expect.stringMatching(/has \d+ characters; the longest name allowed has 8192\.$/),
        fileName: `${name.slice(0, 40)}...`,
      })
    }
  })
})
