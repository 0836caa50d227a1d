import { Readable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { abortable } from '../../src/core/abort.ts'
import type { CallContext } from '../../src/core/call.ts'
import { bytesContent, type Content, streamContent } from '../../src/core/content.ts'
import { StorageError } from '../../src/core/errors.ts'
import { retry } from '../../src/layers/retry.ts'
import { OpenUploads } from '../../src/remote/open-uploads.ts'
import type { PartPlan } from '../../src/remote/part-plan.ts'

import type { PartProtocol } from '../../src/remote/part-protocol.ts'
import { copyInRanges, writeObject } from '../../src/remote/part-upload.ts'
import { settled } from '../../src/testing/case.ts'
import {
  BlockService,
  FAULTS,
  type FaultKind,
  type MemoryService,
  SegmentService,
  SessionService,
  UNIT,
} from './memory-services.ts'

type Shape = MemoryService & PartProtocol<never, never>

const SHAPES: ReadonlyArray<readonly [string, () => Shape]> = [
  ['parts in any order', () => new BlockService() as unknown as Shape],
  ['one stream in order', () => new SessionService() as unknown as Shape],
  ['segments and a manifest', () => new SegmentService() as unknown as Shape],
  // As Atmos: a small object is one part.
  ['one stream in order, and no request for a whole object', () => withoutPut(new SessionService())],
]

function withoutPut(service: MemoryService): Shape {
  return Object.assign(service, { put: undefined }) as unknown as Shape
}

/** A context whose steps are retried without waiting and end with the signal, as those of a storage. */
function contextOf(signal: AbortSignal, maxAttempts = 3): CallContext {
  const again = retry({ maxAttempts, baseMs: 0, capMs: 0 })
  return {
    signal,
    attempt: 1,
    progress() {},
    step(operation, repeat, run) {
      const call = { operation, backend: 'memory', repeat }
      const inner = (ctx: CallContext): ReturnType<typeof run> =>
        abortable(run(ctx), ctx.signal).catch(error => {
          if (error instanceof StorageError) throw error
          throw new StorageError(ctx.signal.aborted ? 'aborted' : 'unknown', String(error), { cause: error })
        })
      return again(call, inner, this)
    },
  }
}

/** Everything that one write is made of. */
interface Case {
  readonly size: number
  readonly chunk: number
  readonly kind: 'bytes' | 'replayable' | 'sized stream' | 'stream'
  readonly threshold: number
  readonly partSize: number
  readonly concurrency: number
  readonly faults: ReadonlyMap<number, FaultKind>
}

const cases: fc.Arbitrary<Case> = fc.record({
  size: fc.integer({ min: 0, max: 60 }),
  chunk: fc.integer({ min: 1, max: 20 }),
  kind: fc.constantFrom('bytes', 'replayable', 'sized stream', 'stream'),
  threshold: fc.constantFrom(0, UNIT, 2 * UNIT),
  partSize: fc.constantFrom(UNIT, 2 * UNIT, 3 * UNIT),
  concurrency: fc.integer({ min: 1, max: 4 }),
  faults: fc
    .array(fc.tuple(fc.integer({ min: 0, max: 20 }), fc.constantFrom(...FAULTS)), { maxLength: 4 })
    .map(list => new Map(list)),
})

const old = Buffer.from('what was there before')

function bytesOf(size: number): Buffer {
  return Buffer.from(Array.from({ length: size }, (_, at) => (at * 37) % 251))
}

/** The content of a case, and how many bytes were taken of it. */
function contentOf({ kind, size, chunk }: Case, taken: (bytes: number) => void): Content {
  const bytes = bytesOf(size)
  if (kind === 'bytes') return bytesContent(bytes)
  function* chunks(): Generator<Buffer> {
    for (let at = 0; at < size; at += chunk) {
      const next = bytes.subarray(at, at + chunk)
      taken(at + next.length)
      yield next
    }
  }
  if (kind === 'replayable') {
    return { size, replayable: true, open: () => Readable.from(chunks(), { objectMode: false, highWaterMark: 1 }) }
  }
  return streamContent(chunks(), kind === 'stream' ? undefined : size)
}

function planOf(service: MemoryService, { threshold, partSize, concurrency }: Case): PartPlan {
  return { uploads: service.uploads, threshold, partSize, concurrency, repeat: { put: true, finish: true } }
}

async function complaints(make: () => Shape, one: Case): Promise<string[]> {
  const service = make()
  const controller = new AbortController()
  service.objects.set('key', old)
  service.faults = one.faults
  service.abort = () => controller.abort(new StorageError('aborted', 'aborted'))
  const said: string[] = []
  const isSequential = service.limits.sequential === true
  const parts = Math.max(2, isSequential ? 3 : one.concurrency + 1)
  const most = parts * Math.max(one.partSize, one.threshold) + one.chunk
  const content = contentOf(one, taken => {
    const held = taken - service.answered
    if (one.kind !== 'replayable' && held > most) said.push(`${held} bytes are held, ${most} may be`)
  })
  const target = { key: 'key', options: {} }
  const work = writeObject(service, target, content, planOf(service, one), contextOf(controller.signal))
  const error = await settled(work, 'the write').then(
    () => undefined,
    (reason: unknown) => reason,
  )
  await settled(service.uploads.close(), 'close')
  const found = service.read('key')
  const [isWhole, isOld] = [found?.equals(bytesOf(one.size)) === true, found?.equals(old) === true]
  if (error === undefined && !isWhole) said.push(`it succeeded with ${found}`)
  if (!isWhole && !isOld) said.push(`neither the old nor the new object, but ${found?.toString('hex')}`)
  if (error !== undefined && !(error instanceof StorageError)) said.push(`not a StorageError: ${error}`)
  const isTold = error instanceof StorageError && error.message.includes('could not be removed')
  if (service.left.length > 0 && !isTold) said.push(`left: ${service.left}`)
  const isLied = [...one.faults.values()].includes('lie')
  if (error instanceof StorageError && error.outcome === 'not_applied' && isWhole && !isLied)
    said.push('a denied success')
  return said
}

describe.each(SHAPES)('%s', (_title, make) => {
  test('makes the whole object or leaves the old one, and nothing is left open, whatever fails', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async one => {
        expect(await complaints(make, one)).toEqual([])
      }),
      { numRuns: 1500 },
    )
  })

  test.each(FAULTS)('the same with one request after the other that is %s', async kind => {
    const base = { size: 50, chunk: 7, threshold: UNIT, partSize: 3 * UNIT, concurrency: 2 } as const
    for (const content of ['bytes', 'stream'] as const) {
      for (let at = 0; at < 12; at++) {
        expect(await complaints(make, { ...base, kind: content, faults: new Map([[at, kind]]) })).toEqual([])
      }
    }
  })

  test('succeeds when each request fails once so that it may be repeated', async () => {
    for (const kind of ['refused', 'lost before', 'lost after', 'lie', 'cut'] as const) {
      const service = make()
      service.faults = new Map(Array.from({ length: 20 }, (_, at) => [3 * at, kind]))
      const one: Case = {
        size: 50,
        chunk: 7,
        kind: 'stream',
        threshold: 0,
        partSize: 8,
        concurrency: 1,
        faults: new Map(),
      }
      const content = contentOf(one, () => undefined)
      const progress: number[] = []
      const target = { key: 'key', options: { onProgress: (bytes: number) => void progress.push(bytes) } }
      await writeObject(service, target, content, planOf(service, one), contextOf(new AbortController().signal, 9))
      expect([kind, service.read('key')?.equals(bytesOf(50))]).toEqual([kind, true])
      expect(progress).toEqual([8, 16, 24, 32, 40, 48, 50])
    }
  })
})

test('closing waits until nothing is left, also of a write for which nobody waits', async () => {
  const service = new BlockService()
  const arrived = Promise.withResolvers<void>()
  service.part = async (_upload, _piece, { signal }) => {
    arrived.resolve()
    await abortable(new Promise(() => {}), signal)
    return 1
  }
  const ctx = contextOf(new AbortController().signal)
  const plan = planOf(service, { threshold: 0, partSize: 8, concurrency: 2 } as Case)
  const codes: unknown[] = []
  const work = writeObject(service, { key: 'key', options: {} }, bytesContent(bytesOf(50)), plan, ctx)
  void work.catch(({ code }) => codes.push(code))
  await arrived.promise
  expect(service.left).toHaveLength(1)
  await settled(service.uploads.close(), 'close')
  expect([service.left, codes]).toEqual([[], ['closed']])
})

describe('the requests of a write', () => {
  const one: Case = { size: 20, chunk: 5, kind: 'stream', threshold: 8, partSize: 8, concurrency: 3, faults: new Map() }
  const requests = async (make: () => Shape, change: Partial<Case> = {}): Promise<string[]> => {
    const service = make()
    const changed = { ...one, ...change }
    const content = contentOf(changed, () => undefined)
    const ctx = contextOf(new AbortController().signal)
    await writeObject(service, { key: 'key', options: {} }, content, planOf(service, changed), ctx)
    return service.requests
  }

  test.each([
    ['parts in any order', SHAPES[0]![1], ['begin', 'part', 'part', 'part', 'finish']],
    ['one stream in order', SHAPES[1]![1], ['begin', 'part', 'part', 'part']],
    ['segments', SHAPES[2]![1], ['part', 'part', 'part', 'finish']],
  ] as const)('of %s are no more than the shape needs', async (_title, make, expected) => {
    expect(await requests(make)).toEqual(expected)
    expect(await requests(make, { size: 8 })).toEqual(['put'])
    expect(await requests(make, { size: 0 })).toEqual(['put'])
    expect(await requests(make, { size: 8, kind: 'bytes' })).toEqual(['put'])
  })
})

describe('a copy in ranges', () => {
  test('covers the source once, in parts of one size', async () => {
    const service = new BlockService()
    const one = { threshold: 0, partSize: 8, concurrency: 3 } as Case
    const ranges: Array<[number, number]> = []
    const bytes = bytesOf(20)
    const ctx = contextOf(new AbortController().signal)
    const target = { key: 'copy', options: {} }
    const copied = copyInRanges(
      service,
      target,
      { size: 20 },
      async (upload, range, step) => {
        ranges.push([range.offset, range.size])
        const chunks = [bytes.subarray(range.offset, range.offset + range.size)]
        return service.part(upload, { ...range, chunks }, step)
      },
      planOf(service, one),
      ctx,
    )
    expect(await copied).toEqual({ size: 20 })
    expect(ranges).toEqual([
      [0, 8],
      [8, 8],
      [16, 4],
    ])
    expect(service.read('copy')?.equals(bytes)).toBe(true)
  })

  test('that fails leaves nothing', async () => {
    const service = new BlockService()
    const copied = copyInRanges(
      service,
      { key: 'copy', options: {} },
      { size: 20 },
      async (_upload, { number }) => {
        if (number === 2) throw new StorageError('precondition_failed', 'the source has changed')
        return number
      },
      planOf(service, { threshold: 0, partSize: 8, concurrency: 1 } as Case),
      contextOf(new AbortController().signal),
    )
    await expect(copied).rejects.toMatchObject({ code: 'precondition_failed' })
    expect([service.left, service.read('copy')]).toEqual([[], undefined])
  })
})

describe('a sequential upload', () => {
  test('whose service has other bytes than were sent fails, and says how many', async () => {
    const service = new SessionService()
    service.faults = new Map([[2, 'lost after']])
    service.stored = () => Promise.resolve(1000)
    const one: Case = {
      size: 30,
      chunk: 5,
      kind: 'stream',
      threshold: 0,
      partSize: 8,
      concurrency: 1,
      faults: new Map(),
    }
    const content = contentOf(one, () => undefined)
    const ctx = contextOf(new AbortController().signal)
    await expect(
      writeObject(service, { key: 'key', options: {} }, content, planOf(service, one), ctx),
    ).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('has 1000 bytes') })
    expect(service.left).toEqual([])
  })
})

/** A protocol whose uploads have one id, and which does as told otherwise. */
function protocolOf(told: Partial<PartProtocol<string, number>>): PartProtocol<string, number> {
  return {
    limits: { minPart: UNIT, maxParts: 100 },
    put: async () => undefined,
    begin: async () => 'id',
    part: async (_upload, { number }) => number,
    finish: async () => undefined,
    end: async () => true,
    ...told,
  }
}

describe('an upload that fails', () => {
  const target = { key: 'key', options: {} }
  const plan = (): PartPlan => ({
    uploads: new OpenUploads(),
    threshold: UNIT,
    partSize: UNIT,
    concurrency: 2,
    repeat: { put: true, finish: true },
  })
  const refused = new StorageError('permission_denied', 'no', { outcome: 'not_applied' })

  test('has an unknown outcome where the answer was lost and nobody may be asked what came of it', async () => {
    const protocol = protocolOf({
      finish: () => Promise.reject(new StorageError('unavailable', 'lost', { outcome: 'unknown', retryable: false })),
      fate: () => Promise.reject(refused),
    })
    const ctx = contextOf(new AbortController().signal, 1)
    const work = writeObject(protocol, target, bytesContent(bytesOf(3 * UNIT)), plan(), ctx)
    await expect(work).rejects.toMatchObject({ code: 'permission_denied', outcome: 'unknown' })
  })

  test('before its first part closes the source', async () => {
    const source = Readable.from([bytesOf(UNIT), bytesOf(UNIT), bytesOf(UNIT), bytesOf(UNIT)], { highWaterMark: 1 })
    const protocol = protocolOf({ begin: () => Promise.reject(refused) })
    const ctx = contextOf(new AbortController().signal, 1)
    await expect(writeObject(protocol, target, streamContent(source), plan(), ctx)).rejects.toBe(refused)
    expect(source.destroyed).toBe(true)
  })

  test('and one that succeeds are no longer among those under way, whose ids are kept', async () => {
    for (const finish of [async () => undefined, () => Promise.reject(refused)]) {
      const { uploads, ...rest } = plan()
      let during = 0
      const protocol = protocolOf({
        idOf: id => id,
        finish: () => {
          during = uploads.ids.size
          return finish()
        },
      })
      const ctx = contextOf(new AbortController().signal, 1)
      const content = bytesContent(bytesOf(3 * UNIT))
      await writeObject(protocol, target, content, { uploads, ...rest }, ctx).catch(() => undefined)
      expect([during, uploads.ids.size]).toEqual([1, 0])
    }
  })
})
