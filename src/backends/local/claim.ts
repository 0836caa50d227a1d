import type { BigIntStats } from 'node:fs'
import { type FileHandle, link, lstat, open, rename, unlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { unless } from '../../core/errno.ts'
import { StorageError } from '../../core/errors.ts'
import { temporaryName } from '../../core/hidden-names.ts'
import { isAlive } from './hidden.ts'
import { readOwn } from './own-file.ts'

/** Age in milliseconds from which a claim counts as abandoned. */
const CLAIM_MS = 600_000
/** Maximum size of a claim in bytes: a process and the name of its machine. */
const MAX_CLAIM_BYTES = 1024
const MAX_TRIES = 3

/**
 * Runs `work` while holding a claim. If several callers want the same claim, only one gets it, and the others throw `precondition_failed`.
 */
export async function withClaim<T>(claim: string, work: () => Promise<T>): Promise<T> {
  await makeClaim(claim)
  try {
    return await work()
  } finally {
    // The claim's version is gone, or nothing was changed, so a claim that remains does no harm.
    await unlink(claim).catch(() => undefined)
  }
}

/** The error for a version that another process has replaced or is replacing. */
export function changed(): StorageError {
  return new StorageError('precondition_failed', 'The file was changed or removed by another process.')
}

async function makeClaim(claim: string): Promise<void> {
  for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
    const handle = await unless(['EEXIST'], open(claim, 'wx', 0o600))
    if (handle !== undefined) return sign(handle, claim)
    const old = await unless(['ENOENT'], lstat(claim, { bigint: true }))
    if (old === undefined) continue
    if (!(await isAbandoned(claim, old))) throw changed()
    await takeAway(claim, old)
  }
  throw changed()
}

/** Removes an abandoned claim. If another process was faster and already has its own claim there, that claim is restored. */
async function takeAway(claim: string, old: BigIntStats): Promise<void> {
  const aside = join(dirname(claim), temporaryName())
  const moved = await unless(
    ['ENOENT'],
    rename(claim, aside).then(() => lstat(aside, { bigint: true })),
  )
  if (moved === undefined) return
  const isOld = moved.ino === old.ino && moved.mtimeNs === old.mtimeNs
  if (!isOld) await link(aside, claim).catch(() => undefined)
  await unlink(aside).catch(() => undefined)
  if (!isOld) throw changed()
}

async function sign(handle: FileHandle, claim: string): Promise<void> {
  try {
    await handle.writeFile(`${process.pid} ${hostname()}`)
    await handle.close()
  } catch (error) {
    await handle.close().catch(() => undefined)
    await unlink(claim).catch(() => undefined)
    throw error
  }
}

/**
 * Whether the process of a claim is dead or must be: a claim is held only for a moment. For a file that is not a claim, only the age
 * counts.
 */
async function isAbandoned(claim: string, stats: BigIntStats): Promise<boolean> {
  if (Math.abs(Date.now() - Number(stats.mtimeMs)) > CLAIM_MS) return true
  if (!stats.isFile()) return false
  const owner = await unless(['ENOENT'], ownerIn(claim))
  if (owner === undefined) return true
  const [pid = '', host] = owner.split(' ')
  return host === hostname() && /^[1-9]\d*$/.test(pid) && !isAlive(Number(pid))
}

/** The contents of a claim; '' if it is unreadable or is not a claim. */
async function ownerIn(claim: string): Promise<string> {
  const bytes = await unless(['EACCES', 'EPERM'], readOwn(claim, MAX_CLAIM_BYTES))
  return bytes?.toString() ?? ''
}
