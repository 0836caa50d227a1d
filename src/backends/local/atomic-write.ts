import type { BigIntStats } from 'node:fs'
import { link, lstat, open, readFile, rename, unlink, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { errnoOf, unless } from '../../core/errno.ts'
import { StorageError } from '../../core/errors.ts'
import { claimName, isAlive, temporaryName } from './hidden.ts'
import type { Place } from './paths.ts'

/** What must hold when a file is published. */
export interface PublishConditions {
  readonly ifAbsent?: boolean | undefined
  readonly ifMatch?: string | undefined
}

const NO_LINKS: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'])
/** Age in milliseconds at which nobody can still be holding a claim. */
const CLAIM_MS = 600_000
const NO_FOLDER_SYNC: readonly string[] = ['EINVAL', 'EPERM', 'EACCES', 'EISDIR', 'ENOTSUP', 'EBADF']

/** The etag of a file: changes with every write, because each makes a new inode or a new time. */
export function etagOf(stats: BigIntStats): string {
  return `${stats.mtimeNs.toString(16)}-${stats.size.toString(16)}-${stats.ino.toString(16)}`
}

/**
 * Gives a complete file its name in one step: readers see the old file or the new one. A taken name with `ifAbsent` throws the
 * system's EEXIST; another etag than `ifMatch` is `precondition_failed`. `source` is gone afterwards, and still there on failure.
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
  await unless(['ENOENT'], unlink(source))
}

/** For file systems without hard links: an empty file takes the name, then is replaced. Readers may see it empty for that moment. */
export async function publishReserved(source: string, target: string): Promise<void> {
  const reservation = await open(target, 'wx')
  await reservation.close()
  try {
    await rename(source, target)
  } catch (error) {
    await unless(['ENOENT'], unlink(target))
    throw error
  }
}

/** An etag never comes back, so whoever creates the claim on it is the only one that may replace that version. */
async function replaceVersion(source: string, target: Place, etag: string): Promise<void> {
  const claim = join(target.folder, claimName(target.base, etag))
  await makeClaim(claim)
  try {
    const current = await unless(['ENOENT'], lstat(target.path, { bigint: true }))
    if (current === undefined || etagOf(current) !== etag) throw changed()
    await rename(source, target.path)
  } finally {
    await unless(['ENOENT'], unlink(claim))
  }
}

async function makeClaim(claim: string): Promise<void> {
  const mine = `${process.pid} ${hostname()}`
  for (let attempt = 0; attempt < 3; attempt++) {
    const made = await unless(
      ['EEXIST'],
      writeFile(claim, mine, { flag: 'wx', mode: 0o600 }).then(() => true),
    )
    if (made === true) return
    if (!(await isAbandoned(claim))) throw changed()
    const aside = join(dirname(claim), temporaryName())
    await unless(['ENOENT'], rename(claim, aside))
    await unless(['ENOENT'], unlink(aside))
  }
  throw changed()
}

/** Whether the process that made a claim is dead, or must be: a claim is held for a moment only. */
async function isAbandoned(claim: string): Promise<boolean> {
  const stats = await unless(['ENOENT'], lstat(claim))
  const owner = await unless(['ENOENT'], readFile(claim, 'utf8'))
  if (stats === undefined || owner === undefined || Date.now() - stats.mtimeMs > CLAIM_MS) return true
  const [pid, host] = owner.split(' ')
  return host === hostname() && !isAlive(Number(pid))
}

function changed(): StorageError {
  return new StorageError('precondition_failed', 'The file was changed or removed by somebody else.')
}

/** Makes a folder's entries durable; silent on systems that cannot (Windows, some network file systems). */
export async function syncFolder(path: string): Promise<void> {
  const handle = await unless(NO_FOLDER_SYNC, open(path, 'r'))
  if (handle === undefined) return
  try {
    await unless(NO_FOLDER_SYNC, handle.sync())
  } finally {
    await handle.close()
  }
}
