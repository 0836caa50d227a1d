import type { KeyRange } from '../../../src/fleet/probe.ts'
import { divide, isSplitDue } from '../../../src/fleet/ranges.ts'
import { Pace } from '../../../src/transfer/migrate/pace.ts'
import { random } from '../shapes.ts'
import type { ComputedNames } from './computed-names.ts'
import { Coverage } from './coverage.ts'
import { VirtualTime } from './virtual-time.ts'

/** As in `src/fleet`: pages of a transaction, pages of a worker at a time, milliseconds between two reports. */
const PAGES_LISTED = 10
const PAGES_AT_ONCE = 3
const BEAT_MS = 3000
/** Times in a row that few pages waited, before a range is split. */
const MIN_HUNGRY = 2
/** Minutes of which the rates are kept. */
const MINUTES = 120
const NEVER = new AbortController().signal

/** A fleet, and the services that it works with. */
export interface FleetOptions {
  readonly workers: number
  /** Names in a page of the service, and whether it lists ranges. */
  readonly listLimit: number
  readonly hasRanges?: boolean
  readonly pageSize: number
  /** Milliseconds of a list request. */
  readonly listMs: number
  /** Milliseconds of work for a file, and files at a time in a worker. */
  readonly fileMs: number
  readonly concurrency: number
  /** Files that take their turn together, so that a simulated file costs little time. */
  readonly chunk: number
  /** Files per second that the service accepts from all workers together at a time; without it there is no limit. */
  readonly limitAt?: (ms: number) => number
  /** Called after each page with the share of names that are done. */
  readonly onPage?: (share: number) => void
}

/** What a run did. */
export interface FleetFigures {
  readonly hours: number
  readonly filesPerSec: number
  /** The largest difference of a worker from the mean, as a share of it. */
  readonly unevenListed: number
  readonly unevenDone: number
  readonly mostRanges: number
  readonly mostPages: number
  readonly listRequests: number
  readonly splitRequests: number
  readonly splits: number
  readonly throttled: number
  /** Files per second of each worker, for each of the first 120 minutes. */
  readonly minutes: ReadonlyArray<readonly number[]>
}

interface RangeRow {
  range: KeyRange
  pages: number
  refusals: number
  hungry: number
  isTaken: boolean
}

interface PageRow {
  readonly begin: number
  readonly end: number
}

/** Runs a migration of all names in virtual time, with the policies and the pace of the real fleet. Throws if a name is handled twice. */
export async function simulate(names: ComputedNames, options: FleetOptions): Promise<FleetFigures> {
  const run = new Run(names, options)
  return run.figures()
}

class Run {
  readonly #names: ComputedNames
  readonly #options: FleetOptions
  readonly #time = new VirtualTime()
  readonly #random = random(1)
  readonly #paces: Pace[]
  readonly #ranges = new Set<RangeRow>()
  readonly #pages: PageRow[] = []
  readonly #listed = new Coverage()
  readonly #done = new Coverage()
  readonly #listedBy: number[]
  readonly #doneBy: number[]
  readonly #minutes: number[][] = []
  #running = 0
  #count = 0
  #mostRanges = 0
  #mostPages = 0
  #listRequests = 0
  #splits = 0
  #throttled = 0
  #second = -1
  #accepted = 0

  constructor(names: ComputedNames, options: FleetOptions) {
    this.#names = names
    this.#options = options
    const time = this.#time
    const clock = { now: () => time.now, wait: (ms: number) => time.sleep(ms) }
    this.#paces = Array.from({ length: options.workers }, () => new Pace(clock))
    this.#listedBy = this.#paces.map(() => 0)
    this.#doneBy = this.#paces.map(() => 0)
  }

  async figures(): Promise<FleetFigures> {
    const { workers } = this.#options
    this.#open({})
    const jobs: Array<Promise<void>> = [this.#report()]
    for (let worker = 0; worker < workers; worker++) {
      jobs.push(this.#lister(worker))
      for (let slot = 0; slot < PAGES_AT_ONCE; slot++) jobs.push(this.#copier(worker))
    }
    await Promise.all([this.#time.run(), ...jobs])
    const all = [[0, this.#names.count]]
    const found = JSON.stringify([this.#listed.intervals, this.#done.intervals])
    if (found !== JSON.stringify([all, all])) throw new Error(`Not all names were handled: ${found}`)
    const hours = this.#time.now / 3_600_000
    return {
      hours,
      filesPerSec: this.#count / (this.#time.now / 1000),
      unevenListed: unevenness(this.#listedBy),
      unevenDone: unevenness(this.#doneBy),
      mostRanges: this.#mostRanges,
      mostPages: this.#mostPages,
      listRequests: this.#listRequests,
      splitRequests: this.#names.requests,
      splits: this.#splits,
      throttled: this.#throttled,
      minutes: this.#minutes,
    }
  }

  get #isOver(): boolean {
    return this.#ranges.size === 0 && this.#pages.length === 0 && this.#running === 0
  }

  #open(range: KeyRange): void {
    this.#ranges.add({ range, pages: 0, refusals: 0, hungry: 0, isTaken: false })
    this.#mostRanges = Math.max(this.#mostRanges, this.#ranges.size)
  }

  async #lister(worker: number): Promise<void> {
    while (!this.#isOver) {
      const row = [...this.#ranges].find(({ isTaken }) => !isTaken)
      if (row === undefined) {
        await this.#time.sleep(500)
        continue
      }
      row.isTaken = true
      while (!(await this.#list(worker, row)));
      this.#ranges.delete(row)
    }
  }

  /** Lists the pages of one transaction; returns whether the range has ended. */
  async #list(worker: number, row: RangeRow): Promise<boolean> {
    const { workers, listLimit, listMs, pageSize, hasRanges = true } = this.#options
    const lowWater = 2 * PAGES_AT_ONCE * workers
    while (this.#pages.length >= lowWater) await this.#time.sleep(100)
    const isHungry = this.#pages.length < lowWater / 2
    for (let left = PAGES_LISTED * pageSize; left > 0; left -= listLimit) {
      const { after, until } = row.range
      const { begin, end, last, isEnd } = this.#names.ranked(after, until, listLimit)
      this.#listRequests++
      await this.#time.sleep(listMs)
      this.#listed.add(begin, end)
      this.#listedBy[worker]! += end - begin
      for (let at = begin; at < end; at += pageSize) this.#pages.push({ begin: at, end: Math.min(end, at + pageSize) })
      this.#mostPages = Math.max(this.#mostPages, this.#pages.length + this.#running)
      if (isEnd) return true
      row.range = { after: last, until }
      row.pages++
    }
    row.hungry = isHungry ? row.hungry + 1 : 0
    if (
      !hasRanges ||
      row.hungry < MIN_HUNGRY ||
      !isSplitDue({ open: this.#ranges.size, workers, pages: row.pages, refusals: row.refusals })
    )
      return false
    const requests = this.#names.requests
    const division = await divide(this.#names, row.range, listLimit)
    await this.#time.sleep((this.#names.requests - requests) * listMs)
    row.pages = 0
    row.refusals = division === undefined ? row.refusals + 1 : 0
    if (division === undefined) return false
    this.#splits++
    row.range = division.kept
    this.#open(division.given)
    return false
  }

  async #copier(worker: number): Promise<void> {
    const { onPage } = this.#options
    while (!this.#isOver) {
      const page = this.#pages.shift()
      if (page === undefined) {
        // Workers that look at the same time get a page in any order.
        await this.#time.sleep(50 + 100 * this.#random())
        continue
      }
      this.#running++
      await this.#copy(worker, page)
      this.#done.add(page.begin, page.end)
      this.#running--
      onPage?.(this.#count / this.#names.count)
    }
  }

  /** Processes the files of a page: a file that is refused holds up one of the parallel ones. */
  async #copy(worker: number, { begin, end }: PageRow): Promise<void> {
    const { concurrency, fileMs, chunk } = this.#options
    const lanes = Math.min(Math.max(1, Math.floor(concurrency / PAGES_AT_ONCE)), Math.ceil((end - begin) / chunk))
    const perFile = (fileMs * PAGES_AT_ONCE * lanes) / concurrency
    let next = begin
    const lane = async (): Promise<void> => {
      while (next < end) {
        const files = Math.min(chunk, end - next)
        next += files
        await this.#paces[worker]!.take(NEVER)
        while (!this.#isAccepted(files)) {
          this.#throttled += files
          this.#paces[worker]!.throttled(undefined)
          await this.#time.sleep(1000)
        }
        await this.#time.sleep(files * perFile)
        this.#count += files
        this.#doneBy[worker]! += files
        this.#record(worker, files)
      }
    }
    await Promise.all(Array.from({ length: lanes }, lane))
  }

  /** Whether the service accepts more files in this second. */
  #isAccepted(files: number): boolean {
    const limit = this.#options.limitAt?.(this.#time.now)
    if (limit === undefined) return true
    const second = Math.floor(this.#time.now / 1000)
    if (second !== this.#second) [this.#second, this.#accepted] = [second, 0]
    if (this.#accepted + files > limit) return false
    this.#accepted += files
    return true
  }

  #record(worker: number, files: number): void {
    const minute = Math.floor(this.#time.now / 60_000)
    if (minute >= MINUTES) return
    while (this.#minutes.length <= minute) this.#minutes.push(this.#paces.map(() => 0))
    const all = this.#minutes[minute]!
    all[worker]! += files / 60
  }

  /** As `Reports`: each worker has the lowest limit that the others found themselves. */
  async #report(): Promise<void> {
    let given: Array<number | undefined> = []
    while (!this.#isOver) {
      const own = this.#paces.map(({ current }, worker) => {
        const other = given[worker]
        return current !== undefined && (other === undefined || current < other) ? current : undefined
      })
      given = this.#paces.map((_, worker) => {
        const others = own.filter((limit, index) => index !== worker && limit !== undefined) as number[]
        return others.length === 0 ? undefined : Math.min(...others)
      })
      for (const [worker, pace] of this.#paces.entries()) pace.setRate(given[worker])
      await this.#time.sleep(BEAT_MS)
    }
  }
}

function unevenness(counts: readonly number[]): number {
  const mean = counts.reduce((a, b) => a + b, 0) / counts.length
  return Math.max(...counts.map(count => Math.abs(count - mean) / mean))
}
