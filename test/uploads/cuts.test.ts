import { afterAll, describe, test } from 'vitest'
import { PART } from '../backends/s3/fault-steps.ts'
import { cutForms } from './cuts.ts'
import { GROUNDS } from './grounds.ts'
import { localPlace, s3Place } from './places.ts'

const places = [localPlace(), await s3Place()]
afterAll(async () => {
  for (const place of places) await place.close()
})

describe.each(places)('a client that disconnects leaves nothing on $name', place => {
  // On S3 the second file goes in parts.
  const size = place.name === 'S3' ? PART : 20_000

  test.each(GROUNDS)('by $name', ground => cutForms(ground, place, { count: 6, seed: 13, size }))

  test('by Fastify with request.parts()', () =>
    cutForms(GROUNDS.find(({ name }) => name === 'Fastify')!, place, { count: 6, seed: 14, size, path: '/parts' }))
})
