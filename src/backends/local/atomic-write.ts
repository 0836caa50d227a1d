import type { BigIntStats } from 'node:fs'
import { link, lstat, open, opendir, readFile, rename, unlink, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { nodeCrypto } from '../../core/builtin.ts'
import { StorageError } from '../../core/errors.ts'
import { errnoOf, unless } from './errno.ts'
import { ownerOf, temporaryName } from './hidden.ts'
import type { Place } from './paths.ts'

/** What must hold when a file is published. */
export interface PublishConditions {
  readonly ifAbsent?: boolean | undefined
  readonly ifMatch?: string | undefined
}

const NO_LINKS: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'])
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
  const id = nodeCrypto().createHash('sha256').update(`${target.base}\0${etag}`).digest('hex').slice(0, 40)
  const claim = join(target.folder, `.holdall-${id}.claim`)
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
    const owner = await unless(['ENOENT'], readFile(claim, 'utf8'))
    if (owner === undefined) continue
    if (!isDead(owner)) throw changed()
    const aside = `${claim.slice(0, -'.claim'.length)}-${temporaryName().slice('.holdall-'.length)}`
    await unless(['ENOENT'], rename(claim, aside))
    await unless(['ENOENT'], unlink(aside))
  }
  throw changed()
}

function isDead(owner: string): boolean {
  const [pid, host] = owner.split(' ')
  return host === hostname() && !isAlive(Number(pid))
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return errnoOf(error) !== 'ESRCH'
  }
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

/**
 * Removes temporary files in one folder whose process is dead and that are older than `minAgeMs` (a day unless told, since a
 * process of another machine cannot be asked). Gives how many were removed; a missing folder has none.
 */
export async function sweepTemporaries(folder: string, minAgeMs: number = 86_400_000): Promise<number> {
  const entries = await unless(['ENOENT', 'ENOTDIR'], opendir(folder))
  if (entries === undefined) return 0
  let removed = 0
  for await (const entry of entries) {
    const owner = ownerOf(entry.name)
    if (owner === undefined || isAlive(owner)) continue
    const path = join(folder, entry.name)
    const stats = await unless(['ENOENT'], lstat(path))
    if (stats === undefined || !stats.isFile() || Date.now() - stats.mtimeMs < minAgeMs) continue
    await unless(['ENOENT'], unlink(path))
    removed++
  }
  return removed
}
