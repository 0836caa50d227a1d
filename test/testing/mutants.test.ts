import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { MemoryDriver } from '../../src/backends/memory/driver.ts'
import type { Driver } from '../../src/core/driver.ts'
import { driverConformance } from '../../src/testing/index.ts'
import { mutants } from './mutants.ts'

/** Titles of the cases that the driver fails. */
async function failures(create: () => Driver, location: string): Promise<string[]> {
  const cases = driverConformance({
    create,
    locations: [location],
    tree: true,
    limits: true,
    keeps: ['modifiedAt', 'createdAt', 'etag'],
    largeSize: 5 * 1024 * 1024 + 7,
  })
  const results = await Promise.allSettled(cases.map(({ run }) => run()))
  return cases.filter((_, at) => results[at]!.status === 'rejected').map(({ title }) => title)
}

describe('the conformance suite', () => {
  for (const location of ['', 'in/a folder/']) {
    it(`finds nothing in the unchanged driver under '${location}'`, async () => {
      assert.deepEqual(await failures(() => new MemoryDriver({ baseUrl: 'https://files.example' }), location), [])
    })
  }
  for (const [bug, Mutant] of Object.entries(mutants)) {
    it(`finds out that ${bug}`, { timeout: 30_000 }, async () => {
      const failed = await failures(() => new Mutant(), '')
      assert.notDeepEqual(failed, [], 'no case failed')
      assert.ok(failed.length < 90, `${failed.length} cases failed: the mutant is no small bug`)
    })
  }
})
