import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

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

it('reads neither an SDK nor the command line when the core is imported', () => {
  const script = `
    import { registerHooks } from 'node:module'
    const seen = []
    registerHooks({ resolve(specifier, context, next) { seen.push(specifier); return next(specifier, context) } })
    await import('./src/index.ts')
    console.log(JSON.stringify(seen.filter(name => /^[@a-z]/.test(name) && !name.startsWith('node:'))))`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  expect(stderr).toBe('')
  expect(JSON.parse(stdout)).toEqual(expect.not.arrayContaining([expect.stringMatching(/^(@|commander)/)]))
})
