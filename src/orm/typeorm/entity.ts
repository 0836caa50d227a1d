import type { EntityMetadata, ObjectLiteral, QueryRunner } from 'typeorm'
import { StorageError } from '../../core/errors.ts'
import { FieldFile, type FileField, FileModel, type FileRegistry, FileTransaction } from '../../fields/index.ts'
import { RowOwner, type RowWriter } from '../row-owner.ts'

type Column = EntityMetadata['columns'][number]
type Values = Readonly<Record<string, unknown>>

/** The file columns of an entity by their property paths: `pdf`, or `papers.pdf` in an embedded one. */
export class EntityFiles extends FileModel implements RowWriter<QueryRunner> {
  readonly transactionOf: (runner: QueryRunner) => FileTransaction | undefined
  readonly metadata: EntityMetadata
  readonly #columns: readonly Column[]

  constructor(metadata: EntityMetadata, registry: FileRegistry, transactionOf: EntityFiles['transactionOf']) {
    const fieldOf = (column: Column) => (column.transformer as { field?: FileField } | undefined)?.field
    const columns = metadata.columns.filter(column => fieldOf(column) !== undefined)
    super(metadata.name, Object.fromEntries(columns.map(column => [column.propertyPath, fieldOf(column)!])), registry)
    this.transactionOf = transactionOf
    this.metadata = metadata
    this.#columns = columns
  }

  valuesOf(row: object): Values {
    return Object.fromEntries(this.#columns.map(column => [column.propertyPath, column.getEntityValue(row) as unknown]))
  }

  /** Replaces content by stored files, and releases the files that only the row in the database names. */
  async storeRow(row: object, before: object | undefined, files: FileTransaction): Promise<void> {
    const values = this.valuesOf(row)
    const stored = await this.store(values, { row, files })
    if (before !== undefined) await this.release(this.valuesOf(before), stored, files)
    for (const [path, value] of Object.entries(stored)) {
      const former = values[path]
      if (value === undefined || (former instanceof FieldFile && former.committed && former.equals(value))) continue
      if (path in values) files.onRollback(() => this.#set(row, { [path]: former }))
      this.#set(row, { [path]: this.fields[path]?.attach(value as string | null) ?? value })
    }
  }

  /** Lets the files of a row that was read or written write the row, in the transaction of the runner while that has its connection. */
  own(row: object, runner: QueryRunner): void {
    const owner = new RowOwner(row, this, runner)
    for (const column of this.#columns) {
      const value: unknown = column.getEntityValue(row)
      if (value instanceof FieldFile) value.belongTo(owner)
      else if (value === null) column.setEntityValue(row, this.fields[column.propertyPath]!.attach(null, owner))
    }
  }

  /** Returns those of the names that a column contains, including soft-deleted rows. */
  async used(path: string, names: readonly string[], runner: QueryRunner): Promise<unknown[]> {
    const rows = runner.manager.createQueryBuilder<ObjectLiteral>(this.metadata.target, 'owner').withDeleted()
    rows.select(`owner.${path}`, 'name').where(`owner.${path} IN (:...names)`, { names })
    return (await rows.getRawMany<{ name: unknown }>()).map(({ name }) => name)
  }

  async persist(row: object, values: Values, { isReleased, manager, dataSource }: QueryRunner): Promise<void> {
    const { target, name } = this.metadata
    const within = isReleased ? dataSource.manager : manager
    const where = this.metadata.getEntityIdMap(row)
    const current = where && (await within.findOne<object>(target, { where, withDeleted: true }))
    if (!current) throw new StorageError('not_found', `The row of this '${name}' is not in the database.`)
    const update = within.createQueryBuilder().update(target).set(this.#set({}, values))
    await update.whereEntity(row).callListeners(false).execute()
    await this.release(this.valuesOf(current), values, FileTransaction.current()!)
    this.#set(row, Object.fromEntries(Object.entries(values).filter(([path]) => !(path in this.fields))))
  }

  #set<R extends object>(row: R, values: Values): R {
    for (const path in values) this.metadata.findColumnWithPropertyPath(path)?.setEntityValue(row, values[path])
    return row
  }
}
