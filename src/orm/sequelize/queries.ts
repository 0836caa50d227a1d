import { AsyncLocalStorage } from 'node:async_hooks'
import type { Model, ModelStatic, QueryInterface, Sequelize, Transaction, WhereOptions } from 'sequelize'
import { forEachParallel } from '../../core/parallel.ts'
import { type FileTransaction, storedFile } from '../../fields/index.ts'
import { gone, PendingFile } from './column.ts'
import type { FileColumns, Values } from './columns.ts'
import { noteTransaction, sharedTransaction, transactionFiles } from './transactions.ts'

/** Uploads of one statement at once. */
const UPLOADS = 8

interface Options {
  readonly transaction?: Transaction | null
  readonly logging?: unknown
  readonly ignoreDuplicates?: boolean
  readonly updateOnDuplicate?: readonly string[]
  readonly upsertKeys?: readonly string[]
  readonly conflictFields?: readonly string[]
}

type Where = WhereOptions | undefined

/** The statements of Sequelize's `QueryInterface` that read and change rows, as `Model` calls them. */
export interface Statements {
  select(model: ModelStatic<Model>, table: unknown, options: Options): Promise<unknown>
  insert(row: Model | null, table: unknown, values: Values, options: Options): Promise<[unknown, number]>
  upsert(table: unknown, values: Values, updated: Values, where: Where, options: Options): Promise<unknown>
  bulkInsert(table: unknown, rows: Values[], options: Options, attributes: unknown): Promise<unknown>
  update(row: Model, table: unknown, values: Values, where: Where, options: Options): Promise<[unknown, number]>
  bulkUpdate(table: unknown, values: Values, where: Where, options: Options, attributes: unknown): Promise<unknown>
  delete(row: Model, table: unknown, where: Where, options: Options): Promise<unknown>
  bulkDelete(table: unknown, where: Where, options: Options, model: ModelStatic<Model>): Promise<unknown>
}

interface Write<T> {
  readonly table: unknown
  readonly options: Options
  /** Values of columns, which get the names of the files; none for a deletion. */
  readonly rows?: readonly Values[]
  readonly row?: Model | null
  /** The rows whose files may no longer be needed; `all` for those of the table. */
  readonly before?: Where | 'all'
  work(options: Options): Promise<T>
  /** Whether it is certain that a row has each of the new files. */
  landed(result: T): boolean
}

/** A file that a write has stored, and where it came from. */
interface Stored {
  readonly attribute: string
  readonly name: string | null
  readonly pending: PendingFile | undefined
  readonly columns: Values
}

/**
 * The statements of one model with its files: content is stored just before the statement, after all validations and hooks; what a statement
 * takes from its rows is read before it, under the same lock.
 */
export class FileStatements implements Statements {
  readonly #base: Statements
  readonly #interface: QueryInterface
  readonly #columns: FileColumns

  constructor(base: QueryInterface, columns: FileColumns) {
    this.#base = base as unknown as Statements
    this.#interface = base
    this.#columns = columns
  }

  async select(model: ModelStatic<Model>, table: unknown, options: Options): Promise<unknown> {
    const found = await this.#base.select(model, table, options)
    const { transaction } = options
    if (transaction && found) {
      const rows = Array.isArray(found) ? (found as object[]) : [found]
      if (rows[0] instanceof model) for (const row of rows) noteTransaction(row, transaction)
    }
    return found
  }

  async insert(row: Model | null, table: unknown, values: Values, options: Options): Promise<[unknown, number]> {
    if (row && options.transaction) noteTransaction(row, options.transaction)
    const work = (used: Options): Promise<[unknown, number]> => this.#base.insert(row, table, values, used)
    if (!this.#columns.concerns(values)) return work(options)
    return this.#write({ table, options, rows: [values], row, work, landed: () => !options.ignoreDuplicates })
  }

  async upsert(table: unknown, values: Values, updated: Values, where: Where, options: Options): Promise<unknown> {
    const columns = this.#columns
    if (!columns.concerns(values)) return this.#base.upsert(table, values, updated, where, options)
    const before = columns.concerns(updated) ? columns.conflicts([values], options.conflictFields) : undefined
    const work = (used: Options): Promise<unknown> => {
      const changed = columns.files.attributes.filter(attribute => updated[columns.column(attribute)] !== undefined)
      const further = changed.flatMap(attribute => Object.keys(columns.files.fields[attribute]!.columnsOf(undefined)))
      for (const column of [...changed, ...further].map(attribute => columns.column(attribute))) {
        if (values[column] !== undefined) updated[column] = values[column]
      }
      return this.#base.upsert(table, values, updated, where, used)
    }
    return this.#write({ table, options, rows: [values], before, work, landed: () => false })
  }

  async bulkInsert(table: unknown, rows: Values[], options: Options, attributes: unknown): Promise<unknown> {
    const columns = this.#columns
    if (!rows.some(values => columns.concerns(values))) return this.#base.bulkInsert(table, rows, options, attributes)
    const { updateOnDuplicate, upsertKeys, ignoreDuplicates } = options
    const changed = columns.selected.filter(([column]) => updateOnDuplicate?.includes(column))
    const further = changed.flatMap(([, attribute]) =>
      Object.keys(columns.files.fields[attribute]!.columnsOf(undefined)),
    )
    const all = new Set([...(updateOnDuplicate ?? []), ...further.map(attribute => columns.column(attribute))])
    const before = changed.length > 0 ? columns.conflicts(rows, upsertKeys) : undefined
    const work = (used: Options): Promise<unknown> =>
      this.#base.bulkInsert(
        table,
        rows,
        updateOnDuplicate ? { ...used, updateOnDuplicate: [...all] } : used,
        attributes,
      )
    return this.#write({ table, options, rows, before, work, landed: () => !updateOnDuplicate && !ignoreDuplicates })
  }

  async update(row: Model, table: unknown, values: Values, where: Where, options: Options): Promise<[unknown, number]> {
    if (options.transaction) noteTransaction(row, options.transaction)
    const work = (used: Options): Promise<[unknown, number]> => this.#base.update(row, table, values, where, used)
    if (!this.#columns.concerns(values)) return work(options)
    const landed = ([, count]: [unknown, number]): boolean => {
      if (count === 0) gone.add(row)
      return count > 0
    }
    return this.#write({ table, options, rows: [values], row, before: where, work, landed })
  }

  async bulkUpdate(
    table: unknown,
    values: Values,
    where: Where,
    options: Options,
    attributes: unknown,
  ): Promise<unknown> {
    const work = (used: Options): Promise<unknown> => this.#base.bulkUpdate(table, values, where, used, attributes)
    if (!this.#columns.concerns(values)) return work(options)
    const landed = (result: unknown): boolean => (Array.isArray(result) ? result.length : Number(result)) > 0
    return this.#write({ table, options, rows: [values], before: where ?? 'all', work, landed })
  }

  async delete(row: Model, table: unknown, where: Where, options: Options): Promise<unknown> {
    const work = (used: Options): Promise<unknown> => this.#base.delete(row, table, where, used)
    return this.#write({ table, options, before: where, work, landed: () => true })
  }

  async bulkDelete(table: unknown, where: Where, options: Options, model: ModelStatic<Model>): Promise<unknown> {
    const work = (used: Options): Promise<unknown> => this.#base.bulkDelete(table, where, used, model)
    return this.#write({ table, options, before: where ?? 'all', work, landed: () => true })
  }

  async #write<T>(write: Write<T>): Promise<T> {
    const { options, rows = [], row } = write
    const { files: model } = this.#columns
    const transaction = options.transaction ?? sharedTransaction(this.#columns.model.sequelize!)
    const within = transaction ? transactionFiles(transaction, model.registry) : undefined
    return model.step(async files => {
      const stored: Stored[][] = rows.map(() => [])
      await forEachParallel(rows.entries(), { limit: UPLOADS }, async ([at, values]) => {
        stored[at] = await this.#store(values, row, files)
      })
      const { before, result } = await this.#locked(write)
      const landed = write.landed(result)
      await this.#release(before, rows, files)
      for (const file of stored.flat()) await this.#settle(file, row, files, landed)
      return result
    }, within)
  }

  /** Stores the files of one row, and puts their names into its columns. */
  async #store(values: Values, row: Model | null | undefined, files: FileTransaction): Promise<Stored[]> {
    const columns = this.#columns
    const given = columns.given(values)
    const pending = new Map<string, PendingFile>()
    for (const [attribute, value] of Object.entries(given)) {
      if (!(value instanceof PendingFile)) continue
      if (value.stored === undefined) pending.set(attribute, value)
      given[attribute] = value.stored === undefined ? value.source : value.stored
    }
    const isContent = (attribute: string): boolean => {
      const field = columns.files.fields[attribute]!
      return pending.has(attribute) || field.isContent(given[attribute])
    }
    const own = row ?? pending.values().next().value?.row ?? columns.byAttribute(values)
    const names = await columns.files.store(given, { row: own, files })
    for (const [attribute, value] of Object.entries(names)) values[columns.column(attribute)] = value
    return columns.files.attributes.filter(isContent).map(attribute => {
      const further = Object.keys(columns.files.fields[attribute]!.columnsOf(undefined))
      return {
        attribute,
        name: names[attribute] as string | null,
        pending: pending.get(attribute),
        columns: Object.fromEntries(further.map(key => [key, names[key]])),
      }
    })
  }

  /** Runs the statement, and before it reads the names that its rows have now, so that no other write comes between. */
  async #locked<T>(write: Write<T>): Promise<{ before: Values[]; result: T }> {
    const { options, before } = write
    const sequelize = this.#columns.model.sequelize!
    const run = async (used: Options): Promise<{ before: Values[]; result: T }> => {
      const names = await this.#names(write, used)
      return { before: names, result: await write.work(used) }
    }
    if (before === undefined || options.transaction) return run(options)
    if (sequelize.getDialect() === 'sqlite') return oneAtATime(sequelize, () => run(options))
    return sequelize.transaction(transaction => run({ ...options, transaction }))
  }

  async #names({ table, before }: Write<unknown>, { transaction, logging }: Options): Promise<Values[]> {
    if (before === undefined) return []
    const options = {
      ...(before === 'all' ? {} : { where: before }),
      attributes: this.#columns.selected,
      raw: true,
      transaction,
      logging,
      lock: 'UPDATE',
    }
    return (await this.#interface.select(this.#columns.model, table as string, options as object)) as Values[]
  }

  /** Notes the files that the rows had before, where the statement has set them, or has deleted the rows. */
  async #release(before: readonly Values[], rows: readonly Values[], files: FileTransaction): Promise<void> {
    const { files: model, selected } = this.#columns
    let after: Values | undefined
    if (rows.length > 0) {
      const set = selected.filter(([column]) => rows.some(values => values[column] !== undefined))
      // Where rows differ, the database is asked about all names.
      after = Object.fromEntries(
        set.map(([column, attribute]) => {
          const [first, ...others] = new Set(rows.map(values => values[column]))
          return [attribute, others.length === 0 && typeof first === 'string' ? first : null]
        }),
      )
    }
    for (const names of before) await model.release(names, after, files)
  }

  /** After the statement: the row gets the names; a file that perhaps no row has is asked about at the end of the transaction. */
  async #settle(stored: Stored, row: Model | null | undefined, files: FileTransaction, landed: boolean): Promise<void> {
    const { attribute, name, pending, columns } = stored
    const field = this.#columns.files.fields[attribute]!
    if (!landed && name) files.released(await storedFile(field.storage, name))
    // The content can be saved again: of an UPDATE that met no row, nothing stays.
    if (!landed && row) return
    pending?.settle(name)
    const owner = row ?? (pending?.row as Model | undefined)
    for (const [key, value] of Object.entries({ [attribute]: name, ...columns })) {
      owner?.setDataValue(key, value)
      if (key !== attribute) owner?.changed(key as never, false)
    }
  }
}

const queues = new WeakMap<Sequelize, Promise<unknown>>()
const working = new AsyncLocalStorage<Sequelize>()

/** Runs work that must not overlap: statements outside of transactions share one connection of SQLite. A deletion can begin others within. */
async function oneAtATime<T>(sequelize: Sequelize, work: () => Promise<T>): Promise<T> {
  if (working.getStore() === sequelize) return work()
  const result = (queues.get(sequelize) ?? Promise.resolve()).then(() => working.run(sequelize, work))
  queues.set(
    sequelize,
    result.catch(() => undefined),
  )
  return result
}
