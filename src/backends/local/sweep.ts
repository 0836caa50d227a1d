import { lstat, opendir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { CallContext } from '../../core/driver.ts'
import { unless } from '../../core/errno.ts'
import { isAlive, isHidden, ownerOf, sidecarStem } from './hidden.ts'
import type { Root } from './paths.ts'
import { sidecarName } from './sidecar.ts'

/** Sweeps every folder of a storage; links are not followed. Gives how many files were removed. */
export async function sweepTree(root: Root, minAgeMs: number, ctx: CallContext): Promise<number> {
  const prefixes = ['']
  let removed = 0
  for (let prefix = prefixes.pop(); prefix !== undefined; prefix = prefixes.pop()) {
    ctx.signal.throwIfAborted()
    const folder = await unless(['ENOENT', 'ENOTDIR'], root.folder(prefix))
    if (folder === undefined) continue
    try {
      for await (const entry of await opendir(folder.path)) {
        if (entry.isDirectory()) prefixes.push(`${prefix}${entry.name}/`)
      }
      removed += await sweepFolder(folder.path, minAgeMs)
    } finally {
      folder.release()
    }
    ctx.progress()
  }
  return removed
}

/**
 * Removes what killed processes have left in one folder, where it is older than `minAgeMs`, since a process of another machine cannot be
 * asked: temporary files of dead processes, claims, and sidecars of versions that are gone. Gives how many files.
 */
export async function sweepFolder(folder: string, minAgeMs: number): Promise<number> {
  const hidden: string[] = []
  for await (const { name } of await opendir(folder)) if (isHidden(name)) hidden.push(name)
  const current = await currentSidecars(folder, hidden.filter(isSidecar))
  let removed = 0
  for (const name of hidden) {
    if (!isInUse(name) && !current.has(name) && (await removeOld(join(folder, name), minAgeMs))) removed++
  }
  return removed
}

/** Empties a folder in which nothing but such leftovers lies, and lets any other alone. */
export async function emptyFolder(folder: string, minAgeMs: number): Promise<void> {
  const hidden: string[] = []
  for await (const { name } of await opendir(folder)) {
    if (!isHidden(name) || isInUse(name)) return
    hidden.push(name)
  }
  // Nothing is being written here, so that a sidecar without its file is nobody's, however young it is.
  for (const name of hidden) await removeOld(join(folder, name), isSidecar(name) ? 0 : minAgeMs)
}

async function removeOld(path: string, minAgeMs: number): Promise<boolean> {
  const stats = await unless(['ENOENT'], lstat(path))
  if (stats === undefined || !stats.isFile() || Date.now() - stats.mtimeMs < minAgeMs) return false
  await unless(['ENOENT'], unlink(path))
  return true
}

/** Whether a temporary file is that of a process which runs. */
function isInUse(name: string): boolean {
  const owner = ownerOf(name)
  return owner !== undefined && isAlive(owner)
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
