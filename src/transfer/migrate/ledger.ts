import { existsSync } from 'node:fs'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { StorageError } from '../../core/errors.ts'
import type { MigrationPass } from '../../core/migration-status.ts'
import type { KnownStates } from './engine-options.ts'
import { FailureTable } from './failure-table.ts'
import { type FinishedRun, type RunRow, RunTable } from './run-table.ts'
import { LedgerLock, naming, openLedger, TEMPORARY } from './sqlite.ts'
import { TABLES } from './tables.ts'

/** Time in milliseconds, and number of rows, after which writes are committed. */
const COMMIT_MS = 50
const COMMIT_ROWS = 200
/** Number of names that are read at a time. */
const PAGE = 1000

/** A file of the target to be deleted. */
export interface ExtraRow {
  readonly name: string
  readonly etag: string | undefined
}

/**
 * The progress of a migration on one machine, in a SQLite database. Writes are grouped; what is not yet committed is lost with the process,
 * and the work is then done again. One process at a time can write to a ledger.
 */
export class SqliteLedger {
  readonly path: string
  readonly failures: FailureTable
  readonly runs: RunTable
  readonly #database: DatabaseSync
  readonly #lock: LedgerLock | undefined
  /** The ledger of which only the files are read. */
  readonly #former: DatabaseSync | undefined
  /** Called before each commit, to store the position that belongs to it. */
  onCommit: (() => void) | undefined
  #isOpen = false
  #rows = 0
  #timer: NodeJS.Timeout | undefined
  #failure: unknown
  #hasFiles: boolean
  #runId = 0
  readonly #known: StatementSync
  readonly #keep: StatementSync
  readonly #forget: StatementSync
  readonly #addExtra: StatementSync

  private constructor(path: string, database: DatabaseSync, lock?: LedgerLock, former?: DatabaseSync) {
    this.#former = former
    const files = former ?? database
    this.path = path
    this.#database = database
    this.#lock = lock
    const write = (): void => this.#write()
    this.runs = new RunTable(database, write)
    this.failures = new FailureTable(database, write)
    this.#known = files.prepare('SELECT source, target, run FROM files WHERE name = ?')
    this.#keep = database.prepare('INSERT OR REPLACE INTO files (name, source, target, run) VALUES (?, ?, ?, ?)')
    this.#forget = database.prepare('DELETE FROM files WHERE name = ?')
    this.#addExtra = database.prepare('INSERT OR REPLACE INTO extras (name, etag) VALUES (?, ?)')
    this.#hasFiles = files.prepare('SELECT 1 FROM files LIMIT 1').get() !== undefined
  }

  /**
   * Opens or creates a ledger; without a path it is temporary. `exists`: another process works on it. `invalid_argument`: the file is no
   * ledger, or one of a newer version.
   */
  static open(path: string = TEMPORARY): SqliteLedger {
    if (path === TEMPORARY) return new SqliteLedger(path, openLedger(path, false, TABLES))
    // A file that is no ledger gets no lock beside it.
    openLedger(path, false, TABLES).close()
    const lock = LedgerLock.take(path)
    try {
      return naming(path, () => new SqliteLedger(path, openLedger(path, false, TABLES), lock))
    } catch (error) {
      lock.release()
      throw error
    }
  }

  /** Returns a temporary ledger that knows the files of a ledger, which is not changed. */
  static forDryRun(path: string | undefined): SqliteLedger {
    const former = path === undefined || !existsSync(path) ? undefined : openLedger(path, true, TABLES)
    return new SqliteLedger(path ?? TEMPORARY, openLedger(TEMPORARY, false, TABLES), undefined, former)
  }

  /** The run whose files are recorded from now on. */
  begin(run: RunRow): void {
    this.#runId = run.id
  }

  /** Returns how a file was listed when its copy was known to be equal. */
  known(name: string): KnownStates | undefined {
    if (!this.#hasFiles) return undefined
    return naming(this.path, () => {
      const row = this.#known.get(name) as { source: string; target: string; run: number } | undefined
      if (row === undefined) return undefined
      // A dry run numbers its runs anew.
      const isOwn = this.#former === undefined && row.run === this.#runId
      return { source: row.source, target: row.target, isOwn }
    })
  }

  /** Whether states of files are of use to a later run, or known from an earlier one. */
  get hasStates(): boolean {
    return this.#lock !== undefined || this.#former !== undefined
  }

  /** Whether no file was copied, and none has failed. */
  get isEmpty(): boolean {
    return !this.#hasFiles && this.failures.count === 0
  }

  /** Stores how a file is listed on both sides; `isOwn`: this run has copied it. */
  keep(name: string, { source, target }: KnownStates, isOwn: boolean): void {
    this.#write()
    naming(this.path, () => this.#keep.run(name, source, target, isOwn ? this.#runId : 0))
  }

  /** Something is to be stored at the next commit. */
  touch(): void {
    if (this.#timer === undefined) this.#write()
  }

  forget(name: string): void {
    this.#write()
    naming(this.path, () => this.#forget.run(name))
  }

  /** Stores a failure; returns whether it was not known before. */
  fail(name: string, pass: MigrationPass, error: StorageError, isRefused: boolean): boolean {
    return naming(this.path, () => this.failures.add(name, pass, error, isRefused))
  }

  mend(name: string, isCompared: boolean = true): void {
    if (this.failures.count > 0) naming(this.path, () => this.failures.remove(name, isCompared))
  }

  clearExtras(): void {
    this.#write()
    naming(this.path, () => this.#database.exec('DELETE FROM extras'))
  }

  addExtra({ name, etag }: ExtraRow): void {
    this.#write()
    naming(this.path, () => this.#addExtra.run(name, etag ?? null))
  }

  /** Returns the files to be deleted, in pages. */
  *extras(): Generator<readonly ExtraRow[]> {
    const next = this.#database.prepare('SELECT name, etag FROM extras WHERE name > ? ORDER BY name LIMIT ?')
    for (let after = ''; ; ) {
      const rows = naming(this.path, () => next.all(after, PAGE)) as unknown as ReadonlyArray<{
        readonly name: string
        readonly etag: string | null
      }>
      if (rows.length === 0) return
      yield rows.map(({ name, etag }) => ({ name, etag: etag ?? undefined }))
      after = rows.at(-1)!.name
    }
  }

  /** Commits what was written. Fails with the error of an earlier commit. */
  commit(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#failure !== undefined) throw this.#failure
    naming(this.path, () => {
      this.onCommit?.()
      if (this.#isOpen) this.#database.exec('COMMIT')
    })
    this.#isOpen = false
    this.#rows = 0
  }

  /** Returns the run that ended last. */
  get lastFinished(): FinishedRun | undefined {
    return naming(this.path, () => this.runs.lastFinished())
  }

  /** Discards what is not committed, and ends the lock. */
  close(): void {
    clearTimeout(this.#timer)
    this.#database.close()
    this.#former?.close()
    this.#lock?.release()
  }

  /** Called before each write: begins a transaction, and ends it some time or some rows later. */
  #write(): void {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#rows >= COMMIT_ROWS) this.commit()
    this.#rows++
    if (!this.#isOpen) naming(this.path, () => this.#database.exec('BEGIN IMMEDIATE'))
    this.#isOpen = true
    this.#timer ??= setTimeout(() => {
      try {
        this.commit()
      } catch (error) {
        this.#failure = error
      }
    }, COMMIT_MS)
  }
}
