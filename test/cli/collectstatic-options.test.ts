/** The command line of `collectstatic` as options of `StaticFiles`, and real files in this process. */
import { afterAll, describe, expect, test, vi } from 'vitest'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { createProgram } from '../../src/cli/main.ts'
import { FolderFinder } from '../../src/static/finders/folders.ts'
import { StaticFiles } from '../../src/static/static-files.ts'
import type { CollectOptions } from '../../src/static/types.ts'
import { collecting, NOWHERE, summary } from './collecting.ts'
import { StaticSite } from './static-site.ts'

const calls: Array<{ readonly alias: string; readonly options: CollectOptions }> = []
vi.mock('../../src/static/index.ts', () => ({
  staticFilesFromSettings: (alias: string) => ({
    storage: new MemoryStorage({}, NOWHERE),
    async *collect(options: CollectOptions) {
      calls.push({ alias, options })
      yield summary()
    },
  }),
}))

/** What a command line asks for. */
async function asked(...args: string[]): Promise<{ alias: string; options: CollectOptions }> {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  try {
    await createProgram().program.parseAsync(['node', 'holdall', ...args])
  } finally {
    write.mockRestore()
  }
  const { alias, options } = calls.pop()!
  const { signal, ...others } = options
  expect(signal?.aborted).toBe(false)
  return { alias, options: others }
}

const DEFAULTS = {
  dryRun: false,
  clear: undefined,
  link: undefined,
  postProcess: true,
  ignore: undefined,
  defaultIgnore: true,
  concurrency: 16,
  deleteStale: undefined,
  keep: undefined,
  compare: 'digest',
}

describe('the options', () => {
  test.each<[string, Partial<CollectOptions>, string?]>([
    ['', {}],
    ['cdn', {}, 'cdn'],
    ['-n', { dryRun: true }],
    ['--dry-run', { dryRun: true }],
    ['--noinput -c', { clear: true }],
    ['--no-input --clear', { clear: true }],
    ['-cnl', { clear: true, dryRun: true, link: true }],
    ['--link', { link: true }],
    ['--no-post-process', { postProcess: false }],
    ['-i *.map -i skip --ignore=*.ts x', { ignore: ['*.map', 'skip', '*.ts'] }, 'x'],
    ['--no-default-ignore', { defaultIgnore: false }],
    ['--concurrency 3', { concurrency: 3 }],
    ['--delete-stale', { deleteStale: true }],
    ['--keep 0', { keep: 0 }],
    ['--modified-time', { compare: 'modifiedTime' }],
    ['-v 2 --json', {}],
  ])('%j', async (line, expected, alias = 'staticfiles') => {
    const args = line.split(' ').filter(Boolean)
    expect(await asked('collectstatic', ...args)).toEqual({ alias, options: { ...DEFAULTS, ...expected } })
  })

  test('global ones may stand before the command', async () => {
    const { options } = await asked('--dry-run', 'collectstatic', '--noinput')
    expect(options.dryRun).toBe(true)
  })
})

describe('files in memory', async () => {
  const site = await StaticSite.make()
  afterAll(() => site[Symbol.asyncDispose]())
  await site.write('src/a.css', '.a { background: url(b.png) }')
  await site.write('src/b.png')
  const storage = new MemoryStorage({ baseUrl: '/static/' }, NOWHERE)
  const files = new StaticFiles({ storage, finders: [new FolderFinder([site.path('src')])], manifest: true })

  test('are collected, without a place in the summary, and found there by the next run', async () => {
    const dry = await collecting({ files, call: { options: { dryRun: true } } })
    expect(dry.stdout).toBe(
      `Pretending to copy '${site.path('src/b.png')}'\nPretending to copy '${site.path('src/a.css')}'\n\n` +
        '2 static files copied, 2 post-processed.\n',
    )
    expect(await collecting({ files })).toMatchObject({
      stdout: '\n2 static files copied, 2 post-processed.\n',
      stderr: '',
      exitCode: 0,
    })
    expect((await collecting({ files })).stdout).toBe('\n0 static files copied, 2 unmodified.\n')
  })

  test('cannot be linked', async () => {
    const { error, stdout } = await collecting({ files, call: { options: { link: true } } })
    expect(error?.message).toBe("storage 'staticfiles': Can't symlink to a remote destination.")
    expect(stdout).toBe('')
  })
})
