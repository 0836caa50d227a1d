import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { runNode } from '../support/child.ts'

const ROOT = join(import.meta.dirname, '../..')
const page = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8')
const sectionOf = (title: string): string => page.split(`## ${title}\n`)[1]!.split('\n## ')[0]!
const filesIn = (text: string): string[] => [...text.matchAll(/`([\w./*-]+\.ts)`/g)].map(([, path]) => path!)

it('names files that exist', () => {
  const named = filesIn(page)
  expect(named.length).toBeGreaterThan(40)
  for (const path of named) {
    const found = path.includes('/')
      ? ['src', '.'].some(root => globSync(path, { cwd: join(ROOT, root) }).length > 0)
      : existsSync(join(ROOT, 'src', path))
    expect(found, path).toBe(true)
  }
})

it('begins with the floors, and has each folder of the sources in its table of ranks', () => {
  expect(page.indexOf('## The floors')).toBeLessThan(page.indexOf('\n## One call'))
  const [picture, ranks] = [sectionOf('The floors'), sectionOf('Ranks')]
  for (const name of readdirSync(join(ROOT, 'src'))) {
    expect(picture, name).toContain(name)
    expect(ranks, name).toContain(`\`${name}\``)
  }
})

it('walks through the files that a save walks through', async () => {
  const { stdout, stderr } = await runNode(['bench/walk.ts'], { cwd: ROOT })
  const walked = new Set(stdout.split('\n'))
  expect(walked.size, stderr).toBeGreaterThan(20)
  for (const path of filesIn(sectionOf('One call, file by file'))) {
    if (path.startsWith('bench/') || path.includes('*')) continue
    expect(walked, path).toContain(path)
  }
})
