import { AsyncLocalStorage } from 'node:async_hooks'
import type { AnyStorage } from '../storage/storage.ts'
import { drop, forget, hold, type Postponed, type Release, release, type StoredFile } from './claims.ts'
import { type FileRegistry, fileRegistry } from './registry.ts'
import { storedFile } from './stored.ts'

/** The transaction that code runs in, and the open one around it, which may belong to another registry. */
interface Scope {
  readonly transaction: FileTransaction
  readonly outer: Scope | undefined
}

const running = new AsyncLocalStorage<Scope>()

/**
 * The files of a database transaction: those it stored, which a rollback removes, and those its rows no longer name, which are removed
 * after the commit if no other row names them. A savepoint is a transaction in it. The code that runs the database's transaction calls
 * `commit` or `rollback` after the database has done the same, and awaits it.
 */
export class FileTransaction {
  readonly registry: FileRegistry
  readonly #parent: FileTransaction | undefined
  readonly #stored: StoredFile[] = []
  /** Held until the end, since a row that is not committed yet names them. */
  readonly #needed: string[] = []
  readonly #released: Release[] = []
  /** Stored by a savepoint that was rolled back. */
  readonly #abandoned: StoredFile[] = []
  /** Released by other transactions, and kept for savepoints that were rolled back. */
  readonly #postponed: Postponed[] = []
  /** Functions that restore objects, run last to first. */
  readonly #undo: (() => void)[] = []
  #isOpen = true
  #isDoubtful = false

  constructor(registry: FileRegistry = fileRegistry, parent?: FileTransaction) {
    this.registry = registry
    this.#parent = parent
  }

  /** The transaction of a registry that the calling code runs in, by `run`; undefined outside of it and after its end. */
  static current(registry?: FileRegistry): FileTransaction | undefined {
    for (
      let scope = FileTransaction.#open(running.getStore());
      scope !== undefined;
      scope = FileTransaction.#open(scope.outer)
    ) {
      const { transaction } = scope
      if (registry === undefined || transaction.registry === registry) return transaction
    }
    return undefined
  }

  /** Returns the innermost open scope: its transaction, or one that it is a savepoint of, is open. */
  static #open(scope: Scope | undefined): Scope | undefined {
    if (scope === undefined || scope.transaction.#isOpen) return scope
    const outer = FileTransaction.#open(scope.outer)
    let transaction = scope.transaction.#parent
    while (transaction !== undefined && !transaction.#isOpen) transaction = transaction.#parent
    return transaction === undefined || transaction === outer?.transaction ? outer : { transaction, outer }
  }

  /**
   * Runs a write with its files: in a savepoint of a transaction (by default the one that the calling code runs in), or in a new
   * transaction. When `work` fails, the files that it stored are removed; otherwise the files that it released are removed after the
   * outermost commit.
   */
  static step<T>(
    registry: FileRegistry,
    work: (files: FileTransaction) => Promise<T>,
    within: FileTransaction | undefined = FileTransaction.current(registry),
  ): Promise<T> {
    const files = within?.savepoint() ?? new FileTransaction(registry)
    return files.during(() => files.run(() => work(files)))
  }

  /** Whether neither `commit` nor `rollback` was called. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Runs code that finds this transaction by `current`. */
  run<T>(work: () => T): T {
    return running.run({ transaction: this, outer: FileTransaction.#open(running.getStore()) }, work)
  }

  /** Runs code and ends the transaction: by `commit`, or by `rollback` when the code fails, whose error is rethrown. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    let result: T
    try {
      result = await work()
    } catch (error) {
      await this.rollback()
      throw error
    }
    await this.commit()
    return result
  }

  /** Begins a savepoint. */
  savepoint(): FileTransaction {
    return new FileTransaction(this.registry, this)
  }

  /** Records a file before or after it is stored: it is removed unless the transaction commits with a row that names it. */
  stored(file: StoredFile): void {
    hold(file.address)
    this.#stored.push(file)
  }

  /** Records a stored file that a row of the transaction names now, so that it is not deleted meanwhile. */
  needed(file: StoredFile): void {
    hold(file.address)
    this.#needed.push(file.address)
  }

  /** Records a file that a row no longer names. */
  released(file: StoredFile): void {
    this.#released.push(release(file))
  }

  /**
   * Registers `undo` to be called by a rollback. Adapters that replaced content in entities by stored files use it, so that the entities do
   * not name removed files when the program saves them again.
   */
  onRollback(undo: () => void): void {
    this.#undo.unshift(undo)
  }

  /**
   * Like `released`, by name. A name that the storage rejects (an older program has written it) is reported by `onKept`, so that its row
   * can be deleted.
   */
  async release(storage: AnyStorage, name: string): Promise<void> {
    try {
      this.released(await storedFile(storage, name))
    } catch (error) {
      this.registry.keep({ storage, name }, error)
    }
  }

  /**
   * Records that the database may keep less than it confirms: PostgreSQL answers a commit after a failed statement with a rollback. The
   * commit then also checks the stored files, and removes those that no row names. A step that was rolled back calls it.
   */
  doubt(): void {
    this.#isDoubtful = true
  }

  /** Call it after the database's commit; for a savepoint, after its release. Resolves after all deletions; never fails. */
  async commit(): Promise<void> {
    if (!this.#end()) return
    const parent = this.#parent
    if (parent?.isOpen) {
      parent.#stored.push(...this.#stored)
      parent.#needed.push(...this.#needed)
      parent.#released.push(...this.#released)
      parent.#abandoned.push(...this.#abandoned)
      parent.#postponed.push(...this.#postponed)
      parent.#undo.unshift(...this.#undo)
      if (this.#isDoubtful) parent.doubt()
      return
    }
    // It ended after the transaction around it, which may have been rolled back.
    if (parent !== undefined) this.doubt()
    await this.#remove([...this.#released, ...this.#abandoned, ...(await this.#doubtful())])
  }

  /**
   * Call it after the database's rollback, also after a rollback to the savepoint. Files that a savepoint stored are removed when the
   * outermost transaction ends.
   */
  async rollback(): Promise<void> {
    if (!this.#end()) return
    for (const undo of this.#undo) undo()
    for (const released of this.#released) forget(released)
    const parent = this.#parent
    if (parent?.isOpen) {
      parent.doubt()
      parent.#abandoned.push(...this.#stored, ...this.#abandoned)
      parent.#postponed.push(...this.#postponed, ...this.#needed.flatMap(drop))
      return
    }
    await this.#remove([...this.#stored, ...this.#abandoned])
  }

  /** Returns the stored files that may have no row; none where no registered column could be checked. */
  async #doubtful(): Promise<StoredFile[]> {
    if (!this.#isDoubtful) return []
    const known = await Promise.all(this.#stored.map(file => this.registry.knows(file)))
    return this.#stored.filter((_, at) => known[at])
  }

  #end(): boolean {
    const was = this.#isOpen
    this.#isOpen = false
    return was
  }

  /** Drops the holds on all files, and removes these files and those that other transactions released meanwhile. */
  async #remove(files: readonly StoredFile[]): Promise<void> {
    const held = [...this.#stored, ...this.#abandoned].map(({ address }) => address)
    const postponed = [...this.#postponed, ...[...held, ...this.#needed].flatMap(drop)]
    await this.registry.removeUnused(files)
    for (const [remover, all] of Map.groupBy(postponed, ({ remover }) => remover)) {
      await remover.removeUnused(all.map(({ file }) => file))
    }
  }
}
