import type { AbstractDataType } from 'sequelize'
import type { FieldFile, FileField } from '../../fields/index.ts'

let count = 0

/** Rows of which the last UPDATE has met none. */
export const gone: WeakSet<object> = new WeakSet()

/** What a row holds for a file that is stored when the row is written: it stands in `dataValues`, where the name is to be. */
export class PendingFile {
  /** Makes each of them different for deep comparisons. */
  readonly number: number = ++count
  readonly #row: object
  readonly #file: FieldFile
  readonly #source: FieldFile
  #stored: string | null | undefined

  constructor(row: object, file: FieldFile, source: FieldFile = file) {
    this.#row = row
    this.#file = file
    this.#source = source
  }

  get row(): object {
    return this.#row
  }

  get file(): FieldFile {
    return this.#file
  }

  /** What is to be stored: the file itself, or the file of another field. */
  get source(): FieldFile {
    return this.#source
  }

  /** What the column holds, once it is written. */
  get stored(): string | null | undefined {
    return this.#stored
  }

  settle(name: string | null): void {
    this.#stored = name
    this.#file.settle(name || null)
  }

  toString(): string {
    return this.#stored ?? this.#file.toString()
  }

  toJSON(): string | null {
    return this.#stored === undefined ? this.#file.toJSON() : this.#stored
  }
}

/** The type of a file column: VARCHAR of the field's length. It takes nothing but names of stored files into SQL. */
export class FileType implements AbstractDataType {
  readonly key: string = 'FILE'
  readonly dialectTypes: string = ''
  readonly escape: boolean = true
  readonly #field: FileField

  constructor(field: FileField) {
    this.#field = field
  }

  get field(): FileField {
    return this.#field
  }

  toSql(): string {
    return `VARCHAR(${this.#field.maxLength})`
  }

  toString(): string {
    return this.toSql()
  }

  validate(): boolean {
    return true
  }

  stringify(value: unknown): string {
    if (typeof value === 'string') return value
    return this.#field.encode(value instanceof PendingFile ? (value.stored ?? value.file) : value) as string
  }

  bindParam(value: unknown, options: { bindParam(value: unknown): string }): string {
    return options.bindParam(this.stringify(value))
  }
}
