/** Which migrations `holdall serve` shows. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { migrationSources } from '../../src/cli/migration-sources.ts'
import { migrate } from '../../src/transfer/index.ts'
import { temporaryFolder } from '../backends/local/fixture.ts'
import { migration } from '../serve/migrations.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

const readers = {
  ledgers: async (folder: string) => [migration({ id: folder })],
  fleet: async (url: string) => [migration({ id: url })],
}
const ids = async (): Promise<string[]> => {
  const all = await Promise.all(migrationSources(readers).map(source => source()))
  return all.flat().map(({ id }) => id)
}

test('the ledgers of this user and the fleet of the environment are shown, where there are some', async () => {
  using folder = temporaryFolder()
  vi.stubEnv('XDG_STATE_HOME', folder.path)
  vi.stubEnv('HOLDALL_FLEET_URL', '')
  expect(await ids()).toEqual([])
  const ledgers = join(folder.path, 'holdall/migrations')
  mkdirSync(ledgers, { recursive: true })
  expect(await ids()).toEqual([ledgers])
  vi.stubEnv('HOLDALL_FLEET_URL', 'postgres://fleet/x')
  expect(await ids()).toEqual([ledgers, 'postgres://fleet/x'])
  vi.stubEnv('XDG_STATE_HOME', '')
  vi.stubEnv('HOME', folder.path)
  expect(await ids()).toEqual(['postgres://fleet/x'])
  const own = join(folder.path, '.local/state/holdall/migrations')
  mkdirSync(own, { recursive: true })
  expect(await ids()).toEqual([own, 'postgres://fleet/x'])
  expect(migrationSources({})).toEqual([])
})

test('the ledger of a migration is read', async () => {
  using folder = temporaryFolder()
  vi.stubEnv('XDG_STATE_HOME', folder.path)
  vi.stubEnv('HOLDALL_FLEET_URL', '')
  const ledger = join(folder.path, 'holdall/migrations/a.sqlite')
  const source = new MemoryStorage()
  await source.save('a.txt', 'a')
  await migrate(source, new MemoryStorage(), { ledger, titles: { source: 'old:', target: 'new:' } })
  const [read, ...others] = migrationSources()
  expect(others).toEqual([])
  expect(await read!()).toMatchObject([{ source: 'old:', target: 'new:', state: 'done', counts: { copied: 1 } }])
})
