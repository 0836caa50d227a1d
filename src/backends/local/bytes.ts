import { constants } from 'node:fs'
import { copyFile, type FileHandle } from 'node:fs/promises'
import { writeAll } from '../../files/write-all.ts'
import { heldPath } from './anchor.ts'

/** Bytes per step of a copy that the system does not do. */
const COPY_BYTES = 262_144

/** Reads `length` bytes from `start`; fewer if the file ends before. */
export async function readFully(handle: FileHandle, start: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(length)
  let done = 0
  while (done < length) {
    const { bytesRead } = await handle.read(buffer, done, length - done, start + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return buffer.subarray(0, done)
}

/** The mode bits that run a file with the rights of its owner or group. (chmod(2)) */
const SPECIAL_BITS = 0o7000

/**
 * Copies a whole open file into another open one, sharing blocks if the file system supports it. No name is looked up: if the system shows
 * open files as paths, these paths lead to the two inodes even if their names are links by now. The system also copies the mode, so the
 * bytes of another user's file are copied in this process: they must not run with the rights of this process, not even for a moment.
 */
export async function copyBytes(source: FileHandle, target: FileHandle): Promise<void> {
  const [from, to] = [heldPath(source.fd), heldPath(target.fd)]
  if (from !== undefined && to !== undefined) {
    const { uid, mode } = await source.stat()
    if (uid === process.geteuid?.() && (mode & SPECIAL_BITS) === 0) {
      return copyFile(from, to, constants.COPYFILE_FICLONE)
    }
  }
  for (let position = 0; ; ) {
    const bytes = await readFully(source, position, COPY_BYTES)
    if (bytes.byteLength === 0) return
    await writeAll(target, bytes, position)
    position += bytes.byteLength
  }
}

/** Closes a file that was only read. Never fails, since no result depends on it. */
export async function closeRead(handle: FileHandle): Promise<void> {
  await handle.close().catch(() => undefined)
}
