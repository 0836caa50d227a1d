import type { Model, ModelStatic, QueryInterface, Transaction } from 'sequelize'
import { forEachParallel } from '../../core/parallel.ts'
import { FieldFile, type FileModel, type FileTransaction } from '../../fields/index.ts'
import { filesOf, transactions } from './transactions.ts'

type Values = Record<string, unknown>
type Statement = (...given: unknown[]) => Promise<unknown>
type Options = { transaction?: Transaction | null; ignoreDuplicates?: boolean; updateOnDuplicate?: unknown }

/** Positions of the parameters for files in methods of `QueryInterface`. Others reject content, by the type of the column. */
const METHODS = {
  insert: { row: 0, table: 1, values: 2, where: -1, options: 3 },
  bulkInsert: { row: -1, table: 0, values: 1, where: -1, options: 2 },
  update: { row: 0, table: 1, values: 2, where: 3, options: 4 },
  bulkUpdate: { row: -1, table: 0, values: 1, where: 2, options: 3 },
  delete: { row: 0, table: 1, values: -1, where: 2, options: 3 },
  bulkDelete: { row: -1, table: 0, values: -1, where: 1, options: 2 },
}

/** Returns the `QueryInterface` by which a model with files reads and writes rows, after all validations and hooks. */
export function withFiles(base: QueryInterface, model: ModelStatic<Model>, files: FileModel): QueryInterface {
  const statements = base as unknown as Record<string, Statement>
  const columnOf = (attribute: string): string => model.getAttributes()[attribute]?.field ?? attribute
  const columns = files.attributes.map(attribute => [columnOf(attribute), attribute] as const)

  /** Writes the names of stored files to the columns; the returned function writes them to the row. */
  const store = async (values: Values, given: Model | undefined, step: FileTransaction): Promise<() => void> => {
    const content = columns.flatMap(([column, key]) => (values[column] === undefined ? [] : [[key, values[column]]]))
    const pending = content.flatMap(([, value]) => (value instanceof FieldFile && !value.committed ? [value] : []))
    const row = given ?? (pending[0]?.row as Model | undefined)
    const stored = await files.store(Object.fromEntries(content), { row: row ?? values, files: step })
    for (const [attribute, value] of Object.entries(stored)) values[columnOf(attribute)] = value
    return () => {
      for (const file of pending) file.settle(stored[file.field.attribute] as string | null)
      for (const [attribute, value] of Object.entries(stored)) {
        row?.setDataValue(attribute, value)
        row?.changed(attribute as never, false)
      }
    }
  }

  const write = async (name: keyof typeof METHODS, given: unknown[]): Promise<unknown> => {
    const at = METHODS[name]
    const [row, options, where] = [given[at.row] as Model | undefined, given[at.options] as Options, given[at.where]]
    const rows = [given[at.values] ?? []].flat() as Values[]
    const { transaction } = options
    if (row && transaction) transactions.set(row, transaction)
    const isDeletion = at.values < 0
    const hasFiles = rows.some(values => columns.some(([column]) => values[column] !== undefined))
    if (!hasFiles && !isDeletion) return statements[name]!(...given)
    const run = async (used: Options): Promise<[before: Values[], result: unknown]> => {
      const select = { where, attributes: columns, raw: true, transaction: used.transaction, lock: 'UPDATE' }
      const before = at.where < 0 ? [] : await statements['select']!(model, given[at.table], select)
      return [before as Values[], await statements[name]!(...given.with(at.options, used))]
    }
    const work = async (step: FileTransaction): Promise<unknown> => {
      const settle: (() => void)[] = []
      await forEachParallel(rows, { limit: 8 }, async values => settle.push(await store(values, row, step)))
      // Two writes must not release the same file of a row. SQLite in memory has no connection for a further transaction.
      const isAlone = at.where >= 0 && !transaction && base.sequelize.getDialect() !== 'sqlite'
      const own = (tx: Transaction): ReturnType<typeof run> => run({ ...options, transaction: tx })
      const [before, result] = isAlone ? await base.sequelize.transaction(own) : await run(options)
      const after = isDeletion ? undefined : Object.fromEntries(columns.map(([column, key]) => [key, rows[0]![column]]))
      for (const names of before) await files.release(names, after, step)
      const isLost = !isDeletion && at.where >= 0 && before.length === 0
      // Files that possibly no row names are checked; content for a missing row can be saved again.
      if (isLost || options.ignoreDuplicates || options.updateOnDuplicate) step.doubt()
      if (!isLost) for (const each of settle) each()
      return result
    }
    return files.step(work, filesOf(transaction, files.registry))
  }

  const select: Statement = async (...given) => {
    const found = await statements['select']!(...given)
    const { transaction } = given[2] as Options
    if (transaction) for (const row of [found ?? []].flat()) transactions.set(row as object, transaction)
    return found
  }
  const names = Object.keys(METHODS) as (keyof typeof METHODS)[]
  const own = names.map(name => [name, (...given: unknown[]) => write(name, given)])
  return Object.assign(Object.create(base), { select, ...Object.fromEntries(own) }) as QueryInterface
}
