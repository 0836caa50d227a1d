import { storageOf } from '../config/storage-option.ts'
import type { CallOptions } from '../core/call.ts'
import { asContent, type Content, type ContentProvider } from '../core/content.ts'
import { ImproperlyConfigured, isStorageError, StorageError } from '../core/errors.ts'
import { kindOf } from '../core/kind.ts'
import { trimTrailingSlashes } from '../core/names.ts'
import type { AnyStorage } from '../storage/storage.ts'
import { uploadName } from '../storage/upload-name.ts'
import { isDeleting, type StoredFile, whenNotDeleting } from './claims.ts'
import type { Field, StoredValue, StoreOptions } from './field.ts'
import { checkStoreOptions } from './field-checks.ts'
import { FieldFile } from './field-file.ts'
import { checkOptionNames, checkOptions, FILE_OPTIONS, type FileFieldOptions } from './field-options.ts'
import type { Owner } from './persist.ts'
import { type FileRegistry, fileRegistry } from './registry.ts'
import { checkedParts, watchedRow } from './row-values.ts'
import { storedFile } from './stored.ts'
import { type FileSource, isFileSource, Upload } from './upload.ts'

/** The values of a file field: content, which is stored; the name of a stored file; a `FieldFile`; or null for none. */
export type FileValue = FileSource | Upload | FieldFile | string | null

/** A column of a model that contains the name of a file. It needs the name of its attribute, which `fileModel` or an adapter sets. */
// biome-ignore lint/suspicious/noExplicitAny: a row of any model
export class FileField<Row = any> implements Field {
  readonly options: FileFieldOptions<Row>
  readonly maxLength: number
  #attribute: string | undefined
  #registry: FileRegistry = fileRegistry
  #storage: AnyStorage | undefined

  constructor(options: FileFieldOptions<Row> = {}) {
    checkOptions(options)
    this.options = options
    this.maxLength = options.maxLength ?? 100
    if (typeof options.storage === 'object') this.#storage = options.storage
  }

  /** The attribute of the row that holds the file: `pdf`. */
  get attribute(): string {
    return this.#attribute ?? 'file'
  }

  /** Sets the attribute's name, once. */
  bind(attribute: string): this {
    if (this.#attribute !== undefined && this.#attribute !== attribute) {
      throw new ImproperlyConfigured(
        `One field cannot be both '${this.#attribute}' and '${attribute}': make a field for each attribute.`,
      )
    }
    this.#attribute = attribute
    return this
  }

  /** The prefix of all names, as far as the options determine it: the folder of a string `uploadTo` before its first strftime code. */
  get prefix(): string | undefined {
    const { prefix, uploadTo = '' } = this.options
    if (prefix !== undefined || typeof uploadTo === 'function') return prefix
    const fixed = uploadTo.split('%', 1)[0]!
    const folder = fixed === uploadTo ? `${trimTrailingSlashes(fixed)}/` : fixed.slice(0, fixed.lastIndexOf('/') + 1)
    return folder === '/' || folder === '' ? undefined : folder
  }

  /** The registry whose columns are checked before a file is deleted. */
  get registry(): FileRegistry {
    return this.#registry
  }

  /** Sets the registry; for models. */
  register(registry: FileRegistry): this {
    this.#registry = registry
    return this
  }

  /** The storage of the files. An alias follows the settings; an unknown alias is `improperly_configured`. */
  get storage(): AnyStorage {
    const { storage = 'default' } = this.options
    this.#storage ??= storageOf(storage, 'a file field')
    return this.#storage
  }

  /** Returns the file of a row for the value of its column; a new object at each call. */
  attach(name: string | null | undefined, owner?: Owner): FieldFile {
    return new FieldFile(this, name, owner)
  }

  /** Returns the column's value for a value whose file is stored. Content, promises and anything else are `invalid_argument`. */
  encode(value: unknown): string | null {
    const name = this.storedName(value)
    return name === null || name === '' ? (this.options.emptyValue ?? null) : name
  }

  /** Returns the name in a value whose file is stored; null for none. Anything else is `invalid_argument`. */
  storedName(value: unknown): string | null {
    if (value === null || value === undefined || value === '') return null
    if (typeof value === 'string') return value
    if (value instanceof FieldFile && value.committed) return value.name === '' ? null : value.name
    const what =
      value instanceof FieldFile || value instanceof Upload || isFileSource(value)
        ? 'content that is not stored yet'
        : kindOf(value)
    throw new StorageError('invalid_argument', `'${this.attribute}' takes the name of a stored file, not ${what}.`)
  }

  /** Whether a value is content that `store` would upload. */
  isContent(value: unknown): value is FileSource | Upload | FieldFile {
    return value instanceof FieldFile ? !value.committed : value instanceof Upload || isFileSource(value)
  }

  /** Returns the name of a file for a row, before the storage looks for a free one: `uploadTo`, checked, with a valid last part. */
  async generateFilename(row: object | undefined, filename: string, now: Date = new Date()): Promise<string> {
    const { uploadTo = '' } = this.options
    const owner = this.attribute
    if (typeof uploadTo === 'string') return uploadName(this.storage, { uploadTo, filename, owner, now })
    const watched = watchedRow(row ?? {})
    return uploadName(this.storage, {
      uploadTo: () => uploadTo(watched.row as Row, filename),
      filename,
      owner,
      check: found => checkedParts(owner, found, filename, watched.missing()),
    })
  }

  /**
   * Returns the values of the row's columns for a value: content is stored, the name of a stored file is used unchanged. Anything else is
   * `invalid_argument`, and nothing is stored.
   */
  async store(value: unknown, options: StoreOptions): Promise<StoredValue> {
    checkStoreOptions(options)
    const { storage } = this
    if (value instanceof FieldFile && value.committed && value.name && value.storage !== storage) {
      const [from, to] = await Promise.all([storedFile(value.storage, value.name), storedFile(storage, value.name)])
      // The name has another meaning in the other storage, so the file is stored there.
      if (from.address !== to.address) return this.#upload(uploadOf(value), options)
    }
    if (!this.isContent(value)) {
      const name = this.storedName(value)
      if (name !== null) options.files.needed(await storedFile(storage, name))
      return { name, columns: name === null ? this.columnsOf(undefined) : {} }
    }
    return this.#upload(uploadOf(value), options)
  }

  /** Returns the further attributes of a row for the result of `observe`; undefined when there is no file. */
  columnsOf(_found: unknown): Readonly<Record<string, unknown>> {
    return {}
  }

  /** Returns the same content, and the information that is read from it while it is stored. */
  protected async observe(content: Content): Promise<{ readonly content: Content; found(): unknown }> {
    return { content, found: () => undefined }
  }

  async #upload(upload: Upload, { row, files, signal, onProgress }: StoreOptions): Promise<StoredValue> {
    const { content, name } = await upload.open()
    if (name === undefined || name === '') {
      throw new StorageError(
        'invalid_argument',
        `File for ${this.attribute} must have the name attribute specified to be saved.`,
      )
    }
    const wanted = await this.generateFilename(row, name)
    const { storage } = this
    const observed = await this.observe(content)
    const { saveOptions = {} } = this.options
    const { maxLength } = this
    const isNew = !(saveOptions.overwrite ?? storage.options.fileOverwrite)
    const planned = isNew ? wanted : await storage.getAvailableName(wanted, { maxLength, signal, overwrite: true })
    // A name that is too long for the storage is shortened when it is saved; a name that cannot be shortened is rejected then.
    const target = await storedFile(storage, planned).catch(unlessTooLong)
    // Recorded first where the name is already known: an overwrite that fails can leave a file that no row names.
    if (!isNew && target !== undefined) files.stored(target)
    if (target !== undefined) await whenNotDeleting(target.address)
    const provider: ContentProvider = { [asContent]: () => observed.content }
    const saved = await storage.save(wanted, provider, { ...saveOptions, maxLength, signal, onProgress })
    if (isNew || saved !== planned) {
      const stored = saved === target?.name ? target : await storedFile(storage, saved)
      files.stored({ ...stored, isNew })
      await this.#stays(stored, { signal })
    }
    return { name: saved, columns: this.columnsOf(observed.found()) }
  }

  /** A storage that got no answer may repeat the deletion of the previous file of that name, and delete the new file. */
  async #stays({ address, name, storage }: StoredFile, options: CallOptions): Promise<void> {
    if (!isDeleting(address)) return
    await whenNotDeleting(address)
    if (await storage.exists(name, options)) return
    throw new StorageError('unavailable', `'${name}' was deleted while it was stored: save it again.`, {
      fileName: name,
    })
  }
}

/** Returns a file field with the storage and the naming of its files. Invalid options are `improperly_configured`. */
// biome-ignore lint/suspicious/noExplicitAny: a row of any model
export function fileField<Row = any>(options: FileFieldOptions<Row> = {}): FileField<Row> {
  checkOptionNames(options, FILE_OPTIONS)
  return new FileField(options)
}

/** Returns content as an upload: a file that waits to be stored has one; a stored file is content for another storage. */
export function uploadOf(content: FileSource | Upload | FieldFile): Upload {
  if (content instanceof Upload) return content
  return (content instanceof FieldFile && content.pending) || new Upload(content)
}

function unlessTooLong(error: unknown): undefined {
  if (!isStorageError(error, 'suspicious_name')) throw error
}
