/** One case: a call through the proxy, one step of which goes wrong. */
import { setTimeout as wait } from 'node:timers/promises'
import { isStorageError, type StorageError } from '../../src/core/errors.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { settled } from '../../src/testing/case.ts'
import { type FaultProxy, type FaultRule, type ProxiedRequest, startFaultProxy } from '../servers/fault-proxy.ts'
import { type Fault, type Refuse, tooManyRequests, workOf } from './faults.ts'
import type { Ground } from './ground.ts'

/** A fault with its title and what comes of it. */
export interface NamedFault {
  readonly title: string
  readonly fault: Fault
  /** Whether the server carries the request out: not, before the answer, or after the client has given up. */
  readonly work: 'none' | 'done' | 'late'
  /** What a call fails with when it goes on and on; undefined when it does not matter. */
  readonly code: 'unavailable' | 'throttled' | 'timeout' | undefined
}

/** Gives a fault a title. */
export function named(title: string, fault: Fault, code?: NamedFault['code']): NamedFault {
  return { title, fault, work: workOf(fault), code }
}

/** Seconds without progress after which the slow faults' calls give a try up, and how late the work is then done. */
export const TIMEOUT_SECS = 2
const LATE_MS = 2300

/** A refusal before and after the work. */
function refused(title: string, fault: Refuse, code: NamedFault['code']): NamedFault[] {
  return [named(title, fault, code), named(`${title} after`, { ...fault, at: 'after' }, code)]
}

/** Every fault but lies; `throttled` is how the service asks to slow down, by its own name. */
export function faultsOf(throttled: Readonly<Record<string, Refuse>>): NamedFault[] {
  return [
    named('drop before', { do: 'drop' }, 'unavailable'),
    named('drop during', { do: 'drop', bytes: 1000 }, 'unavailable'),
    named('drop after', { do: 'drop', at: 'after' }, 'unavailable'),
    named('cut head', { do: 'cut', bytes: 'head' }, 'unavailable'),
    named('cut body', { do: 'cut', bytes: 5 }, 'unavailable'),
    named('held before late work', { do: 'hold', ms: LATE_MS }, 'timeout'),
    named('held after work', { do: 'hold', ms: LATE_MS, at: 'after' }, 'timeout'),
    named('held for good before work', { do: 'hold' }, 'timeout'),
    named('held for good after work', { do: 'hold', at: 'after' }, 'timeout'),
    ...refused('500', { do: 'refuse', status: 500 }, 'unavailable'),
    ...refused('503', { do: 'refuse', status: 503 }, 'unavailable'),
    ...Object.entries(throttled).flatMap(([title, fault]) => refused(title, fault, 'throttled')),
    ...refused('429', tooManyRequests(1), 'throttled'),
    named('garbage', { do: 'garbage' }, 'unavailable'),
    named('garbage after', { do: 'garbage', at: 'after' }, 'unavailable'),
    named('closed after its answer', { do: 'close' }),
    named('repeat', { do: 'repeat' }),
  ]
}

/** Whether a fault goes unnoticed at a step. */
export function isHarmless<S extends string>({ fault }: NamedFault, step: S, bodyless: readonly S[]): boolean {
  return (
    fault.do === 'repeat' ||
    fault.do === 'close' ||
    (fault.do === 'cut' && fault.bytes !== 'head' && bodyless.includes(step))
  )
}

/** Whether a fault tells the client that nothing was done although it was. */
export function isDenial({ work, code }: NamedFault): boolean {
  return work === 'done' && code === 'throttled'
}

/** One step with one fault. */
export interface FaultCase<S extends string = string> {
  readonly step: S
  readonly fault: NamedFault
  /** Whether only the first request fails, or every one. */
  readonly mode: 'once' | 'always'
  /** Requests that always fail besides. */
  readonly also?: FaultRule | undefined
}

/** What came of a case. */
export interface FaultResult {
  /** Where the case's files are. */
  readonly prefix: string
  /** What the work gave. */
  readonly value: unknown
  readonly error: StorageError | undefined
  /** Whether the fault came into play. */
  readonly hit: boolean
  /** Keys of the uploads that are open at the end. */
  readonly open: readonly string[]
}

let count = 0

const working = pool(12)
/** Those that the server asks to wait, or that wait by themselves, work little and wait a second and more, unless a test has made its waits short. */
const waiting = pool(96)
const areWaitsShort = wait !== process.getBuiltinModule('node:timers/promises').setTimeout
const slow = pool(256)
const starting = pool(4)

/**
 * Runs a case when it is its turn: few work at once, so that no time-out strikes but where the fault is. Those that wait for a time-out, or
 * for the time that the server names, are many at once, but begin few at a time.
 */
export async function runCase<S extends string>(
  ground: Ground<S>,
  wanted: FaultCase<S>,
  work: (files: Storage, prefix: string) => Promise<unknown>,
): Promise<FaultResult> {
  const { code } = wanted.fault
  if (code === 'timeout') return slow(() => runBegun(starting, ground, wanted, work))
  const waits = code === 'throttled' || ground.waits?.includes(wanted.step) === true
  if (waits && !areWaitsShort) return waiting(() => runBegun(working, ground, wanted, work))
  const running = new RunningCase<S>(ground, wanted)
  await working(() => running.work(work))
  return running.end()
}

/** Runs a case that has its turn in `turns` until its fault strikes, and then goes on by itself. */
async function runBegun<S extends string>(
  turns: Pool,
  ground: Ground<S>,
  wanted: FaultCase<S>,
  work: (files: Storage, prefix: string) => Promise<unknown>,
): Promise<FaultResult> {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
  const running = new RunningCase<S>(ground, wanted, begin)
  const done = Promise.withResolvers<void>()
  await turns(() => {
    done.resolve(running.work(work).finally(begin))
    return begun
  })
  await done.promise
  return running.end()
}

/** A storage that reaches the server through a proxy with one fault. */
class RunningCase<S extends string> {
  readonly #ground: Ground<S>
  readonly #case: FaultCase<S>
  readonly #onHit: () => void
  readonly #prefix: string = `case-${++count}/`
  #hits = 0
  #proxy: FaultProxy | undefined
  #files: Storage | undefined
  #value: unknown
  #error: StorageError | undefined

  constructor(ground: Ground<S>, wanted: FaultCase<S>, onHit: () => void = () => {}) {
    this.#ground = ground
    this.#case = wanted
    this.#onHit = onHit
  }

  async work(run: (files: Storage, prefix: string) => Promise<unknown>): Promise<void> {
    const { fault, mode } = this.#case
    this.#proxy = await startFaultProxy(this.#ground.url, request => this.#rule(request), { keepAlive: true })
    const timeoutSecs = fault.code === 'timeout' ? TIMEOUT_SECS : 30
    const maxAttempts = mode === 'once' ? 3 : 2
    this.#files = this.#ground.storage(this.#proxy.url, { timeoutSecs, maxAttempts })
    try {
      this.#value = await settled(run(this.#files, this.#prefix), 'the work', 45_000)
    } catch (error) {
      if (!isStorageError(error)) throw error
      this.#error = error
    }
  }

  /** Closes the storage and waits until nothing is under way any more. */
  async end(): Promise<FaultResult> {
    const proxy = this.#proxy!
    try {
      await settled(this.#files!.close(), 'close', 35_000)
      await settled(proxy.unused(), 'the end of all connections')
      await settled(proxy.quiet(), 'the proxy')
      const open = await this.#ground.openUploads(this.#prefix)
      return { prefix: this.#prefix, value: this.#value, error: this.#error, hit: this.#hits > 0, open }
    } finally {
      await proxy.close()
    }
  }

  #rule(request: ProxiedRequest): Fault | undefined {
    const { step, fault, mode, also } = this.#case
    if (!this.#ground.steps[step](request)) return also?.(request)
    this.#onHit()
    return ++this.#hits === 1 || mode === 'always' ? fault.fault : undefined
  }
}

type Pool = <T>(work: () => Promise<T>) => Promise<T>

/** Lets so many run at once. */
function pool(limit: number): Pool {
  let free = limit
  const waiting: Array<() => void> = []
  return async work => {
    if (free > 0) free--
    else await new Promise<void>(resolve => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) free++
      else next()
    }
  }
}
