import type { Model, ModelAttributeColumnOptions, Sequelize } from 'sequelize'
import { FieldFile, type FileField, type FileValue, Upload } from '../../fields/index.ts'
import { FileType, PendingFile } from './column.ts'
import { RowOwner } from './owner.ts'

/** What else a file column can be: `field`, `allowNull`, `unique`, `validate` and so on. */
export type FileAttributeOptions = Omit<ModelAttributeColumnOptions, 'type' | 'get' | 'set'>

/**
 * Attributes of a model as they can be written: each that is a `FieldFile` takes content as well, the name of a stored file, or null; undefined
 * leaves it as it is.
 */
export type FileAttributes<T> = { [K in keyof T]: NonNullable<T[K]> extends FieldFile ? FileValue | undefined : T[K] }

interface Reading {
  readonly plain?: boolean
}

type Row = Model & { readonly _options?: { readonly attributes?: readonly string[] } }

/**
 * A file column for `Model.init` and `sequelize.define`: it is read as a `FieldFile`, and content that is assigned is stored when the row is
 * written, if the model is under `sequelizeFiles`. One field can be used for one attribute.
 * @example
 * Resume.init({ title: DataTypes.STRING, pdf: fileAttribute(fileField({ uploadTo: 'pdfs' })) }, { sequelize })
 */
export function fileAttribute(field: FileField, options: FileAttributeOptions = {}): ModelAttributeColumnOptions {
  const empty = field.options.emptyValue === '' ? { allowNull: false, defaultValue: '' } : {}
  const attribute = new FileAttribute(field)
  return {
    ...empty,
    ...options,
    type: new FileType(field),
    get(this: Model, key?: string, reading?: Reading) {
      return attribute.read(this, key ?? field.attribute, reading?.plain === true)
    },
    set(this: Model, value: unknown, key?: string) {
      const name = key ?? field.attribute
      if (value !== undefined) this.setDataValue(name, attribute.held(this, name, value))
    },
  }
}

class FileAttribute {
  readonly #field: FileField
  /** The file of each row as it was last read, so that a row has one object for one file. */
  readonly #files = new WeakMap<object, FieldFile>()

  constructor(field: FileField) {
    this.#field = field
  }

  read(row: Row, key: string, isPlain: boolean): unknown {
    const field = this.#field
    let held: unknown = row.getDataValue(key)
    // Content that came by `raw`, past the setter.
    if (field.isContent(held)) row.setDataValue(key, (held = this.held(row, key, held)))
    if (held instanceof PendingFile) {
      if (held.stored === undefined && !isPlain) return held.file
      held = held.toJSON()
    }
    if (held === undefined && !isSelected(row, key)) return undefined
    if (isPlain || isSql(row, held)) return held
    const name = (held as string | null | undefined) || null
    const known = this.#files.get(row)
    if (known?.committed && (known.name || null) === name) return known
    return this.#keep(row, field.attach(name, new RowOwner(row, field)))
  }

  /** What the row holds for a value that is assigned: a name, or content that waits. What is neither is `invalid_argument`. */
  held(row: Row, key: string, value: unknown): unknown {
    const field = this.#field
    if (isSql(row, value)) return value
    if (value instanceof PendingFile) return this.held(row, key, value.stored ?? value.file)
    const before: unknown = row.getDataValue(key)
    if (before instanceof PendingFile && before.row === row && before.file === value) return before
    let upload: Upload | undefined
    if (value instanceof FieldFile) upload = uploadOf(value, field)
    else if (field.isContent(value)) upload = value instanceof Upload ? value : new Upload(value)
    if (upload === undefined) return field.encode(value)
    const file = this.#keep(row, field.attach(null, new RowOwner(row, field)).assign(upload))
    return new PendingFile(row, file, value instanceof FieldFile ? value : file)
  }

  #keep(row: object, file: FieldFile): FieldFile {
    this.#files.set(row, file)
    return file
  }
}

/** The content of a file that is to become this row's; a stored one goes by its name where the storage is the same. */
function uploadOf(file: FieldFile, field: FileField): Upload | undefined {
  if (file.pending !== undefined) return file.pending
  return file.isEmpty || file.storage === field.storage ? undefined : new Upload(file)
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
