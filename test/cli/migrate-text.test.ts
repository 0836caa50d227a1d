/** What `holdall migrate` prints: progress, counts, the block of a migration, and what stays behind. */
import { describe, expect, it } from 'vitest'
import type { CliContext } from '../../src/cli/context.ts'
import { MigrateProgress } from '../../src/cli/migrate-progress.ts'
import {
  formatSeconds,
  progressLine,
  shownCounts,
  shownFiles,
  shownLeftBehind,
  shownVerify,
  statusBlock,
} from '../../src/cli/migrate-text.ts'
import type { MigrationStatus } from '../../src/core/migration-status.ts'
import { Tally } from '../../src/transfer/migrate/tally.ts'
import type { LeftBehind } from '../../src/transfer/migrate/types.ts'
import { captured } from './captured.ts'

const NOW = new Date('2026-05-20T12:00:00Z')
const ago = (seconds: number): Date => new Date(NOW.getTime() - seconds * 1000)

function status(
  parts: Partial<MigrationStatus> = {},
  counts: Partial<MigrationStatus['counts']> = {},
): MigrationStatus {
  return {
    id: 'id-1',
    source: 'old:',
    target: 'new:',
    state: 'running',
    pass: 'copy',
    startedAt: ago(600),
    updatedAt: ago(1),
    counts: new Tally({ seen: 1200, copied: 1000, unchanged: 197, failed: 3, bytes: 3_400_000_000, ...counts }),
    filesPerSec: 210.4,
    bytesPerSec: 12_300_000,
    failures: {},
    ...parts,
  }
}

const total = { files: 10_000, bytes: 1e12, isComplete: true }

describe('texts', () => {
  it.each([
    [0, '0s'],
    [59.4, '59s'],
    [60, '1m 00s'],
    [250, '4m 10s'],
    [3600 * 3 + 5 * 60, '3h 05m'],
    [86_400 * 2 + 4 * 3600, '2d 04h'],
  ])('%d seconds are %s', (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text)
  })

  it('progress has files, percent, bytes, rates, the time left, failures, and the limit of the rate', () => {
    expect(progressLine(status({ total, etaSecs: 250, slowedTo: 40 }))).toBe(
      'copy  1200 of 10000 files  12%  3.4 GB  210 files/s  12.3 MB/s  ETA 4m 10s  3 failed  slowed to 40/s',
    )
    expect(progressLine(status({ filesPerSec: 0.25 }, { failed: 0 }))).toBe(
      'copy  1200 files  3.4 GB  0.3 files/s  12.3 MB/s',
    )
  })

  it('progress leaves out what matters least on a narrow terminal', () => {
    const given = status({ total, etaSecs: 250, slowedTo: 40 })
    expect(progressLine(given, 60)).toBe('copy  1200 of 10000 files  12%  ETA 4m 10s  3 failed')
    expect(progressLine(given, 40)).toBe('copy  1200 of 10000 files  3 failed')
    expect(progressLine(given, 5)).toBe('copy  1200 of 10000 files')
    for (let width = 40; width < 150; width++) expect(progressLine(given, width).length).toBeLessThanOrEqual(width)
  })

  it('progress is that of the pass', () => {
    const counts = { verified: 300, extra: 8, deleted: 2, failed: 0 }
    expect(progressLine(status({ total, pass: 'verify' }, counts))).toMatch(/^verify {2}300 of 1200 files {2}25% /)
    expect(progressLine(status({ total, pass: 'delete' }, counts))).toMatch(/^delete {2}2 of 8 files {2}25% /)
    expect(shownFiles(status({ total: { ...total, isComplete: false } }))).toBe('1200 files')
    expect(progressLine(status({ total: { ...total, files: 0 } }, { seen: 0 }))).toMatch(/^copy {2}0 of 0 files {2}3.4/)
  })

  it('counts name only what happened', () => {
    expect(shownCounts(new Tally({ copied: 2, bytes: 3000, unchanged: 1 }))).toBe(
      '2 copied (3.0 kB), 1 unchanged, 0 failed',
    )
    const all = new Tally({
      copied: 2,
      skipped: 4,
      failed: 1,
      verified: 7,
      different: 1,
      compared: 2,
      extra: 3,
      deleted: 2,
    })
    expect(shownCounts(all)).toBe(
      '2 copied (0 B), 0 unchanged, 4 skipped, 1 failed; verified 7: 1 different, contents of 2 compared; 3 only at the target, 2 deleted',
    )
    const lacking = new Tally({ verified: 9, compared: 6, withoutDigest: 4, sizeOnly: 3 })
    expect(shownCounts(lacking)).toContain(
      'contents of 6 compared; 4 had no comparable digest: 1 compared by reading, 3 by size only',
    )
    expect(shownCounts(new Tally({ verified: 2, withoutDigest: 2, sizeOnly: 2 }))).toMatch(/digest: 2 by size only$/)
    expect(shownCounts(new Tally({ copied: 2 }), true)).toBe('2 would be copied (0 B), 0 unchanged, 0 failed')
  })

  it('what stays behind is named with the side that lacks it', () => {
    const shown = (...all: Parameters<typeof shownLeftBehind>[0]) =>
      shownLeftBehind(all, { source: 'local', target: 's3' })
    const at = (lackedBy: 'source' | 'target', ...names: Array<LeftBehind['attribute']>): LeftBehind[] =>
      names.map(attribute => ({ attribute, lackedBy }))
    expect(shown()).toEqual([])
    expect(shown(...at('target', 'modifiedAt'))).toEqual(['modification times stay behind: s3 cannot set them'])
    expect(shown(...at('source', 'visibility'))).toEqual(['local has no visibility to copy'])
    expect(shown(...at('target', 'metadata'))).toEqual(['metadata stays behind: s3 cannot store it'])
    expect(shown(...at('target', 'contentType', 'cacheControl', 'metadata', 'visibility'))).toEqual([
      'content types, cache control and metadata stay behind: s3 cannot store them',
      'visibility stays behind: s3 cannot set it',
    ])
    const stored = at('source', 'contentType', 'cacheControl', 'metadata', 'visibility')
    expect(shown(...stored, ...at('target', 'modifiedAt'))).toEqual([
      'local has no content types, cache control, metadata or visibility to copy; s3 gets the content types that follow from the names',
      'modification times stay behind: s3 cannot set them',
    ])
  })

  it('what is compared is named for each mode', () => {
    const texts = (['size', 'sample', 'full', false] as const).map(shownVerify)
    expect(new Set(texts).size).toBe(4)
    expect(texts[2]).toBe('compared after the copies: the contents of all files')
    expect(texts[3]).toBe('nothing is compared after the copies')
  })

  it('the block of a migration has failed pages and stale workers', () => {
    const worker = { files: 500, bytes: 2_000_000, filesPerSec: 99.6 }
    const block = statusBlock(
      status({
        total,
        etaSecs: 250,
        slowedTo: 40,
        failures: { not_found: 2, permission_denied: 1 },
        pages: { waiting: 4, running: 2, failed: 1 },
        workers: [
          { name: 'a-1', seenAt: ago(2), ...worker },
          { name: 'b-2', seenAt: ago(130), ...worker },
        ],
      }),
      NOW,
    )
    expect(block.split('\n')).toEqual([
      'old: -> new:',
      '  id        id-1',
      '  state     running, copying',
      '  files     1200 of 10000 files, 12%',
      '  counts    1000 copied (3.4 GB), 197 unchanged, 3 failed',
      '  failures  2 not_found, 1 permission_denied',
      '  rate      210 files/s, 12.3 MB/s, about 4m 10s left',
      '  slowed    to 40 files/s, because a service asked for it',
      "  pages     4 waiting, 2 running, 1 failed (their retries are used up; 'holdall migrate retry' processes them again)",
      '  started   2026-05-20 11:50',
      '  updated   2026-05-20 11:59',
      '  worker    a-1: 500 files, 2.0 MB, 100 files/s',
      '  worker    b-2: 500 files, 2.0 MB, not heard of for 2m 10s',
    ])
  })

  it('the block of a finished migration has its end and no rate', () => {
    const block = statusBlock(status({ state: 'done', pass: 'verify', finishedAt: ago(60) }, { failed: 0 }), NOW)
    expect(block).toContain('  state     done\n')
    expect(block).toContain('  finished  2026-05-20 11:59')
    expect(block).not.toMatch(/rate|updated|pages|worker|failures|left out|ledger/)
  })

  it('the block says what was held back and left out, and where the ledger is', () => {
    const given = status(
      { state: 'done', finishedAt: ago(60), heldBack: 'max_delete', hasLeftOut: true },
      { failed: 0 },
    )
    const block = statusBlock({ ...given, ledger: '/state/a.sqlite' }, NOW)
    expect(block).toContain('  state     done\n')
    expect(block).toMatch(/\n {2}deleted {3}nothing, because they are more of the target than --max-delete allows/)
    expect(block).toContain('\n  left out  files without a usable name, which are not at the target\n')
    expect(block).toMatch(/\n {2}ledger {4}\/state\/a\.sqlite$/)
  })
})

describe('progress', () => {
  async function shownWith(
    args: readonly string[],
    isTerminal: boolean,
    run: (progress: MigrateProgress, clock: { now: number }, context: CliContext) => void,
  ): Promise<{ readonly stdout: readonly string[]; readonly stderr: string }> {
    const { context, stdout, stderr, restore } = captured(args, isTerminal)
    const clock = { now: 0 }
    try {
      const progress = new MigrateProgress(context, () => clock.now)
      run(progress, clock, context)
      await progress.end()
    } finally {
      restore()
    }
    return { stdout: stdout().split('\n').slice(0, -1), stderr: stderr() }
  }

  it('is one line on a terminal, which is removed', async () => {
    const { stdout, stderr } = await shownWith([], true, progress => progress.show(status({ total })))
    expect(stdout).toEqual([])
    expect(stderr).toMatch(/^\rcopy {2}1200 of 10000 files {2}12%.*\r$/)
  })

  const minute = (progress: MigrateProgress, clock: { now: number }): void => {
    for (; clock.now <= 60_000; clock.now += 500) progress.show(status())
  }

  it('is a line every 10 s without a terminal, with --verbose only', async () => {
    expect(await shownWith([], false, minute)).toEqual({ stdout: [], stderr: '' })
    expect(await shownWith(['--quiet', '--verbose'], false, minute)).toEqual({ stdout: [], stderr: '' })
    const { stdout, stderr } = await shownWith(['--verbose'], false, minute)
    expect([stdout, stderr]).toEqual([[], `${progressLine(status())}\n`.repeat(6)])
  })

  it('is a record every second with --json', async () => {
    const { stdout, stderr } = await shownWith(['--json'], false, minute)
    expect([stdout.length, stderr]).toEqual([60, ''])
    expect(JSON.parse(stdout[0]!)).toMatchObject({
      progress: { state: 'running', pass: 'copy', counts: { seen: 1200 } },
    })
  })

  it('is reported when the command is interrupted', async () => {
    await shownWith([], false, (progress, _, context) => {
      progress.whenInterrupted()
      expect(context.progressText).toBe('0 files; run the same command again to continue')
      progress.show(status({ total }))
      expect(context.progressText).toBe('1200 of 10000 files; run the same command again to continue')
    })
  })
})
