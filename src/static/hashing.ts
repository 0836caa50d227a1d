import { hashedName, hashOfMd5, shortHash } from '../core/static-manifest.ts'
import { type Digest, digestOf } from './digest.ts'
import { dependencyGroups } from './graph.ts'
import type { Scanned, Scanner } from './scan.ts'
import type { StaticFile } from './types.ts'

/** A file under the name that contains its hash. */
export interface HashedFile {
  readonly name: string
  readonly storedAs: string
  readonly digest: Digest
  /** The bytes, where they differ from those of the source. */
  readonly bytes?: Buffer | undefined
}

/** The input of the naming. */
export interface HashingOptions {
  readonly sources: ReadonlyMap<string, StaticFile>
  readonly scanned: ReadonlyMap<string, Scanned>
  readonly scanner: Scanner
  /** Called for a source that can no longer be read, or has changed: it gets no name. */
  readonly onFailed: (name: string, error: unknown) => void
}

/**
 * Names the files, beginning with those that others refer to, so that every hash is that of the final bytes. Files that refer to each other
 * are one group: the hash of each covers its bytes with plain names inside the group, and the whole group.
 */
export async function* hashedFiles({
  sources,
  scanned,
  scanner,
  onFailed,
}: HashingOptions): AsyncGenerator<HashedFile> {
  const names = new Map<string, string>()
  const references = new Map<string, readonly string[]>()
  for (const [name, { digest, targets }] of scanned) {
    if (targets !== undefined) {
      references.set(name, targets)
      continue
    }
    const storedAs = scanner.isFinished(name) ? name : hashedName(name, hashOfMd5(digest.md5))
    names.set(name, storedAs)
    yield { name, storedAs, digest }
  }
  const newName = (name: string): string | undefined => {
    const stored = names.get(name)
    return stored === name ? undefined : stored
  }
  for (const group of dependencyGroups(references)) {
    const isCycle = group.length > 1 || references.get(group[0]!)!.includes(group[0]!)
    if (isCycle && !(await nameCycle(group))) continue
    for (const name of group) {
      const bytes = await rewritten(name)
      if (bytes === undefined) continue
      const digest = digestOf(bytes)
      if (!isCycle) names.set(name, hashedName(name, hashOfMd5(digest.md5)))
      yield { name, storedAs: names.get(name)!, digest, bytes }
    }
  }

  async function rewritten(name: string): Promise<Buffer | undefined> {
    try {
      return await scanner.rewrite(sources.get(name)!, scanned.get(name)!, newName)
    } catch (error) {
      onFailed(name, error)
      return undefined
    }
  }

  /** Returns false where a file of the group has failed. */
  async function nameCycle(group: readonly string[]): Promise<boolean> {
    const contents: Array<readonly [name: string, md5: string]> = []
    for (const name of group) {
      // No name of the group is known yet, so references inside it do not change.
      const bytes = await rewritten(name)
      if (bytes === undefined) return false
      contents.push([name, digestOf(bytes).md5])
    }
    const sorted = contents.sort(([a], [b]) => (a < b ? -1 : 1))
    const whole = shortHash(JSON.stringify(sorted))
    for (const [name, md5] of sorted) names.set(name, hashedName(name, shortHash(`${whole}${md5}`)))
    return true
  }
}
