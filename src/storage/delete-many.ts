import { NEVER } from '../core/abort.ts'
import type { CallOptions } from '../core/call.ts'
import type { DeleteResult } from '../core/driver.ts'
import { StorageError, withOutcome } from '../core/errors.ts'
import { itemsOf } from '../core/items.ts'
import { kindOf } from '../core/kind.ts'
import { isRoot } from './file-key.ts'
import type { AnyStorage, Entry } from './types.ts'

/** Names of one batch. */
const BATCH = 1000

/** Names, or what `entries` gives: `deleteMany(storage.entries('old', { recursive: true }))`. */
export type DeletableNames = Iterable<string | Entry> | AsyncIterable<string | Entry>

/** What became of many deletions; a name that was missing counts as deleted. */
export interface DeletedFiles {
  readonly deleted: number
  readonly errors: ReadonlyArray<{ readonly name: string; readonly error: StorageError }>
}

/** Deletes names batch by batch; see `Storage#deleteMany`. */
export async function deleteMany(
  storage: AnyStorage,
  names: DeletableNames,
  options: CallOptions,
): Promise<DeletedFiles> {
  const { calls } = storage
  const errors: Array<{ name: string; error: StorageError }> = []
  let deleted = 0
  let batch: string[] = []
  const flush = async () => {
    for (const { key, error } of batch.length === 0 ? [] : await deleteBatch(storage, batch, options)) {
      if (error === undefined) deleted++
      else errors.push({ name: storage.nameOf(key), error: calls.failure(error, 'delete', key) })
    }
    batch = []
  }
  calls.begin('deleteMany', undefined, options, true)
  // Text is an iterable too, of its letters.
  if (typeof names !== 'object' || names === null || !(Symbol.iterator in names || Symbol.asyncIterator in names)) {
    throw new StorageError('invalid_argument', `deleteMany: expected a list of names, got ${kindOf(names)}.`)
  }
  try {
    for await (const item of itemsOf(names, options.signal ?? NEVER, 'list of names')) {
      const name = typeof item === 'object' && item !== null ? item.name : item
      if (batch.push(deletedKey(storage, name)) === BATCH) await flush()
    }
    await flush()
  } catch (error) {
    throw deleted > 0 ? withOutcome(error, 'unknown') : error
  }
  return { deleted, errors }
}

/** The key of what is to be deleted; the storage as a whole never is, however its name is written. */
export function deletedKey(storage: AnyStorage, name: string): string {
  const key = storage.keyOf(name)
  if (!isRoot(storage, key)) return key
  throw new StorageError('invalid_argument', 'The name must be given to delete().', { fileName: name })
}

async function deleteBatch(
  storage: AnyStorage,
  keys: readonly string[],
  options: CallOptions,
): Promise<readonly DeleteResult[]> {
  const { driver, calls } = storage
  if (driver.deleteMany !== undefined)
    return calls.run('deleteMany', undefined, options, ctx => driver.deleteMany!(keys, ctx))
  const results = await Promise.all(
    keys.map(key =>
      calls
        .run('delete', key, options, ctx => driver.delete(key, ctx))
        .then(
          (): DeleteResult => ({ key }),
          (error: unknown): DeleteResult => ({ key, error }),
        ),
    ),
  )
  const { signal } = options
  if (signal?.aborted) throw calls.failure(signal.reason, 'deleteMany', undefined, signal)
  return results
}
