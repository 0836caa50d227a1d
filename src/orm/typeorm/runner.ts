import { AsyncLocalStorage } from 'node:async_hooks'
import type { QueryRunner } from 'typeorm'
import type { FileRegistry } from '../../fields/registry.ts'
import { FileTransaction } from '../../fields/transaction.ts'
import { WriteFiles } from './write-files.ts'

/** The query runner whose transaction has just ended: it can be asked which files are used, and no other connection may be free. */
const ended = new AsyncLocalStorage<QueryRunner | undefined>()

/** Runs deletions while the query runner, if there is one, keeps its connection. */
export function afterEnd<T>(runner: QueryRunner | undefined, work: () => Promise<T>): Promise<T> {
  return ended.run(runner, work)
}

/** The query runner of `afterEnd`, if it can still be asked. */
export function endedRunner(): QueryRunner | undefined {
  const runner = ended.getStore()
  return runner === undefined || runner.isReleased || runner.isTransactionActive ? undefined : runner
}

const CONTROL =
  /^\s*(?:(begin|start\s+transaction)\b|(commit|end)\b|(?:rollback|abort)(?:\s+(?:work|transaction))?(?:\s+to\s+(?:savepoint\s+)?([^\s;]+))?\s*(?:;|$)|savepoint\s+([^\s;]+)|release\s+(?:savepoint\s+)?([^\s;]+))/i

interface Level {
  /** Of a savepoint; empty for the transaction. */
  readonly name: string
  readonly files: WriteFiles
  /** In which the transaction was begun. */
  readonly write: FileTransaction | undefined
}

/**
 * The transaction and the savepoints that are open on a query runner, with their files: as the statements say that it has run, whoever began
 * them. Files are deleted when `commitTransaction`, `rollbackTransaction` or `release` have done their work, and these wait for it.
 */
export class RunnerFiles {
  /** How many transactions and savepoints have ended. */
  ends = 0
  /** The writes under way. */
  readonly writes: Set<WriteFiles> = new Set()
  readonly #registry: FileRegistry
  readonly #runner: QueryRunner
  readonly #levels: Level[] = []
  readonly #ended: (() => Promise<void>)[] = []
  readonly #isShared: boolean
  #last: FileTransaction | undefined
  #calls = 0
  /** Whether the driver begins and ends transactions without a statement. */
  #isSilent = false

  constructor(runner: QueryRunner, registry: FileRegistry, isShared: boolean) {
    this.#runner = runner
    this.#registry = registry
    this.#isShared = isShared
    for (const method of ['commitTransaction', 'rollbackTransaction', 'release'] as const) {
      const call = runner[method].bind(runner)
      runner[method] = async () => {
        this.#calls += 1
        try {
          await call()
          if (this.#isSilent && method !== 'release')
            this.#end(depthOf(runner), method === 'commitTransaction' ? 'commit' : 'rollback')
        } finally {
          this.#calls -= 1
          // What became of the transaction of a lost connection is not known: a rollback asks the database.
          if (method === 'release' && !isShared) this.#end(0, 'rollback')
          await this.#settle()
        }
      }
    }
  }

  /** After `startTransaction`, for drivers that begin transactions without a statement. */
  started(): void {
    while (!this.#isShared && this.#levels.length < depthOf(this.#runner)) {
      this.#isSilent = true
      this.#begin('')
    }
  }

  /** The innermost transaction or savepoint. */
  get top(): WriteFiles | undefined {
    return this.#levels.at(-1)?.files
  }

  /** Whether nothing has ended since but one transaction that the write itself has begun and committed. */
  endedAlone(write: FileTransaction, since = 0): boolean {
    return this.ends === since + 1 && this.#last === write
  }

  /** Names that rows no longer have, by statements that can still be rolled back. */
  gone(): string[] {
    return [...this.#levels.map(({ files }) => files), ...this.writes].flatMap(files => files.gone)
  }

  /** Follows a statement that has succeeded. `command` is what the server did, where it says so. */
  async follow(statement: string, command: unknown): Promise<void> {
    const found = CONTROL.exec(statement)
    if (found === null) return
    const [, begin, commit, back, savepoint, release] = found
    if (begin !== undefined) {
      this.#end(0, 'commit')
      this.#begin('')
    } else if (savepoint !== undefined) this.#begin(savepoint)
    else if (release !== undefined) this.#end(this.#indexOf(release), 'commit')
    else if (back !== undefined) {
      const index = this.#indexOf(back)
      this.#end(index, 'rollback')
      if (index >= 0) this.#begin(back)
    } else {
      // PostgreSQL answers COMMIT with ROLLBACK when a statement of the transaction had failed.
      this.#end(0, commit !== undefined && command !== 'ROLLBACK' ? 'commit' : 'rollback')
    }
    if (this.#calls === 0) await this.#settle()
  }

  #begin(name: string): void {
    const files = this.top?.savepoint() ?? new WriteFiles(this.#registry)
    this.#levels.push({ name, files, write: FileTransaction.current() })
  }

  #indexOf(name: string): number {
    return this.#levels.findLastIndex(level => level.name === name)
  }

  /** Ends all levels from an index on, the innermost first. A savepoint ends at once; what the transaction deletes waits. */
  #end(index: number, how: 'commit' | 'rollback'): void {
    while (index >= 0 && this.#levels.length > index) {
      const { files, write } = this.#levels.pop()!
      this.ends += 1
      this.#last = how === 'commit' ? write : undefined
      if (this.#levels.length > 0) void files[how]()
      else this.#ended.push(() => files[how]())
    }
  }

  async #settle(): Promise<void> {
    const work = this.#ended.splice(0)
    if (work.length > 0) await afterEnd(this.#runner, () => Promise.all(work.map(end => end())))
  }
}

/** TypeORM's own count of transactions and savepoints. */
function depthOf(runner: QueryRunner): number {
  return (runner as unknown as { readonly transactionDepth: number }).transactionDepth
}
