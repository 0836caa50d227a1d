import { realpathSync } from 'node:fs'
import { dirname, isAbsolute, relative, sep } from 'node:path'
import type { CallOptions } from '../core/call.ts'
import { ImproperlyConfigured } from '../core/errors.ts'
import { addressOf } from '../storage/address.ts'
import type { AnyStorage } from '../storage/storage.ts'
import type { ManifestPlan } from './options.ts'
import type { StaticFile } from './types.ts'

/**
 * Returns the manifest's name among the files of the target; undefined where it is stored elsewhere. Two storages may have the same
 * location.
 */
export async function manifestNameIn(
  target: AnyStorage,
  plan: ManifestPlan | undefined,
  options: CallOptions,
): Promise<string | undefined> {
  if (plan === undefined) return undefined
  const { storage, name } = plan
  if (storage === target) return name
  if (storage.supports('path') && target.supports('path')) return nameBelow(target.path(''), storage.path(name))
  const [there, here] = await Promise.all([storage, target].map(each => addressOf(each, each.newRef(name), options)))
  return there !== undefined && there === here ? name : undefined
}

/** Rejects sources that lie in the target, which a run changes and may clear: `improperly_configured`. */
export function refuseOwnFiles(sources: Iterable<StaticFile>, target: AnyStorage): void {
  const root = target.supports('path') ? realPath(target.path('')) : undefined
  if (root === undefined) return
  const seen = new Set<string>()
  for (const { path } of sources) {
    if (path === undefined || seen.has(dirname(path))) continue
    const folder = dirname(path)
    seen.add(folder)
    if (nameBelow(root, realPath(folder) ?? folder) === undefined) continue
    const text = 'a run would change its own sources. Collect from another folder, or into another one'
    throw new ImproperlyConfigured(`'${path}' lies in the target '${root}': ${text}.`)
  }
}

/** Returns the name of a path relative to a folder; '' for the folder itself, undefined where it is not in it. */
function nameBelow(folder: string, path: string): string | undefined {
  const below = relative(folder, path)
  return below === '..' || below.startsWith(`..${sep}`) || isAbsolute(below) ? undefined : below.split(sep).join('/')
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}
