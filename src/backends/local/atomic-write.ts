import type { BigIntStats } from 'node:fs'
import { link, lstat, open, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { errnoOf, unless } from '../../core/errno.ts'
import { changed, withClaim } from './claim.ts'
import { claimName } from './hidden.ts'
import type { Place } from './place.ts'

/** The conditions for publishing a file. */
export interface PublishConditions {
  readonly ifAbsent?: boolean | undefined
  readonly ifMatch?: string | undefined
}

const NO_LINKS: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'])

/** The etag of a file. It changes with every write, because each write makes a new inode or a new time. */
export function etagOf(stats: BigIntStats): string {
  return `${stats.mtimeNs.toString(16)}-${stats.size.toString(16)}-${stats.ino.toString(16)}`
}

/**
 * Publishes a complete file under its name in one step: readers see the old file or the new one. An existing name with `ifAbsent` throws
 * the system's EEXIST; another etag than `ifMatch` is `precondition_failed`. `source` is gone afterwards; after a failure it still exists.
 * A process with write access to the folder can put another file under `source` before publication, as under `target` afterwards. Both
 * names are only renamed, linked and unlinked, which follows no link.
 */
export async function publish(source: string, target: Place, conditions: PublishConditions): Promise<void> {
  if (conditions.ifAbsent === true) {
    await publishNew(source, target.path)
  } else if (conditions.ifMatch !== undefined) {
    await replaceVersion(source, target, conditions.ifMatch)
  } else {
    await rename(source, target.path)
  }
}

async function publishNew(source: string, target: string): Promise<void> {
  try {
    await link(source, target)
  } catch (error) {
    if (!NO_LINKS.has(errnoOf(error) ?? '')) throw error
    return publishReserved(source, target)
  }
  // The file is published. A second name that remains does not undo that; `sweep` removes it.
  await unlink(source).catch(() => undefined)
}

/** For file systems without hard links: an empty file takes the name and is then replaced. Readers may see it empty for a moment. */
export async function publishReserved(source: string, target: string): Promise<void> {
  const reservation = await open(target, 'wx')
  const stats = await reservation.stat({ bigint: true }).catch(() => undefined)
  try {
    await reservation.close()
    await rename(source, target)
  } catch (error) {
    if (stats !== undefined) await unlinkSame(target, stats).catch(() => undefined)
    throw error
  }
}

/** Removes a name only if it still belongs to this very file. */
export async function unlinkSame(path: string, stats: BigIntStats): Promise<void> {
  const left = await unless(['ENOENT'], lstat(path, { bigint: true }))
  if (left?.ino === stats.ino && left.dev === stats.dev) await unless(['ENOENT'], unlink(path))
}

/** An etag never occurs again, so the process that creates the claim on it is the only one that may replace that version. */
function replaceVersion(source: string, target: Place, etag: string): Promise<void> {
  return withClaim(join(target.folder, claimName(target.base, etag)), async () => {
    const current = await unless(['ENOENT'], lstat(target.path, { bigint: true }))
    if (current === undefined || etagOf(current) !== etag) throw changed()
    await rename(source, target.path)
  })
}
