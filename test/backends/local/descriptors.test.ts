import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { DescriptorQueue } from '../../../src/backends/local/descriptors.ts'
import { callContext, ctx, temporaryFolder } from './fixture.ts'
import { systemError } from './hooks.ts'

const FILES = 1500
/** How many of them are written again, read and changed. */
const FEW = 400

test.runIf(process.platform === 'linux')(
  'calls that find no descriptor free wait for one',
  { timeout: 300_000 },
  () => {
    using folder = temporaryFolder()
    const program = join(import.meta.dirname, 'descriptors.child.ts')
    const shell = [
      '-c',
      'ulimit -n 96; exec "$0" "$@"',
      process.execPath,
      program,
      folder.path,
      String(FILES),
      String(FEW),
    ]
    const { stdout, stderr, status } = spawnSync('sh', shell, { encoding: 'utf8' })
    expect(status, stderr).toBe(0)
    expect(JSON.parse(stdout)).toEqual({
      bytes: {},
      streams: {},
      reads: {},
      appends: {},
      aborted: { aborted: FEW },
      listed: FILES + FEW,
    })
    const left = readdirSync(folder.path, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.tmp'))
    expect(left).toEqual([])
  },
)

const shortage = () => Promise.reject(systemError('EMFILE', 'too many open files', 'open'))

test('a queue in which nothing goes on ends with the error of the system', { timeout: 30_000 }, async () => {
  const queue = new DescriptorQueue()
  const calls = Array.from({ length: 5 }, () => queue.run(ctx, shortage))
  const codes = (await Promise.allSettled(calls)).map(result => result.status === 'rejected' && result.reason.code)
  expect(codes).toEqual(calls.map(() => 'EMFILE'))
  expect(await queue.run(ctx, async () => 'as before')).toBe('as before')
})

test('a call that may not be repeated fails at once, and another error is thrown as it is', async () => {
  const queue = new DescriptorQueue()
  await expect(queue.run(ctx, shortage, { mayRepeat: () => false })).rejects.toMatchObject({ code: 'EMFILE' })
  const other = systemError('ENOENT', 'missing', 'open')
  await expect(queue.run(ctx, () => Promise.reject(other))).rejects.toBe(other)
})

test('a call that is aborted while it waits leaves the queue, and the next one goes on', async () => {
  const queue = new DescriptorQueue()
  const controller = new AbortController()
  let isFree = false
  const work = async (): Promise<string> => (isFree ? 'done' : shortage())
  const given = queue.run(callContext(controller.signal), work)
  const kept = queue.run(ctx, work)
  controller.abort(new Error('enough'))
  await expect(given).rejects.toThrow('enough')
  isFree = true
  expect(await kept).toBe('done')
})
