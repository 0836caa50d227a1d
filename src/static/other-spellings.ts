import { foldedName } from '../core/case-clashes.ts'
import type { Target } from './target.ts'

/**
 * Removes from the stale names those that may be another spelling of a file of this run: `Logo.png` is `logo.png` in a target that ignores
 * letter case, and must not be removed. Such a target lists only one of them, so it is listed once more if there are any. They are removed
 * from the record.
 */
export async function withoutOtherSpellings(
  target: Target,
  names: readonly string[],
  stale: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (stale.length === 0) return stale
  const wanted = new Map<string, string>()
  const folded = new Set(stale.map(foldedName))
  for (const name of names) if (folded.has(foldedName(name))) wanted.set(foldedName(name), name)
  if (wanted.size === 0) return stale
  const listed = new Set<string>()
  for await (const { name } of target.storage.entries('', { recursive: true, signal })) listed.add(name)
  return stale.filter(name => {
    const twin = wanted.get(foldedName(name))
    if (twin === undefined || (listed.has(name) && listed.has(twin))) return true
    target.forget(name)
    return false
  })
}
