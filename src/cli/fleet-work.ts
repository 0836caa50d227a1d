import { type FleetEvent, FleetWorker, fleetStatus } from '../fleet/index.ts'
import type { CliContext } from './context.ts'
import { fleetPlaces } from './fleet-places.ts'
import { shownFleet } from './fleet-url.ts'
import { globalMeter } from './meter.ts'
import { attemptLine, shownCounts } from './migrate-text.ts'
import { formatSize, printable } from './output.ts'

/** Options of a worker of the command line. */
interface WorkOptions {
  readonly concurrency: number
  readonly once: boolean
}

/** Works on the migrations of a fleet, until the program is interrupted or, with `once`, none is unfinished. */
export async function workInFleet(context: CliContext, url: string, { concurrency, once }: WorkOptions): Promise<void> {
  const { out, signal } = context
  const work = new PrintedWork(context, url)
  const worker = new FleetWorker(url, {
    placeOf: fleetPlaces(context),
    concurrency,
    once,
    signal,
    meter: await globalMeter(),
    onEvent: event => work.event(event),
  })
  context.whenInterrupted(() => `${work.shown}; other workers continue`)
  out.log(printable(`worker ${worker.name} on ${shownFleet(url)}`))
  await worker.run()
  await work.end()
}

/** What a worker does, as lines. */
class PrintedWork {
  readonly #context: CliContext
  readonly #url: string
  readonly #migrations = new Map<string, Promise<void>>()
  #copied = 0
  #deleted = 0
  #failed = 0
  #bytes = 0

  constructor(context: CliContext, url: string) {
    this.#context = context
    this.#url = url
  }

  get shown(): string {
    return `${this.#copied} files copied (${formatSize(this.#bytes)}), ${this.#deleted} deleted, ${this.#failed} failed attempts`
  }

  async event({ migration, ...event }: FleetEvent): Promise<void> {
    const { out, options } = this.#context
    if (event.type === 'refused') {
      out.warn(printable(`this worker cannot work on the migration ${migration}: ${event.error.message}`))
      return
    }
    await this.#begun(migration)
    if (event.type === 'attemptFailed') {
      this.#failed++
      const { name, error } = event
      if (out.json) {
        await out.record({ type: 'attemptFailed', migration, name, code: error.code, message: error.message }, '')
      } else out.log(printable(attemptLine(error)))
    } else if (event.type === 'copied' || event.type === 'deleted') {
      if (event.type === 'deleted') this.#deleted++
      else {
        this.#copied++
        this.#bytes += Number.isNaN(event.size) ? 0 : event.size
      }
      if (out.json) await out.record({ ...event, migration }, '')
      else if (options.verbose === true) await out.line(printable(`${event.type} ${event.name}`))
    }
  }

  /** Prints the migrations that this worker has worked on, and its own counts. */
  async end(): Promise<void> {
    const { out } = this.#context
    for (const id of this.#migrations.keys()) {
      const [status] = await fleetStatus(this.#url, id)
      if (status === undefined) continue
      const { source, target, state, counts } = status
      out.log(printable(`${state}: ${source} -> ${target} (${shownCounts(counts)})`))
    }
    const counts = { copied: this.#copied, deleted: this.#deleted, failedAttempts: this.#failed, bytes: this.#bytes }
    if (out.json) await out.record({ summary: counts }, '')
    else out.log(`this worker: ${this.shown}`)
  }

  /** Names a migration when its first file is processed. */
  #begun(id: string): Promise<void> {
    let begun = this.#migrations.get(id)
    if (begun === undefined) this.#migrations.set(id, (begun = this.#name(id)))
    return begun
  }

  async #name(id: string): Promise<void> {
    const { out } = this.#context
    // The name is not worth the end of the worker if the database does not answer.
    const [status] = await fleetStatus(this.#url, id).catch(() => [])
    if (status === undefined) return
    const { source, target } = status
    if (out.json) await out.record({ type: 'works', migration: id, source, target }, '')
    else out.log(printable(`works on ${source} -> ${target} (${id})`))
  }
}
