/** Each request of each call goes wrong in each way, once and again and again: what is left, and that the next call works. */
import { describe, expect, it } from 'vitest'
import { isStorageError } from '../../../src/core/errors.ts'
import type { SftpFault } from '../../servers/sftp/faults.ts'
import { type SftpServer, startSftpServer } from '../../servers/sftp.ts'
import { CALLS, type FaultCall, foundAt, prepare } from './fault-calls.ts'
import { storageAt } from './support.ts'

interface Named {
  readonly title: string
  readonly fault: SftpFault
  /** Whether another try must succeed, where the call may be tried again. */
  readonly passes: boolean
}

const FAULTS: readonly Named[] = [
  { title: 'dropped before', fault: { do: 'drop' }, passes: true },
  { title: 'dropped after', fault: { do: 'drop', at: 'after' }, passes: true },
  { title: 'cut', fault: { do: 'cut', bytes: 6 }, passes: true },
  { title: 'channel closed before', fault: { do: 'close' }, passes: true },
  { title: 'channel closed after', fault: { do: 'close', at: 'after' }, passes: true },
  { title: 'garbage', fault: { do: 'garbage' }, passes: true },
  { title: 'held before', fault: { do: 'hold' }, passes: true },
  { title: 'held after', fault: { do: 'hold', at: 'after' }, passes: true },
  { title: 'refused with 4', fault: { do: 'refuse', code: 4 }, passes: false },
  { title: 'refused with 3', fault: { do: 'refuse', code: 3 }, passes: false },
]

/** Requests that clean up: where they go wrong for ever, something is left. */
const CLEANING: readonly string[] = ['REMOVE', 'CLOSE']

/** The operations that a call asks for, in their order. */
async function operationsOf(call: FaultCall, server: SftpServer): Promise<readonly string[]> {
  prepare(server)
  const files = storageAt(server)
  server.log.clear()
  await call.run(files)
  await files.close()
  expect([call.state(foundAt(server)), server.openPaths]).toEqual(['after', []])
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
    timeoutSecs: fault.do === 'hold' ? 0.25 : 20,
    maxAttempts: mode === 'once' ? 3 : 2,
  })
  const said: string[] = []
  const error = await call.run(files).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  server.faults.clear()
  if (error !== undefined && !isStorageError(error)) said.push(`no StorageError: ${error}`)
  if (error !== undefined && mode === 'once' && passes && call.once !== true) said.push(`failed: ${error}`)
  // The next call finds what is there, and works.
  await files.save('next', 'works', { overwrite: true }).catch(late => said.push(`the next save failed: ${late}`))
  if (server.files.text('media/next') !== 'works') said.push('the next save was lost')
  server.files.remove('media/next')
  await files.close()
  const found = foundAt(server)
  const isCleaning = CLEANING.includes(on) && mode === 'always'
  if (isCleaning) for (const name of found.keys()) if (/(^|\/)\./.test(name)) found.delete(name)
  const state = call.state(found)
  if (state === 'half') said.push(`half: ${[...found.keys()]}`)
  if (error === undefined && state !== 'after') said.push('it said that it was done')
  if (server.openPaths.length > 0) said.push(`open: ${server.openPaths}`)
  return said.map(each => `${on} ${title}, ${mode}: ${each}`)
}

describe.each(CALLS)('$title', call => {
  it('with each request going wrong', async () => {
    await using first = await startSftpServer()
    const operations = await operationsOf(call, first)
    const cases = operations.flatMap(on =>
      FAULTS.flatMap(fault => (['once', 'always'] as const).map(mode => ({ on, fault, mode }))),
    )
    // Those that wait for time-outs wait at the same time.
    const said = await Promise.all(
      Array.from({ length: 12 }, async () => {
        const found: string[] = []
        await using server = await startSftpServer()
        for (let one = cases.pop(); one !== undefined; one = cases.pop()) {
          found.push(...(await complaints(call, one.on, one.fault, one.mode, server)))
        }
        return found
      }),
    )
    expect(said.flat()).toEqual([])
  })
})
