import type { FileHandle } from 'node:fs/promises'
import { bytesContent } from '../../core/content.ts'
import type { CallContext, ReadOptions, ReadResult, Stat } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'

/** Reads of at most so many bytes are made at once, without a stream over the open file. */
const SMALL_READ = 65_536

/**
 * The bytes that are wanted of an open file of which this is known. The handle is closed by the body, at once where they are few or where
 * this fails.
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
    if (length > SMALL_READ) {
      const body = handle.createReadStream({ start, end: start + length - 1, highWaterMark: 262_144 })
      return { body, stat: known }
    }
    const bytes = await readFully(handle, start, length)
    await handle.close()
    ctx.progress()
    return { body: bytesContent(bytes).open(), stat: known }
  } catch (error) {
    await handle.close().catch(() => undefined)
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

async function readFully(handle: FileHandle, start: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(length)
  let done = 0
  while (done < length) {
    const { bytesRead } = await handle.read(buffer, done, length - done, start + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return buffer.subarray(0, done)
}
