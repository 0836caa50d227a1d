import { AsyncLocalStorage } from 'node:async_hooks'
import type { AnyStorage } from '../storage/storage.ts'
import { drop, forget, hold, type Postponed, type Release, release, type StoredFile } from './claims.ts'
import { type FileRegistry, fileRegistry } from './registry.ts'
import { storedFile } from './stored.ts'

/** A transaction that code runs in, and the one around it that is open, which may be of another registry. */
interface Scope {
  readonly transaction: FileTransaction
  readonly outer: Scope | undefined
}

const running = new AsyncLocalStorage<Scope>()

/**
 * The files of a database transaction: those it has stored, which a rollback removes, and those its rows no longer name, which go after the
 * commit if no other row names them. A savepoint is a transaction in it. Whoever runs the database's transaction calls `commit` or `rollback`
 * after the database has done the same, and waits for it.
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
  /** What others have released, and was kept for savepoints that were rolled back. */
  readonly #postponed: Postponed[] = []
  /** What puts objects back as they were, the last first. */
  readonly #undo: (() => void)[] = []
  #isOpen = true
  #isDoubtful = false

  constructor(registry: FileRegistry = fileRegistry, parent?: FileTransaction) {
    this.registry = registry
    this.#parent = parent
  }

  /** The transaction of a registry that the calling code runs in, by `run`; undefined outside and after its end. */
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

  /** The innermost scope whose transaction, or one that it is a savepoint of, is open. */
  static #open(scope: Scope | undefined): Scope | undefined {
    if (scope === undefined || scope.transaction.#isOpen) return scope
    const outer = FileTransaction.#open(scope.outer)
    let transaction = scope.transaction.#parent
    while (transaction !== undefined && !transaction.#isOpen) transaction = transaction.#parent
    return transaction === undefined || transaction === outer?.transaction ? outer : { transaction, outer }
  }

  /**
   * Runs a write with its files: a savepoint of a transaction, by default the one that the calling code runs in, or one of its own. When `work`
   * fails, what it has stored is removed; else what it has released goes after the outermost commit.
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

  /** Runs code and ends with it: by `commit`, or by `rollback` when the code fails, whose error is thrown again. */
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

  /** Notes a file before or after it is stored: it is removed unless the transaction commits with a row that names it. */
  stored(file: StoredFile): void {
    hold(file.address)
    this.#stored.push(file)
  }

  /** Notes a stored file that a row of the transaction names now, so that it is not deleted meanwhile. */
  needed(file: StoredFile): void {
    hold(file.address)
    this.#needed.push(file.address)
  }

  /** Notes a file that a row no longer names. */
  released(file: StoredFile): void {
    this.#released.push(release(file))
  }

  /**
   * Has `undo` called by a rollback: for entities in which an adapter has put stored files in the place of content, so that they do not name
   * files that are gone when the program saves them once more.
   */
  onRollback(undo: () => void): void {
    this.#undo.unshift(undo)
  }

  /** The same by its name. A name that the storage refuses (an older program has written it) is reported by `onKept`, so that its row can go. */
  async release(storage: AnyStorage, name: string): Promise<void> {
    try {
      this.released(await storedFile(storage, name))
    } catch (error) {
      this.registry.keep({ storage, name }, error)
    }
  }

  /**
   * Notes that the database may keep less than it confirms: PostgreSQL answers a commit after a failed statement with a rollback. What was
   * stored is looked up then as well, and removed if no row names it. A step that was rolled back has called it.
   */
  doubt(): void {
    this.#isDoubtful = true
  }

  /** After the database's commit; for a savepoint, after its release. Ends when all that is to be deleted is deleted; never fails. */
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
    // It has outlived the transaction around it, which may have been rolled back.
    if (parent !== undefined) this.doubt()
    await this.#remove([...this.#released, ...this.#abandoned, ...(await this.#doubtful())])
  }

  /** After the database's rollback, also one to the savepoint. What a savepoint has stored is removed when the outermost transaction ends. */
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

  /** What was stored and may have no row; nothing where no registered column could tell. */
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

  /** Lets all files go, and removes these, with those that others have released meanwhile. */
  async #remove(files: readonly StoredFile[]): Promise<void> {
    const held = [...this.#stored, ...this.#abandoned].map(({ address }) => address)
    const postponed = [...this.#postponed, ...[...held, ...this.#needed].flatMap(drop)]
    await this.registry.removeUnused(files)
    for (const [remover, all] of Map.groupBy(postponed, ({ remover }) => remover)) {
      await remover.removeUnused(all.map(({ file }) => file))
    }
  }
}
