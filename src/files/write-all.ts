import type { FileHandle } from 'node:fs/promises'
import { StorageError } from '../core/errors.ts'

/**
 * Writes all bytes to a file that is not published yet, in as many system calls as needed; at the handle's own position where `position` is
 * null.
 */
export async function writeAll(handle: FileHandle, data: Uint8Array, position: number | null): Promise<void> {
  let done = 0
  while (done < data.byteLength) {
    const at = position === null ? null : position + done
    const { bytesWritten } = await handle.write(data, done, data.byteLength - done, at)
    if (bytesWritten === 0) throw new StorageError('unknown', 'No byte could be written.', { outcome: 'not_applied' })
    done += bytesWritten
  }
}
