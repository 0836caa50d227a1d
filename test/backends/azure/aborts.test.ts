/** A call that is aborted, or whose storage is closed, while a request of its is on the way: at every step, with the work done or not. */
import { getEventListeners } from 'node:events'
import { afterAll, describe, expect, test } from 'vitest'
import type { Storage } from '../../../src/storage/storage.ts'
import { named, runCase } from '../../faults/case.ts'
import { distinctBytes, streamed } from '../../faults/ground.ts'
import { PART, type StepName, startGround } from './fault-steps.ts'

const { close, ...on } = await startGround()
afterAll(close)

const large = distinctBytes(3 * PART - 1000)
const small = large.subarray(0, 30_000)
const old = Buffer.from('what was there before')

interface Plan {
  readonly title: string
  readonly steps: readonly StepName[]
  readonly bytes: Buffer
  readonly before?: Buffer
  write(files: Storage, name: string, signal: AbortSignal): Promise<unknown>
}

const plans: readonly Plan[] = [
  {
    title: 'a stream over an old file',
    steps: ['PutBlock 1', 'PutBlock 2', 'PutBlock 3', 'PutBlockList'],
    bytes: large,
    before: old,
    write: (files, name, signal) => files.save(name, streamed(large), { overwrite: true, signal }),
  },
  {
    title: 'a stream whose source hangs',
    steps: ['PutBlock 1', 'PutBlock 2'],
    bytes: large,
    write: (files, name, signal) => files.save(name, hanging(2 * PART + 10), { overwrite: true, signal }),
  },
  {
    title: 'a new file in blocks',
    steps: ['PutBlock 2', 'PutBlockList'],
    bytes: large,
    write: (files, name, signal) => files.save(name, large, { overwrite: false, signal }),
  },
  {
    title: 'a small stream',
    steps: ['PutBlob'],
    bytes: small,
    write: (files, name, signal) => files.save(name, streamed(small), { overwrite: true, signal }),
  },
  {
    title: 'a copy',
    steps: ['GetBlobProperties', 'CopyBlob'],
    bytes: small,
    write: async (files, name, signal) => {
      await on.put(`${name} from`, small)
      return files.copy(`${name} from`, name, { overwrite: true, signal })
    },
  },
  {
    title: 'a copy in blocks',
    steps: ['PutBlockFromURL', 'PutBlockList'],
    bytes: large,
    write: async (files, name, signal) => {
      await on.put(`${name} from`, large)
      return files.copy(`${name} from`, name, { overwrite: true, contentType: 'text/odd', signal })
    },
  },
]

/** Bytes, and then nothing: neither more of them nor an end. */
async function* hanging(size: number): AsyncGenerator<Buffer> {
  yield* streamed(large.subarray(0, size))
  await new Promise(() => {})
}

type End = 'aborted' | 'closed'

async function complaints(plan: Plan, step: StepName, forward: boolean, end: End): Promise<string[]> {
  const controller = new AbortController()
  let storage: Storage | undefined
  const onHold = (): void => {
    if (end === 'aborted') controller.abort()
    else void storage?.close()
  }
  const fault = named(end, { do: 'hold', at: forward ? 'after' : 'before', onHold })
  const result = await runCase(on, { step, fault, mode: 'always' }, async (files, prefix) => {
    storage = files
    if (plan.before !== undefined) await on.put(`${prefix}new`, plan.before)
    return plan.write(files, `${prefix}new`, controller.signal)
  })
  const stored = await on.stored(`${result.prefix}new`)
  const isBefore = plan.before === undefined ? stored === undefined : stored?.equals(plan.before) === true
  const mayBeWhole = forward && /^(PutBlob|PutBlockList|CopyBlob)$/.test(step)
  const isWhole = mayBeWhole && stored?.equals(plan.bytes) === true
  const said: string[] = []
  if (!result.hit) said.push('the step never came')
  if (result.error === undefined) said.push('it succeeded')
  else if (result.error.code !== end && !(end === 'closed' && result.error.code === 'unavailable')) {
    said.push(`its code is ${result.error.code}: ${result.error.message}`)
  }
  if (!isBefore && !isWhole) said.push(`neither the old nor the new object, but ${stored?.length} bytes`)
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
