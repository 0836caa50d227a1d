import { expect } from 'vitest'
import { parseManifest, shortHash } from '../../../src/core/static-manifest.ts'

/** All files of a place, by their names. */
export type Seen = ReadonlyMap<string, string>

const MANIFEST = 'staticfiles.json'

/** The names that a hashed file names: its pictures, sheets and modules. */
function namedIn(name: string, text: string): string[] {
  const found = /\.(css|js)$/.test(name) ? text.matchAll(/(?:url\(|from |import\()["']?([^"')\s]+)/g) : []
  return [...found].map(([, url]) => new URL(url!, `http://x/${name}`).pathname.slice(1))
}

/**
 * The entries of the manifest that is in a place, or undefined where there is none. Every file that it names is there with the bytes that
 * its hash is of, and so is everything that these files name.
 */
export function entriesOf(seen: Seen): Readonly<Record<string, string>> | undefined {
  const text = seen.get(MANIFEST)
  if (text === undefined) return undefined
  const { paths } = parseManifest(text, MANIFEST)
  for (const [name, stored] of paths) {
    const content = seen.get(stored)
    expect(content, `${name}: ${stored} is missing`).toBeDefined()
    expect(stored, `${name}: hash of the bytes`).toContain(`.${shortHash(content!)}.`)
    for (const other of namedIn(stored, content!)) {
      expect([...paths.values()], `${stored} names ${other}`).toContain(other)
    }
  }
  return Object.fromEntries(paths)
}
