import type { StoredFile } from '../../fields/claims.ts'
import type { FileRegistry } from '../../fields/registry.ts'
import { FileTransaction } from '../../fields/transaction.ts'

/** Uploads of one write at once. */
const TOGETHER = 8

/** The files of one write, or of a transaction or savepoint of a query runner. */
export class WriteFiles extends FileTransaction {
  /** Names that rows no longer have, as long as nobody knows whether it stays so. */
  readonly gone: string[] = []
  /** Whether a statement that succeeded may have written no row. */
  isDoubtful = false
  readonly #parent: WriteFiles | undefined
  readonly #kept: StoredFile[] = []
  readonly #undo: (() => void)[] = []
  readonly #running = new Set<Promise<unknown>>()
  #failed = false

  constructor(registry: FileRegistry, parent?: WriteFiles) {
    super(registry, parent)
    this.#parent = parent
  }

  override savepoint(): WriteFiles {
    return new WriteFiles(this.registry, this)
  }

  override stored(file: StoredFile): void {
    this.#kept.push(file)
    super.stored(file)
  }

  override released(file: StoredFile): void {
    this.gone.push(file.name)
    super.released(file)
  }

  override async commit(): Promise<void> {
    if (this.isOpen && this.#parent?.isOpen) {
      this.#parent.gone.push(...this.gone)
      this.#parent.#undo.push(...this.#undo)
    }
    await super.commit()
  }

  override async rollback(): Promise<void> {
    if (this.isOpen) for (const undo of this.#undo.reverse()) undo()
    await super.rollback()
  }

  /** Notes how to give a row its content back when its files are removed again. */
  onRollback(undo: () => void): void {
    this.#undo.push(undo)
  }

  /**
   * Runs the uploads of one row: TypeORM begins those of all rows at once, and rolls back at the first failure while others are under way.
   * After a failure no more are begun.
   */
  async upload(work: () => Promise<void>): Promise<void> {
    while (this.#running.size >= TOGETHER) await Promise.race([...this.#running].map(job => job.catch(() => undefined)))
    if (this.#failed) return
    const job = work().catch((error: unknown) => {
      this.#failed = true
      throw error
    })
    this.#running.add(job)
    try {
      await job
    } finally {
      this.#running.delete(job)
    }
  }

  /** Rolls back when the uploads under way have ended. */
  async fail(): Promise<void> {
    this.#failed = true
    await Promise.allSettled(this.#running)
    await this.rollback()
  }

  /** Commits, and has the database asked for the stored files at the end of the transaction that runs now: those without a row go. */
  async commitInDoubt(within: FileTransaction | undefined): Promise<void> {
    const check = within?.savepoint() ?? new FileTransaction(this.registry)
    for (const file of this.#kept) check.stored(file)
    await this.commit()
    await check.rollback()
  }
}
