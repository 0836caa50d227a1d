// Writes the settings tables of docs/backends/*.md from the declarations. With --check it only says which pages are out of date.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { withSettingsTable } from '../src/cli/settings-table.ts'
import { declaredSettings, resolveBackend } from '../src/config/backends.ts'

const folder = join(import.meta.dirname, '../docs/backends')
const checking = process.argv.includes('--check')
const pages = existsSync(folder) ? readdirSync(folder).filter(name => name.endsWith('.md')) : []
const stale: string[] = []
let tables = 0

for (const page of pages) {
  const path = join(folder, page)
  const before = readFileSync(path, 'utf8')
  if (!before.includes('<!-- settings -->')) continue
  const after = withSettingsTable(before, declaredSettings(resolveBackend(basename(page, '.md'))))
  if (after === undefined) throw new Error(`${page}: '<!-- settings -->' needs a '<!-- /settings -->' after it.`)
  tables++
  if (after === before) continue
  stale.push(page)
  if (!checking) writeFileSync(path, after)
}

console.log(
  `${tables} settings tables, ${stale.length} ${checking ? 'out of date' : 'written'}${stale.map(name => ` ${name}`).join('')}`,
)
if (checking && stale.length > 0) process.exitCode = 1
