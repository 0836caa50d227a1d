import type { Model, ModelAttributeColumnOptions, Sequelize } from 'sequelize'
import { StorageError } from '../../core/errors.ts'
import { FieldFile, type FileField, type FileValue, type Owner, Upload } from '../../fields/index.ts'
import { FileType, gone, PendingFile } from './column.ts'
import { transactionFiles, transactionOf } from './transactions.ts'

/** What else a file column can be: `field`, `allowNull`, `unique`, `validate` and so on. */
export type FileAttributeOptions = Omit<ModelAttributeColumnOptions, 'type' | 'get' | 'set'>

/**
 * Attributes of a model as they can be written: each that is a `FieldFile` takes content as well, the name of a stored file, or null; undefined
 * leaves it as it is.
 */
export type FileAttributes<T> = { [K in keyof T]: NonNullable<T[K]> extends FieldFile ? FileValue | undefined : T[K] }

interface Reading {
  readonly raw?: boolean
  readonly plain?: boolean
}

type Row = Model & { readonly _options?: { readonly attributes?: readonly string[] } }

/** The file of each row as it was last read, so that a row has one object for one file. */
const filesOfRows = new WeakMap<object, Map<string, FieldFile>>()

/**
 * A file column for `Model.init` and `sequelize.define`: it is read as a `FieldFile`, and content that is assigned is stored when the row is
 * written, if the model is under `sequelizeFiles`. One field can be used for one attribute.
 * @example
 * Resume.init({ title: DataTypes.STRING, pdf: fileAttribute(fileField({ uploadTo: 'pdfs' })) }, { sequelize })
 */
export function fileAttribute(field: FileField, options: FileAttributeOptions = {}): ModelAttributeColumnOptions {
  const empty = field.options.emptyValue === '' ? { allowNull: false, defaultValue: '' } : {}
  return {
    ...empty,
    ...options,
    type: new FileType(field),
    get(this: Model, key?: string, reading?: Reading) {
      return readFile(this, field, key ?? field.attribute, reading?.plain === true)
    },
    set(this: Model, value: unknown, key?: string) {
      const attribute = key ?? field.attribute
      if (value !== undefined) this.setDataValue(attribute, toHeld(this, field, attribute, value))
    },
  }
}

function readFile(row: Row, field: FileField, attribute: string, isPlain: boolean): unknown {
  let held: unknown = row.getDataValue(attribute)
  // Content that came by `raw`, past the setter.
  if (field.isContent(held)) row.setDataValue(attribute, (held = toHeld(row, field, attribute, held)))
  if (held instanceof PendingFile) {
    if (held.stored === undefined && !isPlain) return held.file
    held = held.toJSON()
  }
  if (held === undefined && !isSelected(row, attribute)) return undefined
  if (isPlain || isSql(row, held)) return held
  const name = (held as string | null | undefined) || null
  const known = filesOfRows.get(row)?.get(attribute)
  return known?.committed && (known.name || null) === name
    ? known
    : keep(row, attribute, field.attach(name, ownerOf(row, field)))
}

/** What the row holds for a value that is assigned: a name, or content that waits. What is neither is `invalid_argument`. */
function toHeld(row: Row, field: FileField, attribute: string, value: unknown): unknown {
  if (isSql(row, value)) return value
  if (value instanceof PendingFile) return toHeld(row, field, attribute, value.stored ?? value.file)
  const held: unknown = row.getDataValue(attribute)
  if (held instanceof PendingFile && held.row === row && held.file === value) return held
  let upload: Upload | undefined
  if (value instanceof FieldFile) upload = uploadOf(value, field)
  else if (field.isContent(value)) upload = value instanceof Upload ? value : new Upload(value)
  if (upload === undefined) return field.encode(value)
  const file = field.attach(null, ownerOf(row, field)).assign(upload)
  return new PendingFile(row, keep(row, attribute, file), value instanceof FieldFile ? value : file)
}

/** The content of a file that is to become this row's; a stored one goes by its name where the storage is the same. */
function uploadOf(file: FieldFile, field: FileField): Upload | undefined {
  if (file.pending !== undefined) return file.pending
  return file.isEmpty || file.storage === field.storage ? undefined : new Upload(file)
}

function keep(row: object, attribute: string, file: FieldFile): FieldFile {
  let files = filesOfRows.get(row)
  if (files === undefined) filesOfRows.set(row, (files = new Map()))
  files.set(attribute, file)
  return file
}

/** Whether the attribute can be known: a row that was read without it has no value for it. */
function isSelected(row: Row, attribute: string): boolean {
  return row.isNewRecord || (row._options?.attributes?.includes(attribute) ?? true)
}

/** Whether a value is SQL: `literal`, `fn`, `col`. */
export function isSql({ sequelize }: { readonly sequelize?: Sequelize }, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { Utils } = sequelize!.constructor as unknown as { Utils: { SequelizeMethod: new () => object } }
  return value instanceof Utils.SequelizeMethod
}

function ownerOf(row: Row, field: FileField): Owner {
  return {
    row,
    transaction() {
      const transaction = transactionOf(row)
      return transaction === undefined ? undefined : transactionFiles(transaction, field.registry)
    },
    async persist(values, { signal }) {
      signal?.throwIfAborted()
      const names = Object.keys(values)
      const before = names.map(name => [name, row.getDataValue(name), row.changed(name as never)] as const)
      const transaction = transactionOf(row) ?? null
      try {
        row.set(values)
        gone.delete(row)
        await row.save(row.isNewRecord ? { transaction } : { transaction, fields: names })
        if (gone.has(row) && values[field.attribute]) {
          throw new StorageError('not_found', `The row of '${field.attribute}' is gone: its file was not saved.`)
        }
      } catch (error) {
        for (const [name, value, wasChanged] of before) {
          row.setDataValue(name, value)
          row.changed(name as never, wasChanged)
        }
        throw error
      }
    },
  }
}
