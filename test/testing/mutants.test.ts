import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { MemoryDriver } from '../../src/backends/memory/driver.ts'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import type { Driver } from '../../src/core/driver.ts'
import { type ConformanceCase, driverConformance, storageConformance } from '../../src/testing/index.ts'
import { storageLocations } from '../support/sampled.ts'
import { mutants } from './mutants.ts'
import { storageMutants } from './storage-mutants.ts'

/** Titles of the cases that the driver fails. */
async function failures(create: () => Driver, location: string): Promise<string[]> {
  const cases = driverConformance({
    create,
    locations: [location],
    tree: true,
    limits: true,
    keeps: ['modifiedAt', 'createdAt', 'etag'],
    largeSize: 300_007,
  })
  return failedOf(cases)
}

/** Titles of the cases that the storage fails. */
async function storageFailures(Kind: typeof MemoryStorage): Promise<string[]> {
  const create = (wanted: object) => new Kind({ ...wanted, baseUrl: '/media/' }, { settings: {}, env: {} })
  return failedOf(storageConformance({ create, ...storageLocations }))
}

async function failedOf(cases: readonly ConformanceCase[]): Promise<string[]> {
  const results = await Promise.allSettled(cases.map(({ run }) => run()))
  return cases.filter((_, at) => results[at]!.status === 'rejected').map(({ title }) => title)
}

// Side by side: where an abort is ignored a case waits until its time is up.
describe.concurrent('the conformance suite', () => {
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
  it('finds nothing in the unchanged storage', async () => {
    assert.deepEqual(await storageFailures(MemoryStorage), [])
  })
  for (const [bug, Mutant] of Object.entries(storageMutants)) {
    it(`finds out that ${bug}`, { timeout: 30_000 }, async () => {
      const failed = await storageFailures(Mutant)
      assert.notDeepEqual(failed, [], 'no case failed')
      assert.ok(failed.length < 110, `${failed.length} cases failed: the mutant is no small bug`)
    })
  }
})
