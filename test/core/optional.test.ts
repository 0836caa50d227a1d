import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

const SOURCE = pathToFileURL(join(import.meta.dirname, '../../src/core/optional.ts')).href
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdall-optional-'))
})

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

/** What an import by name gives, in a process of its own: a package `name` with this code lies beside a copy of the source. */
function imported(code: string): unknown {
  const scope = join(folder, 'node_modules/optional-package')
  mkdirSync(scope, { recursive: true })
  writeFileSync(join(scope, 'package.json'), JSON.stringify({ type: 'module', exports: './index.js' }))
  writeFileSync(join(scope, 'index.js'), code)
  const script = `
    import { registerHooks } from 'node:module'
    const parentURL = ${JSON.stringify(`${pathToFileURL(folder).href}/`)}
    registerHooks({ resolve: (name, context, next) => next(name, /^[a-z-]+$/.test(name) ? { ...context, parentURL } : context) })
    const { importOptional } = await import(${JSON.stringify(SOURCE)})
    for (const name of ['optional-package', 'no-such-package']) {
      const result = await importOptional(name, 'Signing').catch(({ name, message }) => ({ name, message }))
      console.log(JSON.stringify(result))
    }`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  expect(stderr).toBe('')
  return stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
}

test('an optional package is imported by its name, and one that is missing is told with the line that installs it', () => {
  expect(imported('export const value = 1')).toEqual([
    { value: 1 },
    {
      name: 'ImproperlyConfigured',
      message: "Signing needs the package 'no-such-package'. Install it: npm i no-such-package",
    },
  ])
})

test('an optional package that fails, or lacks a package of its own, is not called missing', () => {
  expect(imported("import 'its-own-package'")).toMatchObject([
    { name: 'Error', message: expect.stringMatching(/its-own-package/) },
    { name: 'ImproperlyConfigured' },
  ])
  expect(imported("throw new RangeError('broken')")).toMatchObject([
    { name: 'RangeError', message: 'broken' },
    { name: 'ImproperlyConfigured' },
  ])
})
