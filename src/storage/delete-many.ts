import type { DeleteResult } from '../core/driver.ts'
import { StorageError } from '../core/errors.ts'
import type { CallOptions } from './call-runner.ts'
import type { AnyStorage } from './types.ts'

/** Names of one batch. */
const BATCH = 1000

/** What became of many deletions; a name that was missing counts as deleted. */
export interface DeletedFiles {
  readonly deleted: number
  readonly errors: ReadonlyArray<{ readonly name: string; readonly error: unknown }>
}

/** Deletes names batch by batch; see `Storage#deleteMany`. */
export async function deleteMany(
  storage: AnyStorage,
  names: Iterable<string> | AsyncIterable<string>,
  options: CallOptions,
): Promise<DeletedFiles> {
  const errors: Array<{ name: string; error: unknown }> = []
  let deleted = 0
  let batch: string[] = []
  const flush = async () => {
    for (const { key, error } of batch.length === 0 ? [] : await deleteBatch(storage, batch, options)) {
      if (error === undefined) deleted++
      else errors.push({ name: storage.nameOf(key), error })
    }
    batch = []
  }
  for await (const name of names) {
    if (name === '') throw new StorageError('invalid_argument', 'The name must be given to deleteMany().')
    if (batch.push(storage.keyOf(name)) === BATCH) await flush()
  }
  await flush()
  return { deleted, errors }
}

function deleteBatch(
  storage: AnyStorage,
  keys: readonly string[],
  options: CallOptions,
): Promise<readonly DeleteResult[]> {
  const { driver, calls } = storage
  if (driver.deleteMany !== undefined)
    return calls.run('deleteMany', undefined, options, ctx => driver.deleteMany!(keys, ctx))
  const deletions = keys.map(key =>
    calls
      .run('delete', key, options, ctx => driver.delete(key, ctx))
      .then(
        (): DeleteResult => ({ key }),
        (error: unknown): DeleteResult => ({ key, error }),
      ),
  )
  return Promise.all(deletions)
}
