import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import type { Content } from '../core/content.ts'
import { type CaseOf, settled } from './case.ts'
import { type DriverPlace, patternBytes } from './driver-place.ts'

/** A write that fails or is aborted changes nothing. */
export const failureCases: readonly CaseOf<DriverPlace>[] = [
  ...[20, 3_000_000].map(
    (size): CaseOf<DriverPlace> => ({
      title: `A stream that fails after ${size} bytes makes no file.`,
      async run(place) {
        await assert.rejects(
          settled(place.put('folder/failed', failing(size)), 'the write of a failing stream'),
          notLate,
        )
        assert.equal(await place.exists('folder/failed'), false)
        assert.deepEqual((await place.list('', true)).names, [])
      },
    }),
  ),
  {
    title: 'A stream that fails leaves the old file as it was.',
    async run(place) {
      await place.put('kept', 'old bytes')
      const { etag } = await place.stat('kept')
      const write = settled(place.put('kept', failing(300_000)), 'the write of a failing stream')
      await place.fails(write, 'source_failed')
      assert.equal(await place.text('kept'), 'old bytes')
      assert.equal((await place.stat('kept')).etag, etag)
    },
  },
  {
    title: 'A stream that fails at once leaves the old file as it was.',
    async run(place) {
      await place.put('kept', 'old bytes')
      await assert.rejects(settled(place.put('kept', failing(0)), 'the write of a failing stream'), notLate)
      assert.equal(await place.text('kept'), 'old bytes')
    },
  },
  ...(
    [
      ['shorter', 6],
      ['longer', 30],
    ] as const
  ).map(
    ([word, given]): CaseOf<DriverPlace> => ({
      title: `Content that is ${word} than it said is refused and leaves the old file as it was.`,
      async run(place) {
        await place.put('kept', 'old bytes')
        const open = (): Readable => Readable.from([Buffer.alloc(given, 'x')], { objectMode: false })
        const content: Content = { size: 18, replayable: false, open }
        const write = place.driver.write(place.key('kept'), content, {}, place.ctx)
        await assert.rejects(settled(write, 'the write of a wrong length'), notLate)
        assert.equal(await place.text('kept'), 'old bytes')
      },
    }),
  ),
  {
    title: 'After a failed write the next one succeeds.',
    async run(place) {
      await assert.rejects(settled(place.put('next', failing(100)), 'the write of a failing stream'), notLate)
      await place.put('next', 'better')
      assert.equal(await place.text('next'), 'better')
    },
  },
  {
    title: 'A call with an aborted signal is refused and changes nothing.',
    async run(place) {
      await place.put('kept', 'old bytes')
      const ctx = place.context(AbortSignal.abort())
      const { driver } = place
      await assert.rejects(place.put('kept', 'new', {}, ctx), 'write')
      await assert.rejects(place.put('never', 'new', {}, ctx), 'write of a new file')
      await assert.rejects(driver.delete(place.key('kept'), ctx), 'delete')
      await assert.rejects(driver.stat(place.key('kept'), ctx), 'stat')
      await assert.rejects(driver.read(place.key('kept'), {}, ctx), 'read')
      await assert.rejects(driver.list(place.prefix, { recursive: false }, ctx), 'list')
      assert.equal(await place.text('kept'), 'old bytes')
      assert.deepEqual((await place.list('', true)).names, ['kept'])
    },
  },
  {
    title: 'A write that is aborted while its source runs makes no file and leaves an old one.',
    async run(place) {
      await place.put('kept', 'old bytes')
      for (const name of ['kept', 'new']) {
        const abort = new AbortController()
        const write = place.put(name, aborting(abort, 200_000), {}, place.context(abort.signal))
        await assert.rejects(settled(write, 'the aborted write'), notLate)
      }
      assert.equal(await place.text('kept'), 'old bytes')
      assert.deepEqual((await place.list('', true)).names, ['kept'])
    },
  },
  {
    title: 'A write whose source hangs ends when it is aborted.',
    async run(place) {
      const abort = new AbortController()
      const source = new Readable({
        read() {
          this.push(patternBytes(1000))
          this._read = () => queueMicrotask(() => abort.abort())
        },
      })
      await assert.rejects(
        settled(place.put('hanging', source, {}, place.context(abort.signal)), 'the aborted write'),
        notLate,
      )
      source.destroy()
      assert.equal(await place.exists('hanging'), false)
    },
  },
]

function notLate(error: unknown): true {
  assert.doesNotMatch(String(error), /did not end within/)
  return true
}

async function* failing(size: number): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < size; sent += 65_536) yield patternBytes(Math.min(65_536, size - sent))
  throw new Error('the source failed')
}

/** Aborts in the middle, and continues to yield bytes. */
async function* aborting(abort: AbortController, half: number): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < half; sent += 20_000) yield patternBytes(20_000)
  abort.abort()
  for (let sent = 0; sent < half; sent += 20_000) yield patternBytes(20_000)
}
