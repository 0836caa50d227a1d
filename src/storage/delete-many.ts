import { never } from '../core/abort.ts'
import type { CallOptions, FileRef } from '../core/call.ts'
import type { DeleteResult } from '../core/driver.ts'
import { isStorageError, StorageError, withOutcome } from '../core/errors.ts'
import { itemsOf } from '../core/items.ts'
import { kindOf } from '../core/kind.ts'
import { checkCallOptions } from '../core/known-options.ts'
import { MAX_NAME_LENGTH } from '../core/names.ts'
import type { AnyBase } from './base.ts'
import { nameIn } from './entry-keys.ts'
import type { DeleteFileOptions, NameOrEntry } from './types.ts'

/** Number of names in one batch. */
const BATCH = 1000

/** Names, or the entries of a listing: `deleteMany(storage.entries('old', { recursive: true }))`. */
export type DeletableNames = Iterable<NameOrEntry> | AsyncIterable<NameOrEntry>

/** The result of many deletions; a missing name counts as deleted. */
export interface DeletedFiles {
  readonly deleted: number
  readonly errors: ReadonlyArray<{ readonly name: string; readonly error: StorageError }>
}

/** Deletes names batch by batch; see `Storage#deleteMany`. */
export async function deleteMany(storage: AnyBase, names: DeletableNames, options: CallOptions): Promise<DeletedFiles> {
  checkCallOptions('deleteMany', options)
  const { calls } = storage
  const errors: Array<{ name: string; error: StorageError }> = []
  let deleted = 0
  let batch: FileRef[] = []
  const flush = async () => {
    const refs = batch
    batch = []
    const results = refs.length === 0 ? [] : await deleteBatch(storage, refs, options)
    for (const [index, { key, error }] of results.entries()) {
      const name = refs[index]?.key === key ? refs[index].name : storage.nameOf(key)
      if (error === undefined) deleted++
      else errors.push({ name, error: calls.failure(error, 'delete', name) })
    }
  }
  calls.begin('deleteMany', undefined, options, true)
  // A string is iterable too, by its letters.
  if (typeof names !== 'object' || names === null || !(Symbol.iterator in names || Symbol.asyncIterator in names)) {
    throw new StorageError('invalid_argument', `deleteMany: expected a list of names, got ${kindOf(names)}.`)
  }
  try {
    for await (const item of itemsOf(names, options.signal ?? never(), 'list of names')) {
      try {
        batch.push(deletedRef(storage, item))
      } catch (error) {
        const name = nameIn(item)
        if (!isStorageError(error, 'suspicious_name') || name.length > MAX_NAME_LENGTH) throw error
        errors.push({ name, error: calls.failure(error, 'delete', name) })
      }
      if (batch.length === BATCH) await flush()
    }
    await flush()
  } catch (error) {
    throw deleted > 0 ? withOutcome(error, 'unknown') : error
  }
  return { deleted, errors }
}

/** Returns the file to delete. The root of the storage is rejected, however its name is written. */
export function deletedRef(storage: AnyBase, given: NameOrEntry): FileRef {
  const ref = storage.ref(given)
  if (!storage.isRoot(ref.key)) return ref
  throw new StorageError('invalid_argument', 'The name must be given to delete().', { fileName: ref.name })
}

/** Deletes one file. With a condition it deletes only that version, and it is not repeated after a lost answer. */
export async function deleteOne(storage: AnyBase, ref: FileRef, { signal, ifMatch }: DeleteFileOptions): Promise<void> {
  const { calls } = storage
  const { objectParameters } = ref
  if (ifMatch !== undefined) {
    calls.begin('delete', ref.name, { signal }, true)
    await storage.discover({ signal })
    if (storage.features.deleteIfMatch !== true) {
      const text = `${storage.constructor.name} cannot delete a file only if it has a certain etag.`
      throw new StorageError('unsupported', text, { fileName: ref.name, operation: 'delete' })
    }
  }
  const repeat = ifMatch === undefined ? true : 'if_not_applied'
  await calls.run('delete', ref, { signal, repeat }, ctx =>
    calls.driver.delete(ref.key, ctx, { objectParameters, ifMatch }),
  )
}

async function deleteBatch(
  storage: AnyBase,
  refs: readonly FileRef[],
  options: CallOptions,
): Promise<readonly DeleteResult[]> {
  const { calls } = storage
  const { driver } = calls
  if (driver.deleteMany !== undefined) {
    const { objectParameters } = refs[0]!
    const keys = refs.map(({ key }) => key)
    return calls.run('deleteMany', undefined, options, ctx => driver.deleteMany!(keys, ctx, { objectParameters }))
  }
  const results = await Promise.all(
    refs.map(ref =>
      deleteOne(storage, ref, options).then(
        (): DeleteResult => ({ key: ref.key }),
        (error: unknown): DeleteResult => ({ key: ref.key, error }),
      ),
    ),
  )
  const { signal } = options
  if (signal?.aborted) throw calls.failure(signal.reason, 'deleteMany', undefined, signal)
  return results
}
