import { expect, test, vi } from 'vitest'
import { FolderFinder } from '../../../src/static/finders/folders.ts'
import { listed, Tree } from './fixture.ts'

// A system that lists folders backwards. Node promises no order.
vi.mock('node:fs', async original => {
  const fs = await original<typeof import('node:fs')>()
  const readdirSync = (...args: Parameters<typeof fs.readdirSync>) => [...fs.readdirSync(...args)].reverse()
  return { ...fs, default: fs, readdirSync }
})

test('files and reports come in the same order whatever the order of the system', async () => {
  using tree = new Tree({ 'a.css': '', 'b-2/x.css': '', 'b/c.css': '', 'b/d.css': '', 'e\\.css': '', 'f\n.css': '' })
  tree.link('gone', 'nowhere')
  const { readdirSync } = await import('node:fs')
  expect(readdirSync(tree.at('b'))).toEqual(['d.css', 'c.css'])
  const { names, skipped } = await listed(new FolderFinder([tree.path]))
  expect(names).toEqual(['a.css', 'b-2/x.css', 'b/c.css', 'b/d.css'])
  expect(skipped.map(([path]) => path)).toEqual([tree.at('e\\.css'), tree.at('f\n.css'), tree.at('gone')])
})
