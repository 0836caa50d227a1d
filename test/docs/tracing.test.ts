/** The page on tracing lists every channel, and no other one. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const page = readFileSync(join(ROOT, 'docs/recipes/tracing.md'), 'utf8')
const sources = globSync('src/{storage,files,remote,backends,serve,transfer,uploads}/**/*.ts', { cwd: ROOT }).map(
  file => readFileSync(join(ROOT, file), 'utf8'),
)

/** The names that are given as the first argument of these functions. */
function namesIn(functions: RegExp): string[] {
  const calls = new RegExp(`${functions.source}(?:<[^>(]*>)?\\(\\s*'(\\w+)'`, 'g')
  return [...new Set(sources.flatMap(text => Array.from(text.matchAll(calls), ([, name]) => name!)))].sort()
}

/** The names in a list of the page. */
function listed(heading: string): string[] {
  const [, text = ''] = page.split(`<!-- ${heading} -->`)
  const [list = ''] = text.trim().split('\n\n')
  return Array.from(list.matchAll(/`(\w+)`/g), ([, name]) => name!)
}

// A copy and a move are one function, which gets the name of the operation.
const CALLS = [...namesIn(/(?<!#)\bcalls\.(?:run|local|operation)/), 'copy', 'move'].sort()

test('of the calls', () => {
  expect(CALLS.length).toBeGreaterThan(20)
  expect(listed('calls')).toEqual(CALLS)
})

test('of the steps', () => {
  const steps = namesIn(/\.step/).filter(name => !CALLS.includes(name))
  expect(steps.length).toBeGreaterThan(30)
  expect(listed('steps')).toEqual(steps)
})
