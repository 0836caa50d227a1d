import { isStorageError, StorageError } from '../../core/errors.ts'
import { kindOf } from '../../core/kind.ts'
import type { MigrationState, MigrationStatus, MigrationWorkerStatus } from '../../core/migration-status.ts'
import { json } from './answers.ts'

/** Returns the migrations that a page shows; called again at each refresh. */
export type MigrationSource = () => Promise<readonly MigrationStatus[]>

/** Maximum number of migrations in one answer; those that are not done, and then the newest, come first. */
const MAX_SHOWN = 100
/** Time in milliseconds after which a source that does not answer is reported. */
const MAX_WAIT_MS = 10_000

/** The order of the states on the page. */
const RANKS: Readonly<Record<MigrationState, number>> = { running: 0, failed: 1, interrupted: 1, done: 2 }

/** The sources of the page. A call of a source that has not ended is shared by all pages that wait for it. */
export class Migrations {
  readonly #sources: readonly OneSource[]

  constructor(sources: MigrationSource | readonly MigrationSource[]) {
    this.#sources = [sources].flat().map(source => {
      if (typeof source === 'function') return new OneSource(source)
      const text = `createStorageBrowser: migrations: expected a function or a list of functions, got ${kindOf(source)}.`
      throw new StorageError('invalid_argument', text)
    })
  }

  /** Whether there is a source at all. */
  get isShown(): boolean {
    return this.#sources.length > 0
  }

  /**
   * Returns all migrations, and what went wrong, in words for the page. A source that fails hides nothing of the others, and is reported
   * once until it fails in another way or succeeds.
   */
  async answer(report: (error: unknown) => void): Promise<Response> {
    const results = await Promise.all(this.#sources.map(source => source.result(report)))
    const found = results.flatMap(({ migrations }) => migrations).sort(compare)
    const shown = found.slice(0, MAX_SHOWN).map(shownMigration)
    const errors = results.flatMap(({ error }) => error ?? [])
    return json({ now: new Date().toISOString(), migrations: shown, left: found.length - shown.length, errors })
  }
}

interface SourceResult {
  readonly migrations: readonly MigrationStatus[]
  readonly error?: string
}

class OneSource {
  readonly #source: MigrationSource
  #call: Promise<readonly MigrationStatus[]> | undefined
  #reported: string | undefined

  constructor(source: MigrationSource) {
    this.#source = source
  }

  async result(report: (error: unknown) => void): Promise<SourceResult> {
    try {
      const migrations = await inTime((this.#call ??= this.#begin()))
      this.#reported = undefined
      return { migrations }
    } catch (error) {
      if (this.#reported !== String(error)) report(error)
      this.#reported = String(error)
      return { migrations: [], error: wordsOf(error) }
    }
  }

  async #begin(): Promise<readonly MigrationStatus[]> {
    // A source that throws at once must not leave its call behind.
    await Promise.resolve()
    try {
      return await this.#source()
    } finally {
      this.#call = undefined
    }
  }
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const error = new StorageError('timeout', 'The source of the migrations did not answer in time.')
    timer = setTimeout(() => reject(error), MAX_WAIT_MS)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** The message of an error may contain paths of the server, and is passed to `onError` instead. */
function wordsOf(error: unknown): string {
  const code = isStorageError(error) ? ` (${error.code})` : ''
  return `Some migrations cannot be read${code}. The server has reported the details.`
}

function compare(a: MigrationStatus, b: MigrationStatus): number {
  return RANKS[a.state] - RANKS[b.state] || timeOf(b.startedAt) - timeOf(a.startedAt) || (a.id < b.id ? -1 : 1)
}

function timeOf(date: Date): number {
  return date.getTime() || 0
}

/** Returns a migration in the form for the page: its own fields only, and of these only what is a value. */
function shownMigration(status: MigrationStatus): Record<string, unknown> {
  const { id, source, target, state, pass, counts, total, failures, pages, workers, heldBack, hasLeftOut } = status
  return {
    id,
    source,
    target,
    state,
    pass,
    startedAt: iso(status.startedAt),
    updatedAt: iso(status.updatedAt),
    finishedAt: iso(status.finishedAt),
    counts,
    total,
    filesPerSec: finite(status.filesPerSec),
    bytesPerSec: finite(status.bytesPerSec),
    etaSecs: finite(status.etaSecs),
    heldBack,
    hasLeftOut,
    failures,
    pages,
    workers: workers?.map(shownWorker),
    slowedTo: finite(status.slowedTo),
  }
}

function shownWorker({ name, seenAt, files, bytes, filesPerSec }: MigrationWorkerStatus): Record<string, unknown> {
  return { name, seenAt: iso(seenAt), files, bytes, filesPerSec: finite(filesPerSec) }
}

/** A date that cannot be written is left out, so that it does not spoil the answer. */
function iso(date: Date | undefined): string | undefined {
  return date === undefined || Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}

function finite(value: number | undefined): number | undefined {
  return Number.isFinite(value) ? value : undefined
}
