import { isStorageError, StorageError } from '../core/errors.ts'
import type { AnyStorage } from '../storage/storage.ts'
import { placeOf } from './commands/places.ts'
import type { CliContext } from './context.ts'

/** A storage, and a folder of it. */
interface Place {
  readonly storage: AnyStorage
  readonly path: string
}

/**
 * Returns the function that finds the places of a fleet in the configuration of this process. An alias that is missing, or whose storage is
 * configured wrong, is reported once. Its error is `unavailable`, so that the pages go back to the queue for other workers, and this worker
 * processes other migrations.
 */
export function fleetPlaces(context: CliContext): (text: string) => Promise<Place> {
  const reported = new Set<string>()
  return async text => {
    try {
      const { storage, path } = await placeOf(context, text, true)
      return { storage, path }
    } catch (cause) {
      if (isStorageError(cause) && cause.code === 'aborted') throw cause
      const why = cause instanceof Error ? cause.message : String(cause)
      const message = `This worker cannot use '${text}': ${why}`
      const error = new StorageError('unavailable', message, { operation: 'fleet', cause, retryable: true })
      if (!reported.has(message)) context.out.error(error)
      reported.add(message)
      throw error
    }
  }
}
