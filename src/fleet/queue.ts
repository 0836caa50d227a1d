import { StorageError } from '../core/errors.ts'
import { importOptional } from '../core/optional.ts'
import type { Database, Sql } from './postgres.ts'

/** The queues: pages of names to be processed, and ranges of names to be listed. */
export type QueueName = 'pages' | 'ranges'

/** A job that was fetched. Both fields together name the attempt. */
export interface Job {
  readonly id: string
  /** 0 for the first attempt. */
  readonly retryCount: number
}

/** A job whose retries are used up: `id` is that of the job that it was. */
export interface DeadJob extends Job {
  readonly deadId: string
}

/** A queue of jobs in the database of the ledger, so that jobs and rows change in one transaction. */
export interface JobQueue {
  start(): Promise<void>
  /** Sends jobs of a migration with these ids. A job that is dropped is an error. */
  send(sql: Sql, queue: QueueName, migration: string, ids: readonly string[]): Promise<void>
  /** Takes jobs, other than those of some migrations. */
  fetch(queue: QueueName, count: number, except?: readonly string[]): Promise<readonly Job[]>
  /** Reports that the jobs are still worked on. */
  touch(queue: QueueName, jobs: readonly Job[]): Promise<void>
  /** Removes a finished job; returns false if another attempt has begun. */
  finish(sql: Sql, queue: QueueName, job: Job): Promise<boolean>
  /** Gives a job back to be tried again later; returns false if another attempt has begun. */
  fail(sql: Sql, queue: QueueName, job: Job, reason: string): Promise<boolean>
  /** Removes waiting and running jobs. */
  remove(sql: Sql, queue: QueueName, ids: readonly string[]): Promise<void>
  /** Returns jobs whose retries are used up. `buried` removes one. */
  dead(queue: QueueName, count: number): Promise<readonly DeadJob[]>
  buried(sql: Sql, queue: QueueName, job: DeadJob): Promise<boolean>
  stop(): Promise<void>
}

/** Schema of the queue's tables. */
export const QUEUE_SCHEMA = 'holdall_queue'
/** Seconds after which a job without a heartbeat counts as abandoned, and the interval in which such jobs are looked for. */
const HEARTBEAT_SECS = 10
const SUPERVISE_SECS = 5
/**
 * Retries, and the maximum delay before one: together about ten minutes of failures. The queue delays a job whose worker has died in the same
 * way, so the delay is short: with the heartbeat, such a page is back within 20 seconds.
 */
const RETRY_LIMIT = 150
const RETRY_MAX_SECS = 5
/** The queue's maximum for one attempt, a day. */
const EXPIRE_SECS = 86_400
const YEAR_SECS = 365 * 86_400
/** SQLSTATEs for something that another process has created at the same time: of a row, schema, table, object. */
const CREATED_MEANWHILE: ReadonlySet<unknown> = new Set(['23505', '42P06', '42P07', '42710'])
const MAX_TRIES = 5

/** The used part of `pg-boss`. */
interface BossDb {
  executeSql(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>
}
interface Answer {
  readonly affected: number
}
interface Boss {
  on(event: 'error' | 'warning', listener: (what: unknown) => void): void
  start(): Promise<unknown>
  stop(options: { readonly graceful: boolean; readonly close: boolean }): Promise<void>
  createQueue(name: string, options: object): Promise<void>
  insert(name: string, jobs: readonly object[], options: object): Promise<string[] | null>
  fetch(name: string, options: object): Promise<ReadonlyArray<Job & { readonly data: { readonly id: string } | null }>>
  touch(name: string, jobs: readonly Job[]): Promise<unknown>
  deleteJob(name: string, job: Job | readonly string[], options: { readonly db: BossDb }): Promise<unknown>
  fail(name: string, job: Job, data: object, options: { readonly db: BossDb }): Promise<unknown>
}
interface PgBossModule {
  readonly PgBoss: new (options: object) => Boss
}

/** Retry times of the queue, in seconds; tests shorten them. */
export interface QueueTimes {
  readonly retryLimit?: number | undefined
  readonly retryMaxSecs?: number | undefined
}

/** The queue on pg-boss. */
export class PgBossQueue implements JobQueue {
  readonly #database: Database
  readonly #times: QueueTimes
  #boss: Boss | undefined

  constructor(database: Database, times: QueueTimes = {}) {
    this.#database = database
    this.#times = times
  }

  async start(): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#begin()
      } catch (error) {
        const { sqlState } = (error ?? {}) as { readonly sqlState?: unknown }
        if (!CREATED_MEANWHILE.has(sqlState) || tries === MAX_TRIES) throw error
      }
    }
  }

  async #begin(): Promise<void> {
    if (this.#boss !== undefined) return
    const { PgBoss } = await importOptional<PgBossModule>('pg-boss', 'A fleet', 'pg pg-boss')
    const boss = new PgBoss({
      db: dbOf(this.#database),
      schema: QUEUE_SCHEMA,
      schedule: false,
      registerInstance: false,
      reindex: false,
      monitorVacuum: false,
      superviseIntervalSeconds: SUPERVISE_SECS,
      monitorIntervalSeconds: SUPERVISE_SECS,
      openTelemetry: { enabled: false },
    })
    // A query of the queue's maintenance that failed is repeated after a few seconds; calls of this class throw their errors.
    boss.on('error', () => {})
    boss.on('warning', () => {})
    try {
      await boss.start()
      for (const queue of ['pages', 'ranges'] as const) {
        // Dead jobs are removed one by one when the ledger has named them.
        await boss.createQueue(deadOf(queue), {
          expireInSeconds: 30,
          retentionSeconds: YEAR_SECS,
          retryLimit: 1_000_000,
        })
        await boss.createQueue(nameOf(queue), {
          heartbeatSeconds: HEARTBEAT_SECS,
          expireInSeconds: EXPIRE_SECS,
          retentionSeconds: YEAR_SECS,
          deleteAfterSeconds: 1,
          retryLimit: RETRY_LIMIT,
          retryDelay: 1,
          retryBackoff: true,
          retryDelayMax: RETRY_MAX_SECS,
          deadLetter: deadOf(queue),
        })
      }
    } catch (error) {
      await boss.stop({ graceful: false, close: false })
      throw error
    }
    this.#boss = boss
  }

  async send(sql: Sql, queue: QueueName, migration: string, ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return
    const { retryLimit, retryMaxSecs } = this.#times
    const group = { id: migration }
    const jobs = ids.map(id => ({ id, data: { id }, group, retryLimit, retryDelayMax: retryMaxSecs }))
    const sent = await this.#started.insert(nameOf(queue), jobs, { returnId: true, db: dbOf(sql) })
    if (sent?.length === ids.length) return
    const text = `The queue dropped ${ids.length - (sent?.length ?? 0)} of ${ids.length} jobs.`
    throw new StorageError('unavailable', text, { operation: 'fleet' })
  }

  async fetch(queue: QueueName, count: number, except: readonly string[] = []): Promise<readonly Job[]> {
    const jobs = await this.#started.fetch(nameOf(queue), { batchSize: count, ignoreGroups: except })
    return jobs.map(({ id, retryCount }) => ({ id, retryCount }))
  }

  async touch(queue: QueueName, jobs: readonly Job[]): Promise<void> {
    if (jobs.length > 0) await this.#started.touch(nameOf(queue), jobs)
  }

  async finish(sql: Sql, queue: QueueName, job: Job): Promise<boolean> {
    return isApplied(await this.#started.deleteJob(nameOf(queue), job, { db: dbOf(sql) }))
  }

  async fail(sql: Sql, queue: QueueName, job: Job, reason: string): Promise<boolean> {
    return isApplied(await this.#started.fail(nameOf(queue), job, { reason }, { db: dbOf(sql) }))
  }

  async remove(sql: Sql, queue: QueueName, ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.#started.deleteJob(nameOf(queue), ids, { db: dbOf(sql) })
  }

  async dead(queue: QueueName, count: number): Promise<readonly DeadJob[]> {
    const jobs = await this.#started.fetch(deadOf(queue), { batchSize: count })
    return jobs.map(({ id, retryCount, data }) => ({ id: data?.id ?? id, retryCount, deadId: id }))
  }

  async buried(sql: Sql, queue: QueueName, { deadId, retryCount }: DeadJob): Promise<boolean> {
    return isApplied(await this.#started.deleteJob(deadOf(queue), { id: deadId, retryCount }, { db: dbOf(sql) }))
  }

  /** Ends the queue's maintenance. Jobs stay; those that were fetched are given back when their heartbeat is missed. */
  async stop(): Promise<void> {
    const boss = this.#boss
    this.#boss = undefined
    await boss?.stop({ graceful: false, close: false })
  }

  get #started(): Boss {
    if (this.#boss === undefined) throw new StorageError('closed', 'The queue is not started.', { operation: 'fleet' })
    return this.#boss
  }
}

function nameOf(queue: QueueName): string {
  return `holdall-${queue}`
}

function deadOf(queue: QueueName): string {
  return `holdall-${queue}-dead`
}

function dbOf(sql: Sql): BossDb {
  return { executeSql: async (text, values) => ({ rows: [...(await sql.query(text, values))] }) }
}

function isApplied(answer: unknown): boolean {
  return (answer as Answer).affected === 1
}
