import { afterAll, expect, vi } from 'vitest'
import type { FaultResult, NamedFault } from '../../faults/case.ts'
import { type Expectation, isTwice, looked, repeated } from '../../faults/expected.ts'
import type { Ground } from '../../faults/ground.ts'
import { deletionPart, leftOf, pairOf } from '../../faults/looks.ts'
import { describeMatrix } from '../../faults/matrix.ts'
import { FAULTS, PART, refusedPart, type StepName, startGround } from './fault-steps.ts'

vi.mock('node:timers/promises', () => import('../../support/short-waits.ts'))

const [slo, dlo] = await Promise.all([startGround(), startGround({ features: { slo: false, bulk: false } })])
afterAll(async () => {
  await Promise.all([slo.close(), dlo.close()])
  expect([...slo.server.complaints, ...dlo.server.complaints]).toEqual([])
})

/** After a lost answer the object itself tells whether the segments make it. */
const manifest: Expectation<StepName> = (fault, mode, step, on) =>
  step === 'manifest' ? looked(fault, mode) : repeated(fault, mode, step, on)

/** A new name, under a condition that is tried once. */
const conditional: Expectation<StepName> = (fault, mode, step, on) =>
  mode === 'always' && isTwice(fault) ? 'fails' : repeated(fault, mode, step, on)

const UPLOAD = ['part 1', 'part 2', 'last part', 'head', 'manifest'] as const

describeMatrix<StepName>({
  on: slo,
  part: PART,
  faults: FAULTS,
  calls: {
    usedStream: { steps: UPLOAD, expected: manifest },
    inMemory: [
      { steps: ['info', 'part 2', 'manifest'], expected: manifest },
      {
        title: 'bytes in memory, as a dynamic large object',
        on: dlo,
        steps: ['part 2', 'manifest'],
        expected: manifest,
      },
    ],
    newInParts: { steps: ['last part', 'head', 'manifest'], expected: manifest },
    newStream: {
      title: 'a new stream, as a dynamic large object',
      on: dlo,
      steps: ['part 1', 'head', 'manifest'],
      expected: manifest,
    },
    bitByBit: { steps: ['part 1', 'manifest'], expected: manifest },
    small: { steps: ['head', 'put'] },
    smallStream: { steps: ['head', 'put'] },
    smallNew: { steps: ['put'], expected: conditional },
    copy: { steps: ['head', 'copy'] },
    copyInParts: [],
    failedEnd: { steps: ['delete segment'], also: refusedPart },
    read: { steps: ['read'] },
    size: { steps: ['head'] },
    list: { steps: ['info', 'list'] },
    delete: { steps: ['delete'] },
    deleteMany: { steps: ['bulk'] },
  },
  own: [
    { ...beforehand('delete', slo), title: 'looking at one before it is deleted', steps: ['head'] },
    { ...beforehand('deleteMany', slo), title: 'asking before many are deleted', steps: ['info', 'segments head'] },
    { ...eachByItself(slo), title: 'looking at many before they are deleted', steps: ['head'] },
    { ...eachByItself(dlo), title: 'deleting many one by one', steps: ['delete'] },
  ],
})

/** What is asked before anything is deleted: where that fails, all is there. */
function beforehand(name: 'delete' | 'deleteMany', on: Ground<StepName>) {
  const files = (prefix: string): string[] => (name === 'delete' ? [`${prefix}new`] : pairOf(prefix))
  return {
    ...deletionPart(name, on),
    on,
    expected: repeated,
    wrong: async ({ prefix, error }: FaultResult) => {
      const stored = await Promise.all(files(prefix).map(key => on.stored(key)))
      const left = stored.filter(Boolean).length
      return left === (error === undefined ? 0 : stored.length) ? undefined : `${left} are left`
    },
  }
}

/** Many deletions, each of which succeeds or fails by itself. */
function eachByItself(on: Ground<StepName>) {
  return {
    ...deletionPart('deleteMany', on),
    on,
    expected: () => 'succeeds' as const,
    wrong: async ({ prefix, value }: FaultResult, fault: NamedFault) => {
      const [deleted = 0, failed = 0] = (value ?? []) as number[]
      const left = await leftOf(on, prefix)
      const isTrue =
        deleted + failed === 2 && left <= failed && (fault.work === 'none' || left === 0 || failed === left)
      return isTrue ? undefined : `it deleted ${deleted}, ${failed} failed, ${left} are left`
    },
  }
}
