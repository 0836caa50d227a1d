import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { unless } from '../../core/errno.ts'
import { closeRead, readFully } from './bytes.ts'

const NOFOLLOW = constants.O_NOFOLLOW ?? 0
const NONBLOCK = constants.O_NONBLOCK ?? 0

/** Whether the system can refuse a link in the last component of a path. */
export const CAN_REFUSE_LINKS: boolean = NOFOLLOW !== 0

/** Opens for reading without waiting for a pipe's other end. */
export const READ_LINKED_FLAGS: number = constants.O_RDONLY | NONBLOCK

/** Opens for reading without following a link in the last component, and without waiting for a pipe's other end. */
export const READ_FLAGS: number = READ_LINKED_FLAGS | NOFOLLOW

/** The error codes for opening a link, a socket or a folder. */
const NOT_REGULAR: readonly string[] = ['ELOOP', 'EMLINK', 'ENXIO', 'ENODEV', 'EISDIR']

/**
 * The bytes of an internal file of the storage. Undefined if it is not a regular file or has more than `limit` bytes, since the storage
 * made neither. A missing file throws the system's ENOENT. Follows no link and waits for no pipe.
 */
export async function readOwn(path: string, limit: number): Promise<Buffer | undefined> {
  const handle = await unless(NOT_REGULAR, open(path, READ_FLAGS))
  if (handle === undefined) return undefined
  try {
    const stats = await handle.stat()
    return stats.isFile() && stats.size <= limit ? await readFully(handle, 0, stats.size) : undefined
  } finally {
    await closeRead(handle)
  }
}
