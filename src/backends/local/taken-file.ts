import { open, stat } from 'node:fs/promises'
import type { CallContext } from '../../core/call.ts'
import type { Stat, WriteOptions } from '../../core/driver.ts'
import { unless } from '../../core/errno.ts'
import { closeRead } from './bytes.ts'
import { READ_FLAGS } from './own-file.ts'
import type { Place } from './place.ts'
import { beating, publishFile, type WritePolicy } from './publication.ts'

/** The error code of a rename between two file systems. */
export const OTHER_DEVICE = 'EXDEV'

/** Moves an upload's temporary file to its place; undefined if it is on another file system and must be copied. */
export async function takeTemporary(
  path: string,
  target: Place,
  options: WriteOptions,
  policy: WritePolicy,
  ctx: CallContext,
): Promise<Stat | undefined> {
  const handle = await open(path, READ_FLAGS)
  try {
    const stats = await handle.stat({ bigint: true })
    const folder = await stat(target.folder, { bigint: true })
    if (!stats.isFile() || stats.nlink !== 1n || stats.dev !== folder.dev) return undefined
    if (policy.filePermissionsMode !== null) await handle.chmod(policy.filePermissionsMode)
    if (policy.fsync) await beating(handle.sync(), ctx)
    ctx.signal.throwIfAborted()
    const moved = await unless([OTHER_DEVICE], publishFile(path, stats, target, options, policy))
    if (moved !== undefined) options.onProgress?.(moved.size)
    return moved
  } finally {
    await closeRead(handle)
  }
}
