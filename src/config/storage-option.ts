import { ImproperlyConfigured } from '../core/errors.ts'
import { kindOf } from '../core/kind.ts'
import { StorageBase } from '../storage/base.ts'
import type { AnyStorage } from '../storage/storage.ts'
import { lazyStorage } from './storages.ts'

/** An option that names a storage: an alias of the settings, a storage, or a function that returns one. */
export type StorageOption = string | AnyStorage | (() => AnyStorage)

/** Returns the storage of an option. An alias follows the settings; a value that is not a storage is `improperly_configured`. */
export function storageOf(option: StorageOption, owner: string): AnyStorage {
  if (typeof option === 'function') return checkedStorage(option(), owner)
  return typeof option === 'string' ? lazyStorage(option) : checkedStorage(option, owner)
}

/** Returns the storage itself; a value that is not a storage is `improperly_configured`. */
export function checkedStorage(storage: unknown, owner: string): AnyStorage {
  if (storage instanceof StorageBase) return storage as AnyStorage
  throw new ImproperlyConfigured(
    `storage of ${owner}: expected an alias, a storage or a function that returns one, got ${kindOf(storage)}.`,
  )
}
