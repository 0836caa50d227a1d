import { type Profiler, Session } from 'node:inspector/promises'
import { join } from 'node:path'
import { type Matcher, matcherFor } from './regex-steps.ts'

const SRC = join(import.meta.dirname, '../../src/')

/** What a piece of work took. */
export interface Work {
  /** Blocks of code under `src` that were entered: bodies of functions, loops and branches. */
  readonly blocks: number
  /** The expression that took more steps in all than it may, if one did. */
  readonly slow: string | undefined
}

/** Counts what code does, without a clock. Made before the code that is counted is loaded: what was compiled before has no counters. */
export class WorkCounter implements AsyncDisposable {
  readonly #session = new Session()

  static async start(): Promise<WorkCounter> {
    const counter = new WorkCounter()
    counter.#session.connect()
    await counter.#session.post('Profiler.enable')
    await counter.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
    return counter
  }

  /** Runs work, which may fail, and counts its blocks, and the steps of its expressions up to `regexLimit` for each. */
  async of(run: () => unknown, regexLimit: number): Promise<Work> {
    await this.reset()
    return this.next(run, regexLimit)
  }

  /** Forgets what was counted so far. To read the counters costs more than most work. */
  async reset(): Promise<void> {
    await this.#session.post('Profiler.takePreciseCoverage')
  }

  /** The same where nothing under `src` has run since the last count. */
  async next(run: () => unknown, regexLimit: number): Promise<Work> {
    const searches = await recorded(run)
    return { blocks: await this.#blocks(), slow: slowAmong(searches, regexLimit) }
  }

  /** The blocks only. */
  async blocksOf(run: () => unknown): Promise<number> {
    await attempt(run)
    return this.#blocks()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.post('Profiler.stopPreciseCoverage')
    this.#session.disconnect()
  }

  /** Blocks entered since they were last asked for. */
  async #blocks(): Promise<number> {
    const { result } = await this.#session.post('Profiler.takePreciseCoverage')
    const functions = result.filter(({ url }) => url.includes(SRC)).flatMap(script => script.functions)
    return functions
      .flatMap(({ ranges }) => ranges)
      .reduce((sum, range: Profiler.CoverageRange) => sum + range.count, 0)
  }
}

interface Recorded {
  readonly regex: RegExp
  readonly text: string
  readonly lastIndex: number
}

/** Every search that is made meanwhile: with another `exec`, all methods of strings and expressions go through it. */
async function recorded(run: () => unknown): Promise<readonly Recorded[]> {
  const searches: Recorded[] = []
  const { exec } = RegExp.prototype
  RegExp.prototype.exec = function (this: RegExp, text: string) {
    const counted = this.global || this.sticky
    searches.push({ regex: this, text: String(text), lastIndex: counted ? this.lastIndex : 0 })
    return exec.call(this, text)
  }
  await attempt(run)
  RegExp.prototype.exec = exec
  return searches
}

/** What is refused has to be refused in time as well. */
export async function attempt(run: () => unknown): Promise<void> {
  try {
    await run()
  } catch {}
}

function slowAmong(searches: readonly Recorded[], limit: number): string | undefined {
  /** Steps that are left to each expression, and those of its searches from the beginning of a text: many are made again and again. */
  const counts = new Map<Matcher, { left: number; readonly known: Map<string, number> }>()
  for (const { regex, text, lastIndex } of searches) {
    const matcher = matcherFor(regex)
    let count = counts.get(matcher)
    if (count === undefined) counts.set(matcher, (count = { left: limit, known: new Map() }))
    let steps = lastIndex === 0 ? count.known.get(text) : undefined
    if (steps === undefined) {
      matcher.search(text, lastIndex, count.left)
      steps = matcher.steps
      if (lastIndex === 0) count.known.set(text, steps)
    }
    count.left -= steps
    if (count.left < 0) return `${regex} on ${JSON.stringify(text.slice(0, 40))}... of ${text.length} characters`
  }
  return undefined
}
