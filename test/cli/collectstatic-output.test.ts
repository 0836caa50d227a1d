import { describe, expect, test, vi } from 'vitest'
import { ImproperlyConfigured, StorageError } from '../../src/core/errors.ts'
import type { CollectEvent } from '../../src/static/types.ts'
import { collecting, summary } from './collecting.ts'

const copied = (name: string, dryRun = false): CollectEvent => ({
  type: 'copied',
  name,
  origin: `/src/${name}`,
  dryRun,
})
const EVENTS: readonly CollectEvent[] = [
  { type: 'found', count: 4 },
  { type: 'deleted', name: 'old.css', dryRun: false },
  { type: 'duplicate', name: 'a.css', origin: '/b/a.css', first: '/src/a.css' },
  copied('a.css'),
  { type: 'linked', name: 'b.css', origin: '/src/b.css', dryRun: false },
  { type: 'unmodified', name: 'c.css', origin: '/src/c.css' },
  { type: 'postProcessed', name: 'a.css', storedAs: 'a.0123456789ab.css', isNew: true, dryRun: false },
  { type: 'postProcessed', name: 'c.css', storedAs: 'c.0123456789ab.css', isNew: false, dryRun: false },
]
const DUPLICATE =
  "Found another file with the destination path 'a.css'. It will be ignored since only the first encountered file is collected. " +
  'If this is not what you want, make sure every static file has a unique path.'

describe('what collectstatic prints', () => {
  test('at each verbosity is what Django prints there', async () => {
    const end = summary({
      copied: 1,
      linked: 1,
      unmodified: 1,
      postProcessed: 1,
      deleted: 1,
      destination: '/srv/static',
    })
    const events = [...EVENTS, end]
    const line = "\n2 static files copied to '/srv/static', 1 unmodified, 1 post-processed, 1 deleted.\n"
    const at = (verbosity: 0 | 1 | 2 | 3) => collecting({ events, call: { verbosity } })
    expect(await at(0)).toMatchObject({ stdout: '', stderr: '', exitCode: 0, error: undefined })
    expect(await at(1)).toMatchObject({ stdout: `Deleting 'old.css'\n${DUPLICATE}\n${line}`, stderr: '' })
    const { stdout } = await at(2)
    expect(stdout.split('\n')).toEqual([
      "Deleting 'old.css'",
      DUPLICATE,
      "  collected: '/src/a.css', ignored: '/b/a.css'",
      "Copying '/src/a.css'",
      "Linking '/src/b.css'",
      "Skipping 'c.css' (not modified)",
      "Post-processed 'a.css' as 'a.0123456789ab.css'",
      "Skipped post-processing 'c.css'",
      ...line.trimEnd().split('\n'),
      '',
    ])
    expect((await at(3)).stdout).toBe(stdout)
  })

  test('of a dry run says at verbosity 1 what would be done', async () => {
    const events: CollectEvent[] = [
      { type: 'deleted', name: 'x', dryRun: true },
      copied('a', true),
      { type: 'linked', name: 'b', origin: '/src/b', dryRun: true },
      summary({ copied: 2, dryRun: true }),
    ]
    const { stdout } = await collecting({ events })
    expect(stdout).toBe(
      "Pretending to delete 'x'\nPretending to copy '/src/a'\nPretending to link '/src/b'\n\n2 static files copied.\n",
    )
  })

  test.each([
    [
      summary({ copied: 13, unmodified: 12, postProcessed: 6, destination: '/s' }),
      "13 static files copied to '/s', 12 unmodified, 6 post-processed.",
    ],
    [summary({ copied: 1 }), '1 static file copied.'],
    [summary({ unmodified: 1 }), '0 static files copied, 1 unmodified.'],
    [summary({ copied: 2, deleted: 3, failed: 2 }), '2 static files copied, 3 deleted, 2 failed.'],
    [summary({ copied: 1, destination: '/a\x1b[2J' }), "1 static file copied to '/a\\x1b[2J'."],
  ])('ends with the line of %o', async (end, line) => {
    expect((await collecting({ events: [end] })).stdout).toBe(`\n${line}\n`)
  })

  test('says symlinked where links are made', async () => {
    const events = [summary({ linked: 2, destination: '/s' })]
    const { stdout } = await collecting({ events, call: { options: { link: true } } })
    expect(stdout).toBe("\n2 static files symlinked to '/s'.\n")
  })

  test('of warnings names the file and the line, on stderr and at every verbosity', async () => {
    const events: CollectEvent[] = [
      { type: 'warning', message: 'no source map', name: 'css/a.css', line: 12 },
      { type: 'warning', message: 'odd', name: 'b\n\x1b[2J.css' },
      { type: 'warning', message: 'two files' },
      summary({ warnings: 3 }),
    ]
    const ran = await collecting({ events, call: { verbosity: 0 }, quiet: true })
    expect(ran).toMatchObject({ stdout: '', exitCode: 0 })
    expect(ran.stderr).toBe(
      'warning: css/a.css:12: no source map\nwarning: b\\x0a\\x1b[2J.css: odd\nwarning: two files\n',
    )
  })

  test('has no control characters of names', async () => {
    const events: CollectEvent[] = [{ type: 'deleted', name: 'a\x1b]0;x\x07\nb', dryRun: false }, summary()]
    expect((await collecting({ events })).stdout).toContain("Deleting 'a\\x1b]0;x\\x07\\x0ab'\n")
  })
})

describe('a failure', () => {
  test('of a file is printed with the storage, and the others go on with exit code 1', async () => {
    const error = new StorageError('permission_denied', "save 'a.css': EACCES", { fileName: 'a.css' })
    const events: CollectEvent[] = [
      { type: 'failed', name: 'a.css', error },
      copied('b.css'),
      summary({ copied: 1, failed: 1 }),
    ]
    const ran = await collecting({ events, call: { verbosity: 2 } })
    expect(ran).toMatchObject({ exitCode: 1, error: undefined })
    expect(ran.stderr).toBe("holdall: storage 'staticfiles': save 'a.css': EACCES\n")
    expect(ran.stdout).toBe("Copying '/src/b.css'\n\n1 static file copied, 1 failed.\n")
  })

  test('of a reference has a heading, once for each file', async () => {
    const missing = (name: string, line: number): CollectEvent => {
      const message = `${name}:${line}: The file 'x.png' could not be found (x.png).`
      return { type: 'failed', name, line, error: new StorageError('not_found', message, { fileName: 'x.png' }) }
    }
    const events = [missing('a.css', 2), missing('a.css', 9), missing('b.css', 1), summary({ failed: 3 })]
    const shown = (name: string, line: number) =>
      `holdall: ${name}:${line}: The file 'x.png' could not be found (x.png).\n`
    const heading = (name: string) => `Post-processing '${name}' failed!\n\n`
    expect((await collecting({ events })).stderr).toBe(
      `${heading('a.css')}${shown('a.css', 2)}${shown('a.css', 9)}${heading('b.css')}${shown('b.css', 1)}` +
        'Nothing was stored: each reference must lead to a file. ' +
        "'lenientFor' of STATICFILES_MANIFEST excepts files of vendors by patterns.\n",
    )
    const { stdout, stderr } = await collecting({ events, json: true })
    expect(
      stderr
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line).error.code),
    ).toEqual(Array(3).fill('not_found'))
    expect(stdout.trimEnd().split('\n')).toHaveLength(4)
  })

  test('has no line feed of a name', async () => {
    const name = 'a\nholdall: all is well.css'
    const error = new StorageError('source_failed', `'${name}' cannot be read`, { fileName: name })
    const { stderr } = await collecting({ events: [{ type: 'failed', name, error }, summary({ failed: 1 })] })
    expect(stderr).toBe("holdall: 'a\\x0aholdall: all is well.css' cannot be read\n")
  })

  test('that comes again and again until it ends the run is printed once each', async () => {
    const error = new StorageError('permission_denied', 'no')
    const ran = await collecting({ events: [{ type: 'found', count: 9 }, { type: 'failed', name: 'a', error }, error] })
    expect(ran).toMatchObject({ exitCode: 1, error: undefined })
    expect(ran.stderr).toBe(
      "holdall: storage 'staticfiles': no\n" +
        'collectstatic did not finish; so far of 9 found: 0 static files copied, 1 failed. Running it again is safe.\n',
    )
  })

  test('that ends the run is thrown with the storage in it, after the counts so far', async () => {
    const error = new StorageError('no_space', "save 'b.css': ENOSPC", { fileName: 'b.css', backend: 'local' })
    const ran = await collecting({ events: [{ type: 'found', count: 9 }, copied('a.css'), error] })
    expect(ran.error).toMatchObject({
      code: 'no_space',
      message: "storage 'staticfiles': save 'b.css': ENOSPC",
      fileName: 'b.css',
      backend: 'local',
      cause: error,
    })
    expect(ran.stderr).toBe(
      'collectstatic did not finish; so far of 9 found: 1 static file copied. Running it again is safe.\n',
    )
    expect(ran.stdout).toBe('')
  })

  test('names the storage once, and of a source does not name it', async () => {
    const named = new ImproperlyConfigured("storage 'staticfiles': Invalid setting 'x'")
    expect(await collecting({ events: [named] })).toMatchObject({ error: named, stdout: '', stderr: '' })
    const source = new StorageError('source_failed', 'The content could not be read: EIO')
    expect((await collecting({ events: [source] })).error).toBe(source)
    const other = new TypeError('no')
    expect((await collecting({ events: [other] })).error).toBe(other)
  })

  test('by an interruption prints what was done until then', async () => {
    const events = [{ type: 'found', count: 9 } as const, copied('a.css'), copied('b.css'), summary()]
    const before = (index: number, context: { stop(reason: Error): void }) => {
      if (index === 3) context.stop(new Error('stopped by SIGINT'))
    }
    const ran = await collecting({ events, before })
    expect(ran.error?.message).toContain('stopped by SIGINT')
    expect(ran.stderr).toContain('so far of 9 found: 2 static files copied.')
    const json = await collecting({ events, before, json: true })
    const lines = json.stdout.trimEnd().split('\n')
    expect(JSON.parse(lines.pop()!)).toMatchObject({ summary: { copied: 2, complete: false } })
  })
})

describe('JSON', () => {
  test('has a line for each event whatever the verbosity, and the summary at last', async () => {
    const error = new StorageError('permission_denied', 'no', { fileName: 'z.css', cause: new Error('secret') })
    const events: CollectEvent[] = [
      ...EVENTS,
      { type: 'warning', message: 'odd', name: 'a\n.css', line: 3 },
      { type: 'failed', name: 'z.css', error },
      summary({ copied: 1, failed: 1, destination: '/s' }),
    ]
    const ran = await collecting({ events, json: true, quiet: true, call: { verbosity: 0 } })
    const lines = ran.stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(lines.slice(0, 9)).toEqual(events.slice(0, 9))
    expect(lines[9]).toMatchObject({
      type: 'failed',
      name: 'z.css',
      error: { code: 'permission_denied', message: 'no' },
    })
    expect(lines[10]).toEqual({
      summary: {
        copied: 1,
        linked: 0,
        unmodified: 0,
        postProcessed: 0,
        deleted: 0,
        failed: 1,
        warnings: 0,
        destination: '/s',
        complete: false,
      },
    })
    const messages = ran.stderr
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(messages).toMatchObject([{ warning: 'a\n.css:3: odd' }, { error: { code: 'permission_denied' } }])
    expect(ran.exitCode).toBe(1)
    expect(ran.stdout + ran.stderr).not.toContain('secret')
  })
})

describe('the bar', () => {
  /** What is drawn on stderr, which is a terminal here. */
  async function drawn(run: Parameters<typeof collecting>[0]): Promise<string> {
    const { isTTY } = process.stderr
    vi.stubEnv('CI', undefined)
    Object.defineProperty(process.stderr, 'isTTY', { value: true, configurable: true })
    const now = vi.spyOn(Date, 'now')
    let time = 0
    now.mockImplementation(() => (time += 1000))
    try {
      return (await collecting(run)).stderr
    } finally {
      now.mockRestore()
      vi.unstubAllEnvs()
      Object.defineProperty(process.stderr, 'isTTY', { value: isTTY, configurable: true })
    }
  }
  const events = [{ type: 'found', count: 4 } as const, copied('a.css'), copied('b.css'), summary({ copied: 2 })]

  test('counts files of those that were found, at verbosity 1 only', async () => {
    const text = await drawn({ events })
    expect(text).toContain('[........................] 0%  0 of 4 files  0/s')
    expect(text).toMatch(/\[#{12}\.{12}\] 50% {2}2 of 4 files {2}\d+\/s {2}b\.css/)
    expect(text.endsWith('\r')).toBe(true)
    expect(await drawn({ events, call: { verbosity: 2 } })).toBe('')
    expect(await drawn({ events, call: { verbosity: 0 } })).toBe('')
    expect(await drawn({ events, json: true })).toBe('')
  })
})
