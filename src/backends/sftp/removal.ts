import { StorageError } from '../../core/errors.ts'
import { isHidden } from '../../core/hidden-names.ts'
import { openFolder } from './access.ts'
import { kindOf } from './attributes.ts'
import type { Channel } from './channel.ts'
import { isMissing, isStatus, SftpError, STATUS } from './errors.ts'
import { refused } from './folders.ts'

/** Minimum age in milliseconds of leftovers in a folder that is being deleted. */
const LEFTOVER_MS = 60_000

/** Removes a file, a link or an empty folder; with `onlyFolder` only a folder. A missing one is no error. */
export async function remove(channel: Channel, path: string, onlyFolder: boolean, signal: AbortSignal): Promise<void> {
  let failure: SftpError | undefined
  if (!onlyFolder) {
    failure = await channel.unlink(path, signal).then(() => undefined, refused)
    if (failure === undefined || isMissing(failure)) return
  }
  const found = await channel.lstat(path, signal).catch(refused)
  if (isMissing(found)) return
  const isFolder = !(found instanceof SftpError) && kindOf(found) === 'folder'
  if (isFolder) return removeFolder(channel, path, signal)
  if (failure !== undefined) throw failure
}

async function removeFolder(channel: Channel, path: string, signal: AbortSignal): Promise<void> {
  const failure = await channel.removeFolder(path, signal).then(() => undefined, refused)
  if (failure === undefined || isMissing(failure)) return
  // A folder that contains only leftovers of killed processes counts as empty.
  const names = await namesIn(channel, path, signal).catch(refused)
  if (names instanceof SftpError) throw failure
  if (names.length === 0) throw failure
  for (const { name, mtime = 0 } of names) {
    const isLeft = isHidden(name) && Math.abs(Date.now() - mtime * 1000) >= LEFTOVER_MS
    if (!isLeft) throw new StorageError('is_directory', `'${path}' is a directory that is not empty.`)
  }
  for (const { name } of names) await channel.unlink(`${path}/${name}`, signal)
  await channel.removeFolder(path, signal)
}

async function namesIn(
  channel: Channel,
  path: string,
  signal: AbortSignal,
): Promise<Array<{ readonly name: string; readonly mtime: number | undefined }>> {
  const handle = await openFolder(channel, path, signal)
  const names: Array<{ name: string; mtime: number | undefined }> = []
  try {
    // One name that does not belong to the storage is enough.
    while (names.every(({ name }) => isHidden(name))) {
      const items = await channel.readFolder(handle, signal).catch(error => {
        if (isStatus(error, STATUS.eof)) return []
        throw error
      })
      if (items.length === 0) break
      for (const { filename, attrs } of items) {
        if (filename !== '.' && filename !== '..') names.push({ name: filename, mtime: attrs.mtime })
      }
    }
    return names
  } finally {
    await channel.closeHandle(handle).catch(() => undefined)
  }
}
