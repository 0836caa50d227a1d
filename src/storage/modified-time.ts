import type { CallOptions } from '../core/call.ts'
import { StorageError } from '../core/errors.ts'
import { checkCallOptions } from '../core/known-options.ts'
import type { AnyBase } from './base.ts'
import { nameIn } from './entry-keys.ts'
import type { NameOrEntry } from './types.ts'

/** Sets when the bytes of a file last changed; see `Storage#setModifiedTime`. */
export async function changeModifiedTime(
  storage: AnyBase,
  given: NameOrEntry,
  time: Date,
  options: CallOptions,
): Promise<void> {
  const operation = 'setModifiedTime'
  checkCallOptions(operation, options)
  const { calls } = storage
  const name = nameIn(given)
  calls.begin(operation, name, options, true)
  if (!(time instanceof Date) || Number.isNaN(+time)) {
    throw new StorageError('invalid_argument', 'time: expected a valid Date.', { fileName: name, operation })
  }
  const { driver } = calls
  if (driver.setModifiedAt === undefined) {
    const text = `${storage.constructor.name} sets the time of a file itself, when it is stored.`
    throw new StorageError('unsupported', text, { fileName: name, operation })
  }
  const ref = calls.checked(operation, name, () => storage.fileRef(given))
  await calls.run('setModifiedTime', ref, options, ctx => driver.setModifiedAt!(ref.key, time, ctx))
}
