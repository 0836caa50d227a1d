import { StorageError } from '../core/errors.ts'
import { kindOf } from '../core/kind.ts'
import type { StoreOptions } from './field.ts'
import { checkStoreOptions } from './field-checks.ts'
import { FieldFile } from './field-file.ts'
import { type FileField, type FileValue, uploadOf } from './file-field.ts'
import type { Owner } from './persist.ts'
import { type FileRegistry, type FileUser, fileRegistry } from './registry.ts'
import { FileTransaction } from './transaction.ts'

/** File fields by the attribute of the row that contains them. */
export type FileFields = Readonly<Record<string, FileField>>

/** The attributes of a row as they are read. */
export type FilesOf<F extends FileFields> = { [K in keyof F]: ReturnType<F[K]['attach']> }

/** The attributes of a row as they can be assigned; undefined does not change an attribute. */
export type FileValues<F extends FileFields> = { [K in keyof F]?: FileValue | undefined }

/** The attributes that `store` returns: content is replaced by the names of the stored files. */
export type StoredRow = Record<string, unknown>

/** All file fields of one model (table, collection), for an adapter that reads and writes its rows. */
export class FileModel<F extends FileFields = FileFields> {
  /** For messages: the name of the table or model. */
  readonly label: string
  readonly fields: F
  readonly registry: FileRegistry
  readonly attributes: readonly (keyof F & string)[]

  constructor(label: string, fields: F, registry: FileRegistry = fileRegistry) {
    this.label = label
    this.fields = fields
    this.registry = registry
    this.attributes = Object.keys(fields)
    for (const [attribute, field] of Object.entries(fields)) field.bind(attribute).register(registry)
  }

  /**
   * Registers the columns of all fields as users of their files. `used` returns those of the names that rows contain in the column of an
   * attribute: see `FileUser.used`. The returned function removes the registration.
   */
  addUsers(
    used: (attribute: keyof F & string, ...rest: Parameters<FileUser['used']>) => ReturnType<FileUser['used']>,
  ): () => void {
    const removers = this.attributes.map(attribute =>
      this.registry.add({
        label: `${this.label}.${attribute}`,
        field: this.fields[attribute]!,
        used: (names, options) => used(attribute, names, options),
      }),
    )
    return () => {
      for (const remove of removers) remove()
    }
  }

  /** Whether the values contain one for any file field; null counts. */
  concerns(values: object): boolean {
    return this.attributes.some(attribute => (values as StoredRow)[attribute] !== undefined)
  }

  /**
   * Returns a copy of the values in which content is replaced by the names of the stored files, and the further columns of pictures are
   * filled. Fields without a value are left out. The stored files are recorded in `files`. If a value is not a file, nothing of it is
   * stored.
   */
  async store(values: object, options: StoreOptions): Promise<StoredRow> {
    checkStoreOptions(options)
    const stored: StoredRow = { ...values }
    const row = options.row ?? values
    for (const attribute of this.attributes) {
      const field = this.fields[attribute]!
      if (!field.isContent(stored[attribute])) field.storedName(stored[attribute])
    }
    for (const attribute of this.attributes) {
      const value = stored[attribute]
      if (value === undefined) continue
      const { name, columns } = await this.fields[attribute]!.store(value, { ...options, row })
      Object.assign(stored, { [attribute]: this.fields[attribute]!.encode(name) }, columns)
    }
    return stored
  }

  /**
   * Records the files of `before` that `after` no longer contains; without `after`, all of them. Either may contain names or `FieldFile`s,
   * or be absent.
   */
  async release(before: object, after: object | undefined, files: FileTransaction): Promise<void> {
    for (const attribute of this.attributes) {
      const field = this.fields[attribute]!
      const held = (before as StoredRow)[attribute]
      // A value that is not a name has no file: its row can be deleted.
      const old = typeof held === 'string' || held instanceof FieldFile ? field.storedName(held) : null
      if (old === null) continue
      const value = after === undefined ? null : (after as StoredRow)[attribute]
      if (value === undefined || field.storedName(value) === old) continue
      await files.release(field.storage, old)
    }
  }

  /**
   * Runs a write with its files: in a savepoint of the current transaction, or in a new transaction. When `work` fails, the files that it
   * stored are removed; otherwise the files that it released are removed after the outermost commit.
   */
  step<T>(work: (files: FileTransaction) => Promise<T>, within?: FileTransaction): Promise<T> {
    return FileTransaction.step(this.registry, work, within)
  }

  /**
   * Returns the file of a row for the value of its column, or for the value that a cache returned: a name, `{ name }`, null or undefined.
   */
  attach<K extends keyof F & string>(attribute: K, value: unknown, owner?: Owner): FilesOf<F>[K] {
    const field = this.fields[attribute]!
    if (field.isContent(value) && !(value instanceof FieldFile)) {
      return field.attach(null, owner).assign(uploadOf(value)) as FilesOf<F>[K]
    }
    return field.attach(nameOf(value, this.label, attribute), owner) as FilesOf<F>[K]
  }

  /**
   * Converts the values that JSON, `structuredClone`, `v8` or a cache returned for `FieldFile`s back to `FieldFile`s; returns the row.
   * `owner` makes the owner of each file, so that it can be saved again.
   * @example
   * const resume = resumes.revive(JSON.parse(await redis.get('resume:1')))
   */
  revive<R extends object>(row: R, owner?: (row: R) => Owner): Omit<R, keyof F> & FilesOf<F> {
    for (const attribute of this.attributes) {
      const file = this.attach(attribute, (row as StoredRow)[attribute], owner?.(row))
      ;(row as StoredRow)[attribute] = file
    }
    return row as unknown as Omit<R, keyof F> & FilesOf<F>
  }
}

/**
 * Returns the file fields of a model, for the adapter of an ORM or for a program's own SQL.
 * @example
 * const resumes = fileModel('resumes', { pdf: fileField({ uploadTo: 'pdfs' }), photo: imageField({ uploadTo: 'photos' }) })
 */
export function fileModel<F extends FileFields>(label: string, fields: F, registry?: FileRegistry): FileModel<F> {
  return new FileModel(label, fields, registry)
}

function nameOf(value: unknown, label: string, attribute: string): string | null {
  if (value === null || value === undefined || typeof value === 'string') return value ?? null
  if (typeof value === 'object' && 'name' in value) {
    const { name } = value
    if (name === null || typeof name === 'string') return name
  }
  // The text that keyv writes for a value whose JSON is null.
  if (
    typeof value === 'object' &&
    Object.getPrototypeOf(value) === Object.prototype &&
    Object.keys(value).length === 0
  ) {
    return null
  }
  throw new StorageError('invalid_argument', `'${label}.${attribute}' is made of a name, not of ${kindOf(value)}.`)
}
