// Writes the settings tables of docs/backends/*.md and docs/static-files.md from the declarations. With --check it only says which pages are out of date.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TableOptions, withSettingsTable } from '../src/cli/settings-table.ts'
import { BACKENDS } from '../src/config/backend-table.ts'
import { declaredSettings, resolveBackend } from '../src/config/backends.ts'
import { staticSettings } from '../src/config/static-settings.ts'
import type { AnySettings } from '../src/core/settings.ts'
import { manifestSettings } from '../src/storage/manifest-options.ts'

/** A table on a page of docs/. */
interface Table extends TableOptions {
  readonly page: string
  readonly declared: AnySettings
}

const tables: readonly Table[] = [
  ...BACKENDS.filter(({ hasPage }) => hasPage).map(({ name }) => ({
    page: `backends/${name}`,
    declared: declaredSettings(resolveBackend(name)),
  })),
  { page: 'static-files', declared: staticSettings as AnySettings, name: 'static', hasOptions: false },
  { page: 'static-files', declared: manifestSettings as AnySettings, name: 'manifest' },
]

const checking = process.argv.includes('--check')
const stale: string[] = []

for (const { page, declared, ...options } of tables) {
  const path = join(import.meta.dirname, `../docs/${page}.md`)
  const before = readFileSync(path, 'utf8')
  const after = withSettingsTable(before, declared, options)
  if (after === undefined)
    throw new Error(`${path}: it needs '<!-- settings -->' and '<!-- /settings -->' around the table.`)
  if (after === before) continue
  stale.push(page)
  if (!checking) writeFileSync(path, after)
}

const state = checking ? 'out of date' : 'written'
console.log(`${tables.length} settings tables, ${stale.length} ${state} ${stale.join(' ')}`.trimEnd())
if (checking && stale.length > 0) process.exitCode = 1
