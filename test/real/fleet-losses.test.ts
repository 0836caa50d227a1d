import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, type onTestFinished } from 'vitest'
import { LocalStorage } from '../../src/backends/local/index.ts'
import { FleetWorker } from '../../src/fleet/index.ts'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'
import { startTcpProxy } from '../servers/tcp-proxy.ts'
import { Child } from '../support/child.ts'
import { filesIn } from '../transfer/support.ts'
import { filled, Ground, TIMES } from './fleet-ground.ts'

/** Seconds within which the pages of a dead worker are worked on again. */
const BACK_SECS = 30
const PROGRAM = join(import.meta.dirname, 'fleet-worker.child.ts')

let server: PostgresServer

beforeAll(async () => {
  server = await startPostgres()
})

afterAll(async () => {
  await server?.close()
})

/** A migration between two folders. */
interface Slow {
  readonly ground: Ground
  start(): Child
}

/** Two folders with files at the source, and a plan that takes some seconds. */
async function slowGround(finished: typeof onTestFinished): Promise<Slow> {
  const folder = await mkdtemp(join(tmpdir(), 'holdall-fleet-'))
  const children: Child[] = []
  finished(async () => {
    for (const child of children) await child[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })
  const places = [join(folder, 'from'), join(folder, 'to')] as const
  const [source, target] = places.map(location => new LocalStorage({ location }))
  const ground = await Ground.on(server, await filled(400, source), target)
  // 400 files have about 4,700 bytes.
  await ground.plan({ pageSize: 20, bandwidth: 1500, sweepAgeSecs: 0 })
  const start = (): Child => {
    const child = new Child(process.execPath, [PROGRAM, ground.url, ...places], { timeoutMs: 120_000 })
    children.push(child)
    return child
  }
  return { ground, start }
}

/** Waits until a worker has pages in progress. */
async function isWorking(ground: Ground, { process: { pid } }: Child): Promise<void> {
  await ground.until(`SELECT 1 FROM holdall_fleet.pages WHERE state = 'running' AND worker LIKE '%:${pid}:%'`)
}

async function expectWhole(ground: Ground): Promise<void> {
  expect(await ground.status()).toMatchObject({
    state: 'done',
    counts: { seen: 400, failed: 0, verified: 400, different: 0 },
    pages: { waiting: 0, running: 0, failed: 0 },
  })
  const { copied, unchanged } = (await ground.status()).counts
  expect(copied + unchanged).toBe(400)
  expect(await filesIn(ground.target)).toEqual(await filesIn(ground.source))
}

describe.concurrent('a fleet', () => {
  it('gives the pages of a killed worker to another one within 30 s, and counts each file once', async ({
    onTestFinished,
  }) => {
    const { ground, start } = await slowGround(onTestFinished)
    const killed = start()
    await isWorking(ground, killed)
    killed.process.kill('SIGKILL')
    await killed.ended
    const begin = performance.now()
    const other = start()
    const { pid } = killed.process
    await ground.until(
      `SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM holdall_fleet.pages WHERE state = 'running' AND worker LIKE '%:${pid}:%')`,
    )
    expect((performance.now() - begin) / 1000).toBeLessThan(BACK_SECS)
    expect(await other.ended).toMatchObject({ code: 0, stdout: 'ended\n' })
    await expectWhole(ground)
  }, 120_000)

  it('stores nothing of a worker that stood still while another one did its pages (syn-14)', async ({
    onTestFinished,
  }) => {
    const { ground, start } = await slowGround(onTestFinished)
    const stopped = start()
    await isWorking(ground, stopped)
    stopped.process.kill('SIGSTOP')
    // As if its heartbeat had been missed for a minute.
    await ground.sql(`UPDATE holdall_queue.job SET heartbeat_on = now() - interval '1 minute' WHERE state = 'active'`)
    const other = start()
    const { pid } = stopped.process
    await ground.until(
      `SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM holdall_fleet.pages WHERE state = 'running' AND worker LIKE '%:${pid}:%')`,
    )
    stopped.process.kill('SIGCONT')
    expect(await Promise.all([stopped.ended, other.ended])).toMatchObject([{ code: 0 }, { code: 0 }])
    await expectWhole(ground)
  }, 120_000)

  it('goes on after the connections of all workers are cut', async ({ onTestFinished }) => {
    const { ground, start } = await slowGround(onTestFinished)
    const workers = [start(), start()]
    for (const worker of workers) await isWorking(ground, worker)
    for (let times = 0; times < 3; times++) {
      await ground.sql(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holdall' AND datname = current_database() AND pid <> pg_backend_pid()`,
      )
      await new Promise(resolve => setTimeout(resolve, 300))
    }
    for (const worker of workers) expect(await worker.ended).toMatchObject({ code: 0 })
    await expectWhole(ground)
  }, 120_000)

  it('gives its pages back when it is asked to end', async ({ onTestFinished }) => {
    const { ground, start } = await slowGround(onTestFinished)
    const worker = start()
    await isWorking(ground, worker)
    worker.process.kill('SIGTERM')
    expect(await worker.ended).toMatchObject({ code: 0 })
    expect(await ground.status()).toMatchObject({ state: 'interrupted', pages: { running: 0 } })
    expect(await start().ended).toMatchObject({ code: 0 })
    await expectWhole(ground)
  }, 120_000)

  it('gives up its pages while the database cannot be reached, and goes on afterwards', async () => {
    const ground = await Ground.on(server, await filled(200))
    await ground.plan({ pageSize: 20, bandwidth: 500 })
    await using proxy = await startTcpProxy(server.port)
    const lost = Promise.withResolvers<void>()
    const meter = {
      createCounter: () => ({
        add(_: number, attributes?: Readonly<Record<string, string>>): void {
          if (attributes?.['result'] === 'lost') lost.resolve()
        },
      }),
    }
    const { placeOf } = ground
    const url = ground.url.replace(`:${server.port}/`, `:${proxy.port}/`)
    const running = new FleetWorker(url, { placeOf, once: true, meter }, TIMES).run()
    await ground.until(`SELECT 1 FROM holdall_fleet.pages WHERE state = 'running'`)
    proxy.rule = () => 0
    await lost.promise
    proxy.rule = () => undefined
    await running
    expect(await ground.status()).toMatchObject({
      state: 'done',
      counts: { seen: 200, verified: 200, different: 0, failed: 0 },
    })
    expect(await filesIn(ground.target)).toEqual(await filesIn(ground.source))
  }, 120_000)
})
