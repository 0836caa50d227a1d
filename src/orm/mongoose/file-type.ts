import { Document, Schema, type SchemaTypeOptions } from 'mongoose'
import { FieldFile, type FileField, FileTransaction, type FileValue, type Owner, Upload } from '../../fields/index.ts'
import { filesOf, sessionOf } from './sessions.ts'

/** A path with a file, as Mongoose's types see it: documents have a `FieldFile`, `create` takes a `FileValue`. */
export interface FileType {
  readonly type: typeof Schema.Types.Mixed
  readonly required: true
  readonly __typehint: FieldFile
  readonly __rawDocTypeHint: FileValue
  readonly __hydratedDocTypeHint: FieldFile
}

/**
 * A path of a schema that holds a file: documents have a `FieldFile` there, an empty one for none, and MongoDB has its name. Anything that is no
 * file is refused with `invalid_argument`. The schema needs the plugin `mongooseFiles`; one field is for one path.
 * @example
 * const schema = new Schema({ title: String, pdf: fileType(fileField({ uploadTo: 'pdfs' }), { index: true }) })
 */
export function fileType(
  file: FileField,
  options: Pick<SchemaTypeOptions<FieldFile>, 'index' | 'required' | 'select' | 'validate'> = {},
): FileType {
  const files = new WeakMap<Document, FieldFile>()
  /** The file of a document by what it has at the path: a name, none, or a file that waits to be stored. */
  function get(this: unknown, value: unknown): unknown {
    if (!(this instanceof Document) || value instanceof FieldFile || !this.isSelected(file.attribute)) return value
    let found = files.get(this)
    if (!found?.equals(value)) files.set(this, (found = new DocumentOwner(this, file, file.storedName(value)).file))
    return found
  }
  /** What a document or an update has for a value: a name, or a file that waits to be stored. */
  function set(this: unknown, value: unknown): unknown {
    const isStored = value instanceof FieldFile && value.committed && (value.isEmpty || value.storage === file.storage)
    if (value instanceof FieldFile && this instanceof Document && value.row === this && value.field === file) {
      if (!isStored) return value
      files.set(this, value)
    }
    if (isStored || !file.isContent(value)) return value === undefined ? value : file.storedName(value)
    const upload = value instanceof Upload ? value : ((value as FieldFile).pending ?? new Upload(value))
    const waiting = new DocumentOwner(this as Document, file, null).file.assign(upload)
    // Mongoose compares values by their properties: two files that wait to be stored are never the same.
    return Object.defineProperty(waiting, 'prototype', { value: upload })
  }
  return { ...options, type: Schema.Types.Mixed, file, get, set } as unknown as FileType
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
    const paths = Object.keys(values)
    const before = Object.fromEntries(paths.map(path => [path, row.get(path, null, { getters: false })]))
    FileTransaction.current()?.onRollback(() => row.set(before))
    row.set({ ...values, [file.field.attribute]: file })
    await row.save(row.isNew ? {} : { pathsToSave: paths })
  }

  transaction(): FileTransaction | undefined {
    return filesOf(sessionOf(this.row), this.file.field.registry) ?? FileTransaction.current()
  }
}
