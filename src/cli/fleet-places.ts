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
 * configured wrong, is `improperly_configured`: the worker leaves the migration to others.
 */
export function fleetPlaces(context: CliContext): (text: string) => Promise<Place> {
  return async text => {
    try {
      const { storage, path } = await placeOf(context, text, true)
      return { storage, path }
    } catch (cause) {
      if (isStorageError(cause) && cause.code === 'aborted') throw cause
      const why = cause instanceof Error ? cause.message : String(cause)
      const message = `This worker cannot use '${text}': ${why}`
      throw new StorageError('improperly_configured', message, { operation: 'fleet', cause })
    }
  }
}
