import type { CollectEvent, CollectSummary } from '../static/types.ts'
import { printable } from './output.ts'

type Counted = Omit<CollectSummary, 'type' | 'dryRun' | 'destination'>

/** What a run of `collectstatic` has done so far, counted from its events; the summary at its end has the last word. */
export class CollectCounts {
  #counts: Counted = { copied: 0, linked: 0, unmodified: 0, postProcessed: 0, deleted: 0, failed: 0, warnings: 0 }
  #isOver = false
  #destination: string | undefined
  /** Files that the finders have found; undefined until all of them are known. */
  found: number | undefined

  /** Whether the run came to its end. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** Files that could not be collected. */
  get failed(): number {
    return this.#counts.failed
  }

  /** Adds what an event reports. */
  add(event: CollectEvent): void {
    switch (event.type) {
      case 'found':
        this.found = event.count
        break
      case 'postProcessed':
        if (event.isNew) this.#increment('postProcessed')
        break
      case 'warning':
        this.#increment('warnings')
        break
      case 'duplicate':
        break
      case 'summary': {
        const { type: _type, dryRun: _dryRun, destination, ...counts } = event
        this.#counts = counts
        this.#destination = destination
        this.#isOver = true
        break
      }
      default:
        this.#increment(event.type)
    }
  }

  #increment(key: keyof Counted): void {
    this.#counts = { ...this.#counts, [key]: this.#counts[key] + 1 }
  }

  /** The counts in one sentence. (Django `collectstatic`; what was deleted and what failed is added) */
  text(isLink: boolean): string {
    const { copied, linked, unmodified, postProcessed, deleted, failed } = this.#counts
    const done = copied + linked
    const files = `${done} static file${done === 1 ? '' : 's'} ${isLink ? 'symlinked' : 'copied'}`
    const place = this.#destination === undefined ? '' : ` to '${printable(this.#destination)}'`
    const others = { unmodified, 'post-processed': postProcessed, deleted, failed }
    const parts = Object.entries(others).flatMap(([what, count]) => (count === 0 ? [] : `, ${count} ${what}`))
    return `${files}${place}${parts.join('')}.`
  }

  /** What a run that ended early has done. */
  textSoFar(isLink: boolean): string {
    const of = this.found === undefined ? '' : ` of ${this.found} found`
    return `collectstatic did not finish; so far${of}: ${this.text(isLink)} Running it again is safe.`
  }

  /** The counts, and whether everything is collected: the run came to its end, and no file failed. */
  toJSON(): Record<string, unknown> {
    const complete = this.#isOver && this.failed === 0
    return { ...this.#counts, destination: this.#destination, complete }
  }
}
