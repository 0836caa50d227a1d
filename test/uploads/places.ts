import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, vi } from 'vitest'
import { LocalStorage } from '../../src/backends/local/index.ts'
import { S3Storage } from '../../src/backends/s3/index.ts'
import type { AnyStorage } from '../../src/storage/storage.ts'
import { PART, strictGround } from '../backends/s3/fault-steps.ts'
import { driverFor } from '../backends/s3/support.ts'
import { startStrictS3 } from '../servers/strict-s3.ts'
import type { Running } from './grounds.ts'

/** A storage whose leftovers can be looked at. */
export interface Place {
  readonly name: string
  readonly storage: AnyStorage
  /** What is there: objects, temporary files, open uploads. */
  left(): Promise<string[]>
  /** Calls of `save` and `delete` under way. */
  readonly busy: () => number
  clear(): Promise<void>
  close(): Promise<void>
}

/** Counts the calls of a storage that are under way. */
function watched(storage: AnyStorage): () => number {
  let busy = 0
  for (const name of ['save', 'delete'] as const) {
    const call = storage[name].bind(storage) as (...args: unknown[]) => Promise<unknown>
    Object.defineProperty(storage, name, {
      value: async (...args: unknown[]) => {
        busy++
        try {
          return await call(...args)
        } finally {
          busy--
        }
      },
    })
  }
  return () => busy
}

/** A folder of this machine, with the folder of temporary files beside it. */
export function localPlace(): Place {
  const folder = mkdtempSync(join(tmpdir(), 'holdall-uploads-'))
  const location = join(folder, 'files')
  const storage = new LocalStorage({ location, baseUrl: '/files/' }, { settings: {}, env: {} })
  const busy = watched(storage)
  const files = (): string[] =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile())
      .map(entry => join(entry.parentPath, entry.name).slice(folder.length + 1))
  return {
    name: 'local disk',
    storage,
    busy,
    left: async () => files(),
    clear: async () => rmSync(location, { recursive: true, force: true }),
    close: async () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** The strict S3 server, to which larger files go in parts; files are overwritten, so that they are streamed and not spooled. */
export async function s3Place(): Promise<Place> {
  const server = await startStrictS3({ minPartSize: PART })
  const ground = strictGround(server, { conditionalComplete: false })
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = server.credentials
  const options = { bucketName: 'media', accessKey, secretKey, fileOverwrite: true }
  const driver = driverFor(server, ground.driver)
  const storage = new S3Storage(options, { settings: {}, env: {}, driver })
  const busy = watched(storage)
  return {
    name: 'S3',
    storage,
    busy,
    left: async () => [
      ...server.bucket().objects.keys(),
      ...[...server.bucket().uploads.values()].map(upload => `upload of ${upload.key}`),
    ],
    async clear() {
      server.bucket().objects.clear()
      server.bucket().uploads.clear()
    },
    async close() {
      await storage.close()
      await ground.close()
      await server.close()
    },
  }
}

/** Waits until the server has ended all requests and the storage has no call under way. */
export async function idle({ counts }: Running, place: Place): Promise<void> {
  await vi.waitFor(
    () => expect({ ended: counts.ended, busy: place.busy() }).toEqual({ ended: counts.begun, busy: 0 }),
    { timeout: 20_000, interval: 5 },
  )
  // Multer asks for a removal in the callback of what has just ended.
  await new Promise(resolve => setImmediate(resolve))
  if (place.busy() > 0) await idle({ counts } as Running, place)
}
