/** What every backend must do on a real server: conformance, faults, exclusive saves. A place says how its server is reached. */
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import type { Storage } from '../../src/storage/storage.ts'
import {
  type ContainerConformanceOptions,
  containerConformance,
  type DriverConformanceOptions,
  driverConformance,
  registerConformance,
  type StorageConformanceOptions,
  storageConformance,
} from '../../src/testing/index.ts'
import { type NamedFault, runCase } from '../faults/case.ts'
import { type Ground, streamed } from '../faults/ground.ts'
import type { FaultRule } from '../servers/fault-proxy.ts'
import { Child } from '../support/child.ts'
import { markedBytes } from './marked-bytes.ts'

/** Registers the conformance suites: that of drivers for each way to set one up, by title, that of storages, and that of containers. */
export function describeConformance(
  drivers: Readonly<Record<string, DriverConformanceOptions>>,
  storages: Readonly<Record<string, StorageConformanceOptions>>,
  containers: Readonly<Record<string, ContainerConformanceOptions>> = {},
): void {
  for (const [title, options] of Object.entries(containers)) {
    registerConformance({ describe, it }, containerConformance(options), title)
  }
  for (const [title, options] of Object.entries(drivers)) {
    registerConformance({ describe, it }, driverConformance(options), title)
  }
  for (const [title, options] of Object.entries(storages)) {
    registerConformance({ describe, it }, storageConformance(options), title)
  }
}

/** A save in parts with the steps of it that go wrong. */
export interface RealPlan<S extends string> {
  readonly title: string
  readonly steps: readonly S[]
  readonly overwrite: boolean
  /** The steps after whose loss the server is asked what came of them. */
  readonly looked: readonly S[]
  /** Faults of other requests, which always strike and let the save fail with this code. */
  readonly also?: { readonly rule: FaultRule; readonly code: string }
  /** The step without which an upload stays open. */
  readonly ends?: S
}

/** Saves the bytes in parts with each fault at each step, once and always, and looks at what is left. */
export function describeFaults<S extends string>(
  ground: Ground<S>,
  plans: readonly RealPlan<S>[],
  faults: readonly NamedFault[],
  large: Buffer,
): void {
  const old = Buffer.from('what was there before')
  describe.each(plans)('$title', ({ steps, overwrite, looked, also, ends }) => {
    const work = async (files: Storage, prefix: string): Promise<unknown> => {
      if (overwrite) await ground.put(`${prefix}new`, old)
      return files.save(`${prefix}new`, streamed(large), { overwrite })
    }
    for (const step of steps) {
      test.each(
        faults.flatMap(fault => [
          { fault, mode: 'once' as const },
          { fault, mode: 'always' as const },
        ]),
      )(`${step}: $fault.title, $mode`, async ({ fault, mode }) => {
        const { error, hit, open, prefix } = await runCase(ground, { step, fault, mode, also: also?.rule }, work)
        const stored = await ground.stored(`${prefix}new`)
        const isOld = overwrite ? stored?.equals(old) === true : stored === undefined
        expect(hit).toBe(true)
        const isTold = looked.includes(step) && fault.work === 'done'
        const wins = also === undefined && (mode === 'once' || fault.code === undefined || isTold)
        if (wins) {
          expect(error).toBeUndefined()
          expect(stored?.equals(large)).toBe(true)
        } else {
          expect(error?.code).toBe(also?.code ?? fault.code)
          expect(isOld).toBe(true)
        }
        const cannotEnd = step === ends && mode === 'always' && fault.work === 'none'
        expect(open).toEqual(cannotEnd ? [`${prefix}new`] : [])
      })
    }
  })
}

/** Storages that processes make for themselves, to save one name at once. */
export interface ExclusiveSaves {
  /** Path of a module, and the storage's class in it. */
  readonly module: string
  readonly className: string
  /** What the class is told, besides that no file is replaced. */
  readonly options: Readonly<Record<string, unknown>>
  /** How many processes save at once, and how often each; default 2 and 25. */
  readonly processes?: number
  readonly saves?: number
  /** Sizes of the files in bytes, by title. */
  readonly sizes: Readonly<Record<string, number>>
  /** A storage of the same place, which the tests create, read and close. */
  storage(): Storage
}

/** What a process saved, and under which name. */
interface Saved {
  readonly mark: string
  readonly name: string
}

/** Lets processes save one name many times at once, and looks for files that are lost or mixed. */
export function describeExclusiveSaves(place: ExclusiveSaves): void {
  const { processes = 2, saves = 25 } = place
  const all = processes * saves
  test.each(Object.entries(place.sizes))(
    `${processes} processes that save one name ${saves} times each at once, %s, leave ${all} right files`,
    async (_title, size) => {
      await using files = place.storage()
      if (files.supports('createContainer')) await files.createContainer()
      const savers = await Promise.all(
        Array.from({ length: processes }, (_, who) => readySaver(place, who, saves, size)),
      )
      const saved = (await Promise.all(savers.map(go => go()))).flat()
      expect(new Set(saved.map(({ mark }) => mark)).size).toBe(all)
      const names = saved.map(({ name }) => name).sort()
      expect(await keysOf(files)).toEqual(names)
      const renamed = names.filter(name => /^folder\/same_[A-Za-z0-9]{7}\.bin$/.test(name))
      expect([names.filter(name => name === 'folder/same.bin').length, renamed.length]).toEqual([1, all - 1])
      for (const { mark, name } of saved) {
        await using file = await files.open(name)
        expect(markedBytes(mark, size).equals(await file.read())).toBe(true)
      }
    },
  )
}

/** A process that is ready to save: the function lets it, and returns what it saved once it has ended well. */
async function readySaver(
  place: ExclusiveSaves,
  who: number,
  saves: number,
  size: number,
): Promise<() => Promise<Saved[]>> {
  const { module, className, options } = place
  const env = { ...process.env, SAVER: JSON.stringify({ module, className, options }) }
  const script = join(import.meta.dirname, 'saver.child.ts')
  const child = new Child(process.execPath, [script, String(who), String(saves), String(size)], { env })
  await child.printed(/^ready\n/)
  return async () => {
    child.process.stdin.end('go\n')
    const { stdout } = await child.done()
    const [, ...lines] = stdout.trimEnd().split('\n')
    return lines.map(line => JSON.parse(line) as Saved)
  }
}

/** All keys of a storage; a key left by trying out the server would show. */
export async function keysOf(storage: Storage): Promise<string[]> {
  const names: string[] = []
  for await (const { name } of storage.entries('', { recursive: true })) names.push(name)
  return names.sort()
}

/** Removes every object below the storage and closes it. */
export async function emptyAndClose(storage: Storage): Promise<void> {
  const { errors } = await storage.deleteMany(await keysOf(storage))
  await storage.close()
  if (errors.length > 0) throw new Error(`not removed: ${errors.map(each => each.name).join(', ')}`)
}
