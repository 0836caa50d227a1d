import { parseManifest } from '../../../src/core/static-manifest.ts'
import type { Files } from './places.ts'

/** Why a file has another hash here than at Django: each reference that only one side has rewritten, by what it stands in. */
export type Reason =
  /** It names a file that itself has another hash. */
  | 'names a file that differs'
  /** `sourceMappingURL`, which Django rewrites since 4.0. */
  | 'source map'
  /** `import`, `export from`, `import()`: Django rewrites them since 4.2, where that is switched on. */
  | 'module'
  /** `new URL('x', import.meta.url)`, which Django never rewrites. */
  | 'new URL'
  /** The string of an `image-set()`, which Django never rewrites. */
  | 'image-set'
  /** `url(#a)`, which Django 3.2 writes `url("#a")`. */
  | 'quotes around a fragment'

/** A reference with a hash, what stands before it, and the name without the hash. */
const HASHED = /([\w.~%@/-]*?)\.([0-9a-f]{12})(?=\.[\w-]+|["')\s]|$)/g

interface Found {
  readonly before: string
  readonly plain: string
  readonly hash: string
}

function hashedIn(text: string): Found[] {
  return [...text.matchAll(HASHED)].map(({ 1: plain, 2: hash, index }) => ({
    before: text.slice(Math.max(0, index - 60), index),
    plain: plain!,
    hash: hash!,
  }))
}

/** The text as it is with the hashes taken out of its references. */
export function withoutHashes(text: string): string {
  return text.replace(HASHED, '$1')
}

function reasonOf({ before }: Found): Reason | string {
  if (/sourceMappingURL=$/.test(before)) return 'source map'
  if (/new URL\(\s*["'`]$/.test(before)) return 'new URL'
  if (/(?:\bimport|\bfrom|\bimport\()\s*["'`]?$/.test(before)) return 'module'
  if (/image-set\([^;{}]*["']$/.test(before)) return 'image-set'
  return `unknown: ${before}`
}

/**
 * The files whose hashes differ in two places, each with the reasons. A difference without one is `unknown`, with the text; so is a
 * reference that only Django has rewritten.
 */
export function differences(ours: Files, theirs: Files): Map<string, readonly string[]> {
  const [own, other] = [pathsIn(ours), pathsIn(theirs)]
  const found = new Map<string, readonly string[]>()
  for (const [name, stored] of own) {
    const theirStored = other.get(name)
    if (theirStored === stored) continue
    found.set(name, reasonsOf(textOf(ours, stored), textOf(theirs, theirStored)))
  }
  return found
}

function textOf(files: Files, stored: string | undefined): string {
  return files.get(stored ?? '')?.toString() ?? ''
}

function reasonsOf(own: string, their: string): readonly string[] {
  const reasons = new Set<string>()
  const left = new Map(hashedIn(their).map(found => [found.plain, found.hash]))
  const all = new Set(left.keys())
  for (const found of hashedIn(own)) {
    const hash = left.get(found.plain)
    if (hash === undefined) reasons.add(reasonOf(found))
    else if (hash !== found.hash) reasons.add('names a file that differs')
    all.delete(found.plain)
  }
  for (const plain of all) reasons.add(`only Django rewrites ${plain}`)
  const plain = withoutHashes(own)
  if (plain !== withoutHashes(their)) {
    const isQuoted = plain.replace(/url\((#[^)]*)\)/g, 'url("$1")') === withoutHashes(their)
    reasons.add(isQuoted ? 'quotes around a fragment' : 'other text')
  }
  return [...reasons].sort()
}

/** The manifest of a place. */
export function pathsIn(files: Files): ReadonlyMap<string, string> {
  return parseManifest(textOf(files, 'staticfiles.json'), 'staticfiles.json').paths
}
