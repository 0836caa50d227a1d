import type { Driver } from '../core/driver.ts'
import { isStorageError } from '../core/errors.ts'
import { type CaseOf, type ConformanceCase, cleaned } from './case.ts'
import { plainContext } from './context.ts'
import { checksumCases } from './driver-checksums.ts'
import { conditionCases } from './driver-conditions.ts'
import { contentCases } from './driver-content.ts'
import { failureCases } from './driver-failures.ts'
import { listingCases } from './driver-listing.ts'
import { optionalCases } from './driver-optional.ts'
import { type DriverConformanceOptions, DriverPlace } from './driver-place.ts'
import { rangeCases } from './driver-ranges.ts'
import { readingCases } from './driver-reading.ts'

const CASES: readonly CaseOf<DriverPlace>[] = [
  ...contentCases,
  ...readingCases,
  ...checksumCases,
  ...conditionCases,
  ...listingCases,
  ...rangeCases,
  ...failureCases,
  ...optionalCases,
]

/**
 * Returns the tests of all rules for a driver, at the root and in a folder. They check that a feature that the driver does not declare is
 * rejected. They also settle rules that the interface leaves open: a range that starts at the end or beyond is `invalid_range`, except the
 * one from 0 of an empty file; `exists` and `precondition_failed` never change a byte.
 */
export function driverConformance(options: DriverConformanceOptions): ConformanceCase[] {
  const { locations = ['', 'some place/below/'] } = options
  return locations.flatMap(prefix =>
    CASES.map(({ title, run }) => ({
      title: prefix === '' ? title : `Under ${prefix}: ${title}`,
      run: () => inPlace(prefix, options, run),
    })),
  )
}

async function inPlace(
  prefix: string,
  options: DriverConformanceOptions,
  run: (place: DriverPlace) => Promise<void>,
): Promise<void> {
  const driver = await options.create()
  const destroy = options.destroy ?? removeAll
  await cleaned(
    async () => {
      const features = (await driver.discover?.(plainContext())) ?? driver.features
      await run(new DriverPlace(driver, features, prefix, options))
    },
    () => destroy(driver),
  )
}

/** Removes what a case left, with a maximum number of rounds: a broken driver must not block the tests. */
async function removeAll(driver: Driver): Promise<void> {
  const ctx = plainContext()
  for (let rounds = 0; rounds < 20; rounds++) {
    const page = await driver.list('', { recursive: true }, ctx).catch(error => {
      // A case that closes the driver has removed its files.
      if (!isStorageError(error, 'closed') && driver.classify(error) !== 'closed') throw error
    })
    if (page === undefined) break
    const { files, next } = page
    for (const { key } of files) await driver.delete(key, ctx)
    if (next === undefined) break
  }
  await driver.close?.()
}
