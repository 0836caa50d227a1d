import type * as orm from '@mikro-orm/core'
import { Type } from '@mikro-orm/core'
import { FieldFile, type FileField, type FilesOf, type FileValue, type Owner } from '../../fields/index.ts'

/** The type of a file property: read as a `FieldFile`; `em.create` and `em.assign` accept content; conditions and JSON use the name. */
export type FileProperty<T extends FieldFile = FieldFile> = orm.Opt<T> & {
  __runtime?: FileValue
  __raw?: FileValue
  __serialized?: string | null
  [orm.PrimaryKeyProp]?: 'name'
}

/** The owner of the files that are currently being made from columns. */
export const loading: { owner: Owner | undefined } = { owner: undefined }

/** Columns contain names. Content waits for the flush, which stores it; it is rejected in any other statement. */
export class FileType<T extends FieldFile = FieldFile> extends Type<FileProperty<T>, string | null> {
  /** A function, since MikroORM makes deep copies of types. */
  field!: () => FileField

  override convertToDatabaseValue(value: FileProperty<T>, _?: unknown, context?: orm.TransformContext): string | null {
    const [field, given] = [this.field(), value as unknown]
    if (given === null || given === undefined || typeof given === 'string') return given as null
    if (given instanceof FieldFile && given.committed && given.field === field) return given.name
    const refuse = (): string | null => field.encode(given)
    // For comparisons: it equals no other value, and cannot be written.
    return context?.mode === 'serialization' ? ({ toString: refuse, toJSON: refuse } as never) : refuse()
  }

  override convertToJSValue(value: string | null): FileProperty<T> {
    return (typeof value === 'string' ? this.field().attach(value, loading.owner) : value) as FileProperty<T>
  }

  override compareAsType(): string {
    return 'object'
  }

  override ensureComparable(): boolean {
    return false
  }

  override toJSON(value: FileProperty<T>): string | null {
    return this.field().storedName(value)
  }

  override getColumnType({ columnTypes, length }: orm.EntityProperty, platform: orm.Platform): string {
    return columnTypes?.[0] ?? platform.getVarcharTypeDeclarationSQL({ length: length ?? this.field().maxLength })
  }
}

/**
 * Returns the type of a file property, for `EntitySchema`, `defineEntity` and decorators. NULL is an empty file.
 * @example
 * pdf: { type: fileType(fileField({ uploadTo: 'pdfs' })), nullable: true }
 */
export function fileType<F extends FileField>(field: F): FileType<FilesOf<{ file: F }>['file']> {
  return Object.assign(new FileType<FilesOf<{ file: F }>['file']>(), { field: () => field })
}
