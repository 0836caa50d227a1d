/** `holdall collectstatic` on a local folder, each command in a process of its own. (Django `collectstatic`; the numbers are rows of the test cases) */
import { lstat, readFile, rm, symlink, utimes } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { parseManifest, serializeManifest } from '../../src/core/static-manifest.ts'
import { MANIFEST, StaticSite } from './static-site.ts'

// Every command is a process of its own.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let site: StaticSite
beforeEach(async () => {
  site = await StaticSite.make()
})
afterEach(() => site[Symbol.asyncDispose]())
const collect = (...args: string[]) => site.run('collectstatic', ...args)

/** The 13 files of a site. */
async function fill(): Promise<string[]> {
  const names = ['a.css', 'b.js', 'c.png', 'css/d.css', 'css/e.css', 'img/f.png', 'img/g/h.svg', 'i', 'j.txt', 'k/l.js']
  for (const name of names) await site.write(`src/${name}`, `/* ${name} */`)
  for (const name of ['m.css', 'n.js', 'o/p.png']) await site.write(`lib/${name}`, `/* ${name} */`)
  return [...names, 'pre/m.css', 'pre/n.js', 'pre/o/p.png'].sort()
}

describe('collectstatic', () => {
  test('copies the files of every folder below its prefix, and counts them (231, 237)', async () => {
    const names = await fill()
    const first = await collect('--noinput')
    expect(first).toMatchObject({ code: 0, stderr: '' })
    expect(first.stdout).toBe(`\n13 static files copied to '${site.path('out')}'.\n`)
    expect(await site.names()).toEqual(names)
    expect((await site.files())['pre/o/p.png']).toBe('/* o/p.png */')
    const second = await collect('--no-input')
    expect(second.stdout).toBe(`\n0 static files copied to '${site.path('out')}', 13 unmodified.\n`)
    await site.write('src/a.css', 'changed')
    expect((await collect()).stdout).toBe(`\n1 static file copied to '${site.path('out')}', 12 unmodified.\n`)
    expect((await site.files())['a.css']).toBe('changed')
  })

  test.each([['-n'], ['--dry-run']])('with %s only says what it would do (232)', async flag => {
    const names = await fill()
    const { code, stdout, stderr } = await collect('--noinput', flag)
    expect([code, stderr]).toEqual([0, ''])
    const lines = stdout.split('\n').filter(line => line.startsWith('Pretending'))
    const origins = names.map(name => site.path(name.startsWith('pre/') ? name.replace('pre', 'lib') : `src/${name}`))
    expect(lines.sort()).toEqual(origins.map(origin => `Pretending to copy '${origin}'`).sort())
    expect(stdout).toMatch(/\n\n13 static files copied to '.*'\.\n$/)
    expect(await site.names()).toEqual([])
  })

  test('leaves out what -i and the default patterns match (234, 235)', async () => {
    for (const name of ['a.css', 'skip/b.css', 'k/skip/c.css', 'k/d.map', '.hidden', 'CVS/e', 'bak~', 'k/f.txt']) {
      await site.write(`src/${name}`)
    }
    await collect('-i', 'skip', '--ignore', '*.map', '-i', 'k/f.txt')
    expect(await site.names()).toEqual(['a.css'])
    await collect('--no-default-ignore', '-i', 'skip', '-i', 'k')
    expect(await site.names()).toEqual(['.hidden', 'CVS/e', 'a.css', 'bak~'])
  })

  test('with -c deletes everything there first, and says so (238)', async () => {
    await site.write('src/a.css')
    await site.write('out/old/b.css')
    await site.write('out/c.css')
    const refused = await collect('-c')
    expect(refused).toMatchObject({ code: 2, stdout: '' })
    expect(refused.stderr).toContain('--noinput')
    const dry = await collect('-c', '--noinput', '-n')
    expect(dry.stdout).toContain("Pretending to delete 'old/b.css'\n")
    expect(await site.names()).toEqual(['c.css', 'old/b.css'])
    const { code, stdout } = await collect('-c', '--noinput')
    expect(code).toBe(0)
    const lines = stdout.split('\n')
    expect(lines).toEqual(expect.arrayContaining(["Deleting 'old/b.css'", "Deleting 'c.css'"]))
    expect(lines.at(-2)).toBe(`1 static file copied to '${site.path('out')}', 2 deleted.`)
    expect(await site.names()).toEqual(['a.css'])
  })

  test('reports the second file of a name, and collects the first', async () => {
    await site.write('src/pre/a.css', 'first')
    await site.write('lib/a.css', 'second')
    const { code, stdout, stderr } = await collect()
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toContain("Found another file with the destination path 'pre/a.css'. It will be ignored since")
    expect(await site.files()).toEqual({ 'pre/a.css': 'first' })
    expect((await collect('-v', '0')).stdout).toBe('')
  })

  test('compares by time where it is told to, in whole seconds (241)', async () => {
    await site.write('src/a.css', 'one')
    await collect()
    const at = (seconds: number) => new Date(seconds * 1000)
    await site.write('src/a.css', 'two')
    await utimes(site.path('out/a.css'), at(1_700_000_000), at(1_700_000_000))
    await utimes(site.path('src/a.css'), at(1_700_000_000.5), at(1_700_000_000.5))
    const older = await collect('--modified-time', '-v', '2')
    expect(older.stdout).toContain("Skipping 'a.css' (not modified)\n")
    expect(await site.files()).toEqual({ 'a.css': 'one' })
    await utimes(site.path('src/a.css'), at(1_700_000_001), at(1_700_000_001))
    const newer = await collect('--modified-time', '-v', '2')
    expect(newer.stdout).toContain(`Copying '${site.path('src/a.css')}'\n`)
    expect(await site.files()).toEqual({ 'a.css': 'two' })
  })

  test('with -l makes links, which a run without it replaces by files', async () => {
    await site.write('src/a.css', 'one')
    expect((await collect('-l')).stdout).toBe(`\n1 static file symlinked to '${site.path('out')}'.\n`)
    expect((await lstat(site.path('out/a.css'))).isSymbolicLink()).toBe(true)
    expect(await site.files()).toEqual({ 'a.css': 'one' })
    expect((await collect('-l')).stdout).toContain('0 static files symlinked to')
    await collect()
    expect((await lstat(site.path('out/a.css'))).isFile()).toBe(true)
    await site.configure({ STORAGES: { staticfiles: { BACKEND: 'memory', OPTIONS: { baseUrl: '/static/' } } } })
    const { code, stderr } = await collect('-l')
    expect([code, stderr]).toEqual([1, expect.stringContaining("Can't symlink to a remote destination.")])
  })

  test('prints a name with control characters so that it steers no terminal', async () => {
    await site.write('src/a\u202eb.css')
    await site.write('src/a\x1b[2J\nb.css')
    const { code, stdout, stderr } = await collect('-v', '2')
    expect(stdout).toContain(`Copying '${site.path('src/a\\u202eb.css')}'\n`)
    expect(stderr).toBe(
      `holdall: '${site.path('src/a\\x1b[2J\\x0ab.css')}' cannot be collected: its name has a control character.\n`,
    )
    expect([code, await site.names()]).toEqual([1, ['a\u202eb.css']])
  })

  test('has events as JSON lines, and the counts at last', async () => {
    await site.write('src/a.css')
    const { code, stdout, stderr } = await site.run('--json', 'collectstatic', '-v', '0')
    expect([code, stderr]).toEqual([0, ''])
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(lines).toContainEqual({ type: 'copied', name: 'a.css', origin: site.path('src/a.css'), dryRun: false })
    expect(lines.at(-1)).toMatchObject({ summary: { copied: 1, destination: site.path('out'), complete: true } })
  })

  test('prints nothing with --quiet', async () => {
    await site.write('src/a.css')
    expect(await collect('--quiet')).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect(await site.names()).toEqual(['a.css'])
  })

  test.each([
    [['--concurrency', '0'], '--concurrency'],
    [['-v', '4'], '--verbosity'],
    [['--keep', 'x'], '--keep'],
    [['--delete-stale', '--keep', '-1'], '--keep'],
    [['--delete-stale', '--keep', ''], '--keep'],
    [['--unknown'], '--unknown'],
    [['a', 'b'], 'too many arguments'],
  ])('refuses %j', async (args, named) => {
    const ran = await collect(...args)
    expect(ran).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(named) })
  })

  test('names the storage where it cannot be used', async () => {
    await site.write('src/a.css')
    expect((await collect('other')).stderr).toContain("Could not find config for 'other' in settings.STORAGES.")
    await site.configure({ STATIC_ROOT: '' })
    const missing = await collect()
    expect(missing).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('STATIC_ROOT') })
    await site.write('file')
    await site.configure({ STATIC_ROOT: 'file' })
    const wrong = await collect()
    expect(wrong.code).toBe(1)
    expect(wrong.stderr).toContain("storage 'staticfiles': ")
  })
})

describe('collectstatic with a manifest', () => {
  beforeEach(() => site.configure(MANIFEST))

  test('makes names with hashes, and the manifest as Django has it (243, 250)', async () => {
    await site.write('src/css/a.css', '@import url("sub/b.css?v=1#x");\n.a { background: url( "../x.png" ) }')
    await site.write('src/css/sub/b.css', '/* url(none.png) */ .b {}')
    await site.write('src/x.png', 'PNG')
    const { code, stdout, stderr } = await collect('-v', '2')
    expect([code, stderr]).toEqual([0, ''])
    const manifest = await site.manifest()
    expect(Object.keys(manifest)).toEqual(['css/a.css', 'css/sub/b.css', 'x.png'])
    const text = await readFile(site.path('out/staticfiles.json'), 'utf8')
    expect(serializeManifest(parseManifest(text, 'x').paths)).toBe(text)
    expect(JSON.parse(text)).toMatchObject({ version: '1.1', hash: expect.stringMatching(/^[0-9a-f]{12}$/) })
    for (const [name, stored] of Object.entries(manifest)) {
      expect(stdout).toContain(`Post-processed '${name}' as '${stored}'\n`)
    }
    const files = await site.files()
    const css = files[manifest['css/a.css']!]!
    expect(css).toContain(manifest['css/sub/b.css']!.replace('css/', ''))
    expect(css).toContain(manifest['x.png']!)
    expect(stdout).toMatch(/\n\n3 static files copied to '.*', 3 post-processed\.\n$/)
    expect((await collect()).stdout).toMatch(/^\n0 static files copied to '.*', 3 unmodified\.\n$/)
  })

  test('without post-processing makes none and leaves the manifest', async () => {
    await site.write('src/a.css', 'one')
    await collect()
    const before = await site.manifest()
    await site.write('src/a.css', 'two')
    expect((await collect('--no-post-process')).stdout).toMatch(/^\n1 static file copied to '.*'\.\n$/)
    expect(await site.manifest()).toEqual(before)
  })

  test('fails for a missing reference with file and line, and leaves the former manifest (246)', async () => {
    await site.write('src/css/good.css', '.a { background: url(x.png) }')
    await site.write('src/css/x.png')
    await collect()
    const before = await site.files()
    await site.write('src/css/bad.css', '\n\n.a { background: url(missing.png) }')
    const { code, stdout, stderr } = await collect()
    expect(code).toBe(1)
    expect(stderr).toContain("Post-processing 'css/bad.css' failed!\n\n")
    expect(stderr).toContain('css/bad.css:3')
    expect(stderr).toContain('css/missing.png')
    expect(stdout).not.toContain('post-processed')
    const after = await site.files()
    for (const [name, text] of Object.entries(before)) expect(after[name], name).toBe(text)
  })

  test('collects stylesheets that import each other (247; Django fails)', async () => {
    await site.write('src/css/l1.css', '@import url("l2.css");')
    await site.write('src/css/l2.css', '@import url("l1.css");')
    expect(await collect()).toMatchObject({ code: 0, stderr: '' })
    const manifest = await site.manifest()
    const files = await site.files()
    expect(files[manifest['css/l1.css']!]).toContain(manifest['css/l2.css']!.slice('css/'.length))
    expect(files[manifest['css/l2.css']!]).toContain(manifest['css/l1.css']!.slice('css/'.length))
  })

  test('deletes what former runs left only with --delete-stale or --keep', async () => {
    await site.write('out/other.txt', 'not of a run')
    await site.write('src/gone.css')
    const deploy = async (text: string, ...args: string[]) => {
      await site.write('src/a.css', text)
      const { stdout } = await collect(...args)
      const { 'a.css': hashed } = await site.manifest()
      return { hashed: hashed!, stdout, names: await site.names() }
    }
    const [one, two, three] = [await deploy('one'), await deploy('two'), await deploy('three')]
    expect(three.names).toEqual(expect.arrayContaining([one.hashed, two.hashed]))
    const four = await deploy('four', '--keep', '1')
    expect(four.names).toEqual(expect.arrayContaining([three.hashed, four.hashed, 'gone.css']))
    expect(four.stdout).toContain(`Deleting '${one.hashed}'\n`)
    expect(four.stdout).toMatch(/, 2 deleted\.\n$/)
    for (const { hashed } of [one, two]) expect(four.names).not.toContain(hashed)
    await rm(site.path('src/gone.css'))
    expect((await deploy('five')).names).toContain('gone.css')
    const six = await deploy('six', '--delete-stale', '--keep', '0')
    expect(six.names).toEqual([six.hashed, 'a.css', 'other.txt', 'staticfiles.json'].sort())
  })
})

test('a file that cannot be read is named, the others are collected, and the exit code is 1', async () => {
  await site.write('src/b.css')
  await symlink(site.path('nowhere'), site.path('src/a.css'))
  const { code, stdout, stderr } = await collect()
  expect(stderr).toContain('a.css')
  expect([code, await site.names()]).toEqual([1, ['b.css']])
  expect(stdout).toContain('1 static file copied to')
  await rm(site.path('src/a.css'))
  expect(await collect()).toMatchObject({ code: 0, stderr: '' })
})
