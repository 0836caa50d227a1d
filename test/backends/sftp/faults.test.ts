/** Each request of each call goes wrong in each way, once and again and again: what is left, and that the next call works. */
import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { isStorageError } from '../../../src/core/errors.ts'
import type { SftpFault } from '../../servers/sftp/faults.ts'
import { type SftpServer, startSftpServer } from '../../servers/sftp.ts'
import { CALLS, type FaultCall, foundAt, HABITS, prepare } from './fault-calls.ts'
import { openAt, storageAt } from './support.ts'

interface Named {
  readonly title: string
  readonly fault: SftpFault
  /** Whether another try must succeed, where the call may be tried again. */
  readonly passes: boolean
  readonly isRare?: boolean
}

const FAULTS: readonly Named[] = [
  { title: 'dropped before', fault: { do: 'drop' }, passes: true },
  { title: 'dropped after', fault: { do: 'drop', at: 'after' }, passes: true },
  { title: 'channel closed before', fault: { do: 'close' }, passes: true, isRare: true },
  { title: 'held', fault: { do: 'hold' }, passes: true },
  { title: 'refused with 4', fault: { do: 'refuse', code: 4 }, passes: false },
  { title: 'cut', fault: { do: 'cut', bytes: 6 }, passes: true, isRare: true },
  { title: 'channel closed after', fault: { do: 'close', at: 'after' }, passes: true, isRare: true },
  { title: 'garbage', fault: { do: 'garbage' }, passes: true, isRare: true },
  { title: 'held after', fault: { do: 'hold', at: 'after' }, passes: true, isRare: true },
  { title: 'refused with 3', fault: { do: 'refuse', code: 3 }, passes: false, isRare: true },
]

/** More than the sessions of a storage that times out after half a second take to end. */
const PATIENCE_MS = 3000
/** HOLDALL_ALL_FAULTS=1: all of them, each once and always; half a minute longer. */
const ALL = process.env['HOLDALL_ALL_FAULTS'] === '1'

/** Requests that clean up: where they go wrong for ever, something is left. */
const CLEANING: readonly string[] = ['REMOVE', 'CLOSE']

/** The operations that a call asks for, in their order. */
async function operationsOf(call: FaultCall, server: SftpServer): Promise<readonly string[]> {
  prepare(server)
  const files = storageAt(server)
  server.log.clear()
  await call.run(files)
  await files.close()
  expect([call.state(foundAt(server)), await openAt(server)]).toEqual(['after', []])
  return [...new Set(server.log.requests.map(({ operation }) => operation))]
}

/** What is wrong after a call one of whose requests went wrong. */
async function complaints(
  call: FaultCall,
  on: string,
  { title, fault, passes }: Named,
  mode: 'once' | 'always',
  server: SftpServer,
): Promise<string[]> {
  prepare(server)
  server.faults.clear()
  server.faults.add({ on, times: mode === 'once' ? 1 : 1e6, fault })
  const files = storageAt(server, {
    timeoutSecs: fault.do === 'hold' ? 0.5 : 20,
    // On a busy machine a healthy try may time out as well.
    maxAttempts: mode === 'always' ? 2 : fault.do === 'hold' ? 6 : 3,
  })
  const said: string[] = []
  const error = await call.run(files).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  server.faults.clear()
  if (error !== undefined && !isStorageError(error)) said.push(`no StorageError: ${error}`)
  const isOpening = on === 'limits@openssh.com' && title === 'garbage'
  if (error !== undefined && mode === 'once' && passes && call.once !== true && !isOpening) {
    said.push(`failed: ${error}`)
  }
  // The next call finds what is there, and works.
  await files.save('next', 'works', { overwrite: true }).catch(late => said.push(`the next save failed: ${late}`))
  if (server.files.text('media/next') !== 'works') said.push('the next save was lost')
  server.files.remove('media/next')
  await files.close()
  // A session that hangs ends with its own deadline, and then what it left is removed on another one.
  const isClean = (): boolean => server.openPaths.length === 0 && call.state(foundAt(server)) !== 'half'
  const end = performance.now() + PATIENCE_MS
  while (fault.do === 'hold' && !isClean() && performance.now() < end) await wait(5)
  const isOpenRefused = on === 'CLOSE' && fault.do === 'refuse'
  const found = foundAt(server)
  // What the server refuses to remove is not tried again.
  const isCleaning = CLEANING.includes(on) && (mode === 'always' || fault.do === 'refuse')
  if (isCleaning) for (const name of found.keys()) if (/(^|\/)\./.test(name)) found.delete(name)
  const state = call.state(found)
  if (state === 'half') said.push(`half: ${[...found.keys()]}`)
  if (error === undefined && state !== 'after') said.push('it said that it was done')
  const open = await openAt(server)
  if (open.length > 0 && !isOpenRefused) said.push(`open: ${open}`)
  return said.map(each => `${on} ${title}, ${mode}: ${each}`)
}

describe.each(CALLS)('$title', call => {
  it('with each request going wrong', async () => {
    await using first = await startSftpServer({ habits: HABITS })
    const operations = await operationsOf(call, first)
    const cases = operations.flatMap(on =>
      FAULTS.filter(({ title }) => ALL || call.reads !== true || /^(dropped before|held)$/.test(title)).flatMap(fault =>
        (['once', 'always'] as const)
          .filter(mode => ALL || (!fault.isRare && (mode === 'once' || fault.fault.do !== 'hold')))
          .map(mode => ({ on, fault, mode })),
      ),
    )
    // Those that wait for time-outs wait at the same time.
    const said = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const found: string[] = []
        await using server = await startSftpServer({ habits: HABITS })
        for (let one = cases.pop(); one !== undefined; one = cases.pop()) {
          found.push(...(await complaints(call, one.on, one.fault, one.mode, server)))
        }
        return found
      }),
    )
    expect(said.flat()).toEqual([])
  })
})
