import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import { isInside } from '../backends/local/place.ts'
import { addressesOf } from '../storage/address.ts'
import { shownTarget, type Target, UsageError } from './context.ts'
import { below } from './target.ts'

/** A name that represents any file of a folder. */
const ANY = '~'

/** Rejects two names of one file, also in two storages of one location. */
export async function refuseSameFile(from: Target, to: Target, signal: AbortSignal): Promise<void> {
  const isOne = from.storage.calls.driver === to.storage.calls.driver
  const isSame = (isOne && keyOf(from, from.path) === keyOf(to, to.path)) || (await isSameAddress(from, to, signal))
  if (!isSame) return
  const [source, target] = [shownTarget(from.alias, from.path), shownTarget(to.alias, to.path)]
  throw new UsageError(
    source === target ? `'${source}' is both source and target.` : `'${source}' and '${target}' are the same file.`,
  )
}

/** Rejects a target that is the source's folder or lies in it: the written files would be read again. */
export async function refuseInside(from: Target, to: Target, signal: AbortSignal): Promise<void> {
  const placesOf = async (target: Target, folder: string): Promise<readonly string[]> =>
    (await addressesIn(target, below(folder, ANY), signal)).map(address => address.slice(0, -ANY.length))
  const sources = await placesOf(from, from.path)
  // A folder on the way may be a link into the source.
  for (const folder of foldersOnTheWay(to.path)) {
    const targets = await placesOf(to, folder)
    if (targets.some(target => sources.some(source => target.startsWith(source)))) {
      const [a, b] = [shownTarget(from.alias, from.path), shownTarget(to.alias, to.path)]
      throw new UsageError(a === b ? `'${a}' is both source and target.` : `'${b}' is inside '${a}'.`)
    }
  }
}

/** Rejects a folder of this machine that contains the place in a storage into which it would be stored. */
export function refuseOwnFolder(path: string, { storage, alias, path: name }: Target): void {
  if (!storage.supports('path')) return
  const source = realPathOf(path)
  for (const folder of foldersOnTheWay(name)) {
    const real = realPathOf(storage.path(folder))
    if (real === undefined) continue
    if (source !== undefined && isInside(source, join(real, name.slice(folder.length)))) {
      const place = shownTarget(alias, name)
      throw new UsageError(`put: '${place}' is inside the folder '${path}': its files would be stored again.`)
    }
    return
  }
}

function realPathOf(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}

function foldersOnTheWay(path: string): string[] {
  const parts = path.split('/').filter(Boolean)
  return ['', ...parts.map((_, i) => parts.slice(0, i + 1).join('/'))].reverse()
}

function keyOf({ storage }: Target, name: string): string {
  return storage.normalRef(name).key
}

function addressesIn({ storage }: Target, name: string, signal: AbortSignal): Promise<readonly string[]> {
  return addressesOf(storage, storage.normalRef(name), { signal })
}

async function isSameAddress(from: Target, to: Target, signal: AbortSignal): Promise<boolean> {
  const [ours, theirs] = await Promise.all([addressesIn(from, from.path, signal), addressesIn(to, to.path, signal)])
  return ours.some(address => theirs.includes(address))
}
