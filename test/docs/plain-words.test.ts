import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
/** Words for what a program does that have a plainer one: *returns, reports, states, no process, the caller*. */
const WORDS = /\b(?:told|tells|nobody|whoever|dear)\b/i
const COMMENT = /^\s*(?:\/\/|\/?\*)|\s\/\/ /

const files = (...patterns: string[]): string[] => globSync(patterns, { cwd: ROOT })

test('comments and pages use plain words', () => {
  const pages = files('*.md', 'docs/**/*.md').flatMap(file => lines(file))
  const comments = files('src/**/*.ts').flatMap(file => lines(file).filter(({ text }) => COMMENT.test(text)))
  expect(pages.length).toBeGreaterThan(1000)
  expect(comments.length).toBeGreaterThan(1000)
  const found = [...pages, ...comments].filter(({ text }) => WORDS.test(text))
  expect(found.map(({ file, line, text }) => `${file}:${line}: ${text.trim()}`)).toEqual([])
})

function lines(file: string): Array<{ file: string; line: number; text: string }> {
  return readFileSync(join(ROOT, file), 'utf8')
    .split('\n')
    .map((text, at) => ({ file, line: at + 1, text }))
}
