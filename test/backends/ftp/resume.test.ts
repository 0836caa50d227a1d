/** Reading in parts: by REST where the server has it, and without it; resumed where it broke. */
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { patternBytes } from '../../../src/testing/driver-place.ts'
import { plainContext } from '../../../src/testing/index.ts'
import { seeded } from '../../oracles/seeded.ts'
import { startPlace } from './support.ts'

// Tries follow one another at once.
beforeAll(() => void vi.spyOn(Math, 'random').mockReturnValue(0))
afterAll(() => void vi.restoreAllMocks())

const bytes = patternBytes(900_000)
const ALWAYS = Number.POSITIVE_INFINITY

describe.each([
  ['with REST', {}],
  ['without REST', { without: ['REST'] }],
  ['with REST that is not announced', { without: ['FEAT'] }],
  ['with REST announced and refused', { without: ['REST'], announced: ['REST'] }],
] as const)('a server %s', (_title, manners) => {
  test('gives any range, and no byte more', async () => {
    await using place = await startPlace(manners, { poolSize: 2 })
    place.server.put('a', bytes)
    const random = seeded(7)
    for (let round = 0; round < 12; round++) {
      const start = Math.floor(random() * bytes.length)
      const end = Math.min(bytes.length, start + 1 + Math.floor(random() * (round % 2 === 0 ? 100 : 500_000)))
      const read = await place.files.readBytes('a', { start, end })
      expect(read.equals(bytes.subarray(start, end)), `${start} to ${end}`).toBe(true)
    }
  })

  test('is read at random through an open file', async () => {
    await using place = await startPlace(manners, { poolSize: 2 })
    place.server.put('a', bytes)
    await using file = await place.files.open('a', 'rb')
    for (const position of [800_000, 3, 899_999, 0, 400_000, 400_010]) {
      await file.seek(position)
      expect((await file.read(10)).equals(bytes.subarray(position, position + 10)), `${position}`).toBe(true)
    }
  })
})

describe('a download that breaks', () => {
  test('again and again goes on from where it was, and gives no byte twice', async () => {
    await using place = await startPlace()
    const large = patternBytes(4_000_000)
    place.server.put('a', large)
    for (const fault of [
      { do: 'drop', bytes: 900_000 },
      { do: 'cut', bytes: 800_000, reply: '226 Transfer complete.' },
      { do: 'cut', bytes: 1_000_000, reset: true },
    ] as const) {
      place.server.faults.add({ operation: 'RETR', fault })
    }
    expect((await buffer(place.files.createReadStream('a'))).equals(large)).toBe(true)
    const markers = place.server.commands('REST').map(line => Number(line.slice(5)))
    expect(markers.length).toBeGreaterThan(0)
    // A reset may cost what was on its way.
    expect(markers).toEqual([...markers].sort((a, b) => a - b))
  })

  test('ends with an error when a server never sends a byte', async () => {
    await using place = await startPlace({}, { maxAttempts: 2 })
    place.server.put('a', bytes)
    place.server.faults.add({ operation: 'RETR', times: ALWAYS, fault: { do: 'cut', bytes: 0 } })
    await expect(place.files.readBytes('a')).rejects.toMatchObject({ code: 'unavailable' })
    expect(place.server.commands('RETR').length).toBeLessThan(10)
  })

  test('of a range goes on within the range', async () => {
    await using place = await startPlace()
    const large = patternBytes(4_000_000)
    place.server.put('a', large)
    place.server.faults.add({ operation: 'RETR', fault: { do: 'drop', bytes: 1_500_000 } })
    const read = await buffer(place.files.createReadStream('a', { start: 500_000, end: 3_500_000 }))
    expect(read.equals(large.subarray(500_000, 3_500_000))).toBe(true)
    expect(place.server.commands('REST')[0]).toBe('REST 500000')
  })

  test('is not glued to other bytes: a file of another size or time is another one', async () => {
    for (const [content, time] of [
      [patternBytes(4_000_000, 5), '2026-01-02'],
      [patternBytes(3_999_999), '2026-01-01'],
    ] as const) {
      await using place = await startPlace({}, { maxAttempts: 1 })
      place.server.put('a', patternBytes(4_000_000), new Date('2026-01-01'))
      const stalled = Promise.withResolvers<void>()
      place.server.faults.add({ operation: 'RETR', fault: { do: 'stall', bytes: 2_000_000, onStall: stalled.resolve } })
      const read = buffer(place.files.createReadStream('a'))
      read.catch(() => {})
      await stalled.promise
      place.server.put('a', content, new Date(time))
      place.server.disconnect()
      await expect(read).rejects.toMatchObject({ code: 'precondition_failed' })
    }
  })
})

describe('a server that does not keep to REST', () => {
  test.each([
    ['sends all from the beginning', () => bytes],
    ['sends less', () => bytes.subarray(bytes.length - 100_000)],
    ['sends more', () => Buffer.concat([bytes.subarray(500_000), Buffer.from('more')])],
  ])('and %s: nothing of it passes for the range', async (_title, data) => {
    await using place = await startPlace({}, { maxAttempts: 1 })
    place.server.put('a', bytes)
    place.server.faults.add({ operation: 'RETR', times: ALWAYS, fault: { do: 'lie', data } })
    const read = place.files.readBytes('a', { start: 500_000 })
    await expect(read).rejects.toMatchObject({ code: expect.stringMatching(/unavailable|unknown/) })
  })

  test('a range that ends before the file ends stops the transfer, and the connection serves on', async () => {
    await using place = await startPlace({}, { poolSize: 1 })
    const large = patternBytes(9_000_000)
    place.server.put('a', large)
    for (let round = 0; round < 4; round++) {
      const { body } = await place.files.calls.driver.read(
        'a',
        { range: { start: 1000 * round, end: 1000 * round + 400_000 } },
        plainContext(),
      )
      expect((await buffer(body.stream())).equals(large.subarray(1000 * round, 1000 * round + 400_000))).toBe(true)
    }
    const small = await place.files.readBytes('a', { start: 10, end: 20 })
    expect(small.equals(large.subarray(10, 20))).toBe(true)
    expect(place.server.opened).toBe(1)
    expect(place.server.transfers.every(({ bytes: sent }) => sent < 9_000_000)).toBe(true)
  })
})
