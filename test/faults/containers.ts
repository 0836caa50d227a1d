/** Requests about containers that go wrong: lies, lost answers, refusals, and calls that are aborted. */
import { describe, expect, test } from 'vitest'
import { isStorageError } from '../../src/core/errors.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { settled } from '../../src/testing/case.ts'
import type { FaultList } from '../servers/strict/faults.ts'
import type { NamedFault } from './case.ts'
import { type Fault, tooManyRequests } from './faults.ts'

type Method = 'create' | 'stat' | 'list' | 'delete'

/** One request about containers, and what may be told instead of its answer. */
interface Step {
  /** Name in the service's reference. */
  readonly operation: string
  readonly lies: readonly NamedFault[]
}

/** A backend whose requests go wrong. */
export interface ContainerFaultSuite {
  readonly title: string
  /** A strict server; its faults are used up one by one, so that the cases run one after the other. */
  readonly server: {
    readonly faults: Pick<FaultList, 'add' | 'clear'>
    readonly requests: readonly { readonly operation: string }[]
  }
  /** A storage of that server; its HTTP client may keep connections. */
  storage(maxAttempts: number): Storage
  /** Looks a container up behind the protocol; throws, or returns false, where it is missing. */
  lookUp(name: string): unknown
  readonly steps: Readonly<Record<Method, Step>>
  /** The look-up that goes before the creation or the deletion, where there is one. */
  readonly lookUps?: Readonly<Partial<Record<'create' | 'delete', string>>>
}

let count = 0

/** Registers what a backend must do with them. */
export function describeContainerFaults({
  title,
  server,
  storage,
  lookUp,
  steps,
  lookUps = {},
}: ContainerFaultSuite): void {
  const fail = (operation: string, fault: Fault): void => {
    server.faults.clear()
    server.faults.add({ operation, fault })
  }
  const has = (name: string): boolean => {
    try {
      return lookUp(name) !== false
    } catch {
      return false
    }
  }
  const sentOf = (operation: string): number => server.requests.filter(each => each.operation === operation).length
  /** What became of a call: `done`, or the code and the outcome of its error. */
  const outcome = async (call: Promise<unknown>): Promise<readonly [code: string, outcome?: string]> => {
    try {
      await settled(call, 'the call')
      return ['done']
    } catch (error) {
      if (!isStorageError(error)) throw error
      return [error.code, error.outcome]
    }
  }
  const prepared = async (files: Storage, method: Method): Promise<string> => {
    server.faults.clear()
    const name = `fault-${(count++).toString().padStart(4, '0')}`
    if (method !== 'create') await files.driver.createContainer(name)
    return name
  }
  const CALLS: Readonly<Record<Method, (files: Storage, name: string, signal?: AbortSignal) => Promise<unknown>>> = {
    create: (files, name, signal) => files.driver.createContainer(name, { signal }),
    stat: (files, name, signal) => files.driver.getContainer(name, { signal }),
    list: (files, _name, signal) => files.driver.listContainers({ signal }),
    delete: (files, name, signal) => files.driver.deleteContainer(name, { signal }),
  }

  describe(title, () => {
    for (const method of Object.keys(steps) as Method[]) {
      const { operation, lies } = steps[method]
      for (const lie of lies) {
        test(`${method}: ${lie.title}`, async () => {
          await using files = storage(1)
          const name = await prepared(files, method)
          if (method === 'stat') await files.driver.deleteContainer(name)
          fail(operation, lie.fault)
          const [code, applied] = await outcome(CALLS[method](files, name))
          if (code === 'done') {
            // It can only have been believed where it was the truth.
            expect(method).not.toBe('stat')
            expect(method).not.toBe('list')
            expect(has(name)).toBe(method === 'create')
          } else {
            // The lie about a missing container is one in the answer that refuses it, which is no success.
            if (method !== 'stat') expect(code).toBe('unavailable')
            if (method === 'create' || method === 'delete') expect(applied).toBe('unknown')
          }
          server.faults.clear()
        })
      }
    }

    for (const method of ['create', 'delete'] as const) {
      const { operation } = steps[method]
      test(`${method}: a lost answer is "unavailable", outcome unknown, and not made again`, async () => {
        await using files = storage(3)
        const name = await prepared(files, method)
        const before = sentOf(operation)
        fail(operation, { do: 'drop', at: 'after' })
        const [code, applied] = await outcome(CALLS[method](files, name))
        expect([code, applied]).toEqual(['unavailable', 'unknown'])
        expect(has(name)).toBe(method === 'create')
        // The client sends an unanswered request once more on a new connection at most.
        expect(sentOf(operation) - before).toBeLessThanOrEqual(2)
      })

      const look = lookUps[method]
      if (look !== undefined) {
        test(`${method}: the lost answer to the look-up before it is asked for again`, async () => {
          await using files = storage(3)
          const name = await prepared(files, method)
          const before = sentOf(operation)
          fail(look, { do: 'drop', at: 'after' })
          expect(await outcome(CALLS[method](files, name))).toEqual(['done'])
          expect(has(name)).toBe(method === 'create')
          expect(sentOf(operation) - before).toBe(1)
        })

        test(`${method}: without an answer to the look-up before it nothing is done`, async () => {
          await using files = storage(1)
          const name = await prepared(files, method)
          server.faults.add({ operation: look, fault: { do: 'refuse', status: 503 }, times: 2 })
          const [code, applied] = await outcome(CALLS[method](files, name))
          expect([code, applied]).toEqual(['unavailable', 'not_applied'])
          expect(has(name)).toBe(method !== 'create')
          server.faults.clear()
        })
      }

      test(`${method}: a refusal that asks for patience is made again`, async () => {
        await using files = storage(3)
        const name = await prepared(files, method)
        fail(operation, tooManyRequests(0))
        expect(await outcome(CALLS[method](files, name))).toEqual(['done'])
        expect(has(name)).toBe(method === 'create')
      })
    }

    for (const method of ['stat', 'list'] as const) {
      test(`${method}: a lost answer is asked for again`, async () => {
        await using files = storage(3)
        const name = await prepared(files, method)
        fail(steps[method].operation, { do: 'drop', at: 'after' })
        expect(await outcome(CALLS[method](files, name))).toEqual(['done'])
      })
    }

    for (const method of Object.keys(steps) as Method[]) {
      test(`${method}: an abort ends it`, async () => {
        await using files = storage(3)
        const name = await prepared(files, method)
        const abort = new AbortController()
        fail(steps[method].operation, { do: 'hold', onHold: () => abort.abort() })
        const [code] = await outcome(CALLS[method](files, name, abort.signal))
        expect(code).toBe('aborted')
        expect(has(name)).toBe(method !== 'create')
        server.faults.clear()
      })
    }
  })
}
