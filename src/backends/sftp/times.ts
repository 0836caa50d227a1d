import type { CallContext } from '../../core/call.ts'
import { StorageError } from '../../core/errors.ts'
import type { Attributes } from '../../remote/ssh/ssh2.ts'
import { openForReading } from './access.ts'
import type { Channel } from './channel.ts'
import { isStatus, STATUS } from './errors.ts'
import type { Folders } from './folders.ts'
import type { Place } from './root.ts'

/** The latest time in seconds that the protocol can express. (draft-ietf-secsh-filexfer-02, section 5) */
const LATEST = 2 ** 32 - 1

/**
 * Sets the modification time of an open file, so that no link is followed out of the folder. Some servers set times only by path, and some
 * accept the request and ignore it: the answer is compared. Whole seconds; the time of the last access stays.
 */
export async function setTime(
  folders: Folders,
  channel: Channel,
  place: Place,
  time: Date,
  ctx: CallContext,
): Promise<void> {
  const { signal } = ctx
  const mtime = Math.floor(+time / 1000)
  if (mtime < 0 || mtime > LATEST) {
    throw new StorageError('invalid_argument', 'time: SFTP has only times from 1970 to 2106.')
  }
  const { handle, attributes, isLink } = await openForReading(folders, channel, place, ctx)
  try {
    const times = { atime: attributes.atime ?? mtime, mtime }
    try {
      await channel.fsetstat(handle, times, signal)
    } catch (error) {
      if (isLink || !isStatus(error, STATUS.unsupported, STATUS.failure, STATUS.permissionDenied)) throw error
      await channel.setstat(place.path, times, signal)
    }
    if (hasTime(await channel.fstat(handle, signal), mtime)) return
  } finally {
    await channel.closeHandle(handle)
  }
  throw new StorageError('unsupported', 'The server does not set the time of a file.')
}

/** Some file systems store every second second only. */
function hasTime({ mtime: found }: Attributes, wanted: number): boolean {
  return found !== undefined && Math.abs(found - wanted) < 2
}
