import { isStorageError } from '../../core/errors.ts'
import { isPart } from '../item.ts'
import type { Places } from '../places.ts'
import type { Total } from './run-table.ts'

/** Number of files between two reports. */
const STEP = 1000

/**
 * Counts the files of the source that take part, by a listing of its own; `report` gets the numbers so far. A listing that fails is left to
 * the pass, which lists the same: then the numbers stay incomplete.
 */
export async function countSource(places: Places, signal: AbortSignal, report: (total: Total) => void): Promise<void> {
  let files = 0
  let bytes = 0
  try {
    for await (const item of places.listSource()) {
      signal.throwIfAborted()
      if (!isPart(item)) continue
      files++
      bytes += Number.isNaN(item.entry.size) ? 0 : item.entry.size
      if (files % STEP === 0) report({ files, bytes, isComplete: false })
    }
    report({ files, bytes, isComplete: true })
  } catch (error) {
    if (!signal.aborted && !isStorageError(error)) throw error
  }
}
