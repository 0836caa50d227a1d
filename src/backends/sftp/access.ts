import type { CallContext } from '../../core/call.ts'
import { StorageError } from '../../core/errors.ts'
import type { Attributes } from '../../remote/ssh/ssh2.ts'
import { type Kind, kindOf } from './attributes.ts'
import type { Channel } from './channel.ts'
import { SftpError } from './errors.ts'
import { type Folders, refused } from './folders.ts'
import { OPEN } from './open-flags.ts'
import type { Place } from './root.ts'

/** Attributes of a file that was not opened. */
export interface Looked {
  readonly attributes: Attributes
  readonly kind: Kind
  readonly isLink: boolean
}

/** A file that is open for reading. */
export interface OpenFile extends Looked {
  readonly handle: Buffer
}

/** Looks up the file at a place, also behind a link that stays inside. Missing: the server's refusal or `not_found`. */
export async function lookAt(folders: Folders, channel: Channel, place: Place, signal: AbortSignal): Promise<Looked> {
  const looking = channel.lstat(place.path, signal)
  // An error of the folder check has priority over errors about the file.
  looking.catch(() => undefined)
  await folders.find(channel, place.folders, signal)
  const attributes = await looking
  const kind = kindOf(attributes)
  if (kind !== 'link') return { attributes, kind: kind ?? (await probed(channel, place.path, signal)), isLink: false }
  await folders.links.confine(channel, place.path, signal)
  const behind = await channel.stat(place.path, signal)
  return { attributes: behind, kind: kindOf(behind) ?? (await probed(channel, place.path, signal)), isLink: true }
}

/** Opens a folder to read its names. */
export async function openFolder(channel: Channel, path: string, signal?: AbortSignal): Promise<Buffer> {
  try {
    return await channel.openFolder(path, signal)
  } catch (error) {
    throw channel.openError(error)
  }
}

/** Whether an item of unknown kind is a folder: only folders can be listed. */
export async function probed(channel: Channel, path: string, signal?: AbortSignal): Promise<'file' | 'folder'> {
  const handle = await channel.openFolder(path, signal).catch(refused)
  if (handle instanceof SftpError) return 'file'
  await channel.closeHandle(handle)
  return 'folder'
}

/** Throws `is_directory` for a folder, and `unsupported` for anything else that is not a file. */
export function mustBeFile(kind: Kind, { base }: Place): void {
  if (kind === 'folder') throw new StorageError('is_directory', `'${base}' is a directory.`)
  if (kind === 'other') throw new StorageError('unsupported', `'${base}' is not a regular file.`)
}

/**
 * Opens a file for reading. A folder is `is_directory`, anything other than a file `unsupported`. The file is always looked up first, since
 * opening a pipe would block the whole session.
 */
export async function openForReading(
  folders: Folders,
  channel: Channel,
  place: Place,
  { signal }: CallContext,
): Promise<OpenFile> {
  const looked = await lookAt(folders, channel, place, signal)
  mustBeFile(looked.kind, place)
  try {
    return { ...looked, handle: await channel.open(place.path, OPEN.read, {}, signal) }
  } catch (error) {
    throw channel.openError(error)
  }
}
