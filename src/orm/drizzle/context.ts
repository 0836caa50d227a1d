import { entityKind, inArray, type Table } from 'drizzle-orm'
import { ImproperlyConfigured } from '../../core/errors.ts'
import type { FileRegistry } from '../../fields/registry.ts'
import { FileTransaction } from '../../fields/transaction.ts'
import { fieldsOf } from './column.ts'
import type { Database } from './driver.ts'
import { Level } from './levels.ts'
import { databaseOn, inTransaction } from './single.ts'
import { type FileTable, fileTable } from './table.ts'

/** A database or a transaction, with its files. */
export interface Scope {
  readonly db: Database
  /** Undefined outside a transaction. */
  readonly files: FileTransaction | undefined
  /** SQLite on one connection. */
  readonly level?: Level
}

/** A database with its file tables. */
export class DrizzleContext {
  readonly dialect: 'pg' | 'mysql' | 'sqlite'
  readonly root: Scope
  readonly #plain: Database
  readonly #registry: FileRegistry
  readonly #tables = new Map<Table, FileTable>()
  readonly #removers: (() => void)[] = []

  constructor(db: Database, tables: readonly Table[], registry: FileRegistry) {
    this.#plain = db
    this.#registry = registry
    const kind = kindOf(db.dialect)
    this.dialect = kind.startsWith('Pg') ? 'pg' : kind.startsWith('MySql') ? 'mysql' : 'sqlite'
    const isSingle = db.resultKind === 'sync' || kindOf(db.session) === 'SQLiteRemoteSession'
    const level = isSingle ? new Level() : undefined
    this.root = level === undefined ? { db, files: undefined } : { db: databaseOn(level, db), files: undefined, level }
    for (const table of tables) {
      const found = fileTable(table, registry)
      if (found === undefined) continue
      this.#tables.set(table, found)
      this.#removers.push(found.model.addUsers((attribute, names) => this.#used(found, attribute, names)))
    }
    if (this.#tables.size === 0) throw new ImproperlyConfigured('drizzleFiles: no table has a file column.')
  }

  /** Takes its columns out of the registry. */
  detach(): void {
    for (const remove of this.#removers.splice(0)) remove()
  }

  /** What is known of a table with file columns; undefined for one without. */
  tableOf(table: Table): FileTable | undefined {
    const found = this.#tables.get(table)
    if (found !== undefined || Object.keys(fieldsOf(table)).length === 0) return found
    const { model } = fileTable(table, this.#registry)!
    throw new ImproperlyConfigured(`'${model.label}' has file columns: give it to drizzleFiles.`)
  }

  /** The transaction in which a statement of a scope runs; on one connection, that of the calling code. */
  filesOf({ files, level }: Scope): FileTransaction | undefined {
    return level === undefined ? files : level.effective.files
  }

  /** Runs code in a transaction or a savepoint, with its files. */
  async transaction<T>(scope: Scope, work: (scope: Scope) => Promise<T>, config?: object): Promise<T> {
    const parent = this.filesOf(scope)
    const files = parent?.savepoint() ?? new FileTransaction(this.#registry)
    let result: T
    try {
      result = await this.inTransaction(scope, files, work, config)
    } catch (error) {
      await files.rollback()
      throw error
    }
    // It answers a commit with a rollback where a statement has failed, and who failed is not seen here.
    if (this.dialect === 'pg' && parent === undefined) files.doubt()
    await files.commit()
    return result
  }

  /** Runs code in a transaction or a savepoint of the database alone. */
  async inTransaction<T>(
    scope: Scope,
    files: FileTransaction,
    work: (scope: Scope) => Promise<T>,
    config?: { readonly behavior?: string },
  ): Promise<T> {
    if (scope.level === undefined) return scope.db.transaction(db => work({ db, files }), config)
    const parent = scope.level.effective
    return parent.turn(() => {
      const level = new Level(parent, files)
      const db = databaseOn(level, this.#plain)
      // So that the lock is not taken between reading and writing, which fails where another process has written.
      const begin = `begin ${config?.behavior ?? 'immediate'}`
      return inTransaction(this.#plain, level, begin, () => work({ db, files, level }))
    })
  }

  /** The names that rows hold, outside of every transaction. */
  async #used({ table, columns }: FileTable, attribute: string, names: readonly string[]): Promise<readonly unknown[]> {
    const { db, level } = this.root
    // The only connection is in a transaction whose end is not known, and waiting for it would be waiting for oneself.
    if (level !== undefined && level.effective !== level) return names
    const column = columns[attribute]!
    const rows = await db.select({ file: column }).from(table).where(inArray(column, names))
    return (rows as { readonly file: { readonly name: unknown } | null }[]).map(({ file }) => file?.name)
  }
}

function kindOf(value: object): string {
  return String((value.constructor as unknown as Readonly<Record<symbol, unknown>>)[entityKind])
}
