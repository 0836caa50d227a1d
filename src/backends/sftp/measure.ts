import { StorageError } from '../../core/errors.ts'
import { type Kind, sizeIn } from './attributes.ts'
import type { Channel } from './channel.ts'
import { OPEN } from './open-flags.ts'
import { readOnce } from './reader.ts'

/** The largest file that can be read: positions are exact up to this size. */
const MAX_SIZE = Number.MAX_SAFE_INTEGER

/**
 * The size of a file for which the server reports none by name. It comes from the open file, or else from reading single bytes, since only
 * the end of the file is reliable. That takes at most two requests for each doubling of the size.
 */
export async function measured(channel: Channel, path: string, kind: Kind, signal: AbortSignal): Promise<number> {
  if (kind !== 'file') throw new StorageError('unsupported', 'It is not a regular file, and has no size.')
  const handle = await channel.open(path, OPEN.read, {}, signal)
  try {
    return sizeIn(await channel.fstat(handle, signal).catch(() => ({}))) ?? (await endOf(channel, handle, signal))
  } finally {
    await channel.closeHandle(handle).catch(() => undefined)
  }
}

async function endOf(channel: Channel, handle: Buffer, signal: AbortSignal): Promise<number> {
  const hasByte = async (position: number): Promise<boolean> => {
    signal.throwIfAborted()
    return (await readOnce(channel, handle, position, 1)).byteLength > 0
  }
  let high = 1
  while (high < MAX_SIZE && (await hasByte(high))) high *= 2
  // There is no byte at `high`, and there is one before `low`.
  let low = high === 1 && !(await hasByte(0)) ? 0 : Math.ceil(high / 2)
  if (low === 0) return 0
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (await hasByte(middle)) low = middle + 1
    else high = middle
  }
  return low
}
