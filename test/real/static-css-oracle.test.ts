import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { generate, parse } from 'css-tree'
import { beforeAll, describe, expect, test } from 'vitest'
import { frontendsFolder } from '../servers/frontends.ts'
import { compared, comparedSourceMaps } from '../static/references/css-oracle.ts'
import { referencesOf, rewritten } from '../static/references/css-support.ts'

describe('in the stylesheets of packages', () => {
  const files = new Map<string, string>()

  beforeAll(() => {
    const folder = join(frontendsFolder(), 'node_modules')
    for (const name of globSync('**/*.css', { cwd: folder }).sort())
      files.set(name, readFileSync(join(folder, name), 'utf8'))
  }, 600_000)

  test('css-tree finds the same references, but for kinds that are explained', () => {
    let equal = 0
    const unexplained: string[] = []
    for (const [name, text] of files) {
      const both = compared(text)
      equal += both.equal
      for (const { finder, url, kind } of both.differences)
        if (kind === undefined) unexplained.push(`${name}: ${finder} ${url}`)
    }
    expect(unexplained).toEqual([])
    expect(files.size).toBeGreaterThan(500)
    expect(equal).toBeGreaterThan(2000)
  })

  test('it sees the same source maps', () => {
    let maps = 0
    for (const [name, text] of files) {
      const [ours, theirs] = comparedSourceMaps(text)
      expect(ours, name).toEqual(theirs)
      maps += ours.length
    }
    expect(maps).toBeGreaterThan(10)
  })

  test('a rewritten stylesheet differs in its URLs only', () => {
    for (const [name, text] of files) {
      const references = referencesOf(text)
      if (references.length === 0) continue
      const after = rewritten(text, ({ url }) => url)
      expect(canonical(after), name).toBe(canonical(text))
      expect(
        referencesOf(after).map(({ url }) => url),
        name,
      ).toEqual(references.map(({ url }) => url))
      expect(
        rewritten(after, ({ url }) => url),
        name,
      ).toBe(after)
    }
  })
})

/** The stylesheet as css-tree writes it, where a URL has one form. */
function canonical(text: string): string {
  return generate(parse(text, { parseCustomProperty: true, onParseError() {} }))
}
