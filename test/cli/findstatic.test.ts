import { symlink } from 'node:fs/promises'
import { afterAll, expect, test } from 'vitest'
import { StaticSite } from './static-site.ts'

const site = await StaticSite.make()
afterAll(() => site[Symbol.asyncDispose]())
for (const name of ['src/css/a.css', 'src/pre/x.js', 'lib/x.js']) await site.write(name)
await symlink(site.path('src/css/a.css'), site.path('src/linked.css'))

test('shows every file of a name, the one that is collected first', async () => {
  const [one, two] = [site.path('src/pre/x.js'), site.path('lib/x.js')]
  expect(await site.run('findstatic', 'pre/x.js', 'css/a.css')).toMatchObject({
    code: 0,
    stderr: '',
    stdout: `Found 'pre/x.js' here:\n  ${one}\n  ${two}\nFound 'css/a.css' here:\n  ${site.path('src/css/a.css')}\n`,
  })
  expect((await site.run('findstatic', '--first', 'pre/x.js')).stdout).toBe(`Found 'pre/x.js' here:\n  ${one}\n`)
  expect((await site.run('findstatic', '-v', '0', 'pre/x.js')).stdout).toBe(`${one}\n${two}\n`)
  expect((await site.run('findstatic', '--quiet', 'pre/x.js')).stdout).toBe(`${one}\n${two}\n`)
})

test('shows where links lead', async () => {
  const { stdout } = await site.run('findstatic', 'linked.css', '-v0')
  expect(stdout).toBe(`${site.path('src/css/a.css')}\n`)
})

test('shows at verbosity 2 where it looked', async () => {
  const { stdout } = await site.run('findstatic', '-v', '2', 'css/a.css')
  const looked = `Looking in the following locations:\n  ${site.path('src')}\n  ${site.path('lib')}\n`
  expect(stdout).toBe(`Found 'css/a.css' here:\n  ${site.path('src/css/a.css')}\n${looked}`)
  const none = await site.run('findstatic', '-v', '2', 'none.css')
  expect(none).toMatchObject({ code: 1, stdout: '', stderr: `No matching file found for 'none.css'.\n\n${looked}` })
})

test('reports a name without a file on stderr, and by the exit code', async () => {
  const ran = await site.run('findstatic', 'no\x1bne.css', 'css/a.css')
  expect(ran).toMatchObject({ code: 1, stderr: "No matching file found for 'no\\x1bne.css'.\n" })
  expect(ran.stdout).toContain('css/a.css')
  expect(await site.run('findstatic', '-v', '0', 'none.css')).toMatchObject({ code: 1, stdout: '', stderr: '' })
})

test('has a line of JSON for each name', async () => {
  const { code, stdout, stderr } = await site.run('--json', 'findstatic', 'pre/x.js', 'none', '-v', '2')
  expect([code, stderr]).toEqual([1, ''])
  const locations = [site.path('src'), site.path('lib')]
  expect(
    stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line)),
  ).toEqual([
    { name: 'pre/x.js', paths: [site.path('src/pre/x.js'), site.path('lib/x.js')], locations },
    { name: 'none', paths: [], locations },
  ])
})

test('never finds what lies outside of the folders', async () => {
  for (const name of ['../holdall.config.json', site.path('holdall.config.json'), 'pre/../../holdall.config.json']) {
    const { code, stdout } = await site.run('findstatic', name)
    expect([code, stdout]).toEqual([1, ''])
  }
})

test('is a usage error without a name, or with an unknown verbosity', async () => {
  expect(await site.run('findstatic')).toMatchObject({ code: 2 })
  expect(await site.run('findstatic', '-v', '4', 'x')).toMatchObject({
    code: 2,
    stderr: "holdall: --verbosity: expected 0, 1, 2 or 3, got '4'.\n",
  })
})
