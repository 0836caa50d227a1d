/** A call that is aborted, or whose storage is closed, while a request of its is on the way: at every step, with the work done or not. */
import { getEventListeners } from 'node:events'
import { afterAll, describe, expect, test } from 'vitest'
import type { Storage } from '../../../src/storage/storage.ts'
import { named, runCase } from '../../faults/case.ts'
import { distinctBytes, type Ground, streamed } from '../../faults/ground.ts'
import { PART, type StepName, startGrounds } from './fault-steps.ts'

const { json, xml, close } = await startGrounds()
afterAll(close)

const larger = distinctBytes(4 * PART)
const large = larger.subarray(0, 3 * PART - 1000)
const small = large.subarray(0, 30_000)
const old = Buffer.from('what was there before')

interface Plan {
  readonly title: string
  readonly on: Ground<StepName>
  readonly steps: readonly StepName[]
  readonly bytes: Buffer
  readonly before?: Buffer
  write(files: Storage, name: string, signal: AbortSignal): Promise<unknown>
}

const plans: readonly Plan[] = [
  {
    title: 'a stream over an old file',
    on: json,
    steps: ['start', 'part 1', 'part 2', 'last part'],
    bytes: large,
    before: old,
    write: (files, name, signal) => files.save(name, streamed(large), { overwrite: true, signal }),
  },
  {
    title: 'a stream whose source hangs',
    on: json,
    steps: ['part 1', 'part 2'],
    bytes: large,
    write: (files, name, signal) => files.save(name, hanging(3 * PART + 10), { overwrite: true, signal }),
  },
  {
    title: 'a new file in parts, by the XML API',
    on: xml,
    steps: ['start', 'part 2', 'last part'],
    bytes: large,
    write: (files, name, signal) => files.save(name, large, { overwrite: false, signal }),
  },
  {
    title: 'a small stream',
    on: json,
    steps: ['insert'],
    bytes: small,
    write: (files, name, signal) => files.save(name, streamed(small), { overwrite: true, signal }),
  },
  {
    title: 'a small new file',
    on: json,
    steps: ['insert'],
    bytes: small,
    write: (files, name, signal) => files.save(name, small, { overwrite: false, signal }),
  },
  {
    title: 'a copy in several calls',
    on: json,
    steps: ['get', 'rewrite'],
    bytes: large,
    write: async (files, name, signal) => {
      await json.put(`${name} from`, large)
      return files.copy(`${name} from`, name, { overwrite: true, signal })
    },
  },
]

/** Bytes, and then nothing: neither more of them nor an end. */
async function* hanging(size: number): AsyncGenerator<Buffer> {
  yield* streamed(larger.subarray(0, size))
  await new Promise(() => {})
}

type End = 'aborted' | 'closed'

/** The steps after which the new object may be there. */
const MAKING: readonly StepName[] = ['last part', 'insert', 'rewrite']

async function complaints(plan: Plan, step: StepName, forward: boolean, end: End): Promise<string[]> {
  const controller = new AbortController()
  let storage: Storage | undefined
  const onHold = (): void => {
    if (end === 'aborted') controller.abort()
    else void storage?.close()
  }
  const fault = named(end, { do: 'hold', at: forward ? 'after' : 'before', onHold })
  const result = await runCase(plan.on, { step, fault, mode: 'always' }, async (files, prefix) => {
    storage = files
    if (plan.before !== undefined) await plan.on.put(`${prefix}new`, plan.before)
    return plan.write(files, `${prefix}new`, controller.signal)
  })
  const stored = await plan.on.stored(`${result.prefix}new`)
  const isBefore = plan.before === undefined ? stored === undefined : stored?.equals(plan.before) === true
  const isWhole = forward && MAKING.includes(step) && stored?.equals(plan.bytes) === true
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

describe.each(plans)('$title', plan => {
  for (const end of ['aborted', 'closed'] as const) {
    for (const step of plan.steps) {
      test.concurrent.each([false, true])(`${end} at ${step}, carried out: %s`, async forward => {
        expect(await complaints(plan, step, forward, end)).toEqual([])
      })
    }
  }
})
