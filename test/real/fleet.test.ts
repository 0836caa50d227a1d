import { afterAll, beforeAll, expect, it } from 'vitest'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { fleetStatus, planMigration, runWorker } from '../../src/fleet/index.ts'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'

let server: PostgresServer

beforeAll(async () => {
  server = await startPostgres()
})

afterAll(async () => {
  await server?.close()
})

async function filled(count: number): Promise<MemoryStorage> {
  const storage = new MemoryStorage()
  for (let index = 0; index < count; index++) await storage.save(`d${index % 7}/f${index}.txt`, `content ${index}`)
  return storage
}

it('copies and verifies every file, with two workers', async () => {
  const url = await server.createDatabase()
  const [from, to] = [await filled(1000), new MemoryStorage()]
  const placeOf = (text: string) => ({ storage: text === 'a:' ? from : to, path: '' })
  await planMigration(url, { source: 'a:', target: 'b:', placeOf, pageSize: 50 })
  await Promise.all([1, 2].map(() => runWorker(url, { placeOf, once: true })))
  const [status] = await fleetStatus(url)
  expect(status).toMatchObject({
    state: 'done',
    pass: 'verify',
    source: 'a:',
    target: 'b:',
    counts: { seen: 1000, copied: 1000, failed: 0, verified: 1000, different: 0 },
    total: { files: 1000, isComplete: true },
    pages: { waiting: 0, running: 0, failed: 0 },
    failedPages: [],
  })
  for await (const { name } of from.entries('', { recursive: true })) {
    expect(await to.readText(name)).toBe(await from.readText(name))
  }
})
