/** Ignore patterns are those of Python's fnmatch, by which Django leaves out files. */
import { expect, test } from 'vitest'
import { FnmatchPattern } from '../../src/static/fnmatch.ts'
import { seeded } from '../oracles/seeded.ts'
import { FNMATCH_RESULTS } from '../static/fnmatch-results.ts'
import { runScript } from './python/script.ts'

type Question = readonly [pattern: string, names: readonly string[]]

async function ask(questions: readonly Question[]): Promise<boolean[][]> {
  return JSON.parse(await runScript('fnmatch_results.py', questions))
}

test('the table that the other tests use is what Python says', async () => {
  const questions = FNMATCH_RESULTS.map(([pattern, matching, others]): Question => [pattern, [...matching, ...others]])
  const answers = await ask(questions)
  expect(answers).toEqual(
    FNMATCH_RESULTS.map(([, matching, others]) => [...matching.map(() => true), ...others.map(() => false)]),
  )
})

/**
 * Where the two differ on purpose: two stars between slashes are no folder as well, and in Python a range that ends before it begins makes what follows
 * it the beginning of the set, so that `[b-a!c]` is `[!c]`.
 */
function isComparable(pattern: string): boolean {
  if (/(?:^|\/)\*\*\//.test(pattern)) return false
  for (const [, text] of pattern.matchAll(/\[!?(.[^\]]*)\]/gsu)) {
    const characters = Array.from(text!)
    for (let at = 0; at + 3 < characters.length; at++) {
      const [first, hyphen, last, next] = characters.slice(at)
      if (hyphen === '-' && next === '!' && first!.codePointAt(0)! > last!.codePointAt(0)!) return false
    }
  }
  return true
}

test('so are 20,000 patterns at random', async () => {
  const random = seeded(12)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!
  const text = (parts: readonly string[], most: number): string => {
    return Array.from({ length: Math.floor(random() * (most + 1)) }, () => pick(parts)).join('')
  }
  const parts = [
    'a',
    'b',
    'c',
    '/',
    '*',
    '?',
    '[',
    ']',
    '!',
    '-',
    '^',
    '\\',
    '.',
    '&',
    '|',
    '~',
    '{',
    '(',
    '\u{1f600}',
    '\u00e9',
    '\n',
  ]
  const plain = ['a', 'b', 'c', '/', '-', '!', '^', '\\', ']', '[', '*', '.', '&', '\u{1f600}', '\u00e9', '\n']
  const set = () => `[${text(['a', 'b', 'c', '-', '-', '!', '^', '\\', ']', '/', '\u{1f600}'], 5)}]`
  /** A name at random, or one that is like the pattern: `*`, `?` and sets are often filled in. */
  const nameFor = (pattern: string) => {
    if (random() < 0.3) return text(plain, 4)
    return pattern.replace(/\*|\?|\[[^\]]+\]/g, part =>
      part === '*' ? text(plain, 2) : random() < 0.9 ? pick(plain) : part,
    )
  }
  const questions: Question[] = []
  while (questions.length < 20_000) {
    const pattern = random() < 0.5 ? text(parts, 8) : text([...parts, ...plain], 2) + set() + text(['*', '?', 'a'], 2)
    if (isComparable(pattern)) questions.push([pattern, Array.from({ length: 12 }, () => nameFor(pattern))])
  }
  const answers = await ask(questions)
  const ours = questions.map(([pattern, names]) => names.map(name => new FnmatchPattern(pattern).matches(name)))
  const different = questions.flatMap(([pattern, names], question) =>
    names.flatMap((name, at) =>
      answers[question]![at] === ours[question]![at] ? [] : [[pattern, name, answers[question]![at]]],
    ),
  )
  expect(different).toEqual([])
  // Both answers are given often enough for the comparison to mean something.
  const matching = answers.flat().filter(Boolean).length
  expect(matching).toBeGreaterThan(10_000)
  expect(matching).toBeLessThan(answers.flat().length - 10_000)
})
