import { type Document, Error as MongooseError, Schema, SchemaType, type SchemaTypeOptions } from 'mongoose'
import { StorageError } from '../../core/errors.ts'
import { kindOf } from '../../core/kind.ts'
import { FieldFile, type FileField, type FileValue, Upload } from '../../fields/index.ts'
import { DocumentOwner, HeldFile } from './owner.ts'

/** What a schema is given for a file: see `fileType`. The hints are for Mongoose's types alone. */
export interface FileType {
  readonly type: typeof FilePath
  readonly file: FileField
  readonly allowNull: false
  readonly default: FieldFile
  readonly __typehint: FieldFile
  readonly __rawDocTypeHint: FileValue
  readonly __hydratedDocTypeHint: FieldFile
}

/** Options of a path of a schema that go with a file: `index`, `required`, `select`, `immutable`, `alias`, `validate`. */
export type FileTypeOptions = Pick<
  SchemaTypeOptions<FieldFile>,
  'alias' | 'immutable' | 'index' | 'required' | 'select' | 'sparse' | 'unique' | 'validate'
>

/**
 * The path of a schema that holds a file: documents have a `FieldFile` there, an empty one for none, and MongoDB has its name. One field is
 * for one path. The schema, or the one that it is part of, needs the plugin `mongooseFiles`.
 * @example
 * const schema = new Schema({ title: String, pdf: fileType(fileField({ uploadTo: 'pdfs' }), { index: true }) })
 */
export function fileType(field: FileField, options: FileTypeOptions = {}): FileType {
  return { ...options, type: FilePath, file: field } as unknown as FileType
}

/** The empty files that documents were asked for. */
const empty = new WeakMap<object, Map<string, FieldFile>>()

/** Methods that Mongoose's types leave out. */
const base = SchemaType.prototype as unknown as {
  castForQuery($conditional: string | null, value: unknown, context: unknown): unknown
}

/** The schema type of `fileType`. */
export class FilePath extends SchemaType {
  static schemaName = 'HoldallFile' as const
  /** Run by Mongoose when a document is asked for the path. */
  static getters: readonly unknown[] = [readFile]
  readonly field: FileField

  constructor(path: string, options: { readonly file?: FileField } & Record<string, unknown> = {}, ...rest: unknown[]) {
    super(path, options as object, 'HoldallFile')
    const { file } = options
    if (file === undefined) {
      throw new StorageError(
        'improperly_configured',
        `The path '${path}' has no file field: use fileType(fileField()).`,
      )
    }
    Object.assign(this, { parentSchema: rest[1] })
    this.field = file.bind(path)
    this.$conditionalHandlers = { ...this.$conditionalHandlers, ...HANDLERS }
  }

  /** What a document has for a value: of the database when `init`, else of the program. Anything that is no file is a CastError. */
  override cast(value: unknown, scope?: unknown, init?: boolean): unknown {
    if (value instanceof HeldFile) return value.file
    const owner = isDocument(scope) ? new DocumentOwner(scope, this.path) : undefined
    const file = this.#fileOf(value, owner, init === true)
    return owner === undefined || file.row !== scope ? file : owner.own(file)
  }

  /** What a condition or an update has: the name, or content, which is stored before it is written. */
  castForQuery($conditional: string | null, value: unknown, context: unknown): unknown {
    if ($conditional !== null && $conditional !== undefined)
      return base.castForQuery.call(this, $conditional, value, context)
    if (value instanceof RegExp) return value
    const file = base.castForQuery.call(this, null, value, context)
    return file instanceof FieldFile && file.committed && !(value instanceof FieldFile) ? file.name : file
  }

  /** Whether there is a file, for `required`. */
  checkRequired(value: unknown): boolean {
    return value instanceof FieldFile && !value.isEmpty
  }

  #fileOf(value: unknown, owner: DocumentOwner | undefined, init: boolean): FieldFile {
    const { field } = this
    if (typeof value === 'string') return field.attach(value === '' ? null : value, owner)
    if (!init && value instanceof FieldFile) {
      if (value.field === field && value.row !== undefined && value.row === owner?.row) return value
      if (value.isEmpty) return field.attach(null, owner)
      if (value.committed && value.storage === field.storage) return field.attach(value.name, owner)
      return pendingFile(field.attach(null, owner), value.pending ?? new Upload(value))
    }
    if (!init && field.isContent(value)) {
      return pendingFile(field.attach(null, owner), value instanceof Upload ? value : new Upload(value))
    }
    const reason = new StorageError(
      'invalid_argument',
      `'${this.path}' takes a file or its name, not ${kindOf(value)}.`,
    )
    throw new MongooseError.CastError('file', value, this.path, reason)
  }
}

/** Mongoose compares assigned values by their properties: two files that wait to be stored are never the same. */
export function pendingFile(file: FieldFile, upload: Upload): FieldFile {
  return Object.defineProperty(file.assign(upload), 'prototype', { value: file, configurable: true })
}

/** After a file was stored. */
export function settledFile(file: FieldFile, name: string | null): void {
  delete (file.settle(name) as { prototype?: unknown }).prototype
}

/** A document has an empty file where the database has none, unless the path was not selected. */
function readFile(this: unknown, value: unknown, type: FilePath): unknown {
  if ((value !== null && value !== undefined) || !isDocument(this)) return value
  if (!this.isSelected(type.path)) return value
  let files = empty.get(this)
  if (files === undefined) empty.set(this, (files = new Map()))
  let file = files.get(type.path)
  if (file === undefined || !file.isEmpty) {
    const owner = new DocumentOwner(this, type.path)
    files.set(type.path, (file = owner.own(type.field.attach(null, owner))))
  }
  return file
}

function isDocument(scope: unknown): scope is Document {
  return typeof scope === 'object' && scope !== null && '$__' in scope && 'isSelected' in scope
}

const single = function (this: FilePath, value: unknown, context: unknown): unknown {
  return this.castForQuery(null, value, context)
}
const HANDLERS = {
  $gt: single,
  $gte: single,
  $lt: single,
  $lte: single,
  $regex: (value: unknown) => value,
  $options: (value: unknown) => value,
}

/** The schemas of a program know the type by its name. */
;(Schema.Types as unknown as Record<string, unknown>)[FilePath.schemaName] = FilePath
