import type { CollectEvent, CollectSummary } from '../static/types.ts'
import { printable } from './output.ts'

type Counted = Omit<CollectSummary, 'type' | 'dryRun' | 'destination'>

/** Counts the events of a `collectstatic` run so far; the summary at its end replaces the counts. */
export class CollectCounts {
  #counts: Counted = { copied: 0, linked: 0, unmodified: 0, postProcessed: 0, deleted: 0, failed: 0, warnings: 0 }
  #isOver = false
  #destination: string | undefined
  /** Files that the finders have found; undefined until all of them are known. */
  found: number | undefined

  /** Whether the run reached its end. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** Files that could not be collected. */
  get failed(): number {
    return this.#counts.failed
  }

  /** Counts an event. */
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

  /** Returns the counts in one sentence. (Django `collectstatic`, plus the deleted and the failed files) */
  text(isLink: boolean): string {
    const { copied, linked, unmodified, postProcessed, deleted, failed } = this.#counts
    const done = copied + linked
    const files = `${done} static file${done === 1 ? '' : 's'} ${isLink ? 'symlinked' : 'copied'}`
    const place = this.#destination === undefined ? '' : ` to '${printable(this.#destination)}'`
    const others = { unmodified, 'post-processed': postProcessed, deleted, failed }
    const parts = Object.entries(others).flatMap(([what, count]) => (count === 0 ? [] : `, ${count} ${what}`))
    return `${files}${place}${parts.join('')}.`
  }

  /** Returns the counts of a run that ended early. */
  textSoFar(isLink: boolean): string {
    const of = this.found === undefined ? '' : ` of ${this.found} found`
    return `collectstatic did not finish; so far${of}: ${this.text(isLink)} Running it again is safe.`
  }

  /** Returns the counts, and whether everything is collected: the run reached its end, and no file failed. */
  toJSON(): Record<string, unknown> {
    const complete = this.#isOver && this.failed === 0
    return { ...this.#counts, destination: this.#destination, complete }
  }
}
