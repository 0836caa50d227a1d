import { StorageError } from '../core/errors.ts'

/** Rejects what is no id of a migration. */
export function checkUuid(id: string): void {
  if (typeof id === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)) return
  const text = `fleet: expected the id of a migration, got '${String(id)}'.`
  throw new StorageError('invalid_argument', text, { operation: 'fleet' })
}
