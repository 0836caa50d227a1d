import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAst } from 'rolldown/parseAst'
import { analyse } from 'scslre'
import { expect, test } from 'vitest'

const SRC = join(import.meta.dirname, '../../src')
/** Whose input comes from strangers. */
const FOLDERS = 'serve/**/*.ts,backends/local/**/*.ts'.split(',')

interface Pattern {
  readonly source: string
  readonly flags: string
}

/** The regular expressions of a program, wherever they stand. */
function* patterns(node: unknown): Generator<Pattern> {
  if (typeof node !== 'object' || node === null) return
  const { type, regex } = node as { type?: unknown; regex?: { pattern: string; flags: string } }
  if (type === 'Literal' && regex !== undefined) yield { source: regex.pattern, flags: regex.flags }
  else for (const child of Object.values(node)) yield* patterns(child)
}

/** A text of which the expression takes more steps than in proportion to its length; undefined where there is none. */
function slowOn(pattern: Pattern): string | undefined {
  const [report] = analyse(pattern).reports
  return report === undefined ? undefined : `${report.type} of ${report.character.literal.source}`
}

test('no regular expression takes more steps than in proportion to its text', () => {
  const found = FOLDERS.flatMap(folder => globSync(folder, { cwd: SRC })).flatMap(file =>
    [...patterns(parseAst(readFileSync(join(SRC, file), 'utf8'), { lang: 'ts' }))].map(pattern => ({
      file,
      ...pattern,
    })),
  )
  expect(found.length).toBeGreaterThan(20)
  for (const pattern of found) expect(slowOn(pattern), `${pattern.file}: /${pattern.source}/`).toBeUndefined()
})

test.each([/^a=[ \t]*(\d*)[ \t]*-$/, /\/+$/, /^(\w+)*!$/])('%s would be found', pattern => {
  expect(slowOn(pattern)).toBeDefined()
})
