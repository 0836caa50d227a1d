import type { BigIntStats } from 'node:fs'
import { lstat, lutimes } from 'node:fs/promises'
import { unless } from '../../core/errno.ts'
import { StorageError } from '../../core/errors.ts'
import { closeRead } from './bytes.ts'
import { distinctTimeIn } from './distinct-time.ts'
import { type OpenFile, withAttributes } from './open-file.ts'
import { CAN_REFUSE_LINKS } from './own-file.ts'
import type { Place } from './place.ts'
import { policyLike, type WritePolicy } from './publication.ts'
import { removeSidecar, writeSidecar } from './sidecar.ts'
import { dropTemporary, withTemporary } from './temporary.ts'

/**
 * Sets the modification time of an open file, and keeps the time of the last access. A sidecar describes the version with one time, so that
 * one for the new time is written before.
 */
export async function setTime(
  place: Place,
  time: Date,
  policy: WritePolicy,
  look: () => Promise<OpenFile>,
): Promise<void> {
  // Before 1970 the system accepts only a date.
  const mtime = +time < 0 ? time : distinctTimeIn(+time)
  const drop = (file: OpenFile): Promise<void> => closeRead(file.handle)
  const [file, attributes] = await withAttributes(place, policy.keepMetadata, look, drop)
  try {
    if (!policy.keepMetadata) return await setTimes(place, file, mtime, policy)
    if (file.linked) {
      const text = `'${place.base}' is a link: set the time of the file that it leads to.`
      throw new StorageError('unsupported', text)
    }
    const { size } = file.stats
    const future = { size, mtimeNs: await storedTime(place, mtime, policy) }
    await writeSidecar(place, future, attributes, policyLike(file.stats, policy))
    try {
      await setTimes(place, file, mtime, policy)
    } catch (error) {
      await removeSidecar(place, future)
      throw error
    }
    // If another file has replaced this one meanwhile, neither sidecar describes it.
    const now = await unless(['ENOENT'], lstat(place.path, { bigint: true }))
    if (now?.ino !== file.stats.ino) await removeSidecar(place, future)
    if (future.mtimeNs !== file.stats.mtimeNs) await removeSidecar(place, file.stats)
  } finally {
    await closeRead(file.handle)
  }
}

async function setTimes(place: Place, file: OpenFile, mtime: number | Date, { fsync }: WritePolicy): Promise<void> {
  const atime = accessTime(file.stats)
  // Windows changes times only by a handle that is open for writing.
  if (!CAN_REFUSE_LINKS && !file.linked) await lutimes(place.path, atime, mtime)
  else await file.handle.utimes(atime, mtime)
  if (fsync) await file.handle.sync()
}

function accessTime({ atimeNs, atime }: BigIntStats): number | Date {
  return atimeNs < 0n ? atime : Number(atimeNs) / 1e9
}

/** Returns the time in nanoseconds that the file system stores for a time in seconds, by a temporary file. */
function storedTime(place: Place, mtime: number | Date, policy: WritePolicy): Promise<bigint> {
  return withTemporary(place.folder, policy, async temporary => {
    await temporary.handle.utimes(mtime, mtime)
    const { mtimeNs } = await temporary.handle.stat({ bigint: true })
    await dropTemporary(temporary)
    return mtimeNs
  })
}
