import type { CallOptions, FileRef, Repeat } from '../core/call.ts'
import type { Content } from '../core/content.ts'
import type { Stat, WriteOptions } from '../core/driver.ts'
import { progressError, StorageError } from '../core/errors.ts'
import type { AnyBase } from './base.ts'

/** Stands for content where only attributes are asked for; it cannot be read. */
export const attributesOnly: Content = {
  size: 0,
  replayable: false,
  open() {
    throw new StorageError('unsupported', 'This content only stands for its attributes.')
  },
}

/** Sends content to the driver, transformed as the backend wants. After a lost answer a conditional write is not repeated: its condition would fail on itself. */
export function writeContent(
  storage: AnyBase,
  ref: FileRef,
  given: Content,
  write: WriteOptions,
  options: CallOptions & { readonly paced?: boolean },
): Promise<Stat | undefined> {
  const { driver } = storage.calls
  const { content, options: prepared } = storage.prepareContent(ref.name, given, withGuard(write))
  const conditional = prepared.ifAbsent === true || prepared.ifMatch !== undefined
  const repeat: Repeat = content.replayable && (conditional ? 'if_not_applied' : true)
  const { signal, paced } = options
  const call = { signal, repeat, paced, streams: content.bytes === undefined }
  return storage.calls.run('write', ref, call, ctx => driver.write(ref.key, content, prepared, ctx))
}

/** The same options with an `onProgress` that throws nothing but a `StorageError`. */
function withGuard(write: WriteOptions): WriteOptions {
  const { onProgress } = write
  if (onProgress === undefined) return write
  const guarded = (bytes: number): void => {
    try {
      onProgress(bytes)
    } catch (error) {
      throw progressError(error)
    }
  }
  return { ...write, onProgress: guarded }
}
