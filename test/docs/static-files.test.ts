/** The page of static files names what there is. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { BACKENDS } from '../../src/config/backend-table.ts'
import { staticSettings } from '../../src/config/static-settings.ts'
import type { AnySettings } from '../../src/core/settings.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/static-files.md'), 'utf8')
const classes = BACKENDS.filter(({ name }) => /(?:^|-)static$/.test(name))

describe('the page of static files', () => {
  test.each(classes.map(({ name, className, paths }) => [name, className, paths] as const))(
    'has the class %s with all its paths',
    (name, className, paths) => {
      const row = page.split('\n').find(line => line.startsWith(`| \`${name}\` |`))
      for (const word of [className, ...paths]) expect(row).toContain(`\`${word}\``)
    },
  )

  test('knows six classes', () => {
    expect(classes).toHaveLength(6)
  })

  test('explains each setting whose value has parts', () => {
    for (const { keys } of Object.values(staticSettings as AnySettings)) {
      if (keys[0] !== 'STATICFILES_IGNORE') expect(page, keys[0]).toContain(`**${keys[0]}`)
    }
  })

  test('shows a program that runs, word for word', async () => {
    const program = readFileSync(join(import.meta.dirname, '../../examples/static.ts'), 'utf8')
    expect(page).toContain(`\`\`\`ts\n${program}\`\`\``)
    const lines: string[] = []
    vi.spyOn(console, 'log').mockImplementation((...values: unknown[]) => void lines.push(values.join(' ')))
    await import('../../examples/static.ts')
    vi.restoreAllMocks()
    expect(lines[0]).toBe('3 copied, 3 with hashed names')
    expect(lines[1]).toMatch(/^<link rel="stylesheet" href="\/static\/css\/site\.[0-9a-f]{12}\.css">$/)
    expect(lines[2]).toMatch(
      /^@import url\("base\.[0-9a-f]{12}\.css"\); body \{ background: url\("\.\.\/back\.[0-9a-f]{12}\.svg"\) \}$/,
    )
  })
})
