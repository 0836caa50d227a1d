import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { BUNDLERS, NEXT } from '../bundlers/rows.ts'
import { COMPATIBILITY_DATE, RUNTIMES, WORKERS } from '../runtimes/rows.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/runtimes.md'), 'utf8')

/** The first column of the table under a heading. */
function rows(heading: string): string[] {
  const section = page.split(/^## /m).find(text => text.startsWith(heading))!
  return [...section.matchAll(/^\| ([^|]+?) +\|/gm)].map(([, cell]) => cell!).slice(1)
}

test('the tables name what is run, and nothing else', () => {
  expect(rows('Runtimes')).toEqual([...RUNTIMES.map(({ row }) => row), WORKERS])
  expect(rows('Bundlers')).toEqual([...BUNDLERS.map(({ row }) => row), NEXT])
})

test('the page names the compatibility date that is run', () => {
  expect(page).toContain(`\`compatibility_date\` of ${COMPATIBILITY_DATE} or later`)
})

test('the versions in the table are those that are installed', () => {
  const { dependencies } = JSON.parse(readFileSync(join(import.meta.dirname, '../runtimes/package.json'), 'utf8'))
  for (const { row } of RUNTIMES) {
    const [name, version] = row.toLowerCase().split(' ')
    const installed = row === 'Node 24' ? process.versions.node : dependencies[name!]
    expect(`${installed}.`.startsWith(`${version}.`), row).toBe(true)
  }
})
