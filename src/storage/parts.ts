import type { AnyStorage } from './storage.ts'

/** Returns the storages that a storage is made of; most have none. */
export function partsOf(storage: AnyStorage): readonly AnyStorage[] {
  return storage['parts']
}
