// Writes the settings tables of docs/backends/*.md from the declarations. With --check it only says which pages are out of date.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withSettingsTable } from '../src/cli/settings-table.ts'
import { BACKENDS } from '../src/config/backend-table.ts'
import { declaredSettings, resolveBackend } from '../src/config/backends.ts'

const checking = process.argv.includes('--check')
const stale: string[] = []
const rows = BACKENDS.filter(({ hasPage }) => hasPage)

for (const { name } of rows) {
  const path = join(import.meta.dirname, `../docs/backends/${name}.md`)
  const before = readFileSync(path, 'utf8')
  const after = withSettingsTable(before, declaredSettings(resolveBackend(name)))
  if (after === undefined)
    throw new Error(`${path}: it needs '<!-- settings -->' and '<!-- /settings -->' around the table.`)
  if (after === before) continue
  stale.push(name)
  if (!checking) writeFileSync(path, after)
}

const state = checking ? 'out of date' : 'written'
console.log(`${rows.length} settings tables, ${stale.length} ${state} ${stale.join(' ')}`.trimEnd())
if (checking && stale.length > 0) process.exitCode = 1
