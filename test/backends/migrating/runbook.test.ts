/** The runbook in this process, between storages in memory and on the local disk. `test/real/migrating.test.ts` has it with processes and RGW. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { LocalStorage } from '../../../src/backends/local/index.ts'
import { MemoryStorage } from '../../../src/backends/memory/index.ts'
import { MigratingStorage } from '../../../src/backends/migrating/index.ts'
import type { AnyStorage } from '../../../src/storage/storage.ts'
import { isFull } from '../../support/sampled.ts'
import { serverOf } from './application.ts'
import { backAtOnce, passes, runbook, STEPS, type World } from './runbook.ts'
import { NOWHERE } from './support.ts'

const folder = await mkdtemp(join(tmpdir(), 'holdall-runbook-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

const local = (name: string): AnyStorage =>
  new LocalStorage({ location: join(folder, name), fsync: false, keepMetadata: true }, NOWHERE)
const memory = (): AnyStorage => new MemoryStorage({}, NOWHERE)

function worldOf(name: string, from: AnyStorage, to: AnyStorage): World {
  return {
    from,
    to,
    pass: passes(join(folder, `${name}-ledgers`)),
    pause: isFull ? 200 : 8,
    pace: { clients: isFull ? 4 : 2, rest: 10 },
    async start(step) {
      const mode = STEPS[step]
      if (mode === 'old') return serverOf(from)
      if (mode === 'new') return serverOf(to)
      return serverOf(new MigratingStorage({ from, to, ...mode }, NOWHERE))
    },
  }
}

it('changes the storage of an application forth and back, and no acknowledged change is lost', async () => {
  const { counts, passes } = await runbook(worldOf('forth', isFull ? local('forth') : memory(), memory()))
  expect(passes.length).toBe(2)
  for (const kind of ['read', 'write', 'append', 'delete', 'saveNew', 'list'])
    expect(counts[kind], kind).toBeGreaterThan(0)
})

it('goes back at once from the step that reads the new storage', async () => {
  await backAtOnce(worldOf('back', memory(), local('back')))
})

it('would lose changes without the steps that write to both', async () => {
  const world = worldOf('shortcut', memory(), memory())
  const { start } = world
  // What a runbook with one step does: a process on the old settings does not see what one on the new settings writes.
  const shortcut: World = {
    ...world,
    start: step =>
      step === 'old' || step === 'new'
        ? start(step)
        : Promise.resolve(serverOf(new MigratingStorage({ from: world.from, to: world.to }, NOWHERE))),
  }
  await expect(runbook(shortcut)).rejects.toThrow(/expected \[ .* \] to deeply equal \[\]/)
})
