import type { BigIntStats } from 'node:fs'
import { type FileHandle, link, lstat, open, rename, unlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { unless } from '../../core/errno.ts'
import { StorageError } from '../../core/errors.ts'
import { temporaryName } from '../../core/hidden-names.ts'
import { isAlive } from './hidden.ts'
import { readOwn } from './own-file.ts'

/** Age in milliseconds at which a claim counts as abandoned. */
const CLAIM_MS = 600_000
/** Bytes that a claim has at most: a process and the name of its machine. */
const MAX_CLAIM_BYTES = 1024
const MAX_TRIES = 3

/** Runs `work` while a claim is held: of all that want the same claim one does, and the others throw `precondition_failed`. */
export async function withClaim<T>(claim: string, work: () => Promise<T>): Promise<T> {
  await makeClaim(claim)
  try {
    return await work()
  } finally {
    // The version that it was for is gone, or nothing was changed: a claim that stays does not undo what was done.
    await unlink(claim).catch(() => undefined)
  }
}

/** The error for a version that another process has replaced, or is replacing. */
export function changed(): StorageError {
  return new StorageError('precondition_failed', 'The file was changed or removed by somebody else.')
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

/** Removes an abandoned claim. Where another process was quicker and has a claim of its own there by now, that one is put back. */
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

/** Whether the process that made a claim is dead, or must be: a claim is held for a moment only. Of what is no claim only its age counts. */
async function isAbandoned(claim: string, stats: BigIntStats): Promise<boolean> {
  if (Math.abs(Date.now() - Number(stats.mtimeMs)) > CLAIM_MS) return true
  if (!stats.isFile()) return false
  const owner = await unless(['ENOENT'], ownerIn(claim))
  if (owner === undefined) return true
  const [pid = '', host] = owner.split(' ')
  return host === hostname() && /^[1-9]\d*$/.test(pid) && !isAlive(Number(pid))
}

/** What a claim says; nothing where it may not be read or is none. */
async function ownerIn(claim: string): Promise<string> {
  const bytes = await unless(['EACCES', 'EPERM'], readOwn(claim, MAX_CLAIM_BYTES))
  return bytes?.toString() ?? ''
}
