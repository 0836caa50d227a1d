import type { Storage } from '../storage/storage.ts'
import { type ConformanceCase, cleaned } from './case.ts'
import { checksumCases } from './storage-checksums.ts'
import { conditionalCases } from './storage-conditions.ts'
import { fileCases } from './storage-files.ts'
import { folderCases } from './storage-folders.ts'
import { nameCases } from './storage-names.ts'
import { namesOf, type StorageCase, type StorageConformanceOptions } from './storage-place.ts'
import { safetyCases } from './storage-safety.ts'

/**
 * Returns the tests of all rules for a storage, at the root and under a location: names, modes, URLs, and that a failed call changes
 * nothing.
 */
export function storageConformance(options: StorageConformanceOptions): ConformanceCase[] {
  const { locations = ['', 'some location/below'] } = options
  return locations.flatMap(location =>
    [...fileCases, ...nameCases, ...safetyCases, ...checksumCases, ...conditionalCases, ...folderCases].map(each => ({
      title: location === '' ? each.title : `Under ${location}: ${each.title}`,
      run: () => inStorage(location, options, each),
    })),
  )
}

async function inStorage(location: string, options: StorageConformanceOptions, each: StorageCase): Promise<void> {
  const storage = await options.create({ location, fileOverwrite: each.overwrite ?? false })
  const destroy = options.destroy ?? removeAll
  await cleaned(
    () => each.run(storage, options),
    () => destroy(storage),
  )
}

async function removeAll(storage: Storage): Promise<void> {
  await storage.deleteMany(await namesOf(storage))
  await storage.close()
}
