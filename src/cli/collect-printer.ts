import type { StorageError } from '../core/errors.ts'
import type { CollectEvent } from '../static/types.ts'
import type { CollectCounts } from './collect-counts.ts'
import type { Verbosity } from './options.ts'
import { type Output, printable } from './output.ts'
import type { Progress } from './progress.ts'
import { inStorage, withPrintableName } from './shown-error.ts'

/** Options of a `CollectPrinter`. */
export interface CollectPrinterOptions {
  readonly verbosity: Verbosity
  readonly progress: Progress
  /** The target storage. */
  readonly alias: string
}

/**
 * Prints the events of a run like Django's `collectstatic`: results to stdout, warnings and failures to stderr. In JSON mode each event is
 * a line, at any verbosity.
 */
export class CollectPrinter {
  readonly #out: Output
  readonly #counts: CollectCounts
  readonly #options: CollectPrinterOptions
  #hasMissing = false
  #failed: { readonly name: string; readonly error: StorageError } | undefined

  constructor(out: Output, counts: CollectCounts, options: CollectPrinterOptions) {
    this.#out = out
    this.#counts = counts
    this.#options = options
  }

  /** Whether a file refers to a missing one. */
  get hasMissing(): boolean {
    return this.#hasMissing
  }

  /** The error of the last file that failed. */
  get lastError(): StorageError | undefined {
    return this.#failed?.error
  }

  /** Counts an event and prints it. The summary is only counted. */
  async print(event: CollectEvent): Promise<void> {
    this.#counts.add(event)
    if (event.type === 'summary') return
    this.#advance(event)
    if (this.#out.json) await this.#out.record(shownEvent(event), '')
    if (event.type === 'warning') this.#out.warn(this.#placed(event.message, event.name, event.line))
    else if (event.type === 'failed') this.#fail(event.name, event.error, event.line)
    else await this.#log(event)
  }

  async #log(event: Exclude<CollectEvent, { readonly type: 'warning' | 'failed' | 'summary' }>): Promise<void> {
    switch (event.type) {
      case 'copied':
      case 'linked': {
        const [verb, participle] = event.type === 'copied' ? ['copy', 'Copying'] : ['link', 'Linking']
        if (event.dryRun) return this.#line(1, `Pretending to ${verb} '${event.origin}'`)
        return this.#line(2, `${participle} '${event.origin}'`)
      }
      case 'unmodified':
        return this.#line(2, `Skipping '${event.name}' (not modified)`)
      case 'postProcessed': {
        const { name, storedAs, isNew } = event
        return this.#line(2, isNew ? `Post-processed '${name}' as '${storedAs}'` : `Skipped post-processing '${name}'`)
      }
      case 'deleted':
        return this.#line(1, `${event.dryRun ? 'Pretending to delete' : 'Deleting'} '${event.name}'`)
      case 'duplicate':
        await this.#line(
          1,
          `Found another file with the destination path '${event.name}'. It will be ignored since only the first encountered file is ` +
            'collected. If this is not what you want, make sure every static file has a unique path.',
        )
        return this.#line(2, `  collected: '${event.first}', ignored: '${event.origin}'`)
      case 'found':
    }
  }

  async #line(level: Verbosity, text: string): Promise<void> {
    if (this.#options.verbosity >= level) await this.#out.line(printable(text))
  }

  /** Returns a message with its position: `css/a.css:12: ...`. */
  #placed(message: string, name: string | undefined, line: number | undefined): string {
    if (name === undefined) return message
    return `${this.#out.json ? name : printable(name)}${line === undefined ? '' : `:${line}`}: ${message}`
  }

  /** Prints an error of a file. An error in a reference is printed like in Django, once for each file. */
  #fail(name: string, error: StorageError, line: number | undefined): void {
    const isReference = line !== undefined
    if (isReference && this.#failed?.name !== name) this.#out.failure(`Post-processing '${name}' failed!`)
    this.#hasMissing ||= isReference
    this.#failed = { name, error }
    const shown = this.#out.json ? error : withPrintableName(error, name)
    this.#out.error(isReference ? shown : inStorage(this.#options.alias, shown))
  }

  #advance(event: CollectEvent): void {
    const { progress } = this.#options
    if (event.type === 'found') {
      progress.expect(event.count)
      progress.add(0)
    } else if (IS_ONE_FILE.has(event.type) && 'name' in event) progress.add(1, event.name)
  }
}

/** Events that occur once for each found file. */
const IS_ONE_FILE: ReadonlySet<CollectEvent['type']> = new Set(['copied', 'linked', 'unmodified', 'failed'])

/** Returns an event for a JSON line. */
function shownEvent(event: CollectEvent): Record<string, unknown> {
  return event.type === 'failed' ? { ...event, error: event.error.toJSON() } : { ...event }
}
