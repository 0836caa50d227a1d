import { isStorageError } from '../../src/core/errors.ts'
import type { Storage } from '../../src/storage/storage.ts'

/** Adds 1 to the number in a file, so often; each change is for the version that was read. Returns how many changes were refused, and tried again. */
export async function increment(storage: Storage, name: string, times: number): Promise<number> {
  let refused = 0
  for (let done = 0; done < times; ) {
    const { etag } = await storage.stat(name)
    try {
      const count = Number(await storage.readText(name, { etag }))
      await storage.save(name, String(count + 1), { ifMatch: etag })
      done++
    } catch (error) {
      if (!isStorageError(error, 'precondition_failed')) throw error
      refused++
    }
  }
  return refused
}
