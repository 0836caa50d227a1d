import type { CallOptions } from '../core/call.ts'
import { isStorageError, StorageError } from '../core/errors.ts'
import type { AnyStorage } from '../storage/storage.ts'
import { deleting, forget, isHeld, type Release, type StoredFile } from './claims.ts'
import { type FieldPlace, storedFile } from './stored.ts'

/** A column that holds names of files: of a model, its drafts, its history, or any copy. */
export interface FileUser {
  /** For messages and warnings: `resumes.pdf`. */
  readonly label: string
  /** The field whose storage the names are in. */
  readonly field: FieldPlace
  /**
   * Returns those of the names that rows hold, by one query of its own, outside of every transaction. Soft-deleted rows count, whatever
   * default scopes the model has. More than was asked for may be returned.
   */
  used(names: readonly string[], options: CallOptions): Promise<Iterable<unknown>>
}

/** A file that should have been deleted and is still there. */
export interface KeptFile {
  readonly name: string
  readonly storage: AnyStorage
  readonly error: StorageError
}

/** Names in one question to a database. */
const BATCH = 500
/** Files that are asked about, and then deleted, together. */
const TOGETHER = 20

/** The columns that hold names of files. A file is deleted only when none of them names it. */
export class FileRegistry {
  readonly #users = new Set<FileUser>()
  /** Called with each file that could not be deleted; the write it belongs to stays a success. Default: a warning of the process. */
  onKept: (kept: KeptFile) => void = warn

  /** Registers a column; the function that is returned takes it out again. */
  add(user: FileUser): () => void {
    this.#users.add(user)
    return () => void this.#users.delete(user)
  }

  /** All registered columns. */
  get users(): readonly FileUser[] {
    return [...this.#users]
  }

  /** Returns those of the names in one storage that a registered column holds. A column that cannot be read is an error. */
  async usedNames(storage: AnyStorage, names: readonly string[], options: CallOptions = {}): Promise<Set<string>> {
    const used = new Set<string>()
    const users = await this.usersOf(storage, names[0] ?? '', options)
    if (users.length === 0) throw new StorageError('unsupported', 'No registered column is in this storage.')
    for (let at = 0; at < names.length; at += BATCH) {
      const asked = names.slice(at, at + BATCH)
      for (const user of users) for (const name of await this.#ask(user, asked, options)) used.add(name)
    }
    return used
  }

  /** The columns whose files are where this one is. */
  async usersOf(storage: AnyStorage, name: string, options: CallOptions = {}): Promise<readonly FileUser[]> {
    if (name === '') return []
    const { address } = await storedFile(storage, name, options)
    const found: FileUser[] = []
    for (const user of this.#users) {
      const other = user.field.storage
      if (other === storage || (await storedFile(other, name, options)).address === address) found.push(user)
    }
    return found
  }

  /** Deletes those of the files that no column names. Never fails: what stays is given to `onKept`. */
  async removeUnused(files: readonly (Release | StoredFile)[]): Promise<void> {
    for (const [storage, all] of Map.groupBy(files, file => file.storage)) {
      for (let at = 0; at < all.length; at += TOGETHER) await this.#remove(storage, all.slice(at, at + TOGETHER))
    }
  }

  async #remove(storage: AnyStorage, files: readonly (Release | StoredFile)[]): Promise<void> {
    const keep = ({ name }: StoredFile, error: unknown): void => {
      const failure = isStorageError(error) ? error : new StorageError('unknown', String(error), { cause: error })
      this.onKept({ storage, name, error: failure })
    }
    const remove = async (): Promise<string[]> => {
      const asked = files.filter(file => !isDone(file) && !isHeld(file.address))
      const used = await this.#used(storage, asked)
      const unused = new Map(asked.filter(file => !used.has(file.name)).map(file => [file.address, file]))
      const deleted = await Promise.all(
        [...unused.values()].map(async file => {
          if (isHeld(file.address)) return []
          try {
            await storage.delete(file.name)
            return [file.address]
          } catch (error) {
            keep(file, error)
            return []
          }
        }),
      )
      return deleted.flat()
    }
    try {
      await deleting(
        files.map(({ address }) => address),
        remove,
      )
    } catch (error) {
      for (const file of files) keep(file, error)
    } finally {
      for (const file of files) if ('done' in file) forget(file)
    }
  }

  async #used(storage: AnyStorage, files: readonly StoredFile[]): Promise<Set<string>> {
    if (files.length === 0) return new Set()
    const users = await this.usersOf(storage, files[0]!.name)
    // Nobody but the caller can know the name of a file that it has just stored.
    if (users.length === 0 && files.every(({ isNew }) => isNew)) return new Set()
    return this.usedNames(
      storage,
      files.map(({ name }) => name),
    )
  }

  async #ask(user: FileUser, names: readonly string[], options: CallOptions): Promise<string[]> {
    try {
      const found = [...(await user.used(names, options))]
      return found.filter(name => typeof name === 'string')
    } catch (cause) {
      if (isStorageError(cause, 'aborted')) throw cause
      throw new StorageError('unavailable', `${user.label} could not be asked which files it uses.`, { cause })
    }
  }
}

function warn({ name, error }: KeptFile): void {
  process.emitWarning(`The file '${name}' is no longer needed, and could not be deleted: ${error.message}`, {
    code: 'HOLDALL_FILE_KEPT',
  })
}

function isDone(file: Release | StoredFile): boolean {
  return 'done' in file && file.done
}

/** The registry of fields that are given no other. */
export const fileRegistry: FileRegistry = new FileRegistry()
