import { expect, test, vi } from 'vitest'
import { FolderFinder } from '../../../src/static/finders/folders.ts'
import { Tree } from './fixture.ts'

// A system that finds files in any letter case, as macOS and Windows do.
vi.mock('node:fs', async original => {
  const fs = await original<typeof import('node:fs')>()
  const path = await import('node:path')
  const spelled = (given: string): string => {
    const folder = path.dirname(given)
    if (folder === given || fs.existsSync(given)) return given
    const above = spelled(folder)
    const base = path.basename(given).toLowerCase()
    const name = fs.existsSync(above) ? fs.readdirSync(above).find(each => each.toLowerCase() === base) : undefined
    return path.join(above, name ?? path.basename(given))
  }
  const statSync = (given: string, ...rest: []) => fs.statSync(spelled(given), ...rest)
  return { ...fs, default: fs, statSync }
})

test('only the exact letters of a name find a file where the system would find it by others', async () => {
  const { statSync } = await import('node:fs')
  using tree = new Tree({ 'Css/A.css': '' })
  expect(statSync(tree.at('cSS/a.CSS')).isFile()).toBe(true)
  const finder = new FolderFinder([tree.path])
  expect(await finder.find('Css/A.css')).toHaveLength(1)
  for (const name of ['css/A.css', 'Css/a.css', 'CSS/A.CSS']) expect(await finder.find(name), name).toEqual([])
})
