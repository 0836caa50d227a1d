/** The runbook of docs/changing-storage.md: an application changes its storage while it works, and goes back. */
import { join } from 'node:path'
import { expect } from 'vitest'
import { isStorageError } from '../../../src/core/errors.ts'
import type { AnyStorage } from '../../../src/storage/storage.ts'
import { compare, migrate } from '../../../src/transfer/index.ts'
import { lastFinishedRun } from '../../../src/transfer/migrate/status.ts'
import { ATTRIBUTES, type SeenFile, type Server, seen } from './application.ts'
import type { Mode } from './support.ts'
import { type Pace, Traffic } from './traffic.ts'

/** The storage of the application in each step: one of the two storages, or both in a mode. */
export const STEPS = {
  old: 'old',
  'both, read old': { read: 'from', write: 'both' },
  'both, read new': { read: 'to', write: 'both' },
  new: 'new',
} as const satisfies Record<string, 'old' | 'new' | Mode>
export type StepName = keyof typeof STEPS

/** Where the migration takes place. */
export interface World {
  readonly from: AnyStorage
  readonly to: AnyStorage
  /** Starts a process of the application with the settings of a step. */
  start(step: StepName): Promise<Server>
  /** Number of requests to wait for between two steps. */
  readonly pause: number
  readonly pace: Pace
  /** A pass from the old storage to the new one, or back. */
  pass(world: World, direction: Direction, options?: PassOptions): Promise<void>
}

/** From the old storage to the new one, or back. */
export type Direction = 'forth' | 'back'

/** What a pass does besides copying, as the options of `holdall migrate`. */
export interface PassOptions {
  /** `--delete`. */
  readonly delete?: boolean
  /** `--since last`. */
  readonly sinceLast?: boolean
  /** `--verify full`. */
  readonly isFull?: boolean
}

/** Copies the files of one storage to the other one, as `holdall migrate` with a ledger in the folder. */
export function passes(folder: string): World['pass'] {
  return async ({ from, to }, direction, options = {}) => {
    const [source, target] = direction === 'forth' ? [from, to] : [to, from]
    const ledger = join(folder, `${direction}.sqlite`)
    const failures: string[] = []
    await migrate(source, target, {
      ledger,
      delete: options.delete,
      maxDelete: 100,
      since: options.sinceLast === true ? (await lastFinishedRun(ledger))?.begunAt : undefined,
      verify: options.isFull === true ? 'full' : 'size',
      onEvent: event => {
        // The application deletes and changes files meanwhile.
        const isNormal = event.type !== 'failed' || isStorageError(event.error, ...NORMAL)
        if (!isNormal) failures.push(`${event.name}: ${event.error}`)
      },
    })
    expect(failures).toEqual([])
  }
}

/** How a file fails that is changed during a pass. */
export const NORMAL = ['not_found', 'source_failed', 'checksum_mismatch', 'precondition_failed'] as const

/** The names that `holdall check` reports. */
async function differences(source: AnyStorage, target: AnyStorage): Promise<Set<string>> {
  const names = new Set<string>()
  await compare(source, target, {
    onEvent: event => {
      names.add(event.name)
    },
  })
  return names
}

/** A file that is written during a check is reported too. A difference is real if check after check reports it. */
async function realDifferences(source: AnyStorage, target: AnyStorage): Promise<ReadonlySet<string>> {
  let real = await differences(source, target)
  for (let checks = 1; real.size > 0 && checks < 20; checks++) {
    const again = await differences(source, target)
    real = new Set([...real].filter(name => again.has(name)))
  }
  return real
}

/** Migrates while the application writes to both storages, until both are equal except for what is being written. */
async function equalised(world: World, direction: Direction): Promise<number> {
  const { from, to } = world
  for (let passes = 1; passes <= 50; passes++) {
    await world.pass(world, direction, { delete: true, isFull: passes === 2 })
    if ((await realDifferences(from, to)).size === 0) return passes
  }
  throw new Error('50 passes, and the storages still differ')
}

/** The application with two processes. */
class Application {
  readonly traffic: Traffic
  readonly #world: World

  constructor(world: World, traffic: Traffic) {
    this.#world = world
    this.traffic = traffic
  }

  async start(step: StepName): Promise<void> {
    this.traffic.servers = await Promise.all([this.#world.start(step), this.#world.start(step)])
    this.traffic.start()
  }

  /** A rolling restart: one process after the other gets the settings of the step, while the other one works on. */
  async roll(step: StepName): Promise<void> {
    for (const old of this.traffic.servers) {
      const fresh = await this.#world.start(step)
      this.traffic.servers = [...this.traffic.servers, fresh]
      await this.pause()
      this.traffic.servers = this.traffic.servers.filter(server => server !== old)
      await old.end()
      await this.pause()
    }
  }

  async pause(): Promise<void> {
    await this.traffic.more(this.#world.pause)
    this.check()
  }

  check(): void {
    expect(this.traffic.problems).toEqual([])
  }

  async stop(): Promise<void> {
    await this.traffic.stop()
    await Promise.all(this.traffic.servers.map(server => server.end()))
    this.traffic.servers = []
    this.check()
  }
}

/** Every file of a storage, with what a client sees of it. */
async function filesOf(storage: AnyStorage): Promise<Record<string, SeenFile | undefined>> {
  const files: Record<string, SeenFile | undefined> = {}
  for await (const { name } of storage.entries('', { recursive: true })) files[name] = await seen(storage, name)
  return files
}

/** Fills the old storage and returns its clients. */
async function clientsOf({ from, pace }: World): Promise<Traffic> {
  const constant = Array.from({ length: 12 }, (_, at) => `constant/${at % 3}/${at}.txt`)
  const changing = Array.from({ length: 40 }, (_, at) => `changing/${at % 5}/${at}.txt`)
  const before = new Map([...constant, ...changing.slice(0, 25)].map(name => [name, `before ${name}`]))
  for (const [name, text] of before) await from.save(name, text, { overwrite: true, ...ATTRIBUTES })
  return new Traffic(before, constant, changing, pace)
}

/** What the run had to do, for the test's own checks. */
export interface Outcome {
  readonly counts: Traffic['counts']
  readonly passes: readonly number[]
}

/** The whole runbook, forth and back. */
export async function runbook(world: World): Promise<Outcome> {
  const { from, to } = world
  const traffic = await clientsOf(world)
  const application = new Application(world, traffic)
  const passes: number[] = []
  try {
    await application.start('old')
    await application.pause()
    await world.pass(world, 'forth')
    await application.pause()
    await world.pass(world, 'forth', { sinceLast: true })
    await application.roll('both, read old')
    passes.push(await equalised(world, 'forth'))
    await application.roll('both, read new')
    await application.roll('new')
    await application.stop()
    expect(await filesOf(to)).toEqual(traffic.expected)
    // The way back, from the last step.
    await application.start('new')
    await application.pause()
    await application.roll('both, read new')
    passes.push(await equalised(world, 'back'))
    await application.roll('both, read old')
    await application.roll('old')
    await application.stop()
    expect(await filesOf(from)).toEqual(traffic.expected)
  } finally {
    await application.traffic.stop()
    await Promise.all(traffic.servers.map(server => server.end()))
  }
  return { counts: traffic.counts, passes }
}

/** The way back from the step in which the new storage is read already: the old one has everything. */
export async function backAtOnce(world: World): Promise<void> {
  const { from } = world
  const traffic = await clientsOf(world)
  const application = new Application(world, traffic)
  try {
    await application.start('old')
    await application.roll('both, read old')
    await equalised(world, 'forth')
    await application.roll('both, read new')
    await application.roll('both, read old')
    await application.roll('old')
    await application.stop()
    expect(await filesOf(from)).toEqual(traffic.expected)
  } finally {
    await application.traffic.stop()
    await Promise.all(traffic.servers.map(server => server.end()))
  }
}
