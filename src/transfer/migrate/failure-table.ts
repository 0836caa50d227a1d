import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { StorageError } from '../../core/errors.ts'
import type { MigrationPass } from '../../core/migration-status.ts'

/** A name that failed, and still does. */
export interface FailureRow {
  readonly name: string
  readonly pass: MigrationPass
  readonly code: string
  readonly message: string
  /** Whether the target cannot have the file, so that no repetition can help. */
  readonly isRefused: boolean
  readonly attempts: number
  readonly failedAt: Date
}

interface Raw {
  readonly name: string
  readonly pass: MigrationPass
  readonly code: string
  readonly message: string
  readonly is_refused: number
  readonly attempts: number
  readonly failed_ms: number
}

/** Which failures are listed: names after one name, of these passes, with fewer attempts. */
export interface FailureFilter {
  readonly after?: string | undefined
  readonly pass?: MigrationPass | undefined
  readonly attemptsBelow?: number | undefined
  readonly isRefused?: boolean | undefined
}

const COLUMNS = 'name, pass, code, message, is_refused, attempts, failed_ms'
/** Codes of what the verify pass finds. */
const DIFFERENCES: ReadonlySet<string> = new Set(['not_found', 'checksum_mismatch'])

/** The failures of a ledger. Their numbers are known without a query. */
export class FailureTable {
  readonly #database: DatabaseSync
  readonly #write: () => void
  readonly #codes = new Map<string, number>()
  readonly #passes = new Map<MigrationPass, number>()
  #count = 0
  readonly #get: StatementSync
  readonly #put: StatementSync
  readonly #delete: StatementSync
  readonly #page: StatementSync

  constructor(database: DatabaseSync, write: () => void) {
    this.#database = database
    this.#write = write
    this.#get = database.prepare(`SELECT ${COLUMNS} FROM failures WHERE name = ?`)
    this.#put = database.prepare(`INSERT OR REPLACE INTO failures (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)`)
    this.#delete = database.prepare('DELETE FROM failures WHERE name = ?')
    // Node 22 binds no numbered parameters.
    this.#page = database.prepare(
      `SELECT ${COLUMNS} FROM failures WHERE name > ? AND pass = coalesce(?, pass) AND attempts < ?
        AND is_refused = coalesce(?, is_refused) ORDER BY name LIMIT ?`,
    )
    this.#load()
  }

  get count(): number {
    return this.#count
  }

  /** Number of files that the verify pass found missing or different. */
  get different(): number {
    return this.#passes.get('verify') ?? 0
  }

  /** Number of failed names by error code. */
  get byCode(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#codes].filter(([, number]) => number > 0))
  }

  /** Stores a failure; returns whether it was not known before. */
  add(name: string, pass: MigrationPass, error: StorageError, isRefused: boolean): boolean {
    this.#write()
    const before = this.get(name)
    // A file that could not be copied is missing at the target for the reason that is already known.
    const isSame = pass === 'verify' && before?.pass === 'copy' && (isRefused || DIFFERENCES.has(error.code))
    if (isSame) return false
    if (before !== undefined) this.#add(before.code, before.pass, -1)
    this.#add(error.code, pass, 1)
    const attempts = (before?.attempts ?? 0) + 1
    this.#put.run(name, pass, error.code, error.message, isRefused ? 1 : 0, attempts, Date.now())
    return true
  }

  /** `isCompared`: the contents are known to be equal; equal sizes do not mend a copy that failed. */
  remove(name: string, isCompared: boolean): void {
    if (this.#count === 0) return
    const row = this.get(name)
    if (row === undefined || (row.pass === 'copy' && !isCompared)) return
    this.#write()
    this.#add(row.code, row.pass, -1)
    this.#delete.run(name)
  }

  /** Before a new run: names that failed are tried again; what the listings decide is decided again. */
  reset(): void {
    this.#write()
    this.#database.exec(`DELETE FROM failures WHERE is_refused = 1 OR pass = 'delete';
      UPDATE failures SET attempts = 0, pass = 'copy'`)
    this.#load()
  }

  clear(): void {
    this.#write()
    this.#database.exec('DELETE FROM failures')
    this.#load()
  }

  get(name: string): FailureRow | undefined {
    const row = this.#get.get(name) as unknown as Raw | undefined
    return row === undefined ? undefined : failureOf(row)
  }

  /** Returns failures in the order of their names. */
  page(
    { after = '', pass, attemptsBelow = Number.MAX_SAFE_INTEGER, isRefused }: FailureFilter,
    length: number,
  ): readonly FailureRow[] {
    const refused = isRefused === undefined ? null : isRefused ? 1 : 0
    const rows = this.#page.all(after, pass ?? null, attemptsBelow, refused, length) as unknown as readonly Raw[]
    return rows.map(failureOf)
  }

  #load(): void {
    this.#codes.clear()
    this.#passes.clear()
    this.#count = 0
    const counts = this.#database.prepare('SELECT code, pass, count(*) number FROM failures GROUP BY code, pass')
    for (const { code, pass, number } of counts.all() as unknown as ReadonlyArray<{
      readonly code: string
      readonly pass: MigrationPass
      readonly number: number
    }>) {
      this.#add(code, pass, number)
    }
  }

  #add(code: string, pass: MigrationPass, number: number): void {
    this.#count += number
    this.#codes.set(code, (this.#codes.get(code) ?? 0) + number)
    this.#passes.set(pass, (this.#passes.get(pass) ?? 0) + number)
  }
}

function failureOf({ is_refused, failed_ms, ...row }: Raw): FailureRow {
  return { ...row, isRefused: is_refused === 1, failedAt: new Date(failed_ms) }
}
