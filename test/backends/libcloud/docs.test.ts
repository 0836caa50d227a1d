import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { entrySettings } from '../../../src/backends/libcloud/entry-settings.ts'
import { PROVIDER_TYPES } from '../../../src/backends/libcloud/types.ts'

const page = readFileSync(join(import.meta.dirname, '../../../docs/backends/libcloud.md'), 'utf8')

it('the page has every type of provider', () => {
  const missing = [...PROVIDER_TYPES.keys()].filter(tag => !tag.endsWith('_HOST') && !page.includes(`\`${tag}\``))
  expect(missing).toEqual([])
  for (const host of page.match(/`S3_\w+_HOST`/g)!) expect([...PROVIDER_TYPES.keys()]).toContain(host.slice(1, -1))
})

it('the page has every key of an entry, and its other names', () => {
  const snake = (name: string) => name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
  const names = Object.entries(entrySettings).flatMap(([key, { aliases }]) => [
    snake(key),
    ...aliases.filter(alias => alias === alias.toLowerCase()),
  ])
  expect(names.filter(name => !new RegExp(`\`${name}[\`:]`).test(page))).toEqual([])
})
