import type { CallOptions } from '../core/call.ts'
import { isStorageError, StorageError } from '../core/errors.ts'
import { kindOf } from '../core/kind.ts'
import { checkCallOptions } from '../core/known-options.ts'
import type { AnyStorage } from '../storage/storage.ts'
import { forget, isRelease, Removal, type StoredFile } from './claims.ts'
import { type FieldPlace, nameInStorage, namesInStorage } from './stored.ts'

/** A column that contains names of files: of a model, its drafts, its history, or any copy. */
export interface FileUser {
  /** For messages and warnings: `resumes.pdf`. */
  readonly label: string
  /** The field whose storage contains the names. */
  readonly field: FieldPlace
  /**
   * Returns those of the names that rows contain, by a separate query outside of every transaction. It must include soft-deleted rows,
   * whatever default scopes the model has. It may return more names than requested, as texts, `FieldFile`s or nulls; any other value is an
   * error.
   */
  used(names: readonly string[], options: CallOptions): Promise<Iterable<unknown>>
}

/** A file that should have been deleted and is still there. */
export interface KeptFile {
  readonly name: string
  readonly storage: AnyStorage
  readonly error: StorageError
}

/** Number of names in one database query. */
const BATCH = 500
/** Number of files that are checked, and then deleted, together. */
const TOGETHER = 20
/** Maximum length of a database error in a message, in characters. */
const MAX_REASON = 300
/** Maximum number of checks of a file that is needed again between check and deletion. */
const MOST_ROUNDS = 20

/** The columns that contain names of files. A file is deleted only when none of them names it. */
export class FileRegistry {
  readonly #users = new Set<FileUser>()
  /** Called with each file that could not be deleted; the write that it belongs to still succeeds. Default: a process warning. */
  onKept: (kept: KeptFile) => void = warn

  /** Registers a column; the returned function removes it. */
  add(user: FileUser): () => void {
    this.#users.add(user)
    return () => void this.#users.delete(user)
  }

  /** All registered columns. */
  get users(): ReadonlySet<FileUser> {
    return new Set(this.#users)
  }

  /**
   * Returns those of the files that a registered column names; all files must be in one storage. `unavailable` when a column cannot be
   * read, or no registered column has its files in that storage.
   */
  async used(files: readonly StoredFile[], options: CallOptions = {}): Promise<Set<StoredFile>> {
    checkCallOptions('used', options)
    const used = new Set<StoredFile>()
    let isAsked = files.length === 0
    for (const [storage, users] of Map.groupBy(this.#users, user => user.field.storage)) {
      const byName = await namesIn(storage, files, options)
      if (byName.size === 0) continue
      isAsked = true
      const names = [...byName.keys()]
      for (const user of users) {
        for (let at = 0; at < names.length; at += BATCH) {
          const found = await this.#ask(user, names.slice(at, at + BATCH), options)
          for (const name of found) for (const file of byName.get(name) ?? []) used.add(file)
        }
      }
    }
    if (isAsked) return used
    throw new StorageError('unavailable', `No registered column has its files where '${files[0]!.name}' is.`)
  }

  /** Queries every registered column once, so that an unreadable one is found before any file is changed. */
  async check(options: CallOptions = {}): Promise<void> {
    checkCallOptions('check', options)
    for (const user of this.#users) await this.#ask(user, ['holdall'], options)
  }

  /**
   * Deletes those of the files that no column names, and returns them. Never fails: files that could not be deleted are passed to `onKept`.
   */
  async removeUnused(
    files: readonly StoredFile[],
    onKept: (kept: KeptFile) => void = this.onKept,
  ): Promise<StoredFile[]> {
    const removed: StoredFile[] = []
    for (const all of Map.groupBy(files, file => file.storage).values()) {
      for (let at = 0; at < all.length; at += TOGETHER) {
        removed.push(...(await this.#remove(all.slice(at, at + TOGETHER), onKept)))
      }
    }
    return removed
  }

  /**
   * Reports a file that should have been deleted and is still there. An error from `onKept` becomes a warning, since the write has
   * succeeded.
   */
  keep(
    { name, storage }: Pick<StoredFile, 'name' | 'storage'>,
    error: unknown,
    onKept: (kept: KeptFile) => void = this.onKept,
  ): void {
    const failure = isStorageError(error) ? error : new StorageError('unknown', String(error), { cause: error })
    try {
      onKept({ storage, name, error: failure })
    } catch (thrown) {
      process.emitWarning(`onKept failed: ${thrown}`, { code: 'HOLDALL_FILE_KEPT' })
    }
  }

  async #remove(files: readonly StoredFile[], onKept: (kept: KeptFile) => void): Promise<StoredFile[]> {
    const removed: StoredFile[] = []
    const keep = (file: StoredFile, error: unknown): void => this.keep(file, error, onKept)
    const each = new Map(files.map(file => [file.address, file]))
    const removals = [...each.values()].map(file => new Removal(file))
    const postponed = new Set<StoredFile>()
    const postpone = (removal: Removal): void => {
      if (removal.postpone(this)) postponed.add(removal.file)
    }
    const remove = async (removal: Removal): Promise<boolean> => {
      const { file } = removal
      try {
        const fate = await removal.delete(() => file.storage.delete(file.name))
        if (fate === 'deleted') removed.push(file)
        if (fate === 'held') postpone(removal)
        return fate === 'used'
      } catch (error) {
        keep(file, error)
        return false
      }
    }
    let left = removals
    try {
      for (let rounds = 0; left.length > 0; rounds++) {
        if (rounds === MOST_ROUNDS) throw new StorageError('unavailable', 'The file keeps being used again.')
        for (const removal of left) postpone(removal)
        left = left.filter(removal => removal.ask())
        const used = await this.#usedNow(left.map(({ file }) => file))
        const unused = left.filter(({ file }) => !used.has(file))
        // Files that were needed since the check are checked again.
        const isNeeded = await Promise.all(unused.map(remove))
        left = unused.filter((_, at) => isNeeded[at])
      }
    } catch (error) {
      for (const { file } of left) keep(file, error)
    } finally {
      for (const removal of removals) removal.end()
      for (const file of files) if (isRelease(file) && !postponed.has(file)) forget(file)
    }
    return removed
  }

  async #usedNow(files: readonly StoredFile[]): Promise<Set<StoredFile>> {
    // No row can name a file that was stored just now, unless its column is registered.
    const isAlone = files.every(({ isNew }) => isNew) && files.length > 0 && !(await this.knows(files[0]!))
    return isAlone ? new Set() : this.used(files)
  }

  /** Whether a registered column has its files in the storage of this one. */
  async knows(file: StoredFile): Promise<boolean> {
    for (const storage of new Set([...this.#users].map(user => user.field.storage))) {
      if ((await nameInStorage(file, storage)) !== undefined) return true
    }
    return false
  }

  async #ask(user: FileUser, names: readonly string[], options: CallOptions): Promise<string[]> {
    let found: readonly unknown[]
    try {
      found = [...(await user.used(names, options))]
    } catch (cause) {
      if (isStorageError(cause, 'aborted')) throw cause
      const text = `${user.label} could not be queried for the files that it uses: ${reasonOf(cause)}`
      throw new StorageError('unavailable', text, { cause })
    }
    return found.map(value => usedName(value, user.label)).filter(name => name !== null)
  }
}

/** Returns a database error on one line and without the password of a URL. */
function reasonOf(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause)
  const line = text.trim().split(/\s+/, MAX_REASON).map(withoutUser).join(' ')
  return line.length > MAX_REASON ? `${line.slice(0, MAX_REASON)}...` : line
}

function withoutUser(word: string): string {
  const [start, end] = [word.indexOf('://') + 3, word.lastIndexOf('@')]
  return start > 2 && end > start ? `${word.slice(0, start)}***${word.slice(end)}` : word
}

/** Returns a name as a column returned it. A value that is not a name must not be skipped: its file would be deleted. */
function usedName(value: unknown, label: string): string | null {
  const name = typeof value === 'object' && value !== null && 'name' in value ? value.name : value
  if (name === null || name === undefined || typeof name === 'string') return name ?? null
  throw new StorageError('invalid_argument', `${label} returned ${kindOf(name)} where the name of a file was expected.`)
}

function warn({ name, error }: KeptFile): void {
  process.emitWarning(`The file '${name}' is no longer needed, and could not be deleted: ${error.message}`, {
    code: 'HOLDALL_FILE_KEPT',
  })
}

/** Returns the files by the names that they have in a storage, without those that are not in it. */
async function namesIn(
  storage: AnyStorage,
  files: readonly StoredFile[],
  options: CallOptions,
): Promise<Map<string, StoredFile[]>> {
  const byName = new Map<string, StoredFile[]>()
  for (const [at, name] of (await namesInStorage(files, storage, options)).entries()) {
    if (name !== undefined) byName.set(name, [...(byName.get(name) ?? []), files[at]!])
  }
  return byName
}

/** The default registry of fields. */
export const fileRegistry: FileRegistry = new FileRegistry()
