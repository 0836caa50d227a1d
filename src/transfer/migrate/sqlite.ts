import { closeSync, existsSync, mkdirSync, openSync, realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { classifyErrno, errnoOf } from '../../core/errno.ts'
import { type ErrorCode, StorageError } from '../../core/errors.ts'

/** The database of a migration without a ledger: SQLite writes what exceeds its cache to a temporary file, which only this process can open. */
export const TEMPORARY = ''
/** `HOLD`, in the header of every ledger. (https://sqlite.org/pragma.html#pragma_application_id) */
const APPLICATION_ID = 0x484f4c44
/** The smallest page of a database, in bytes. (https://sqlite.org/fileformat.html#pages) */
const MIN_PAGE = 512
/** Version of the tables. */
const VERSION = 1

const BUSY = 5
const CORRUPT = 11
const CANNOT_OPEN = 14
const NO_DATABASE = 26
/** Codes of SQLite's errors. (https://sqlite.org/rescode.html) */
const CODES: Readonly<Record<number, ErrorCode>> = {
  3: 'permission_denied',
  [BUSY]: 'exists',
  8: 'permission_denied',
  10: 'unavailable',
  13: 'no_space',
  [CANNOT_OPEN]: 'permission_denied',
  23: 'permission_denied',
  [NO_DATABASE]: 'invalid_argument',
}

let sqlite: typeof import('node:sqlite') | undefined

/** Returns `node:sqlite`, without the warning that it is experimental in Node 22. `unsupported`: this runtime has no SQLite. */
function nodeSqlite(): typeof import('node:sqlite') {
  if (sqlite !== undefined) return sqlite
  const { emitWarning } = process
  try {
    process.emitWarning = (warning: string | Error, ...details: unknown[]): void => {
      if (details[0] !== 'ExperimentalWarning') Reflect.apply(emitWarning, process, [warning, ...details])
    }
    sqlite = process.getBuiltinModule('node:sqlite')
  } finally {
    process.emitWarning = emitWarning
  }
  if (sqlite !== undefined) return sqlite
  throw new StorageError('unsupported', 'migrate needs the module node:sqlite (Node 22.13 or later).')
}

/**
 * Opens the database of a ledger; without one, and unless it is only read, creates it for this user alone. `invalid_argument`: the file is
 * no ledger, or one of a newer version; it is not changed.
 */
export function openLedger(path: string, isReadOnly: boolean, tables: string): DatabaseSync {
  return naming(path, () => {
    if (path !== TEMPORARY && !isReadOnly) createFile(path)
    if (path !== TEMPORARY && isShort(path)) throw noLedger(path)
    try {
      return opened(path, isReadOnly, tables)
    } catch (error) {
      // SQLite would create files beside the database, and may not: no process writes to it, or its log would be there.
      const isFixed = isReadOnly && (error as { readonly errcode?: unknown }).errcode === CANNOT_OPEN
      if (!isFixed || existsSync(`${path}-wal`)) throw error
      const url = pathToFileURL(path)
      url.searchParams.set('immutable', '1')
      return opened(path, isReadOnly, tables, url)
    }
  })
}

function opened(path: string, isReadOnly: boolean, tables: string, location: string | URL = path): DatabaseSync {
  const { DatabaseSync } = nodeSqlite()
  const database = new DatabaseSync(location, { readOnly: isReadOnly, timeout: 5000 })
  try {
    if (isNew(database, path)) {
      if (isReadOnly) throw noLedger(path)
      database.exec(`BEGIN IMMEDIATE; ${tables}; PRAGMA application_id = ${APPLICATION_ID};
        PRAGMA user_version = ${VERSION}; COMMIT`)
    }
    if (!isReadOnly) database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** Whether a file has bytes, but fewer than any database: SQLite would take it for an empty one, and write over it. */
function isShort(path: string): boolean {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  return size > 0 && size < MIN_PAGE
}

/** Whether a database is empty. */
function isNew(database: DatabaseSync, path: string): boolean {
  const [{ id, version, tables }] = database
    .prepare(
      `SELECT (SELECT application_id FROM pragma_application_id) id, (SELECT user_version FROM pragma_user_version) version,
        (SELECT count(*) FROM sqlite_master) tables`,
    )
    .all() as unknown as readonly [{ readonly id: number; readonly version: number; readonly tables: number }]
  if (id === 0 && tables === 0) return true
  if (id !== APPLICATION_ID) throw noLedger(path)
  if (version === VERSION) return false
  const text = `ledger: '${path}' has version ${version}, and this version of Holdall reads version ${VERSION}.`
  throw new StorageError('invalid_argument', text, { fileName: path })
}

/** Creates a file that only its owner may read; SQLite gives its other files the same mode. */
function createFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  closeSync(openSync(path, 'a', 0o600))
}

function noLedger(path: string): StorageError {
  return new StorageError('invalid_argument', `ledger: '${path}' is no ledger of a migration, and is not changed.`, {
    fileName: path,
  })
}

/** Runs work on a ledger; its errors name the file. */
export function naming<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    const code = error instanceof StorageError ? undefined : classifyErrno(error)
    if (code === undefined) throw namedError(path, error)
    const text = `ledger: '${path}' cannot be opened (${errnoOf(error)}).`
    throw new StorageError(code, text, { fileName: path, cause: error })
  }
}

/** Returns an error of SQLite as one that names the ledger; any other error is returned as it is. */
export function namedError(path: string, error: unknown): unknown {
  const { errcode, errstr } = (error ?? {}) as { readonly errcode?: unknown; readonly errstr?: unknown }
  if (error instanceof StorageError || typeof errcode !== 'number') return error
  // The lower byte is the primary code.
  const primary = errcode & 0xff
  if (primary === NO_DATABASE) return noLedger(path)
  const what = primary === CORRUPT ? 'is damaged' : 'cannot be used'
  const text = `ledger: '${path}' ${what}: ${String(errstr)}.`
  return new StorageError(CODES[primary] ?? 'unknown', text, { fileName: path, cause: error })
}

/** A row that cannot be read, as an error of SQLite. */
export class DamagedRow extends Error {
  readonly errcode: number = CORRUPT
  readonly errstr: string

  constructor(what: string, cause?: unknown) {
    super(what, { cause })
    this.errstr = what
  }
}

/** A lock that one process at a time can have. The system ends it with the process, however that ends. */
export class LedgerLock {
  readonly #database: DatabaseSync

  private constructor(database: DatabaseSync) {
    this.#database = database
  }

  /** Takes the lock of a ledger, which is a file beside it. `exists`: another process has it. */
  static take(path: string): LedgerLock {
    const file = lockOf(path)
    const { DatabaseSync } = nodeSqlite()
    return naming(file, () => {
      createFile(file)
      const database = new DatabaseSync(file, { timeout: 500 })
      try {
        database.exec('BEGIN EXCLUSIVE')
        return new LedgerLock(database)
      } catch (error) {
        database.close()
        if ((error as { readonly errcode?: unknown }).errcode !== BUSY) throw error
        const text = `ledger: another process works on '${path}'. Wait until it has ended, or end it.`
        throw new StorageError('exists', text, { fileName: path, cause: error })
      }
    })
  }

  /** Whether a process has the lock of a ledger. */
  static isTaken(path: string): boolean {
    const file = lockOf(path)
    if (!existsSync(file)) return false
    const { DatabaseSync } = nodeSqlite()
    return naming(file, () => {
      const database = new DatabaseSync(file, { readOnly: true })
      try {
        database.prepare('SELECT count(*) FROM sqlite_master').get()
        return false
      } catch (error) {
        if ((error as { readonly errcode?: unknown }).errcode === BUSY) return true
        throw error
      } finally {
        database.close()
      }
    })
  }

  release(): void {
    this.#database.close()
  }
}

/** The ending of the file that is a ledger's lock. */
export const LOCK_ENDING = '.lock'

/** A ledger has one lock, also under the name of a link to it. */
function lockOf(path: string): string {
  return `${existsSync(path) ? realpathSync(path) : path}${LOCK_ENDING}`
}
