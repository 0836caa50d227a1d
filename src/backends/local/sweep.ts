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

/** How far the times of a file system may be behind the clock, in milliseconds. */
const CLOCK_TICK_MS = 1000

/** What is old enough to be removed, and whether it only is to be counted. */
type RemovableAge = Pick<SweepRequest, 'minAgeMs'> & Partial<Pick<SweepRequest, 'dryRun'>>

/** Sweeps a folder and those below it; links are not followed, and what cannot be read is reported and left out. Returns how many files were removed. */
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
 * Removes what killed processes have left in one folder, where it is older than `minAgeMs`, since a process of another machine cannot be
 * asked: temporary files of dead processes, claims, and sidecars of versions that are gone. Only regular files with exactly such names are
 * removed, or only counted; what fails is given to `failed`. Returns how many files.
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

/** Empties a folder in which nothing but such leftovers lies, and lets any other alone. */
export async function emptyFolder(folder: string, minAgeMs: number): Promise<void> {
  const hidden: string[] = []
  for await (const { name } of await opendir(folder)) {
    if (!isOwnName(name) || (await isInUse(join(folder, name)))) return
    hidden.push(name)
  }
  // Nothing is being written here, so that a sidecar without its file is nobody's, however young it is.
  for (const name of hidden) await removeOld(join(folder, name), { minAgeMs: isSidecar(name) ? 0 : minAgeMs })
}

async function removeOld(path: string, { minAgeMs, dryRun }: RemovableAge): Promise<boolean> {
  const stats = await unless(['ENOENT'], lstat(path))
  if (stats === undefined || !stats.isFile() || isUsed(basename(path), stats)) return false
  // A time that lies in the future is that of a clock which has been set back since.
  if (Math.abs(Date.now() - stats.mtimeMs) < minAgeMs) return false
  if (dryRun !== true) await unless(['ENOENT'], unlink(path))
  return true
}

/**
 * Whether a temporary file is that of a process which runs. One with our own number that was last touched before we started is that of an
 * earlier process: in a container all of them may have one number.
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

/** Those of the sidecars whose version is there. */
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
