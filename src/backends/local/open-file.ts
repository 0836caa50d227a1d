import type { BigIntStats } from 'node:fs'
import { type FileHandle, lstat, open, stat } from 'node:fs/promises'
import type { FileAttributes } from '../../core/driver.ts'
import { errnoOf } from '../../core/errno.ts'
import { StorageError } from '../../core/errors.ts'
import { closeRead } from './bytes.ts'
import { CAN_REFUSE_LINKS, READ_FLAGS, READ_LINKED_FLAGS } from './own-file.ts'
import type { Place } from './place.ts'
import type { Root } from './root.ts'
import { guessedAttributes, readSidecar } from './sidecar.ts'

const LINK_ERRORS: ReadonlySet<string> = new Set(['ELOOP', 'EMLINK'])
/** Maximum number of times that a file may be replaced during a look-up before its attributes are ignored. */
const MAX_LOOKS = 20

/** A regular file open for reading. */
export interface OpenFile {
  readonly handle: FileHandle
  readonly stats: BigIntStats
  /** Whether the name is a link. */
  readonly linked: boolean
}

/** Opens a file, also through a link that stays inside. A folder is `is_directory`; anything other than a file is `unsupported`. */
export async function openFile(root: Root, place: Place): Promise<OpenFile> {
  const { handle, linked } = await openConfined(root, place)
  try {
    const stats = await handle.stat({ bigint: true })
    if (stats.isDirectory()) throw new StorageError('is_directory', `'${place.base}' is a directory.`)
    if (!stats.isFile()) throw new StorageError('unsupported', `'${place.base}' is not a regular file.`)
    return { handle, stats, linked }
  } catch (error) {
    await closeRead(handle)
    throw error
  }
}

async function openConfined(root: Root, place: Place): Promise<Pick<OpenFile, 'handle' | 'linked'>> {
  const { path } = place
  if (CAN_REFUSE_LINKS) {
    try {
      return { handle: await open(path, READ_FLAGS), linked: false }
    } catch (error) {
      if (!LINK_ERRORS.has(errnoOf(error) ?? '')) throw error
    }
  }
  const target = await root.follow(place)
  try {
    // The path of a held file is itself a link, which only the system can make.
    const flags = target.isHeld ? READ_LINKED_FLAGS : READ_FLAGS
    const handle = await open(target.path, flags)
    // If links cannot be refused, the real path is not enough: the location's real path may differ from the configured one (8.3 names).
    const linked = CAN_REFUSE_LINKS || (await lstat(path).catch(() => undefined))?.isSymbolicLink() === true
    return { handle, linked }
  } finally {
    target.release()
  }
}

/** Stats of the file or folder at a place, also through a link that stays inside. */
export async function statPlace(root: Root, place: Place): Promise<{ stats: BigIntStats; linked: boolean }> {
  const stats = await lstat(place.path, { bigint: true })
  if (!stats.isSymbolicLink()) return { stats, linked: false }
  const target = await root.follow(place)
  try {
    return { stats: await stat(target.path, { bigint: true }), linked: true }
  } finally {
    target.release()
  }
}

/**
 * Looks at a file until the result and its attributes belong to the same version. `look` may be repeated; results that are not returned are
 * passed to `drop`.
 */
export async function withAttributes<T extends { readonly stats: BigIntStats; readonly linked: boolean }>(
  place: Place,
  keepMetadata: boolean,
  look: () => Promise<T>,
  drop?: (found: T) => Promise<void>,
): Promise<[found: T, attributes: FileAttributes]> {
  for (let looks = 1; ; looks++) {
    const found = await look()
    if (!keepMetadata || found.linked || found.stats.isDirectory()) return [found, guessedAttributes(place.base)]
    const attributes = await readSidecar(place, found.stats).catch(async error => {
      await drop?.(found)
      throw error
    })
    if (attributes !== undefined) return [found, attributes]
    if (looks === MAX_LOOKS) return [found, guessedAttributes(place.base)]
    await drop?.(found)
  }
}
