import {
  type EmptyOptions,
  type EntityProperty,
  type Opt,
  type Platform,
  type PrimaryKeyProp,
  type PropertyChain,
  p,
  type TransformContext,
  Type,
} from '@mikro-orm/core'
import { ImproperlyConfigured } from '../../core/errors.ts'
import {
  FieldFile,
  type FileField,
  type FileValue,
  type ImageField,
  type ImageFieldFile,
  type Owner,
} from '../../fields/index.ts'

/** What a field's file is read as. */
export type FileOf<F extends FileField> = F extends ImageField ? ImageFieldFile : FieldFile

/**
 * The type of a file property in an entity class: read as a `FieldFile`, optional in `em.create`, and given anything that can be assigned to a
 * file field there and in `em.assign`. In JSON it is the name.
 * @example
 * class Resume {
 *   id!: number
 *   pdf!: FileProperty
 *   photo!: FileProperty<ImageFieldFile>
 * }
 */
export type FileProperty<T extends FieldFile = FieldFile> = Opt<T> & {
  __runtime?: FileValue
  __raw?: FileValue
  __serialized?: string | null
  /** In conditions, a name stands for the file. */
  [PrimaryKeyProp]?: 'name'
}

/** The owner of the files that are made of columns at this moment. */
export const loading: { owner: Owner | undefined } = { owner: undefined }

/** Columns hold names. Content stays as it is until the flush, which stores it before any statement; everything else refuses it. */
export class FileType extends Type<FieldFile | string | null, string | null> {
  /** A function, since MikroORM makes deep copies of types. */
  readonly source: () => FileField
  /** Whether `mikroFiles` stores what is assigned. */
  isAttached = false

  constructor(field: FileField) {
    super()
    this.source = () => field
  }

  get field(): FileField {
    return this.source()
  }

  override convertToDatabaseValue(value: unknown, _platform: Platform, context?: TransformContext): string | null {
    if (value === null || value === undefined) return value as null
    if (typeof value === 'string') return value
    const isFile = value instanceof FieldFile && value.committed
    if (isFile && (value.field === this.field || value.storage === this.field.storage)) return value.name
    const isSnapshot = context?.mode === 'serialization' || context?.mode === 'hydration'
    if (!isSnapshot || !(isFile || this.field.isContent(value))) return this.field.encode(value)
    if (this.isAttached) return value as unknown as string
    throw new ImproperlyConfigured(
      `'${this.field.attribute}' cannot be stored: call mikroFiles(orm) after MikroORM.init, before the first fork.`,
    )
  }

  override convertToJSValue(value: FieldFile | string | null): FieldFile | null {
    return typeof value === 'string' ? this.source().attach(value, loading.owner) : value
  }

  override compareAsType(): string {
    return 'string'
  }

  /** Not a string, which values would be checked to be. */
  override get runtimeType(): string {
    return 'object'
  }

  override ensureComparable(): boolean {
    return false
  }

  override toJSON(value: FieldFile | string | null): string | null {
    return value instanceof FieldFile ? value.toJSON() : value
  }

  override getColumnType(property: EntityProperty, platform: Platform): string {
    const length = property.length ?? this.field.maxLength
    return property.columnTypes?.[0] ?? platform.getVarcharTypeDeclarationSQL({ length })
  }
}

/**
 * The type of a property that holds the name of a file, for `EntitySchema`, `defineEntity` and decorators. Each property needs a field of its
 * own, except that entities may inherit one.
 * @example
 * const ResumeSchema = new EntitySchema({
 *   class: Resume,
 *   properties: {
 *     id: { type: 'integer', primary: true },
 *     pdf: { type: fileType(fileField({ uploadTo: 'pdfs' })), nullable: true },
 *   },
 * })
 */
export function fileType(field: FileField): FileType {
  return new FileType(field)
}

/**
 * A file property for `defineEntity`: its column may be NULL, and is read as an empty file then.
 * @example
 * const ResumeSchema = defineEntity({
 *   name: 'Resume',
 *   properties: { id: p.integer().primary(), pdf: fileProperty(fileField({ uploadTo: 'pdfs' })) },
 * })
 */
export function fileProperty<F extends FileField>(field: F): PropertyChain<FileProperty<FileOf<F>>, EmptyOptions> {
  const property = p.type(fileType(field)).$type<FileProperty<FileOf<F>>>()
  // Not nullable in its type, since an empty file takes the place of NULL.
  return property.nullable() as unknown as PropertyChain<FileProperty<FileOf<F>>, EmptyOptions>
}
