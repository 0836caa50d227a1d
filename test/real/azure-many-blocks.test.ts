/** As many blocks as a blob may have. It needs no real server, but as long as one. */
import { expect, test } from 'vitest'
import { storageFor } from '../backends/azure/strict-storage.ts'
import { distinctBytes, streamed } from '../faults/ground.ts'
import { startStrictAzure } from '../servers/strict-azure.ts'

const BLOCKS = 50_000
/** Blocks of an unknown length double at each tenth of them, from one byte on. */
const SIZES = Array.from({ length: BLOCKS }, (_, at) => 2 ** Math.floor((10 * at) / BLOCKS))
const SIZE = SIZES.reduce((sum, size) => sum + size, 0)

test('a stream of unknown length fills 50,000 blocks, and the blob has every byte in its place', {
  timeout: 600_000,
}, async () => {
  const server = await startStrictAzure()
  const bytes = distinctBytes(SIZE)
  expect(bytes.length).toBe(SIZE)
  await using files = storageFor(server, { multipartThreshold: 1, partSize: 1, uploadConcurrency: 8 })
  expect(await files.save('full', streamed(bytes), { overwrite: true })).toBe('full')

  const blob = server.container().blobs.get('full')!
  expect(blob.blocks.map(({ body }) => body.length)).toEqual(SIZES)
  expect(new Set(blob.blocks.map(({ id }) => id)).size).toBe(BLOCKS)
  expect(blob.body.equals(bytes)).toBe(true)
  expect(bytes.equals(await files.readBytes('full'))).toBe(true)
  expect(server.container().uncommitted.size).toBe(0)
  const count = (operation: string) => server.requests.filter(request => request.operation === operation).length
  expect([count('PutBlock'), count('PutBlockList')]).toEqual([BLOCKS, 1])
  await server.close()
})
