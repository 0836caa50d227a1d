import { type FileHandle, open } from 'node:fs/promises'
import { unless } from '../../core/errno.ts'

const NO_FOLDER_SYNC: readonly string[] = ['EINVAL', 'EPERM', 'EACCES', 'EISDIR', 'ENOTSUP', 'EBADF']

/**
 * Makes a folder's entries durable, with its handle if it is open. Does nothing on systems without support (Windows, some network file
 * systems).
 */
export async function syncFolder(path: string, held?: FileHandle): Promise<void> {
  const handle = held ?? (await unless(NO_FOLDER_SYNC, open(path, 'r')))
  if (handle === undefined) return
  try {
    await unless(NO_FOLDER_SYNC, handle.sync())
  } finally {
    if (held === undefined) await handle.close()
  }
}
