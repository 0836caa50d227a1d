import assert from 'node:assert/strict'
import type { CaseOf } from './case.ts'
import type { DriverPlace } from './driver-place.ts'

/** `ifAbsent` and `ifMatch`: honoured or rejected; never ignored. */
export const conditionCases: readonly CaseOf<DriverPlace>[] = [
  {
    title: 'ifAbsent creates a new file, or is refused where it cannot be promised.',
    async run(place) {
      const write = place.put('new', 'first', { ifAbsent: true })
      if (!place.features.exclusiveCreate) {
        await place.fails(write, 'unsupported')
        assert.equal(await place.exists('new'), false)
        return
      }
      await write
      assert.equal(await place.text('new'), 'first')
    },
  },
  {
    title: 'ifAbsent on a taken key fails and the old bytes stay.',
    async run(place) {
      await place.put('taken', 'old')
      await place.fails(
        place.put('taken', 'new', { ifAbsent: true }),
        ...refusal(place.features.exclusiveCreate, 'exists'),
      )
      assert.equal(await place.text('taken'), 'old')
    },
  },
  {
    title: 'Of eight writers with ifAbsent exactly one wins, and its bytes are there.',
    async run(place) {
      const writers = Array.from({ length: 8 }, (_, at) => at)
      const results = await Promise.allSettled(
        writers.map(at => place.put('race', slowly(`writer ${at}`), { ifAbsent: true })),
      )
      const winners = writers.filter(at => results[at]!.status === 'fulfilled')
      if (!place.features.exclusiveCreate)
        return assert.deepEqual(winners, [], 'a condition that is not kept was accepted')
      assert.equal(winners.length, 1, `${winners.length} of 8 writers believe that they won`)
      for (const result of results) {
        if (result.status === 'rejected') assert.equal(place.codeOf(result.reason), 'exists')
      }
      assert.equal(await place.text('race'), `writer ${winners[0]}`)
    },
  },
  {
    title: 'The etag changes with every change of the bytes, and stat, write and listing agree on it.',
    async run(place) {
      const written = await place.put('etag', 'one')
      const { etag: first } = await place.stat('etag')
      assert.equal((await place.stat('etag')).etag, first, 'the etag changed without a write')
      if (written?.etag !== undefined) assert.equal(written.etag, first, 'write and stat differ')
      const listed = (await place.list('')).files.find(file => file.key === place.key('etag'))
      if (listed?.etag !== undefined) assert.equal(listed.etag, first, 'listing and stat differ')
      await place.put('etag', 'two')
      const { etag: second } = await place.stat('etag')
      if (place.features.ifMatch) assert.ok(typeof first === 'string' && first !== '', 'ifMatch needs an etag')
      if (first !== undefined) assert.notEqual(second, first, 'other bytes have the same etag')
      // A weak etag keeps its mark, and then its quotes.
      for (const etag of [first, second])
        assert.match(etag ?? '', /^(?:[^"]*|W\/"[^"]+")$/, 'the etag bears its quotes')
    },
  },
  {
    title: 'ifMatch replaces the version that it names, or is refused where it cannot be promised.',
    async run(place) {
      await place.put('match', 'old')
      const { etag } = await place.stat('match')
      const write = place.put('match', 'new', { ifMatch: etag ?? 'none' })
      if (!place.features.ifMatch) await place.fails(write, 'unsupported')
      else await write
      assert.equal(await place.text('match'), place.features.ifMatch ? 'new' : 'old')
    },
  },
  {
    title: 'ifMatch with an outdated etag fails and the newer bytes stay.',
    async run(place) {
      await place.put('match', 'old')
      const { etag } = await place.stat('match')
      await place.put('match', 'newer')
      const codes = refusal(place.features.ifMatch, 'precondition_failed')
      await place.fails(place.put('match', 'newest', { ifMatch: etag ?? 'none' }), ...codes)
      assert.equal(await place.text('match'), 'newer')
    },
  },
  {
    title: 'Of four writers with the same ifMatch exactly one wins.',
    async run(place) {
      await place.put('turn', 'start')
      const { etag } = await place.stat('turn')
      const writers = [0, 1, 2, 3]
      const writes = writers.map(at => place.put('turn', slowly(`turn ${at}`), { ifMatch: etag ?? 'none' }))
      const results = await Promise.allSettled(writes)
      const winners = writers.filter(at => results[at]!.status === 'fulfilled')
      assert.equal(winners.length, place.features.ifMatch ? 1 : 0)
      assert.equal(await place.text('turn'), place.features.ifMatch ? `turn ${winners[0]}` : 'start')
    },
  },
  {
    title: 'ifMatch on a missing file creates nothing.',
    async run(place) {
      const codes = refusal(place.features.ifMatch, 'precondition_failed')
      await place.fails(place.put('gone', 'new', { ifMatch: 'no-such-etag' }), ...codes, 'not_found')
      assert.equal(await place.exists('gone'), false)
    },
  },
  {
    title:
      'A deletion with ifMatch removes the version that it names and no other, or is refused where it cannot be promised.',
    async run(place) {
      await place.put('doomed', 'old')
      const { etag = 'none' } = await place.stat('doomed')
      if (place.features.deleteIfMatch !== true) return
      await place.put('doomed', 'newer')
      await place.fails(place.driver.delete(place.key('doomed'), place.ctx, { ifMatch: etag }), 'precondition_failed')
      assert.equal(await place.text('doomed'), 'newer')
      await place.driver.delete(place.key('doomed'), place.ctx, { ifMatch: (await place.stat('doomed')).etag })
      assert.equal(await place.exists('doomed'), false)
      await place.fails(place.driver.delete(place.key('doomed'), place.ctx, { ifMatch: etag }), 'precondition_failed')
    },
  },
  {
    title: 'Of a save and a deletion with the same ifMatch one wins, and the other changes nothing.',
    async run(place) {
      if (place.features.deleteIfMatch !== true) return
      await place.put('contested', 'old')
      const { etag: ifMatch } = await place.stat('contested')
      const [saved, removed] = await Promise.allSettled([
        place.put('contested', 'new', { ifMatch }),
        place.driver.delete(place.key('contested'), place.ctx, { ifMatch }),
      ])
      const isSaved = saved.status === 'fulfilled'
      assert.notEqual(isSaved, removed.status === 'fulfilled')
      assert.equal(await place.exists('contested'), isSaved)
    },
  },
  {
    title: 'Reading with ifMatch gives the version that it names and no other.',
    async run(place) {
      await place.put('read', 'old')
      const ifMatch = (await place.stat('read')).etag ?? 'none'
      if (!place.features.ifMatch) return place.fails(place.get('read', { ifMatch }), 'unsupported')
      assert.equal(await place.text('read', { ifMatch }), 'old')
      await place.put('read', 'newer')
      return place.fails(place.get('read', { ifMatch }), 'precondition_failed')
    },
  },
]

function refusal<Code extends string>(promised: boolean, code: Code): (Code | 'unsupported')[] {
  return promised ? [code] : [code, 'unsupported']
}

/** Several chunks, so that writers overlap. */
async function* slowly(text: string): AsyncGenerator<string> {
  for (const letter of text) yield letter
}
