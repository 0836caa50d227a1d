import type { ValueTransformer } from 'typeorm'
import { StorageError } from '../../core/errors.ts'
import { FieldFile } from '../../fields/field-file.ts'
import type { FileField } from '../../fields/file-field.ts'

/** The options of `@Column` and `EntitySchema` for a column that contains the name of a file. */
export interface FileColumn {
  readonly type: 'varchar'
  readonly length: number
  readonly nullable: boolean
  readonly default?: ''
  readonly transformer: ValueTransformer & { readonly field: FileField }
}

/**
 * Returns a column for the files of a field: for `@Column(...)` of a class, or among the `columns` of an `EntitySchema`. Its length is the
 * field's `maxLength`, and it is nullable unless the field's `emptyValue` is `''`. A statement that would write content that is not stored
 * is `invalid_argument`.
 * @example
 * columns: { id: { type: Number, primary: true, generated: true }, pdf: fileColumn(fileField({ uploadTo: 'pdfs' })) }
 */
export function fileColumn(field: FileField): FileColumn {
  // TypeORM calls a function for the SQL of a value; before that, it is a change of the column.
  const refuse = (): never => {
    const text = `'${field.attribute}' takes the name of a stored file, not content: that is stored by save(), with typeormFiles.`
    throw new StorageError('invalid_argument', text)
  }
  const transformer = {
    field,
    from: (value: string | FieldFile | null) => (value instanceof FieldFile ? value : field.attach(value)),
    to: (value: unknown) => (value === undefined ? value : field.isContent(value) ? refuse : field.encode(value)),
  }
  const column = { type: 'varchar', length: field.maxLength, transformer } as const
  return field.options.emptyValue === '' ? { ...column, nullable: false, default: '' } : { ...column, nullable: true }
}
