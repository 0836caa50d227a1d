import { readFile } from 'node:fs/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { configure } from '../../src/config/index.ts'

const text = (path: string): Promise<string> => readFile(new URL(`../../${path}`, import.meta.url), 'utf8')

afterEach(() => {
  vi.restoreAllMocks()
  configure({})
})

describe('the quickstart', () => {
  it('prints what its comment in the README says', async () => {
    const lines: string[] = []
    vi.spyOn(console, 'log').mockImplementation((...values: unknown[]) => void lines.push(values.join(' ')))
    await import('../../examples/quickstart.ts')
    expect(lines).toEqual(['notes/hello.txt Hello, world! 13 /media/notes/hello.txt', 'true 2'])
    expect(await text('README.md')).toContain(lines.join('\n'))
  })

  it('stands word for word in the README', async () => {
    const example = await text('examples/quickstart.ts')
    expect(await text('README.md')).toContain(`\`\`\`ts\n${example}\`\`\``)
    expect(example.trimEnd().split('\n').length).toBeLessThanOrEqual(10)
  })
})
