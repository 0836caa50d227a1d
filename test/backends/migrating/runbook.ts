/** The runbook of docs/changing-storage.md: an application changes its storage while it works, and goes back. */
import { expect } from 'vitest'
import { isStorageError } from '../../../src/core/errors.ts'
import type { AnyStorage } from '../../../src/storage/storage.ts'
import { compare, sync } from '../../../src/transfer/index.ts'
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
}

/** Makes the target like the source: `holdall migrate SOURCE TARGET --delete`. To be exchanged for `migrate`. */
export async function migrated(source: AnyStorage, target: AnyStorage): Promise<void> {
  const failures: string[] = []
  await sync(source, target, {
    delete: true,
    maxDelete: 100,
    onEvent: event => {
      // The application deletes and changes files meanwhile.
      const isNormal = event.type !== 'failed' || isStorageError(event.error, 'not_found', 'source_failed')
      if (!isNormal) failures.push(`${event.name}: ${event.error}`)
    },
  })
  expect(failures).toEqual([])
}

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
async function equalised(source: AnyStorage, target: AnyStorage): Promise<number> {
  for (let passes = 1; passes <= 50; passes++) {
    await migrated(source, target)
    if ((await realDifferences(source, target)).size === 0) return passes
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
    await migrated(from, to)
    await application.roll('both, read old')
    passes.push(await equalised(from, to))
    await application.roll('both, read new')
    await application.roll('new')
    await application.stop()
    expect(await filesOf(to)).toEqual(traffic.expected)
    // The way back, from the last step.
    await application.start('new')
    await application.pause()
    await application.roll('both, read new')
    passes.push(await equalised(to, from))
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
  const { from, to } = world
  const traffic = await clientsOf(world)
  const application = new Application(world, traffic)
  try {
    await application.start('old')
    await application.roll('both, read old')
    await equalised(from, to)
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
