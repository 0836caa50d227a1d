import { lstat, rmdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { classifyErrno, errnoOf, unless } from '../../core/errno.ts'
import { Anchor } from './anchor.ts'
import { etagOf } from './atomic-write.ts'
import { changed, withClaim } from './claim.ts'
import { claimName } from './hidden.ts'
import type { Place } from './place.ts'
import { syncPublished, type WritePolicy } from './publication.ts'
import { removeSidecar } from './sidecar.ts'
import { emptyFolder } from './sweep.ts'

/** Minimum age in milliseconds of leftovers in a folder that is being deleted. */
const LEFTOVER_MS = 60_000

/** Removes a file with its attributes, a link or an empty folder; with `onlyFolder` only a folder. */
export async function remove(place: Place, onlyFolder: boolean, policy: WritePolicy): Promise<void> {
  const stats = await lstat(place.path, { bigint: true })
  if (onlyFolder && !stats.isDirectory()) return
  await (stats.isDirectory() ? removeFolder(place) : unlink(place.path))
  if (policy.keepMetadata && stats.isFile()) await removeSidecar(place, stats)
  if (policy.fsync) await syncPublished(place)
}

/** The same for a file, only while it has this etag. Another process that replaces that version at the same time needs the same claim. */
export async function removeVersion(place: Place, etag: string, policy: WritePolicy): Promise<void> {
  await withClaim(join(place.folder, claimName(place.base, etag)), async () => {
    const current = await unless(['ENOENT'], lstat(place.path, { bigint: true }))
    if (current === undefined || current.isDirectory() || etagOf(current) !== etag) throw changed()
    await remove(place, false, policy)
  })
}

/** A folder that holds only leftovers of killed processes counts as empty. */
async function removeFolder({ path }: Place): Promise<void> {
  try {
    await rmdir(path)
  } catch (error) {
    if (classifyErrno(error) !== 'is_directory' && errnoOf(error) !== 'EEXIST') throw error
    const folder = await Anchor.at(path, { folder: true, follow: false })
    try {
      await emptyFolder(folder.path, LEFTOVER_MS)
    } finally {
      folder.release()
    }
    await rmdir(path)
  }
}
