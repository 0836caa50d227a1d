/** What `npm i` gets wrong in package-lock.json, so that `npm ci` fails on other machines. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '..')

interface Locked {
  readonly version?: string
  readonly link?: boolean
  readonly gypfile?: boolean
  readonly hasInstallScript?: boolean
}

const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
  readonly packages: Readonly<Record<string, Locked>>
}
const packages = Object.entries(lock.packages).filter(([path]) => path !== '')

it('better-sqlite3 is not compiled by npm ci', () => {
  const found = lock.packages['node_modules/better-sqlite3']
  expect(
    found?.gypfile,
    `package-lock.json, "node_modules/better-sqlite3": put '"gypfile": false' back. npm drops it at each 'npm i'; without it 'npm ci' runs node-gyp, which fails on machines without Python and a compiler. The package brings its binaries along.`,
  ).toBe(false)
})

it('no other package is compiled without saying so', () => {
  expect(packages.length).toBeGreaterThan(100)
  const compiled = packages.filter(
    ([path, { gypfile, hasInstallScript }]) =>
      gypfile !== false && hasInstallScript !== true && existsSync(join(ROOT, path, 'binding.gyp')),
  )
  expect(
    compiled.map(([path]) => `${path}: put "gypfile": false into package-lock.json, or take another package`),
  ).toEqual([])
})

it('every entry has a version', () => {
  const without = packages.filter(([, { version, link }]) => version === undefined && link !== true)
  expect(
    without.map(([path]) => path),
    "The registry lacks these: 'npm i' succeeds, and 'npm ci' fails with EUSAGE. Take the newest version of the package that depends on them for which all exist.",
  ).toEqual([])
})
