/** The options of the command line reach the library. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, it, vi } from 'vitest'
import { Tally } from '../../src/transfer/migrate/tally.ts'
import type { MigrateOptions, MigrationReport } from '../../src/transfer/migrate/types.ts'
import { inProcess } from './in-process.ts'

const { calls } = vi.hoisted(() => ({ calls: [] as Array<{ readonly options: MigrateOptions }> }))
vi.mock('../../src/transfer/index.ts', () => ({
  migrate: async (_source: unknown, _target: unknown, options: MigrateOptions): Promise<MigrationReport> => {
    calls.push({ options })
    const at = new Date()
    return {
      ...{ id: 'i', source: 'a', target: 'b', state: 'done', pass: 'copy', startedAt: at, updatedAt: at, failures: {} },
      ...{ counts: new Tally(), filesPerSec: 0, bytesPerSec: 0, failedFiles: [], isDone: true },
    }
  },
}))

const folder = await mkdtemp(join(tmpdir(), 'holdall-migrate-here-'))
afterAll(() => rm(folder, { recursive: true }))
const local = (name: string) => ({ BACKEND: 'local', OPTIONS: { location: join(folder, name) } })
await writeFile(
  join(folder, 'holdall.config.json'),
  JSON.stringify({ STORAGES: { default: local('media'), old: local('old'), new: local('new') } }),
)
beforeEach(() => {
  calls.length = 0
})

const optionsOf = async (...args: string[]): Promise<MigrateOptions> => {
  const ledger = ['--ledger', join(folder, 'l.sqlite')]
  expect(await inProcess(folder, ['migrate', 'old:a', 'new:b', ...ledger, ...args])).toMatchObject({ code: 0 })
  return calls[0]!.options
}

it('passes defaults', async () => {
  const { signal, onEvent, onProgress, meter, ...others } = await optionsOf()
  expect(signal?.aborted).toBe(false)
  expect([typeof onEvent, typeof onProgress]).toEqual(['function', 'function'])
  expect(typeof meter?.createCounter).toBe('function')
  expect(others).toEqual({
    sourcePath: 'a',
    targetPath: 'b',
    include: undefined,
    exclude: undefined,
    verify: 'size',
    since: undefined,
    delete: false,
    maxDelete: 50,
    allowEmptySource: false,
    times: true,
    visibility: true,
    concurrency: 16,
    bandwidth: undefined,
    count: true,
    restart: false,
    dryRun: false,
    ledger: join(folder, 'l.sqlite'),
    titles: { source: 'old:a', target: 'new:b' },
  })
})

it('passes what is given', async () => {
  const text =
    '--verify sample --since 2026-05-01 --delete --max-delete 5 --allow-empty-source --include a --exclude b --concurrency 3 --bandwidth 2M --no-times --no-visibility --no-count --restart'
  expect(await optionsOf(...text.split(' '))).toMatchObject({
    include: ['a'],
    exclude: ['b'],
    verify: 'sample',
    since: new Date('2026-05-01T00:00:00Z'),
    delete: true,
    maxDelete: 5,
    allowEmptySource: true,
    times: false,
    visibility: false,
    concurrency: 3,
    bandwidth: 2_000_000,
    count: false,
    restart: true,
  })
  calls.length = 0
  expect(await optionsOf('--no-verify')).toMatchObject({ verify: false })
})
