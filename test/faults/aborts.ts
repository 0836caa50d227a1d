/** A call that is aborted, or whose storage is closed, while a request of its is on the way: at every step, with the work done or not. */
import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import type { Storage } from '../../src/storage/storage.ts'
import { named, runCase } from './case.ts'
import { distinctBytes, type Ground, streamed } from './ground.ts'
import { bytesOf, OLD, WRITES, type Write } from './writes.ts'

/** How a backend makes one kind of call: the steps at which it ends. */
export interface Ended<S extends string> {
  readonly steps: readonly S[]
  /** Where it is not the suite's. */
  readonly on?: Ground<S>
  readonly title?: string
  /** Attributes of a copy, where they decide how it is made. */
  readonly attributes?: object
}

/** The kinds of calls: writes, and a stream whose source hangs. */
type CallName = 'stream' | 'hanging' | 'newInParts' | 'smallStream' | 'smallNew' | 'copy' | 'copyInParts'

/** A backend whose calls end early. */
export interface AbortSuite<S extends string> {
  readonly on: Ground<S>
  /** Bytes of a part. */
  readonly part: number
  /** The bytes that come before the source hangs; default two parts and ten bytes. */
  readonly hangsAfter?: number
  /** Every kind of call; several ways to make it, or none. */
  readonly calls: Readonly<Record<CallName, Ended<S> | ReadonlyArray<Ended<S>>>>
  /** The steps after which the new object may be there. */
  readonly making: readonly S[]
}

type End = 'aborted' | 'closed'

/** Registers what must come of calls that end early. */
export function describeAborts<S extends string>(suite: AbortSuite<S>): void {
  const { part, hangsAfter = 2 * part + 10 } = suite
  const hanging: Write = {
    title: 'a stream whose source hangs',
    size: 'large',
    run: (files, name, _bytes, _on, { signal }) => files.save(name, endless(hangsAfter), { overwrite: true, signal }),
  }
  for (const [name, ways] of Object.entries(suite.calls) as Array<[CallName, Ended<S> | ReadonlyArray<Ended<S>>]>) {
    const write: Write = name === 'hanging' ? hanging : WRITES[name]
    for (const way of [ways].flat() as Array<Ended<S>>) {
      describe(way.title ?? write.title, () => {
        for (const end of ['aborted', 'closed'] as const) {
          for (const step of way.steps) {
            for (const forward of [false, true]) {
              // All run side by side: some wait.
              const said = complaints(suite, write, way, step, forward, end).catch(error => [String(error)])
              test(`${end} at ${step}, carried out: ${forward}`, async () => {
                expect(await said).toEqual([])
              })
            }
          }
        }
      })
    }
  }
}

/** Bytes, and then nothing: neither more of them nor an end. */
async function* endless(size: number): AsyncGenerator<Buffer> {
  yield* streamed(distinctBytes(size + 2).subarray(0, size))
  await new Promise(() => {})
}

async function complaints<S extends string>(
  { on: usual, part, making }: AbortSuite<S>,
  write: Write,
  { on = usual, attributes }: Ended<S>,
  step: S,
  forward: boolean,
  end: End,
): Promise<string[]> {
  const controller = new AbortController()
  const bytes = bytesOf(write, part)
  const before = write.over === true ? OLD : undefined
  let storage: Storage | undefined
  const onHold = (): void => {
    if (end === 'aborted') controller.abort()
    else void storage?.close()
  }
  const fault = named(end, { do: 'hold', at: forward ? 'after' : 'before', onHold })
  const result = await runCase(on, { step, fault, mode: 'always' }, async (files, prefix) => {
    storage = files
    if (before !== undefined) await on.put(`${prefix}new`, before)
    return write.run(files, `${prefix}new`, bytes, on, { signal: controller.signal, attributes })
  })
  const stored = await on.stored(`${result.prefix}new`)
  const isBefore = before === undefined ? stored === undefined : stored?.equals(before) === true
  const isWhole = forward && making.includes(step) && stored?.equals(bytes) === true
  const said: string[] = []
  if (!result.hit) said.push('the step never came')
  if (result.error === undefined) said.push('it succeeded')
  else if (result.error.code !== end && !(end === 'closed' && result.error.code === 'unavailable')) {
    said.push(`its code is ${result.error.code}: ${result.error.message}`)
  }
  if (!isBefore && !isWhole) said.push(`neither the old nor the new object, but ${stored?.length} bytes`)
  if (result.open.length > 0) said.push(`${result.open.length} uploads are open`)
  const listeners = getEventListeners(controller.signal, 'abort').length
  if (listeners > 0) said.push(`${listeners} listeners are left`)
  return said
}
