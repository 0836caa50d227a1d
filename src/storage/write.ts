import type { CallOptions, FileRef, Repeat } from '../core/call.ts'
import type { Content } from '../core/content.ts'
import type { Stat, WriteOptions } from '../core/driver.ts'
import { progressError, StorageError } from '../core/errors.ts'
import { isTraced } from '../layers/trace.ts'
import type { AnyBase } from './base.ts'
import type { OnProgress, SaveOptions } from './types.ts'

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
  options: CallOptions & Pick<SaveOptions, 'onProgress'> & { readonly paced?: boolean },
): Promise<Stat | undefined> {
  const { driver } = storage.calls
  const { content, options: prepared } = storage.prepareContent(ref.name, given, write)
  const conditional = prepared.ifAbsent === true || prepared.ifMatch !== undefined
  const repeat: Repeat = content.replayable && (conditional ? 'if_not_applied' : true)
  const { signal, paced, onProgress } = options
  const report = onProgress === undefined ? undefined : bytesReporter(onProgress, content.size)
  let bytes = content.size
  const isCounted = bytes === undefined && isTraced('write')
  const count = (done: number): void => {
    bytes = done
    report?.(done)
  }
  const sent = { ...prepared, onProgress: isCounted ? count : report }
  const call = {
    signal,
    repeat,
    paced,
    streams: content.bytes === undefined,
    bytesSent: () => bytes,
  }
  return storage.calls.run('write', ref, call, ctx => driver.write(ref.key, content, sent, ctx))
}

/** Turns a driver's bytes into the caller's progress; what that throws becomes a `StorageError`. */
function bytesReporter(onProgress: OnProgress, total: number | undefined): (bytes: number) => void {
  return loaded => {
    try {
      onProgress({ loaded, total })
    } catch (error) {
      throw progressError(error)
    }
  }
}
