import assert from 'node:assert/strict'
import { digestOf } from '../core/digests/digest.ts'
import type { ChecksumName, ReadStat } from '../core/driver.ts'
import type { CaseOf } from './case.ts'
import { type DriverPlace, patternBytes } from './driver-place.ts'

/** The digests that a driver reports for a file are correct. */
export const checksumCases: readonly CaseOf<DriverPlace>[] = [
  {
    title: 'Checksums in a stat, in a listing and in the answer to a read are those of the stored bytes.',
    async run(place) {
      const small = patternBytes(1000)
      await place.put('small', patternBytes(900, 3))
      await place.put('small', small, { metadata: place.features.metadata ? { key: 'value' } : undefined })
      await reported(place, 'small', small)
      const large = patternBytes(place.largeSize, 9)
      await place.put('large', large)
      await reported(place, 'large', large)
      await place.put('stream', pieces(large, 65_521))
      await reported(place, 'stream', large)
    },
  },
  {
    title: 'Checksums of a copy are those of its bytes.',
    async run(place) {
      const { driver, ctx } = place
      if (driver.copy === undefined) return
      const bytes = patternBytes(5000, 4)
      await place.put('from', bytes)
      try {
        await driver.copy(place.key('from'), place.key('to'), {}, ctx)
      } catch (error) {
        return assert.equal(place.codeOf(error), 'unsupported')
      }
      await reported(place, 'to', bytes)
    },
  },
]

/** Compares all reported digests of a file with its bytes. */
async function reported(place: DriverPlace, name: string, bytes: Uint8Array): Promise<void> {
  const check = (where: string, { checksums = {} }: Pick<ReadStat, 'checksums'>): void => {
    for (const [kind, value] of Object.entries(checksums)) {
      if (value !== undefined)
        assert.equal(value, digestOf(kind as ChecksumName, bytes), `${kind} of ${name} in ${where}`)
    }
  }
  check('stat', await place.stat(name))
  const { files } = await place.list()
  check('the listing', files.find(({ key }) => key === place.key(name)) ?? {})
  const ranges = place.features.ranges ? [undefined, { start: 1, end: 2 }] : [undefined]
  for (const range of ranges) {
    const { body, stat = {} } = await place.driver.read(place.key(name), { range }, place.ctx)
    for await (const _ of body.stream());
    check(range === undefined ? 'the answer to a read' : 'the answer to a range', stat)
  }
}

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size)
}
