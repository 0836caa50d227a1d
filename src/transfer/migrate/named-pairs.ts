import type { ErrorCode, StorageError } from '../../core/errors.ts'
import { isStorageError } from '../../core/errors.ts'
import { mapParallel } from '../../core/parallel.ts'
import { MAX_IN_A_ROW } from '../broken.ts'
import type { Item } from '../item.ts'
import type { Places } from '../places.ts'
import type { Side } from '../side.ts'
import type { Pair } from './pairs.ts'

/** How names are looked up. */
export interface NamedPairsOptions {
  readonly signal: AbortSignal
  readonly concurrency: number
  /** Whether the target's file is not looked up, so that the source's is copied in any case. */
  readonly isForced?: boolean | undefined
  /** The source no longer has the file, or it no longer takes part. */
  gone(name: string): void | Promise<void>
  failed(name: string, error: StorageError): void | Promise<void>
  /** Whether a file failed with this code before, so that the failure shows nothing new about the service. */
  isExpected(name: string, code: ErrorCode): boolean
}

/** Returns the pairs of names, looked up one by one. */
export async function* namedPairs(
  places: Places,
  names: readonly string[],
  options: NamedPairsOptions,
): AsyncGenerator<Pair> {
  const { signal, concurrency, isForced = false } = options
  const { source, target } = places
  let inARow = 0
  for (let at = 0; at < names.length; at += concurrency) {
    const found = await mapParallel(names.slice(at, at + concurrency), { limit: concurrency, signal }, async name => {
      try {
        const ours = await itemOf(places, source, name, signal)
        const theirs = ours === undefined || isForced ? undefined : await itemOf(places, target, name, signal)
        return { name, pair: ours && { key: ours.key, source: ours, target: theirs } }
      } catch (error) {
        if (signal.aborted || !isStorageError(error)) throw error
        return { name, error }
      }
    })
    for (const { name, pair, error } of found) {
      if (error === undefined) inARow = 0
      else if (!options.isExpected(name, error.code)) inARow++
      if (error !== undefined) await options.failed(name, error)
      else if (pair === undefined || pair.source.isExcluded === true) await options.gone(name)
      else yield pair
      if (inARow >= MAX_IN_A_ROW) throw error!
    }
  }
}

/** Returns a file of a side; undefined if there is none of this name. */
async function itemOf(places: Places, side: Side, name: string, signal: AbortSignal): Promise<Item | undefined> {
  try {
    const entry = await side.storage.stat(side.fileOf(name), { signal })
    return entry.isDirectory
      ? undefined
      : side.itemOf(entry, { isFolded: places.isFolded, isWanted: each => places.isWanted(each) })
  } catch (error) {
    if (isStorageError(error, 'not_found', 'not_a_directory')) return undefined
    throw error
  }
}
