import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { unless } from '../../core/errno.ts'
import { closeRead, readFully } from './bytes.ts'

const NOFOLLOW = constants.O_NOFOLLOW ?? 0
const NONBLOCK = constants.O_NONBLOCK ?? 0

/** Whether the system can refuse a link in the last component of a path. */
export const CAN_REFUSE_LINKS: boolean = NOFOLLOW !== 0

/** Reads without waiting for a pipe's other end. */
export const READ_LINKED_FLAGS: number = constants.O_RDONLY | NONBLOCK

/** Reads without following a link in the last component, and without waiting for a pipe's other end. */
export const READ_FLAGS: number = READ_LINKED_FLAGS | NOFOLLOW

/** What opening says of a link, a socket or a folder. */
const NOT_REGULAR: readonly string[] = ['ELOOP', 'EMLINK', 'ENXIO', 'ENODEV', 'EISDIR']

/**
 * The bytes of a file that the storage keeps for itself. Undefined for what is no regular file or has more than `limit` bytes: the storage
 * made neither. A missing one throws the system's ENOENT. No link is followed, and no pipe is waited for.
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
