import type { Stats } from 'node:fs'
import { lstat, opendir, unlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { CallContext } from '../../core/call.ts'
import type { SweepRequest } from '../../core/driver.ts'
import { errnoOf, unless } from '../../core/errno.ts'
import { isHidden, ownerOf } from '../../core/hidden-names.ts'
import { OddItems } from '../../core/odd-items.ts'
import { heldUploads, isAlive, isOwnName, sidecarStem } from './hidden.ts'
import type { Root } from './root.ts'
import { sidecarName } from './sidecar.ts'
import { Walk } from './walk.ts'

/** Maximum lag of a file system's times behind the clock, in milliseconds. */
const CLOCK_TICK_MS = 1000

/** The minimum age for removal, and whether files are only counted. */
type RemovableAge = Pick<SweepRequest, 'minAgeMs'> & Partial<Pick<SweepRequest, 'dryRun'>>

/**
 * Sweeps a folder and its subfolders. Links are not followed; unreadable folders are reported and skipped. Returns the number of removed
 * files.
 */
export async function sweepTree(root: Root, request: SweepRequest, ctx: CallContext): Promise<number> {
  const odd = new OddItems()
  let removed = 0
  const walk = new Walk(root, request.prefix, {
    recursive: true,
    odd,
    async visit({ anchor, prefix, hasHidden }) {
      ctx.signal.throwIfAborted()
      if (hasHidden)
        removed += await sweepFolder(anchor.path, request, (name, error) => odd.report(prefix + name, error))
      ctx.progress()
    },
  })
  try {
    await walk.next(1)
  } finally {
    walk.rest()
  }
  return removed
}

/**
 * Removes the leftovers of killed processes in one folder: temporary files of dead processes, claims, and sidecars of versions that are
 * gone. They must be older than `minAgeMs`, since processes of other machines cannot be checked. Only regular files with exactly such names
 * are removed or counted; failures are passed to `failed`. Returns the number of files.
 */
export async function sweepFolder(
  folder: string,
  age: RemovableAge,
  failed: (name: string, error: unknown) => void = raise,
): Promise<number> {
  const hidden: string[] = []
  let removed = 0
  try {
    for await (const { name } of await opendir(folder)) if (isOwnName(name)) hidden.push(name)
    const current = await currentSidecars(folder, hidden.filter(isSidecar))
    for (const name of hidden) {
      if (current.has(name)) continue
      const isGone = await removeOld(join(folder, name), age).catch(error => failed(name, error))
      if (isGone === true) removed++
    }
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') failed('', error)
  }
  return removed
}

/** Empties a folder that contains only such leftovers; does not change any other folder. */
export async function emptyFolder(folder: string, minAgeMs: number): Promise<void> {
  const hidden: string[] = []
  for await (const { name } of await opendir(folder)) {
    if (!isOwnName(name) || (await isInUse(join(folder, name)))) return
    hidden.push(name)
  }
  // No writes are in progress here, so a sidecar without its file is unused, even if it is new.
  for (const name of hidden) await removeOld(join(folder, name), { minAgeMs: isSidecar(name) ? 0 : minAgeMs })
}

async function removeOld(path: string, { minAgeMs, dryRun }: RemovableAge): Promise<boolean> {
  const stats = await unless(['ENOENT'], lstat(path))
  if (stats === undefined || !stats.isFile() || isUsed(basename(path), stats)) return false
  // A time in the future comes from before the clock was set back.
  if (Math.abs(Date.now() - stats.mtimeMs) < minAgeMs) return false
  if (dryRun !== true) await unless(['ENOENT'], unlink(path))
  return true
}

/**
 * Whether a temporary file belongs to a running process. A file with this process's id that was last changed before this process started
 * belongs to an earlier process: in a container, all of them may have the same id.
 */
function isUsed(name: string, { ctimeMs }: Stats): boolean {
  if (heldUploads.has(name)) return true
  const owner = ownerOf(name)
  if (owner === undefined || !isAlive(owner)) return false
  const started = Math.min(performance.timeOrigin, Date.now() - process.uptime() * 1000)
  return owner !== process.pid || ctimeMs >= started - CLOCK_TICK_MS
}

async function isInUse(path: string): Promise<boolean> {
  const stats = await unless(['ENOENT'], lstat(path))
  return stats !== undefined && isUsed(basename(path), stats)
}

function isSidecar(name: string): boolean {
  return name.endsWith('.meta')
}

/** The sidecars whose version exists. */
async function currentSidecars(folder: string, sidecars: readonly string[]): Promise<Set<string>> {
  const stems = new Set(sidecars.map(name => name.slice(0, sidecarStem('').length)))
  const current = new Set<string>()
  if (sidecars.length === 0) return current
  for await (const { name } of await opendir(folder)) {
    if (isHidden(name) || !stems.has(sidecarStem(name))) continue
    const stats = await unless(['ENOENT'], lstat(join(folder, name), { bigint: true }))
    if (stats !== undefined) current.add(sidecarName(name, stats))
  }
  return current
}

function raise(_name: string, error: unknown): never {
  throw error
}
