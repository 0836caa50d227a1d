import type { DataSource, EntityMetadata, ObjectLiteral, QueryRunner } from 'typeorm'
import { ImproperlyConfigured } from '../../core/errors.ts'
import { FieldFile } from '../../fields/field-file.ts'
import type { FileField } from '../../fields/file-field.ts'
import { ImageField } from '../../fields/image-field.ts'
import { FileModel } from '../../fields/model.ts'
import type { Owner } from '../../fields/persist.ts'
import type { FileRegistry } from '../../fields/registry.ts'
import { FileTransformer } from './column.ts'
import type { WriteFiles } from './write-files.ts'

type ColumnMetadata = EntityMetadata['columns'][number]
type Values = Record<string, unknown>

/** The file columns of one entity. An attribute is a property path: `pdf`, or `papers.pdf` in an embedded entity. */
export class EntityFiles {
  readonly metadata: EntityMetadata
  readonly model: FileModel
  readonly #columns: ReadonlyMap<string, ColumnMetadata>

  private constructor(metadata: EntityMetadata, columns: Map<string, ColumnMetadata>, registry: FileRegistry) {
    this.metadata = metadata
    this.#columns = columns
    const fields = Object.fromEntries([...columns].map(([attribute, column]) => [attribute, fieldOf(column)!]))
    this.model = new FileModel(metadata.name, fields, registry)
    for (const field of Object.values(fields)) this.#checkImage(field)
  }

  /** Undefined for an entity without file columns. */
  static of(metadata: EntityMetadata, registry: FileRegistry): EntityFiles | undefined {
    const columns = metadata.columns.filter(column => fieldOf(column) !== undefined)
    if (columns.length === 0) return undefined
    return new EntityFiles(metadata, new Map(columns.map(column => [column.propertyPath, column])), registry)
  }

  get attributes(): readonly string[] {
    return this.model.attributes
  }

  /** The value of an attribute in an entity, or in the values of a statement. */
  valueOf(row: object, attribute: string): unknown {
    return this.#columns.get(attribute)!.getEntityValue(row)
  }

  /** The values of all attributes. */
  valuesOf(row: object): Values {
    return Object.fromEntries(this.attributes.map(attribute => [attribute, this.valueOf(row, attribute)]))
  }

  /** Sets any attribute of the entity. */
  set(row: object, attribute: string, value: unknown): void {
    this.metadata.findColumnWithPropertyPath(attribute)?.setEntityValue(row, value)
  }

  /**
   * Lets the files of entities belong to their rows as these are made: an event for each entity would cost more than the files. The function
   * that is returned ends it. `makeOwner` gets the query runner of the transaction in which the entity was read.
   */
  ownFiles(makeOwner: (row: object, runner: QueryRunner | undefined) => Owner): () => void {
    const { metadata } = this
    const create = metadata.create
    let runner: QueryRunner | undefined
    // TypeORM makes an entity, and then sets its columns.
    metadata.create = (of, options) => {
      runner = of
      return create.call(metadata, of, options) as unknown
    }
    for (const column of this.#columns.values()) {
      const setEntityValue = column.setEntityValue
      column.setEntityValue = (row: object, value: unknown) => {
        if (value instanceof FieldFile && value.row === undefined) value.belongTo(makeOwner(row, runner))
        setEntityValue.call(column, row, value)
      }
    }
    return () => {
      Reflect.deleteProperty(metadata, 'create')
      for (const column of this.#columns.values()) Reflect.deleteProperty(column, 'setEntityValue')
    }
  }

  /** After a row was written: an attribute that the database has filled, or left empty, is a file as well, and all belong to the row. */
  settle(row: object, owner: Owner): void {
    for (const [attribute, column] of this.#columns) {
      const value: unknown = column.getEntityValue(row)
      if (value instanceof FieldFile) value.belongTo(owner)
      else if (value === null || typeof value === 'string')
        column.setEntityValue(row, this.#field(attribute).attach(value, owner))
    }
  }

  /**
   * Stores the content in an entity, or in the values of a statement, puts files in its place, and fills the columns of pictures. `before` is
   * the row as it is in the database: files that it has no longer are released. Calls of SQL in the values are left as they are.
   */
  async store(row: object, before: object | undefined, files: WriteFiles): Promise<void> {
    const values: Values = {}
    for (const attribute of this.attributes) {
      const value = this.valueOf(row, attribute)
      if (value === undefined || typeof value === 'function') continue
      if (before === undefined || this.#isChange(attribute, value, before)) values[attribute] = value
    }
    if (Object.keys(values).length === 0) return
    const stored = await this.model.store(values, { row, files })
    if (before !== undefined) await this.model.release(this.valuesOf(before), stored, files)
    for (const [attribute, value] of Object.entries(stored)) this.#put(row, attribute, value, files)
  }

  /** Notes the files of rows that a statement deletes, or in which it sets these values. */
  async release(rows: readonly Values[], values: object | undefined, files: WriteFiles): Promise<void> {
    const after = values === undefined ? undefined : this.valuesOf(values)
    for (const attribute of this.attributes) if (typeof after?.[attribute] === 'function') after[attribute] = null
    for (const row of rows) await this.model.release(row, after, files)
  }

  /** The names in a column that are among these, of soft-deleted rows and of all kinds of an inherited entity too. */
  async used(
    attribute: string,
    names: readonly string[],
    dataSource: DataSource,
    runner: QueryRunner,
  ): Promise<unknown[]> {
    const { driver } = dataSource
    const column = driver.escape(this.#columns.get(attribute)!.databaseName)
    const table = this.metadata.tablePath
      .split('.')
      .map(part => driver.escape(part))
      .join('.')
    const list = names.map((name, index) => driver.createParameter?.(name, index) ?? '?').join(', ')
    const rows: readonly ObjectLiteral[] = await runner.query(
      `SELECT ${column} AS ${driver.escape('name')} FROM ${table} WHERE ${column} IN (${list})`,
      [...names],
    )
    return rows.map(row => row.name as unknown)
  }

  #field(attribute: string): FileField {
    return this.model.fields[attribute]!
  }

  #isChange(attribute: string, value: unknown, before: object): boolean {
    const field = this.#field(attribute)
    return field.isContent(value) || field.storedName(value) !== field.storedName(this.valueOf(before, attribute))
  }

  #put(row: object, attribute: string, value: unknown, files: WriteFiles): void {
    const former: unknown = this.metadata.findColumnWithPropertyPath(attribute)?.getEntityValue(row)
    files.onRollback(() => this.set(row, attribute, former))
    const field = this.model.fields[attribute]
    if (field === undefined) this.set(row, attribute, value)
    else if (former instanceof FieldFile && former.field === field && !former.committed) {
      // The program may hold the file that it has assigned: it is the stored one now.
      const upload = former.pending!
      files.onRollback(() => void former.assign(upload))
      former.settle(value as string | null)
    } else this.set(row, attribute, field.attach(value as string | null))
  }

  #checkImage(field: FileField): void {
    if (!(field instanceof ImageField)) return
    const { width, height, orientation } = field.options
    for (const attribute of [width, height, orientation]) {
      if (attribute === undefined || this.metadata.findColumnWithPropertyPath(attribute) !== undefined) continue
      throw new ImproperlyConfigured(
        `The image field '${field.attribute}' fills '${attribute}', which is no column of '${this.metadata.name}'.`,
      )
    }
  }
}

function fieldOf(column: ColumnMetadata): FileField | undefined {
  const { transformer } = column
  const found = (Array.isArray(transformer) ? transformer : [transformer]).find(one => one instanceof FileTransformer)
  return found?.field
}
