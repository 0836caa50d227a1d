/** Steps, faults and one case of the two, for the tests that put the fault proxy in front of an S3 server. */
import type { S3DriverOptions } from '../../src/backends/s3/driver.ts'
import { S3Storage } from '../../src/backends/s3/index.ts'
import { isStorageError, type StorageError } from '../../src/core/errors.ts'
import { settled } from '../../src/testing/case.ts'
import { driverFor, type TestServer } from '../backends/s3/support.ts'
import {
  type FaultAction,
  type FaultProxy,
  type ProxiedRequest,
  slowDown,
  startFaultProxy,
  tooManyRequests,
} from '../servers/fault-proxy.ts'

export type StepName = keyof typeof STEPS

const has = (request: ProxiedRequest, text: string): boolean => request.url.includes(text)
const isCopy = ({ headers }: ProxiedRequest): boolean => headers['x-amz-copy-source'] !== undefined
const part = (number: number) => (request: ProxiedRequest) =>
  request.method === 'PUT' && has(request, `partNumber=${number}&`) && !isCopy(request)

/** Which requests a step consists of. */
const STEPS = {
  CreateMultipartUpload: request => request.method === 'POST' && has(request, '?uploads'),
  'UploadPart 1': part(1),
  'UploadPart 2': part(2),
  'UploadPart 3': part(3),
  CompleteMultipartUpload: request => request.method === 'POST' && has(request, '?uploadId='),
  AbortMultipartUpload: request => request.method === 'DELETE' && has(request, '?uploadId='),
  PutObject: request => request.method === 'PUT' && !has(request, '?') && !isCopy(request),
  CopyObject: request => request.method === 'PUT' && !has(request, '?') && isCopy(request),
  UploadPartCopy: request => request.method === 'PUT' && has(request, 'partNumber=2&') && isCopy(request),
  GetObject: request => request.method === 'GET' && !has(request, '?'),
  HeadObject: request => request.method === 'HEAD',
  ListObjectsV2: request => request.method === 'GET' && has(request, 'list-type=2'),
  DeleteObjects: request => request.method === 'POST' && has(request, '?delete'),
} satisfies Record<string, (request: ProxiedRequest) => boolean>

/** The steps whose answers have no body: cut off after their head they are whole. */
const BODYLESS: readonly string[] = [
  'UploadPart 1',
  'UploadPart 2',
  'UploadPart 3',
  'AbortMultipartUpload',
  'PutObject',
  'HeadObject',
]

/** One thing that goes wrong. */
export interface Fault {
  readonly title: string
  readonly action: FaultAction
  /** Whether the server carries the request out: not, before the answer, or after the client has given up. */
  readonly work: 'none' | 'done' | 'late'
  /** What a call fails with when it goes on and on; undefined when it does not matter. */
  readonly code: 'unavailable' | 'throttled' | 'timeout' | undefined
}

/** Seconds without progress after which the slow faults' calls give a try up, and how late the work is then done. */
export const TIMEOUT_SECS = 2
const LATE_MS = 2300

const failing = (status: number, forward: boolean): FaultAction => ({ do: 'answer', status, forward })

/** Every fault of the proxy. */
export const FAULTS: readonly Fault[] = [
  { title: 'reset before', action: { do: 'reset-before' }, work: 'none', code: 'unavailable' },
  { title: 'reset during', action: { do: 'reset-during', bytes: 1000 }, work: 'none', code: 'unavailable' },
  { title: 'reset after', action: { do: 'reset-after' }, work: 'done', code: 'unavailable' },
  { title: 'cut head', action: { do: 'cut-head' }, work: 'done', code: 'unavailable' },
  { title: 'truncated answer', action: { do: 'truncate', bytes: 5 }, work: 'done', code: 'unavailable' },
  { title: 'late work', action: { do: 'delay', ms: LATE_MS }, work: 'late', code: 'timeout' },
  { title: 'late answer', action: { do: 'delay', ms: LATE_MS, after: true }, work: 'done', code: 'timeout' },
  { title: 'hang before', action: { do: 'hang' }, work: 'none', code: 'timeout' },
  { title: 'hang after', action: { do: 'hang', forward: true }, work: 'done', code: 'timeout' },
  { title: '500', action: failing(500, false), work: 'none', code: 'unavailable' },
  { title: '500 after', action: failing(500, true), work: 'done', code: 'unavailable' },
  { title: '503', action: failing(503, false), work: 'none', code: 'unavailable' },
  { title: '503 after', action: failing(503, true), work: 'done', code: 'unavailable' },
  { title: 'SlowDown', action: slowDown(), work: 'none', code: 'throttled' },
  { title: 'SlowDown after', action: { ...slowDown(), forward: true } as FaultAction, work: 'done', code: 'throttled' },
  { title: '429', action: tooManyRequests(1), work: 'none', code: 'throttled' },
  {
    title: '429 after',
    action: { ...tooManyRequests(1), forward: true } as FaultAction,
    work: 'done',
    code: 'throttled',
  },
  { title: 'duplicate', action: { do: 'duplicate' }, work: 'done', code: undefined },
]

/** Whether a fault goes unnoticed at a step. */
export function isHarmless({ action }: Fault, step: StepName): boolean {
  return action.do === 'duplicate' || (action.do === 'truncate' && BODYLESS.includes(step))
}

/** Whether a fault tells the client that nothing was done although it was. */
export function isLie({ work, code }: Fault): boolean {
  return work === 'done' && code === 'throttled'
}

/** Where cases run, and how their traces are seen. */
export interface Ground {
  readonly server: TestServer
  readonly bucketName: string
  readonly driver: Partial<S3DriverOptions>
  /** Stores bytes without the proxy. */
  put(key: string, bytes: Buffer): Promise<void>
  /** The bytes under a key, looked up without the proxy; undefined when there is no object. */
  stored(key: string): Promise<Buffer | undefined>
  /** Keys of the uploads that are open below a prefix. */
  openUploads(prefix: string): Promise<string[]>
}

/** One step with one fault. */
export interface FaultCase {
  readonly step: StepName
  readonly fault: Fault
  /** Whether only the first request fails, or every one. */
  readonly mode: 'once' | 'always'
  /** Requests that always fail besides. */
  readonly also?: ((request: ProxiedRequest) => FaultAction | undefined) | undefined
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
  readonly open: string[]
}

let count = 0

const quick = pool(12)
const slow = pool(64)
const starting = pool(4)

/**
 * Runs a case when it is its turn: few work at once, so that no time-out strikes but where the fault is; those that wait for
 * time-outs are many at once, but begin few at a time.
 */
export async function runCase(
  ground: Ground,
  wanted: FaultCase,
  work: (files: S3Storage, prefix: string) => Promise<unknown>,
): Promise<FaultResult> {
  if (wanted.fault.code !== 'timeout') {
    const running = new RunningCase(ground, wanted)
    await quick(() => running.work(work))
    return running.end()
  }
  return slow(async () => {
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
    const running = new RunningCase(ground, wanted, begin)
    const done = Promise.withResolvers<void>()
    await starting(() => {
      done.resolve(running.work(work).finally(begin))
      return begun
    })
    await done.promise
    return running.end()
  })
}

/** A storage that reaches the server through a proxy with one fault. */
class RunningCase {
  readonly #ground: Ground
  readonly #case: FaultCase
  readonly #onHit: () => void
  readonly #prefix: string = `case-${++count}/`
  #hits = 0
  #proxy: FaultProxy | undefined
  #files: S3Storage | undefined
  #value: unknown
  #error: StorageError | undefined

  constructor(ground: Ground, wanted: FaultCase, onHit: () => void = () => {}) {
    this.#ground = ground
    this.#case = wanted
    this.#onHit = onHit
  }

  async work(run: (files: S3Storage, prefix: string) => Promise<unknown>): Promise<void> {
    const { server, bucketName, driver: options } = this.#ground
    const { fault, mode } = this.#case
    this.#proxy = await startFaultProxy(server.url, request => this.#rule(request))
    const timeoutSecs = fault.code === 'timeout' ? TIMEOUT_SECS : 30
    const at = { ...server, url: this.#proxy.url }
    const driver = driverFor(at, { ...options, transport: { idleTimeoutSecs: timeoutSecs } }, bucketName)
    const { accessKeyId: accessKey, secretAccessKey: secretKey } = server.credentials
    this.#files = new S3Storage(
      { bucketName, accessKey, secretKey, timeoutSecs, maxAttempts: mode === 'once' ? 3 : 2 },
      { settings: {}, env: {}, driver },
    )
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

  #rule(request: ProxiedRequest): FaultAction | undefined {
    const { step, fault, mode, also } = this.#case
    if (!STEPS[step](request)) return also?.(request)
    this.#onHit()
    return ++this.#hits === 1 || mode === 'always' ? fault.action : undefined
  }
}

/** Lets so many run at once. */
function pool(limit: number): <T>(work: () => Promise<T>) => Promise<T> {
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
