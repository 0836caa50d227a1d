import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { BACKENDS } from '../src/config/backend-table.ts'
import { resolveBackend } from '../src/config/backends.ts'
import { runNode } from './support/child.ts'

const ROOT = join(import.meta.dirname, '..')
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))

it('runs on the Node of the development dependencies', () => {
  expect(process.version).toMatch(/^v24\./)
})

it('has a source for every subpath of the package, each importable', async () => {
  const names: Record<string, string[]> = {}
  for (const [subpath, target] of Object.entries<string | { default: string }>(manifest.exports)) {
    if (typeof target === 'string') continue
    const source = join(ROOT, target.default.replace('./dist/', 'src/').replace(/\.js$/, '.ts'))
    expect(existsSync(source), `${subpath}: ${source}`).toBe(true)
    names[subpath] = Object.keys(await import(source)).sort()
    expect(names[subpath].length, subpath).toBeGreaterThan(0)
  }
  expect(names).toMatchSnapshot()
})

it('has a subpath, a page and a place in the README for each backend of the table', async () => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
  const pages = new Set(readdirSync(join(ROOT, 'docs/backends')))
  for (const { name, className, folder, hasPage } of BACKENDS) {
    const dist = `./dist/backends/${folder}/index`
    expect(manifest.exports[`./${folder}`], name).toEqual({ types: `${dist}.d.ts`, default: `${dist}.js` })
    expect(resolveBackend(name).name, name).toBe(className)
    expect(manifest.keywords.includes(folder) || folder === 'local' || folder === 'memory', name).toBe(true)
    if (!hasPage) continue
    expect(pages, name).toContain(`${name}.md`)
    expect(readme, name).toContain(`docs/backends/${name}.md`)
  }
  const folders = readdirSync(join(ROOT, 'src/backends'))
  expect(new Set(BACKENDS.map(({ folder }) => folder))).toEqual(new Set(folders))
})

it('reads neither an SDK nor the command line when the core is imported', async () => {
  const script = `
    import { registerHooks } from 'node:module'
    const seen = []
    registerHooks({ resolve(specifier, context, next) { seen.push(specifier); return next(specifier, context) } })
    await import('./src/index.ts')
    console.log(JSON.stringify(seen.filter(name => /^[@a-z]/.test(name) && !name.startsWith('node:'))))`
  const { stdout, stderr } = await runNode(['--input-type=module', '-e', script], { cwd: ROOT })
  expect(stderr).toBe('')
  expect(JSON.parse(stdout)).toEqual(expect.not.arrayContaining([expect.stringMatching(/^(@|commander)/)]))
})
