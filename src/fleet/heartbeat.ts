import { LostLease } from './lease.ts'
import type { Database } from './postgres.ts'
import type { Job, JobQueue, QueueName } from './queue.ts'

/** Interval in milliseconds of the heartbeat, and the time without an answer of the database after which no lease is relied on. */
const BEAT_MS = 3000
const SILENCE_MS = 10_000
/** Time in milliseconds until a beat that is not waited for. */
const SOON_MS = 200

/** A job that a worker has. */
export interface Held {
  readonly queue: QueueName
  readonly job: Job
  /** The lease of a page. */
  readonly lease: string | undefined
  /** The migration, once it is known. */
  migration: string | undefined
  readonly abort: AbortController
}

/** Intervals in milliseconds; tests shorten them. */
export interface HeartbeatTimes {
  readonly beatMs?: number | undefined
  readonly silenceMs?: number | undefined
}

/** Options of a heartbeat. */
export interface HeartbeatOptions extends HeartbeatTimes {
  readonly database: Database
  readonly queue: JobQueue
  held(): Iterable<Held>
  /** Called with each beat, for what else is exchanged with the other workers. */
  beat(): Promise<void>
}

/**
 * Reports every few seconds that the jobs of a worker are worked on, and aborts those whose lease another worker has, and all of them if
 * the database does not answer.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions
  #timer: NodeJS.Timeout | undefined
  #soon: NodeJS.Timeout | undefined
  #lastMs = 0
  #beating: Promise<void> | undefined

  constructor(options: HeartbeatOptions) {
    this.#options = options
  }

  start(): void {
    const { beatMs = BEAT_MS } = this.#options
    this.#lastMs = performance.now()
    this.#timer = setInterval(() => this.#tick(), beatMs)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    clearTimeout(this.#soon)
    await this.#beating
  }

  /** Beats soon, for what the other workers are to know at once. */
  soon(): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined
      this.#now()
    }, SOON_MS)
  }

  #now(): void {
    this.#beating ??= this.#beat().finally(() => {
      this.#beating = undefined
    })
  }

  #tick(): void {
    const { silenceMs = SILENCE_MS, held } = this.#options
    this.#now()
    if (performance.now() - this.#lastMs < silenceMs) return
    for (const { abort } of held()) abort.abort(new LostLease())
  }

  async #beat(): Promise<void> {
    const { database, queue, held, beat } = this.#options
    try {
      const all = [...held()]
      for (const name of ['pages', 'ranges'] as const) {
        await queue.touch(
          name,
          all.filter(each => each.queue === name).map(({ job }) => job),
        )
      }
      const leased = all.flatMap(each => (each.lease === undefined ? [] : [{ each, lease: each.lease }]))
      const kept = new Set<string>()
      if (leased.length > 0) {
        const rows = await database.query<{ lease: string }>(
          'SELECT lease FROM holdall_fleet.pages WHERE lease = ANY($1::uuid[])',
          [leased.map(({ lease }) => lease)],
        )
        for (const { lease } of rows) kept.add(lease)
      }
      const current = new Set(held())
      for (const { each, lease } of leased) {
        if (current.has(each) && !kept.has(lease)) each.abort.abort(new LostLease())
      }
      await beat()
      this.#lastMs = performance.now()
    } catch {
      // Without an answer for some seconds the leases are given up.
    }
  }
}
