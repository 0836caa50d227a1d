import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { makeIdentity } from '../../http/support.ts'
import { runNode } from '../../support/child.ts'
import { startPlace } from './support.ts'

const MIB = 1024 * 1024
/** Set to 2147483648 for the sentence about any size; the server holds the file. */
const LARGE = Number(process.env['HOLDALL_BOUNDED_BYTES'] ?? 32 * MIB)
/** What a stream reads ahead, a piece on its way, and what the sockets hold. */
const LIMIT = 3 * MIB

const identity = makeIdentity()
const { key, cert } = identity
afterAll(() => identity[Symbol.dispose]())

describe('memory is bounded, whatever the size', () => {
  test.each([
    ['plain', undefined, 256 * 1024],
    ['TLS', { key, cert }, 100_000],
  ])('both ways, %s', async (_title, tls, chunk) => {
    await using place = await startPlace({ tls })
    const program = fileURLToPath(new URL('./bounded-transfers.child.ts', import.meta.url))
    const { stdout } = await runNode(['--expose-gc', program, place.server.url(), `${LARGE}`, `${chunk}`])
    const { up, down, after, isSame } = JSON.parse(stdout)
    expect(place.server.read('large')?.length).toBe(LARGE)
    expect(isSame).toBe(true)
    expect(up).toBeLessThan(LIMIT)
    expect(down).toBeLessThan(LIMIT)
    expect(after).toBeLessThan(MIB)
  })
})

describe('who is slow holds the other side back', () => {
  /** More than the system holds of a connection on its way. */
  const FAR = 12 * MIB

  test('a server that stalls holds the source of an upload back', async () => {
    await using place = await startPlace({}, { maxAttempts: 1 })
    const stalled = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    const fault = { do: 'stall', bytes: MIB, onStall: stalled.resolve, until: release.promise } as const
    place.server.faults.add({ operation: 'STOR', fault })
    let given = 0
    async function* source(): AsyncGenerator<Buffer> {
      const piece = Buffer.alloc(256 * 1024)
      for (; given < 2 * FAR; given += piece.length) yield piece
    }
    const controller = new AbortController()
    const saved = place.files.save('a', source(), { signal: controller.signal })
    saved.catch(() => {})
    await stalled.promise
    // Turns enough to read all of the source, were it not held back.
    for (let turn = 0; turn < 1000; turn++) await new Promise(setImmediate)
    expect(given).toBeGreaterThanOrEqual(MIB)
    expect(given).toBeLessThan(FAR)
    controller.abort()
    release.resolve()
    await expect(saved).rejects.toMatchObject({ code: 'aborted' })
  })

  test('a reader that does not read holds the server back', async () => {
    await using place = await startPlace()
    place.server.put('a', Buffer.alloc(2 * FAR))
    const stream = place.files.createReadStream('a')
    await new Promise(resolve => stream.once('readable', resolve))
    for (let turn = 0; turn < 1000; turn++) await new Promise(setImmediate)
    expect(stream.readableLength).toBeLessThan(2 * MIB)
    stream.destroy()
    expect(await place.files.size('a')).toBe(2 * FAR)
    // It was stopped before it was through.
    const { bytes } = place.server.transfers.at(-1)!
    expect(bytes).toBeLessThan(FAR)
  })
})
