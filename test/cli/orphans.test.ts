import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { runCli } from './run-cli.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdall-cli-'))
  await mkdir(join(dir, 'media/pdfs'), { recursive: true })
  for (const name of ['a.pdf', 'b.pdf', 'young.pdf']) await writeFile(join(dir, 'media/pdfs', name), name)
  const old = new Date(Date.now() - 100_000_000)
  for (const name of ['a.pdf', 'b.pdf']) await utimes(join(dir, 'media/pdfs', name), old, old)
  const config = { STORAGES: { default: { BACKEND: 'local', OPTIONS: { location: 'media' } } } }
  await writeFile(join(dir, 'holdall.config.json'), JSON.stringify(config))
  await models(`names => names.filter(name => name === 'pdfs/a.pdf')`)
})
afterEach(() => rm(dir, { recursive: true }))
const cli = (...args: string[]) => runCli(dir, args)
const names = () => readdir(join(dir, 'media/pdfs'))

function models(used: string, more = ''): Promise<void> {
  const text = `
import { writeFileSync } from 'node:fs'
import { fileField, fileModel } from 'holdall/fields'
const used: (names: readonly string[]) => string[] = ${used}
const resumes = fileModel('resumes', { pdf: fileField({ uploadTo: 'pdfs/%Y' }) })
resumes.addUsers(async (attribute, names) => used(names))
export const close = () => writeFileSync('closed', '')
${more}`
  return writeFile(join(dir, 'models.ts'), text)
}

describe('orphans', () => {
  test('lists what no row names, and deletes it only with --delete', async () => {
    const listed = await cli('orphans', 'models.ts')
    expect(listed).toMatchObject({ code: 0 })
    expect(listed.stdout).toMatch(/^ +5 B {2}20\d\d-\S+ \S+ {2}unused {3}pdfs\/b\.pdf\n$/)
    expect(listed.stderr).toBe(
      '1 file of 3 unused, 0 deleted, 1 too young to know\nnothing was deleted: --delete does that\n',
    )
    expect(await readdir(dir)).toContain('closed')
    const dry = await cli('--dry-run', 'orphans', 'models.ts', '--delete')
    expect([dry.code, await names()]).toEqual([0, ['a.pdf', 'b.pdf', 'young.pdf']])
    const deleted = await cli('--json', 'orphans', 'models.ts', '--delete')
    const [orphan, { summary }] = deleted.stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(orphan).toMatchObject({ name: 'pdfs/b.pdf', size: 5, deleted: true })
    expect(summary).toEqual({ found: 1, deleted: 1, failed: 0, used: 1, spared: 1, unfinished: 0 })
    expect(await names()).toEqual(['a.pdf', 'young.pdf'])
    await cli('orphans', 'models.ts', '--delete', '--grace', '0')
    expect(await names()).toEqual(['a.pdf'])
  })

  test('looks in other folders when they are given', async () => {
    await mkdir(join(dir, 'media/logs'))
    await writeFile(join(dir, 'media/logs/x'), '')
    const { stdout } = await cli('orphans', 'models.ts', '--grace', '0', '--prefix', 'logs')
    expect(stdout).toContain('logs/x')
    expect(stdout).not.toContain('pdfs')
  })

  test('deletes nothing when a column cannot be read, none is registered, or the module cannot be loaded', async () => {
    const failing = `() => { throw new Error('no such\\n table at postgres://me:secret@host/db') }`
    await models(failing)
    const unread = await cli('orphans', 'models.ts', '--delete', '--grace', '0')
    expect(unread).toMatchObject({ code: 1, stdout: '' })
    expect(unread.stderr).toContain(
      'resumes.pdf could not be queried for the files that it uses: no such table at postgres://***@host/db',
    )
    await writeFile(join(dir, 'empty.mjs'), 'export {}')
    expect((await cli('orphans', 'empty.mjs', '--delete')).stderr).toContain('No column is registered')
    await writeFile(join(dir, 'broken.mjs'), 'await Promise.reject(new Error("no database"))')
    expect(await cli('orphans', 'broken.mjs')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no database'),
    })
    expect(await cli('orphans', 'absent.ts')).toMatchObject({ code: 1 })
    await models(`() => { throw new Error('first') }`)
    const text = (await readFile(join(dir, 'models.ts'), 'utf8')).replace(
      /close = .*/,
      `close = () => { throw new Error('last') }`,
    )
    await writeFile(join(dir, 'models.ts'), text)
    expect((await cli('orphans', 'models.ts')).stderr).toContain('first')
    await writeFile(join(dir, 'odd.mjs'), 'export const fileRegistry = {}')
    expect((await cli('orphans', 'odd.mjs')).stderr).toContain('expected a FileRegistry')
    expect(await names()).toHaveLength(3)
  })

  test('ends although the module leaves something open', async () => {
    await models('names => [...names]', 'setInterval(() => undefined, 1000)')
    expect(await cli('orphans', 'models.ts')).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('0 files of 3'),
    })
  })

  test('refuses a grace time that is no number', async () => {
    for (const grace of ['', 'x', '-1']) {
      expect(await cli('orphans', 'models.ts', `--grace=${grace}`)).toMatchObject({ code: 2 })
    }
    expect(await cli('orphans')).toMatchObject({ code: 2 })
  })
})
