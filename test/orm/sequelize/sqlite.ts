import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'

type Callback = (this: Statement | Database | null, error: Error | null, rows?: unknown[]) => void
type Parameters = readonly unknown[] | Readonly<Record<string, unknown>>

/** How long a statement waits for another connection's lock. */
const BUSY_MS = 20_000
const CODES: Readonly<Record<number, string>> = { 5: 'SQLITE_BUSY', 6: 'SQLITE_LOCKED', 19: 'SQLITE_CONSTRAINT' }

/** What callbacks of `run` have as `this`; Sequelize asks for the name of the class. */
class Statement {
  lastID = 0
  changes = 0
}

/**
 * What Sequelize needs of the package `sqlite3`, over Node's own SQLite: `new Sequelize({ dialect: 'sqlite', dialectModule: sqlite3 })`. The
 * statements of a connection run one after the other; one that meets a lock waits without blocking the process, as in `sqlite3`.
 */
class Database {
  readonly filename: string
  uuid: string | undefined
  readonly #database: DatabaseSync
  #last: Promise<unknown> = Promise.resolve()

  constructor(filename: string, mode?: number | Callback, callback?: Callback) {
    this.filename = filename
    this.#database = new DatabaseSync(filename, { timeout: 0 })
    if (filename !== ':memory:')
      this.#queue(() => this.#database.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF'))
    const opened = typeof mode === 'function' ? mode : callback
    if (opened !== undefined) this.#queue(() => undefined).then(() => opened.call(this, null))
  }

  serialize(work?: () => void): void {
    work?.()
  }

  run(sql: string, parameters?: Parameters | Callback, callback?: Callback): this {
    const { given, done } = split(parameters, callback)
    const statement = new Statement()
    const work = (): void => {
      const { changes, lastInsertRowid } = execute(this.#database.prepare(sql), given, 'run')
      Object.assign(statement, { changes: Number(changes), lastID: Number(lastInsertRowid) })
    }
    this.#queue(work).then(
      () => done?.call(statement, null),
      error => done?.call(statement, error),
    )
    return this
  }

  all(sql: string, parameters?: Parameters | Callback, callback?: Callback): this {
    const { given, done } = split(parameters, callback)
    this.#queue(() => execute(this.#database.prepare(sql), given, 'all')).then(
      rows => done?.call(new Statement(), null, rows),
      error => done?.call(new Statement(), error),
    )
    return this
  }

  exec(sql: string, callback?: Callback): this {
    this.#queue(() => this.#database.exec(sql)).then(
      () => callback?.call(this, null),
      error => callback?.call(this, error),
    )
    return this
  }

  close(callback?: Callback): void {
    this.#queue(() => this.#database.close()).then(
      () => callback?.call(null, null),
      error => callback?.call(null, error),
    )
  }

  #queue<T>(work: () => T): Promise<T> {
    const result = this.#last.then(() => patient(work))
    this.#last = result.catch(() => undefined)
    return result
  }
}

async function patient<T>(work: () => T): Promise<T> {
  for (const end = performance.now() + BUSY_MS; ; ) {
    try {
      return work()
    } catch (error) {
      const { errcode = 1, message } = error as { errcode?: number; message: string }
      const code = CODES[errcode & 0xff] ?? 'SQLITE_ERROR'
      if (code !== 'SQLITE_BUSY' || performance.now() > end) {
        throw Object.assign(new Error(`${code}: ${message}`), { code, errno: errcode & 0xff })
      }
      await delay(2)
    }
  }
}

function split(parameters: Parameters | Callback | undefined, callback: Callback | undefined) {
  if (typeof parameters === 'function') return { given: [], done: parameters }
  return { given: parameters ?? [], done: callback }
}

function execute<M extends 'run' | 'all'>(statement: StatementSync, given: Parameters, method: M) {
  const call = statement[method].bind(statement) as (...values: unknown[]) => ReturnType<StatementSync[M]>
  if (Array.isArray(given)) return call(...given.map(bound))
  const named = Object.entries(given).map(([key, value]) => [key, bound(value)])
  return named.length === 0 ? call() : call(Object.fromEntries(named))
}

function bound(value: unknown): SQLInputValue {
  if (typeof value === 'boolean') return Number(value)
  return (value ?? null) as SQLInputValue
}

/** For `dialectModule`. */
export const sqlite3 = {
  Database,
  OPEN_READONLY: 1,
  OPEN_READWRITE: 2,
  OPEN_CREATE: 4,
}
