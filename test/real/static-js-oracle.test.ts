import { globSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync } from 'oxc-parser'
import { beforeAll, describe, expect, test } from 'vitest'
import { htmlReferences } from '../../src/static/references/html.ts'
import { javaScriptReferences } from '../../src/static/references/javascript.ts'
import { frontendsFolder } from '../servers/frontends.ts'
import { between, rewritten, urls } from '../static/references/finding.ts'
import { compared } from '../static/references/javascript-oracle.ts'

const OURS = join(import.meta.dirname, '../../node_modules')
/** Bytes; a larger bundle takes oxc-parser seconds for its tree. */
const MAX_SIZE = 2_000_000

describe('in the scripts of packages', () => {
  const files = new Map<string, string>()

  beforeAll(() => {
    for (const folder of [join(frontendsFolder(), 'node_modules'), OURS]) {
      for (const name of globSync('**/*.{js,mjs}', { cwd: folder }).sort()) {
        const path = join(folder, name)
        const stats = statSync(path)
        if (stats.isFile() && stats.size < MAX_SIZE) files.set(path, readFileSync(path, 'utf8'))
      }
    }
  }, 600_000)

  test('oxc-parser finds the same references', async () => {
    let [read, equal] = [0, 0]
    const differences: unknown[] = []
    for (const [name, text] of files) {
      const both = await compared(text)
      if (both === undefined) continue
      read++
      equal += both.equal
      if (both.onlyOurs.length + both.onlyTheirs.length > 0) differences.push({ name, ...both })
    }
    expect(differences).toEqual([])
    expect(read).toBeGreaterThan(5000)
    expect(equal).toBeGreaterThan(10_000)
  }, 300_000)

  test('it sees the same source maps: in the last comment, with nothing behind it', async () => {
    let maps = 0
    for (const [name, text] of files) {
      if (!text.includes('sourceMappingURL=') || text.length > 500_000) continue
      const ours = (await javaScriptReferences(text)).filter(({ kind }) => kind === 'sourceMap')
      const theirs = sourceMapOf(text)
      if (theirs === undefined) continue
      expect(
        ours.map(({ url }) => url),
        name,
      ).toEqual(theirs)
      maps += ours.length
    }
    expect(maps).toBeGreaterThan(1000)
  }, 300_000)

  test('a rewritten script differs in its URLs only', async () => {
    const unreadable: string[] = []
    for (const [name, text] of files) {
      const found = await urls(javaScriptReferences, text).catch(() => {
        unreadable.push(name)
        return []
      })
      if (found.length === 0) continue
      const after = await rewritten(javaScriptReferences, text, ({ url }) => `${url}?v=1`)
      expect(await urls(javaScriptReferences, after), name).toEqual(found.map(url => `${url}?v=1`))
      expect(await between(javaScriptReferences, after), name).toEqual(await between(javaScriptReferences, text))
    }
    // Fixtures of others' tests, which are no JavaScript.
    expect(unreadable.length).toBeLessThan(3)
  }, 300_000)
})

test('pages of packages are rewritten in their URLs only', async () => {
  let [pages, count] = [0, 0]
  for (const folder of [join(frontendsFolder(), 'node_modules'), OURS]) {
    for (const name of globSync('**/*.html', { cwd: folder }).sort()) {
      const text = readFileSync(join(folder, name), 'utf8')
      const found = await urls(htmlReferences, text)
      const after = await rewritten(htmlReferences, text, ({ url }) => `${url}?v=1&w="'`)
      expect(await urls(htmlReferences, after), name).toEqual(found.map(url => `${url}?v=1&w="'`))
      expect(await between(htmlReferences, after), name).toEqual(await between(htmlReferences, text))
      pages++
      count += found.length
    }
  }
  expect(pages).toBeGreaterThan(10)
  expect(count).toBeGreaterThan(50)
}, 300_000)

/** The URL of the source map among the comments that oxc-parser sees; undefined where it reads no JavaScript. */
function sourceMapOf(text: string): readonly string[] | undefined {
  const module = parseSync('a.js', text, { sourceType: 'module', lang: 'js' })
  const { errors, comments } =
    module.errors.length > 0 ? parseSync('a.js', text, { sourceType: 'commonjs', lang: 'js' }) : module
  if (errors.length > 0) return undefined
  let end = text.length
  for (const { type, value, start, end: commentEnd } of comments.toReversed()) {
    if (text.slice(commentEnd, end).trim() !== '') return []
    const url = type === 'Line' ? /^[#@]\s*sourceMappingURL=(\S+)\s*$/.exec(value)?.[1] : undefined
    if (url !== undefined) return url.startsWith('data:') ? [] : [url]
    end = start
  }
  return []
}
