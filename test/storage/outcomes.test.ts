import fc from 'fast-check'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LocalStorage } from '../../src/backends/local/index.ts'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { isStorageError } from '../../src/core/errors.ts'
import { chaos } from '../../src/layers/chaos.ts'
import type { Layer } from '../../src/layers/layer.ts'
import type { Storage } from '../../src/storage/storage.ts'
import type { PlannedFault } from '../servers/strict/faults.ts'
import { Kinds } from './kinds.ts'

const kinds = await Kinds.start()
let turns = 0
// Waits before tries are random below a bound: here next to none.
vi.spyOn(Math, 'random').mockImplementation(() => (++turns % 1000) / 1e6)
afterAll(async () => {
  vi.restoreAllMocks()
  await kinds.end()
})

const rejections: unknown[] = []
const note = (reason: unknown): void => void rejections.push(reason)
beforeEach(() => void process.on('unhandledRejection', note))
afterEach(() => {
  process.off('unhandledRejection', note)
  expect(rejections.splice(0)).toEqual([])
})

const NAMES = ['a', 'b', 'd/c']
const name = fc.constantFrom(...NAMES)
/** Names and their contents. */
type State = Readonly<Record<string, string>>

interface Operation {
  readonly title: string
  run(storage: Storage): Promise<unknown>
  /** The state that a success leads to, with what it gave; undefined where the operation must fail. */
  after(state: State, result?: unknown): State | undefined
}

const without = (state: State, name: string): State =>
  Object.fromEntries(Object.entries(state).filter(([n]) => n !== name))
let versions = 0

const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.tuple(name, fc.constantFrom('bytes', 'stream')).map(([to, kind]): Operation => {
    const text = `saved ${++versions}`
    return {
      title: `save ${kind} over ${to}`,
      run: storage =>
        storage.save(to, kind === 'bytes' ? text : [text.slice(0, 3), text.slice(3)], { overwrite: true }),
      after: state => ({ ...state, [to]: text }),
    }
  }),
  fc.tuple(name, fc.constantFrom('bytes', 'stream', 'copy')).map(([to, kind]): Operation => {
    const text = `new ${++versions}`
    return {
      title: `${kind} to a free name like ${to}`,
      run: async storage => {
        if (kind !== 'copy') return storage.save(to, kind === 'bytes' ? text : [text], { overwrite: false })
        return storage.copy('a', to, { overwrite: false })
      },
      after(state, free = 'any free name') {
        const stored = kind === 'copy' ? state['a'] : text
        return stored === undefined || state[free as string] !== undefined
          ? undefined
          : { ...state, [free as string]: stored }
      },
    }
  }),
  fc.tuple(name, fc.constantFrom('w', 'a', 'r+', 'w+', 'x')).map(([to, mode]): Operation => {
    const text = `edited ${++versions}`
    return {
      title: `edit ${to} in mode ${mode}`,
      run: storage => storage.edit(to, mode as 'w', file => file.write(text)),
      after(state) {
        const old = state[to]
        if ((mode === 'r+' && old === undefined) || (mode === 'x' && old !== undefined)) return undefined
        const kept = mode === 'a' ? (old ?? '') + text : mode === 'r+' ? text + old!.slice(text.length) : text
        return { ...state, [to]: kept }
      },
    }
  }),
  name.map(
    (from): Operation => ({
      title: `delete ${from}`,
      run: storage => storage.delete(from),
      after: state => without(state, from),
    }),
  ),
  fc.tuple(name, name, fc.constantFrom('copy' as const, 'move' as const)).map(
    ([from, to, method]): Operation => ({
      title: `${method} ${from} over ${to}`,
      run: storage => storage[method](from, to, { overwrite: true }),
      after(state) {
        const text = state[from]
        if (text === undefined) return undefined
        const copied = { ...state, [to]: text }
        return method === 'move' && from !== to ? without(copied, from) : copied
      },
    }),
  ),
  name.map(
    (from): Operation => ({
      title: `read ${from}`,
      run: async storage => {
        const chunks: Uint8Array[] = []
        for await (const chunk of storage.createReadStream(from)) chunks.push(chunk)
        await using file = await storage.open(from, 'r')
        expect(await file.read()).toBe(Buffer.concat(chunks).toString())
      },
      after: state => (state[from] === undefined ? undefined : state),
    }),
  ),
)

async function stateOf(storage: Storage): Promise<State> {
  const state: Record<string, string> = {}
  for await (const entry of storage.entries('', { recursive: true }))
    state[entry.name] = await storage.readText(entry.name)
  return state
}

type End = { readonly result: unknown } | { readonly error: unknown }

/** How the operation ended. */
async function ended(one: Operation, storage: Storage): Promise<End> {
  return one.run(storage).then(
    (result: unknown) => ({ result }),
    (error: unknown) => ({ error }),
  )
}

function judge(one: Operation, before: State, end: End, now: State): void {
  if ('result' in end) {
    const wanted = one.after(before, end.result)
    expect(wanted, `${one.title} succeeded`).toBeDefined()
    expect(now, one.title).toEqual(wanted)
    return
  }
  const [added] = Object.keys(now).filter(each => before[each] === undefined)
  const wanted = one.after(before, added)
  const { error } = end
  if (!isStorageError(error)) throw error
  const told = `${one.title}: ${error.code} ${error.outcome} ${error.message}`
  if (error.outcome === 'not_applied') expect(now, told).toEqual(before)
  else if (error.outcome === 'applied') expect(now, told).toEqual(wanted)
  else expect([before, wanted, partial(before, wanted)], told).toContainEqual(now)
}

/** A move in two steps may have made the first of them. */
function partial(before: State, wanted: State | undefined): State {
  return { ...before, ...wanted }
}

const calls = fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 3 })
const faults = fc.record({ fail: calls, failAfter: calls, breakAt: calls, afterBytes: fc.nat(6) })

describe('what an error says of its outcome is true', () => {
  const makers: Array<[string, (layers: readonly Layer[], sound?: Storage) => Storage, runs: number]> = [
    [
      'in memory',
      (layers, sound) =>
        new MemoryStorage(
          { maxAttempts: 2 },
          { settings: {}, env: {}, layers, ...(sound && { driver: sound.calls.driver }) },
        ),
      100,
    ],
    [
      'in memory, without moves and handles',
      (layers, sound) =>
        new MemoryStorage(
          { maxAttempts: 2 },
          { settings: {}, env: {}, layers, driver: sound?.calls.driver ?? withoutMoves(new MemoryStorage()) },
        ),
      80,
    ],
    [
      'on local disk',
      (layers, sound) => {
        const location = sound === undefined ? kinds.folder() : (sound as LocalStorage).root
        return new LocalStorage({ location, fsync: false, maxAttempts: 2 }, { settings: {}, env: {}, layers })
      },
      60,
    ],
  ]

  it.each(makers)('%s', async (_, make, runs) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(operation, faults), { maxLength: 8 }), async steps => {
        const sound = make([])
        await sound.save('a', 'first a')
        await sound.save('d/c', 'first c')
        for (const [one, { fail, failAfter, breakAt, afterBytes }] of steps) {
          const layer = chaos({ fail, failAfter, breakBody: { calls: breakAt, afterBytes } })
          const before = await stateOf(sound)
          const end = await ended(one, make([layer], sound))
          judge(one, before, end, await stateOf(sound))
        }
        await sound.close()
      }),
      { numRuns: runs },
    )
  })

  it('on S3, where connections break and servers refuse', async () => {
    const { faults: list } = kinds.server
    const refused = [
      { do: 'refuse', status: 503, code: 'SlowDown' },
      { do: 'refuse', status: 403, code: 'AccessDenied' },
      { do: 'refuse', at: 'after', status: 500, code: 'InternalError' },
    ] as const
    const dropped = [{ do: 'drop' }, { do: 'drop', at: 'after' }] as const
    const fault: fc.Arbitrary<PlannedFault> = fc.oneof(
      fc.record({ fault: fc.constantFrom(...dropped), times: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ fault: fc.constantFrom(...refused) }),
      fc.record({ fault: fc.record({ do: fc.constant('cut' as const), bytes: fc.nat(6) }) }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(operation, fc.array(fault, { maxLength: 2 })), { maxLength: 4 }),
        async steps => {
          const location = `outcomes-${++versions}`
          const sound = kinds.s3({ location, conditionalWrites: 'on' })
          const storage = kinds.s3({ location, conditionalWrites: 'on', maxAttempts: 2 })
          await sound.save('a', 'first a')
          await sound.save('d/c', 'first c')
          for (const [one, some] of steps) {
            const before = await stateOf(sound)
            for (const each of some) list.add(each)
            const end = await ended(one, storage)
            list.clear()
            judge(one, before, end, await stateOf(sound))
          }
        },
      ),
      { numRuns: 60 },
    )
  })
})

function withoutMoves(storage: Storage): Storage['calls']['driver'] {
  const { driver } = storage.calls
  Object.assign(driver, { move: undefined, copy: undefined })
  return driver
}
