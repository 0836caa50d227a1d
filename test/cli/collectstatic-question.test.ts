import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { LocalStorage } from '../../src/backends/local/index.ts'
import { UsageError } from '../../src/cli/context.ts'
import { collecting, NOWHERE } from './collecting.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdall-collect-'))
})
afterEach(() => rm(dir, { recursive: true }))
const local = (location = dir) => new LocalStorage({ location }, NOWHERE)
const options = (given: object) => ({ options: given })

const REMOTE = `
You have requested to collect static files at the destination
location as specified in your settings.

This will overwrite existing files!
Are you sure you want to do this?

Type 'yes' to continue, or 'no' to cancel: `

describe('on a terminal', () => {
  test('a target that is not local is asked about, and yes goes on', async () => {
    const ran = await collecting({ typed: 'yes\n' })
    expect(ran).toMatchObject({ error: undefined, exitCode: 0, stdout: '\n0 static files copied.\n', stderr: REMOTE })
    expect(ran.options).toBeDefined()
  })

  test.each(['no\n', 'y\n', 'YES\n', ' yes\n', '\n', ''])('the answer %j cancels', async typed => {
    const ran = await collecting({ typed })
    expect(ran.error?.message).toBe('Collecting static files cancelled.')
    expect(ran.error).not.toBeInstanceOf(UsageError)
    expect([ran.options, ran.stdout]).toEqual([undefined, ''])
    // What is printed next begins a line: the line feed that was typed is shown by the terminal.
    expect(ran.stderr).toBe(typed === '' ? `${REMOTE}\n` : REMOTE)
  })

  test('a local target is named, and is asked about only where it holds something', async () => {
    const storage = local()
    expect(await collecting({ storage, typed: 'no\n' })).toMatchObject({ error: undefined, stderr: '' })
    const absent = local(join(dir, 'absent'))
    expect(await collecting({ storage: absent, typed: 'no\n' })).toMatchObject({ error: undefined, stderr: '' })
    await writeFile(join(dir, 'a.css'), '')
    const ran = await collecting({ storage, typed: 'no\n' })
    expect(ran.error?.message).toBe('Collecting static files cancelled.')
    expect(ran.stderr).toBe(REMOTE.replace('settings.\n\n', `settings:\n\n    ${dir}\n\n`))
  })

  test('the question says what is deleted, and that a dry run changes nothing', async () => {
    const clear = await collecting({ call: options({ clear: true, dryRun: true }), typed: 'no\n' })
    expect(clear.stderr).toBe(
      REMOTE.replace('\n', '\nYou have activated the --dry-run option so no files will be modified.\n\n').replace(
        'overwrite existing files',
        'DELETE ALL FILES in this location',
      ),
    )
    for (const given of [{ deleteStale: true }, { keep: 0 }]) {
      const { stderr } = await collecting({ call: options(given), typed: 'no\n' })
      expect(stderr).toContain(
        'existing files!\nThis will DELETE files of former runs that are not needed any more!\nAre you sure',
      )
    }
  })

  test('is asked on stderr also for JSON, so that stdout stays JSON', async () => {
    const { stdout, stderr } = await collecting({ json: true, typed: 'yes\n' })
    expect(stderr).toBe(REMOTE)
    expect(JSON.parse(stdout)).toMatchObject({ summary: { complete: true } })
  })

  test('nothing is asked with --noinput', async () => {
    const call = { isInteractive: false, options: { clear: true } }
    expect(await collecting({ call, typed: 'no\n' })).toMatchObject({ error: undefined, stderr: '' })
  })

  test('a target that cannot be listed is named with its storage', async () => {
    await writeFile(join(dir, 'file'), '')
    const ran = await collecting({ storage: local(join(dir, 'file')), typed: 'yes\n' })
    expect(ran.error?.message).toMatch(/^storage 'staticfiles': /)
  })
})

describe('without a terminal', () => {
  test('nothing is asked, and to delete everything --noinput is needed', async () => {
    expect(await collecting()).toMatchObject({ error: undefined, stderr: '' })
    const refused = await collecting({ call: options({ clear: true }) })
    expect(refused.error).toBeInstanceOf(UsageError)
    expect(refused.error?.message).toContain("--clear deletes all files in 'staticfiles'")
    expect(refused.options).toBeUndefined()
    expect(await collecting({ call: options({ clear: true, dryRun: true }) })).toMatchObject({ error: undefined })
    const call = { isInteractive: false, options: { clear: true } }
    expect((await collecting({ call })).options).toMatchObject({ clear: true })
  })
})

test('the current folder is never emptied because no folder is configured', async () => {
  const storage = new LocalStorage({}, NOWHERE)
  for (const isInteractive of [true, false]) {
    const ran = await collecting({ storage, call: { isInteractive, options: { clear: true } }, typed: 'yes\n' })
    expect(ran.error).toBeInstanceOf(UsageError)
    expect(ran.error?.message).toContain('no folder is configured')
    expect(ran.options).toBeUndefined()
  }
})
