import type { AbstractDataType, Model, ModelAttributeColumnOptions } from 'sequelize'
import { FieldFile, type FileField, type FileValue, type Owner, Upload } from '../../fields/index.ts'
import { filesOf, transactionOf } from './transactions.ts'

/** Attributes of a model as they are written: each that is a `FieldFile` takes content, a name or null as well; undefined leaves it as it is. */
export type FileAttributes<T> = { [K in keyof T]: NonNullable<T[K]> extends FieldFile ? FileValue | undefined : T[K] }

/** The type of a file column, which takes nothing but names of stored files into SQL. */
export class FileType implements AbstractDataType {
  readonly key: string = 'FILE'
  readonly dialectTypes: string = ''
  readonly field: FileField

  constructor(field: FileField) {
    this.field = field
  }

  toSql(): string {
    return `VARCHAR(${this.field.maxLength})`
  }

  toString(): string {
    return this.toSql()
  }

  stringify(value: unknown): string {
    return typeof value === 'string' ? value : (this.field.encode(value) as string)
  }

  bindParam(value: unknown, options: { bindParam(value: unknown): string }): string {
    return options.bindParam(this.stringify(value))
  }
}

/**
 * A file column for `Model.init` and `sequelize.define`. It is read as a `FieldFile`; content that is assigned is stored when the row is written,
 * by a model under `sequelizeFiles`, and refused by others. What is neither content nor a name is `invalid_argument`.
 * @example
 * Resume.init({ title: DataTypes.STRING, pdf: fileAttribute(fileField({ uploadTo: 'pdfs' })) }, { sequelize })
 */
export function fileAttribute(
  field: FileField,
  options: Omit<ModelAttributeColumnOptions, 'type' | 'get' | 'set'> = {},
): ModelAttributeColumnOptions {
  // A row has one object for its file.
  const files = new WeakMap<Model, FieldFile>()
  const fileOf = (row: Model, name: string | null): FieldFile => {
    let file = files.get(row)
    if (!file?.committed || (file.name || null) !== name) file = field.attach(name, ownerOf(row, field))
    files.set(row, file)
    return file
  }
  return {
    ...options,
    type: new FileType(field),
    get(this: Model, key: string = field.attribute, { plain }: { plain?: boolean } = {}) {
      const held: unknown = this.getDataValue(key)
      if (plain) return held instanceof FieldFile ? held.toJSON() : held
      const { attributes } = (this as unknown as { _options: { attributes?: string[] } })._options
      if (held === undefined && !this.isNewRecord && attributes?.includes(key) === false) return undefined
      return held instanceof FieldFile && !held.committed ? held : fileOf(this, field.storedName(held))
    },
    // Until content is stored, `dataValues` hold the file; its object stays the same, since Sequelize compares old and new values.
    set(this: Model, value: unknown, key: string = field.attribute) {
      const held: unknown = this.getDataValue(key)
      if (value === undefined || value === held) return
      const isStored = value instanceof FieldFile && value.committed
      if (isStored ? value.isEmpty || value.storage === field.storage : !field.isContent(value)) {
        const name = field.encode(value)
        if (held instanceof FieldFile) held.settle(name)
        return this.setDataValue(key, name)
      }
      const content = (value instanceof FieldFile && value.pending) || value
      const file = held instanceof FieldFile ? held : fileOf(this, field.storedName(held))
      this.setDataValue(key, file.assign(content instanceof Upload ? content : new Upload(content as FieldFile)))
    },
  }
}

/** The row of a file that is saved or deleted by itself: that writes its attributes alone, or all of a new row. */
function ownerOf(row: Model, field: FileField): Owner {
  return {
    row,
    transaction() {
      const transaction = transactionOf(row)
      return transaction && filesOf(transaction, field.registry)
    },
    async persist(values) {
      const before = Object.keys(values).map(key => [key, row.getDataValue(key)] as const)
      const transaction = transactionOf(row) ?? null
      try {
        row.set(values)
        await row.save(row.isNewRecord ? { transaction } : { transaction, fields: Object.keys(values) })
      } catch (error) {
        for (const [key, value] of before) {
          row.setDataValue(key, value)
          row.changed(key as never, value !== row.previous(key as never))
        }
        throw error
      }
    },
  }
}
