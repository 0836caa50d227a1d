import { Document, Schema, type SchemaTypeOptions } from 'mongoose'
import { ImproperlyConfigured } from '../../core/errors.ts'
import { uploadOf } from '../../fields/file-field.ts'
import { FieldFile, type FileField, FileTransaction, type FileValue } from '../../fields/index.ts'
import { filesOf, sessionOf } from './sessions.ts'

/** A path with a file in Mongoose's types: documents have a `FieldFile`, `create` takes a `FileValue`. */
export interface FileType<T extends FieldFile = FieldFile> {
  readonly type: typeof Schema.Types.Mixed
  readonly required: true
  readonly __typehint: T
  readonly __rawDocTypeHint: FileValue
  readonly __hydratedDocTypeHint: T
}

type Options = Pick<SchemaTypeOptions<FieldFile>, 'index' | 'required' | 'select' | 'validate'>

/** Fields of the models that the plugin has seen. */
export const attachedFields: WeakSet<FileField> = new WeakSet()

/**
 * Returns a path of a schema that contains a file: documents have a `FieldFile` there, an empty one for none, and MongoDB stores its name.
 * A value that is not a file is `invalid_argument`. The schema needs the plugin `mongooseFiles`; one field is for one path.
 * @example
 * const schema = new Schema({ title: String, pdf: fileType(fileField({ uploadTo: 'pdfs' }), { index: true }) })
 */
export function fileType<F extends FileField>(file: F, options: Options = {}): FileType<ReturnType<F['attach']>> {
  const files = new WeakMap<Document, FieldFile>()
  /** Returns the file of a document for its value at the path: a name, none, or a file that waits to be stored. */
  function get(this: unknown, value: unknown): unknown {
    if (!(this instanceof Document) || value instanceof FieldFile) return value
    if (!value && !this.isSelected(file.attribute)) return value
    let found = files.get(this)
    if (!found?.equals(value)) files.set(this, (found = fileOf(this, file, file.storedName(value))))
    return found
  }
  /** Returns the value for a document or an update: a name, or a file that waits to be stored. */
  function set(this: unknown, value: unknown): unknown {
    if (!attachedFields.has(file))
      throw new ImproperlyConfigured('Files need the plugin mongooseFiles, those of a discriminator its base schema.')
    const isStored = value instanceof FieldFile && value.committed && (value.isEmpty || value.storage === file.storage)
    const isOwn = value instanceof FieldFile && this instanceof Document && value.row === this && value.field === file
    if (isOwn) files.set(this, value)
    if (isOwn && !isStored) return value
    if (isStored || !file.isContent(value)) return value === undefined ? value : file.storedName(value)
    return fileOf(this as Document, file, null).assign(uploadOf(value))
  }
  return { ...options, type: Schema.Types.Mixed, file, get, set } as never
}

/** Returns the file of a document, which `save` and `delete` write: these paths, or all of a new document. */
function fileOf(row: Document, field: FileField, name: string | null): FieldFile {
  const file: FieldFile = field.attach(name, {
    row,
    async persist(values) {
      const paths = Object.keys(values)
      const before = Object.fromEntries(paths.map(path => [path, row.get(path, null, { getters: false })]))
      FileTransaction.current(field.registry)?.onRollback(() => row.set(before))
      row.set({ ...values, [field.attribute]: file })
      for (const path of paths) row.markModified(path)
      await row.save(row.isNew ? {} : { pathsToSave: paths })
    },
    transaction: () => filesOf(sessionOf(row), field.registry) ?? FileTransaction.current(field.registry),
  })
  return file
}
