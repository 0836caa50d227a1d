import { realpath } from 'node:fs/promises'
import { basename, dirname, join, sep } from 'node:path'
import { StorageError } from '../core/errors.ts'
import { addressOf } from '../storage/address.ts'
import { partsOf } from '../storage/parts.ts'
import { Side } from './side.ts'

/** A name that represents any file of a folder. */
const PROBE = 'holdall-place'

/**
 * Rejects two places of which one lies in the other, or that are one place under two names, with `invalid_argument`: a copy would be copied
 * again, and a deletion would delete the source. With `isWriting` this also concerns the storages that a storage is made of. Services that
 * are reached by two protocols, and disks that are mounted twice, are not recognised.
 */
export async function refuseOverlap(
  source: Side,
  target: Side,
  { signal, isWriting }: { readonly signal: AbortSignal; readonly isWriting: boolean },
): Promise<void> {
  for (const ours of isWriting ? partsIn(source) : [source]) {
    for (const theirs of isWriting ? partsIn(target) : [target]) {
      const [from, to] = await Promise.all([placeOf(ours, theirs, signal), placeOf(theirs, ours, signal)])
      if (from === undefined || to === undefined) continue
      if (from !== to && !from.startsWith(to) && !to.startsWith(from)) continue
      const how =
        from === to
          ? 'The source and the target are the same place'
          : to.startsWith(from)
            ? 'The target lies in the source'
            : 'The source lies in the target'
      const isPart = ours !== source || theirs !== target
      throw new StorageError('invalid_argument', isPart ? `${how}: one storage is part of the other.` : `${how}.`)
    }
  }
}

/** Returns the place in each storage that its storage is made of; the place itself if it is made of none. */
function partsIn(side: Side): readonly Side[] {
  const parts = partsOf(side.storage)
  if (parts.length === 0) return [side]
  return parts.flatMap(part => partsIn(new Side(side.title, part, side.storage.prefix + side.folder)))
}

/**
 * Returns a text that begins with the text of every folder around this one; undefined if the two sides cannot be one place, or nothing is
 * known.
 */
async function placeOf(side: Side, other: Side, signal: AbortSignal): Promise<string | undefined> {
  const { storage, folder } = side
  if (storage === other.storage) return `${storage.prefix}${folder}`
  if (storage.supports('path'))
    return `local ${await nearestReal(storage.path(folder === '' ? '' : folder.slice(0, -1)))}${sep}`
  const { driver } = storage.calls
  if (driver.name !== other.storage.calls.driver.name || !isSameAccount(side, other)) return undefined
  const address = await addressOf(storage, storage.newRef(`${folder}${PROBE}`), { signal })
  const at = address?.lastIndexOf(PROBE) ?? -1
  if (address === undefined || at < 0) return undefined
  // The text behind the name is the account.
  return `${address.slice(at + PROBE.length)} ${address.slice(0, at)}`
}

/** Paths of Dropbox are the same in every account. */
function isSameAccount({ storage }: Side, { storage: other }: Side): boolean {
  if (storage.calls.driver.name !== 'dropbox') return true
  const names = ['oauth2AccessToken', 'oauth2RefreshToken', 'appKey']
  const [ours, theirs] = [storage.options, other.options] as ReadonlyArray<Readonly<Record<string, unknown>>>
  return names.every(name => ours![name] === theirs![name])
}

/** Returns the real path of a folder or file that need not exist yet. */
export async function nearestReal(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch {
    const parent = dirname(path)
    return parent === path ? path : join(await nearestReal(parent), basename(path))
  }
}
