import { type Document, Error as MongooseError, Schema, SchemaType, type SchemaTypeOptions } from 'mongoose'
import { StorageError } from '../../core/errors.ts'
import { kindOf } from '../../core/kind.ts'
import { FieldFile, type FileField, FileTransaction, type FileValue, type Owner, Upload } from '../../fields/index.ts'
import { filesOf, sessionOf } from './sessions.ts'

/** A path with a file, as Mongoose's types see it: documents have a `FieldFile`, `create` takes a `FileValue`. */
export interface FileType {
  readonly type: typeof FilePath
  readonly allowNull: false
  readonly default: FieldFile
  readonly __typehint: FieldFile
  readonly __rawDocTypeHint: FileValue
  readonly __hydratedDocTypeHint: FieldFile
}

/**
 * A path of a schema that holds a file: documents have a `FieldFile` there, an empty one for none, and MongoDB has its name. The schema needs the
 * plugin `mongooseFiles`; one field is for one path.
 * @example
 * const schema = new Schema({ title: String, pdf: fileType(fileField({ uploadTo: 'pdfs' }), { index: true }) })
 */
export function fileType(
  file: FileField,
  options: Pick<SchemaTypeOptions<FieldFile>, 'index' | 'required' | 'select' | 'validate'> = {},
): FileType {
  return { ...options, type: FilePath, file } as unknown as FileType
}

/** The schema type of `fileType`. */
export class FilePath extends SchemaType {
  static schemaName = 'HoldallFile' as const
  static getters: readonly unknown[] = [emptyFile]
  readonly field: FileField

  constructor(path: string, options: { readonly file: FileField }) {
    super(path, options, 'HoldallFile')
    this.field = options.file.bind(path)
  }

  /** The file of a value, which belongs to the document that it is set on. Anything that is no file is a `CastError`. */
  override cast(value: unknown, scope?: unknown): FieldFile {
    const { field, path } = this
    const attach = (name: string | null): FieldFile =>
      isDocument(scope) ? new DocumentOwner(scope, field, name).file : field.attach(name)
    if (typeof value === 'string') return attach(value === '' ? null : value)
    if (value instanceof FieldFile) {
      if (value.field === field && value.row === scope) return value
      if (value.isEmpty || (value.committed && value.storage === field.storage)) return attach(value.name)
      return pending(attach(null), value.pending ?? new Upload(value))
    }
    if (field.isContent(value)) return pending(attach(null), value instanceof Upload ? value : new Upload(value))
    const reason = new StorageError('invalid_argument', `'${path}' takes a file or its name, not ${kindOf(value)}.`)
    throw new MongooseError.CastError('file', value, path, reason)
  }

  /** Whether there is a file, for `required`. */
  checkRequired(value: unknown): boolean {
    return value instanceof FieldFile && !value.isEmpty
  }
}

/** A document as the owner of its file. */
class DocumentOwner implements Owner {
  readonly row: Document
  readonly file: FieldFile

  constructor(row: Document, field: FileField, name: string | null) {
    this.row = row
    this.file = field.attach(name, this)
  }

  /** Saves these paths of the document; all of one that is new. */
  async persist(values: Readonly<Record<string, unknown>>): Promise<void> {
    const { row, file } = this
    row.set({ ...values, [file.field.attribute]: file })
    row.markModified(file.field.attribute)
    await row.save(row.isNew ? {} : { pathsToSave: Object.keys(values) })
  }

  transaction(): FileTransaction | undefined {
    return filesOf(sessionOf(this.row), this.file.field.registry)?.files ?? FileTransaction.current()
  }
}

/** Mongoose compares values by their properties: two files that wait to be stored are never the same. */
export function pending(file: FieldFile, upload: Upload): FieldFile {
  return Object.defineProperty(file.assign(upload), 'prototype', { value: file, configurable: true })
}

const empty = new WeakMap<object, Record<string, FieldFile>>()

/** A document has an empty file where the database has none, unless the path was not selected. */
function emptyFile(this: unknown, value: unknown, { path, field }: FilePath): unknown {
  if ((value !== null && value !== undefined) || !isDocument(this) || !this.isSelected(path)) return value
  const files = empty.get(this) ?? {}
  empty.set(this, files)
  if (!files[path]?.isEmpty) files[path] = new DocumentOwner(this, field, null).file
  return files[path]
}

function isDocument(scope: unknown): scope is Document {
  return typeof scope === 'object' && scope !== null && '$__' in scope && 'isSelected' in scope
}

// Mongoose looks types up by their names.
Object.assign(Schema.Types, { HoldallFile: FilePath })
