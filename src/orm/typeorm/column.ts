import type { ValueTransformer } from 'typeorm'
import { StorageError } from '../../core/errors.ts'
import { FieldFile } from '../../fields/field-file.ts'
import type { FileField } from '../../fields/file-field.ts'

/** What `@Column` and `EntitySchema` need for a column that holds the name of a file. */
export interface FileColumnOptions<F extends FileField = FileField> {
  readonly type: 'varchar'
  readonly length: number
  readonly nullable: boolean
  readonly default?: ''
  readonly transformer: FileTransformer<F>
}

/** Makes files of the names in a column, and names of files. */
export class FileTransformer<F extends FileField = FileField> implements ValueTransformer {
  readonly field: F

  constructor(field: F) {
    this.field = field
  }

  /** The file of a row; an empty one for NULL. */
  from(value: string | FieldFile | null): FieldFile {
    return value instanceof FieldFile ? value : this.field.attach(value)
  }

  /** The name for the column. Content is stored before the row is written; the column refuses it. */
  to(value: unknown): unknown {
    if (value === undefined) return undefined
    return this.field.isContent(value) ? new Unstored(this.field.attribute) : this.field.encode(value)
  }
}

/**
 * A column for the files of a field: for `@Column(...)` of an entity class, or among the `columns` of an `EntitySchema`. Its length is the
 * field's `maxLength`; it takes NULL unless the field's `emptyValue` is `''`.
 * @example
 * const Resume = new EntitySchema<Resume>({
 *   name: 'resume',
 *   columns: {
 *     id: { type: Number, primary: true, generated: true },
 *     pdf: fileColumn(fileField({ uploadTo: 'pdfs' })),
 *   },
 * })
 */
export function fileColumn<F extends FileField>(field: F): FileColumnOptions<F> {
  const isText = field.options.emptyValue === ''
  const column = { type: 'varchar' as const, length: field.maxLength, nullable: !isText }
  return { ...column, ...(isText ? { default: '' as const } : {}), transformer: new FileTransformer(field) }
}

/** Stands for content on its way to the database. It equals no name, so that the column counts as changed; drivers cannot write it. */
export class Unstored {
  readonly attribute: string

  constructor(attribute: string) {
    this.attribute = attribute
  }

  /** The error of a statement that would write it. */
  refuse(): never {
    throw new StorageError(
      'invalid_argument',
      `'${this.attribute}' takes the name of a stored file, not content that is not stored yet: typeormFiles was not called with this data source, or listeners are off.`,
    )
  }

  toString(): string {
    return this.refuse()
  }

  toJSON(): string {
    return this.refuse()
  }

  /** Called by `pg`. */
  toPostgres(): string {
    return this.refuse()
  }

  /** Called by `mysql2`. */
  toSqlString(): string {
    return this.refuse()
  }
}

/** Looks at the parameters of a statement before a driver gets them: a file is its name there. */
export function checkParameters(parameters: unknown): void {
  if (!Array.isArray(parameters)) return
  for (const [index, value] of parameters.entries()) {
    if (value instanceof Unstored) value.refuse()
    if (value instanceof FieldFile) parameters[index] = value.field.encode(value)
  }
}
