import type { AbstractDataType, Model, ModelAttributeColumnOptions } from 'sequelize'
import { uploadOf } from '../../fields/file-field.ts'
import { FieldFile, type FileField, type FileValue, type Owner } from '../../fields/index.ts'
import { filesOf, transactionOf } from './transactions.ts'

/** Attributes of a model for writing: a `FieldFile` also accepts content, a name or null; undefined does not change it. */
export type FileAttributes<T> = { [K in keyof T]: NonNullable<T[K]> extends FieldFile ? FileValue | undefined : T[K] }

/** Returns the type of a file column, which passes only names of stored files to SQL. */
function fileType(fileField: FileField): AbstractDataType {
  const toSql = (): string => `VARCHAR(${fileField.maxLength})`
  const stringify = (value: unknown): string => (typeof value === 'string' ? value : fileField.encode(value)!)
  const bindParam = (value: unknown, to: { bindParam(text: string): string }): string => to.bindParam(stringify(value))
  return Object.assign({ key: 'FILE', dialectTypes: '', fileField, toSql, toString: toSql, stringify }, { bindParam })
}

/**
 * Returns a file column for `Model.init` and `sequelize.define`, read as a `FieldFile`. Assigned content is stored when the row is written
 * by a model under `sequelizeFiles`, and rejected by others. A value that is neither content nor a name is `invalid_argument`.
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
    type: fileType(field),
    get(this: Model, key: string = field.attribute, { plain }: { plain?: boolean } = {}) {
      const held: unknown = this.getDataValue(key)
      if (plain) return held instanceof FieldFile ? held.toJSON() : held
      const { attributes } = (this as unknown as { _options: { attributes?: string[] } })._options
      if (held === undefined && !this.isNewRecord && attributes?.includes(key) === false) return undefined
      return held instanceof FieldFile && !held.committed ? held : fileOf(this, field.storedName(held))
    },
    // Until content is stored, `dataValues` contains the file; its object stays the same, since Sequelize compares old and new values.
    set(this: Model, value: unknown, key: string = field.attribute) {
      const held: unknown = this.getDataValue(key)
      if (value === undefined || value === held) return
      const isStored = value instanceof FieldFile && value.committed
      if (isStored ? value.isEmpty || value.storage === field.storage : !field.isContent(value)) {
        const name = field.encode(value)
        if (held instanceof FieldFile) held.settle(name)
        return this.setDataValue(key, name)
      }
      const file = held instanceof FieldFile ? held : fileOf(this, field.storedName(held))
      this.setDataValue(key, file.assign(uploadOf(value as FieldFile)))
    },
  }
}

/** Returns the owner of a file that is saved by itself: it writes the file's attributes, or all of a new row. */
function ownerOf(row: Model, field: FileField): Owner {
  return {
    row,
    transaction: () => filesOf(transactionOf(row), field.registry),
    async persist(values) {
      const before = Object.keys(values).map(key => [key, row.getDataValue(key)] as const)
      const fields = row.isNewRecord ? {} : { fields: Object.keys(values) }
      row.set(values)
      await row.save({ transaction: transactionOf(row) ?? null, ...fields }).catch(error => {
        for (const [key, value] of before) row.setDataValue(key, value)
        throw error
      })
    },
  }
}
