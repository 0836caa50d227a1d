import type { CallOptions } from '../core/call.ts'
import type { Visibility } from '../core/driver.ts'
import { StorageError } from '../core/errors.ts'
import { checkKnownOptions, type KnownOptions } from '../core/known-options.ts'
import type { AnyBase } from './base.ts'
import { nameIn } from './entry-keys.ts'
import type { NameOrEntry } from './types.ts'

const CALL_OPTIONS: KnownOptions<CallOptions> = { signal: true }

/** Returns who may read a file without credentials; see `Storage#visibility`. */
export async function visibilityOf(storage: AnyBase, given: NameOrEntry, options: CallOptions): Promise<Visibility> {
  checkKnownOptions('visibility', options, CALL_OPTIONS)
  const { calls } = storage
  const name = nameIn(given)
  calls.begin('visibility', name, options)
  const { driver } = calls
  if (driver.visibility === undefined) throw withoutAcls(storage, 'visibility', name)
  const ref = calls.checked('visibility', name, () => storage.fileRef(given))
  const { objectParameters } = ref
  return calls.run('visibility', ref, options, ctx => driver.visibility!(ref.key, ctx, { objectParameters }))
}

/** Lets every client read a file, or only clients with credentials; see `Storage#setVisibility`. */
export async function changeVisibility(
  storage: AnyBase,
  given: NameOrEntry,
  visibility: Visibility,
  options: CallOptions,
): Promise<void> {
  checkKnownOptions('setVisibility', options, CALL_OPTIONS)
  const { calls } = storage
  const name = nameIn(given)
  calls.begin('setVisibility', name, options, true)
  if (visibility !== 'public' && visibility !== 'private') {
    const text = `visibility: expected 'public' or 'private', got ${JSON.stringify(visibility)}.`
    throw new StorageError('invalid_argument', text, { fileName: name, operation: 'setVisibility' })
  }
  const { driver } = calls
  if (driver.setVisibility === undefined) throw withoutAcls(storage, 'setVisibility', name)
  const ref = calls.checked('setVisibility', name, () => storage.fileRef(given))
  const { objectParameters } = ref
  await calls.run('setVisibility', ref, options, ctx =>
    driver.setVisibility!(ref.key, visibility, ctx, { objectParameters }),
  )
}

function withoutAcls(storage: AnyBase, operation: string, fileName: string): StorageError {
  const text = `${storage.constructor.name} has no access rules for single files, so a file has no visibility of its own.`
  return new StorageError('unsupported', text, { operation, fileName })
}
