import type { FileHandle } from 'node:fs/promises'
import { BytesBody, StreamBody } from '../../core/body.ts'
import type { CallContext } from '../../core/call.ts'
import type { ReadOptions, ReadResult, Stat } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { closeRead, readFully } from './bytes.ts'

/** Maximum size in bytes of a read that returns a buffer at once, without a stream. */
const SMALL_READ = 65_536

/**
 * The wanted bytes of an open file with these known attributes. If the known size is 0, the file is read to its end. The body closes the
 * handle; for a small read, and if this fails, it is closed at once.
 */
export async function bodyOf(
  key: string,
  handle: FileHandle,
  known: Stat,
  options: ReadOptions,
  ctx: CallContext,
): Promise<ReadResult> {
  try {
    const { start, length } = partOf(key, known, options)
    // Files in /proc and similar folders report a size of 0 but have bytes.
    const isUnsized = known.size === 0 && options.range?.end === undefined
    const bytes = length > SMALL_READ ? undefined : await readFully(handle, start, isUnsized ? SMALL_READ : length)
    // The size found here says nothing about the next read.
    const stat = isUnsized && bytes?.byteLength !== 0 ? { ...known, size: undefined } : known
    if (bytes === undefined || (isUnsized && bytes.byteLength === SMALL_READ)) {
      const end = isUnsized ? undefined : start + length - 1
      return { body: new StreamBody(handle.createReadStream({ start, end, highWaterMark: 262_144 })), stat }
    }
    await closeRead(handle)
    ctx.progress()
    return { body: new BytesBody(bytes), stat }
  } catch (error) {
    await closeRead(handle)
    throw error
  }
}

function partOf(key: string, known: Stat, { range, ifMatch }: ReadOptions): { start: number; length: number } {
  if (ifMatch !== undefined && ifMatch !== known.etag) {
    throw new StorageError('precondition_failed', `'${key}' has changed.`)
  }
  const { start = 0, end = known.size } = range ?? {}
  if (start > 0 && start >= known.size) {
    throw new StorageError('invalid_range', `'${key}' has ${known.size} bytes; none at ${start}.`)
  }
  return { start, length: Math.max(0, Math.min(end, known.size) - start) }
}
