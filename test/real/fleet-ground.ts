/** What the tests of fleets share: a database, two places, and looks at the ledger. */
import { type FleetStatus, fleetStatus, type PlanOptions, planMigration } from '../../src/fleet/index.ts'
import { Database } from '../../src/fleet/postgres.ts'
import { FleetWorker } from '../../src/fleet/worker.ts'
import type { WorkerOptions, WorkerTimes } from '../../src/fleet/worker-options.ts'
import type { AnyStorage } from '../../src/storage/storage.ts'
import type { PostgresServer } from '../servers/postgres.ts'
import { memory } from '../transfer/support.ts'

/** Short intervals, so that a test does not wait for them. */
export const TIMES: WorkerTimes = { beatMs: 200, silenceMs: 2000 }

export type PlanPart = Partial<Omit<PlanOptions, 'placeOf'>>

/** A migration from one place to another. */
export class Ground {
  readonly url: string
  readonly source: AnyStorage
  readonly target: AnyStorage

  private constructor(url: string, source: AnyStorage, target: AnyStorage) {
    this.url = url
    this.source = source
    this.target = target
  }

  static async on(
    server: PostgresServer,
    source: AnyStorage = memory(),
    target: AnyStorage = memory(),
  ): Promise<Ground> {
    return new Ground(await server.createDatabase(), source, target)
  }

  readonly placeOf = (text: string): { readonly storage: AnyStorage; readonly path: string } => {
    const [alias, path = ''] = text.split(':')
    return { storage: alias === 'a' ? this.source : this.target, path }
  }

  plan(options: PlanPart = {}): Promise<FleetStatus> {
    return planMigration(this.url, { source: 'a:', target: 'b:', ...options, placeOf: this.placeOf })
  }

  worker(options: Partial<WorkerOptions> = {}, times: WorkerTimes = TIMES): FleetWorker {
    return new FleetWorker(this.url, { placeOf: this.placeOf, once: true, ...options }, times)
  }

  /** Plans a migration and lets a worker finish it. */
  async migrated(options: PlanPart = {}): Promise<FleetStatus> {
    await this.plan(options)
    await this.worker().run()
    return this.status()
  }

  async status(): Promise<FleetStatus> {
    return (await fleetStatus(this.url))[0]!
  }

  async sql<R = Readonly<Record<string, unknown>>>(
    text: string,
    values: readonly unknown[] = [],
  ): Promise<readonly R[]> {
    const database = await Database.open(this.url)
    try {
      return await database.query<R>(text, values)
    } finally {
      await database.close()
    }
  }

  /** Waits until a query has a row. */
  async until(text: string): Promise<void> {
    while ((await this.sql(text)).length === 0) await new Promise(resolve => setTimeout(resolve, 50))
  }

  /** Every text that the database holds. */
  async dump(): Promise<string> {
    const tables = await this.sql<{ name: string }>(
      `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname LIKE 'holdall%'`,
    )
    const texts: string[] = []
    for (const { name } of tables) {
      for (const row of await this.sql<{ row: string }>(`SELECT t::text AS row FROM ${name} t`)) texts.push(row.row)
    }
    return texts.join('\n')
  }
}

/** Files with a content of their own. */
export async function filled(count: number, storage: AnyStorage = memory()): Promise<AnyStorage> {
  for (let index = 0; index < count; index++) {
    await storage.save(`d${index % 7}/f${index}.txt`, `content ${index}`, { overwrite: true })
  }
  return storage
}
