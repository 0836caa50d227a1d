import type { Readable } from 'node:stream'
import { INSPECT } from '../core/builtin.ts'
import type { CallOptions } from '../core/call.ts'
import { asContent, type Content, type ContentProvider, toContent } from '../core/content.ts'
import { StorageError } from '../core/errors.ts'
import { checkCallOptions } from '../core/known-options.ts'
import { ContentFile } from '../files/content-file.ts'
import { methods } from '../files/methods.ts'
import type { Data, OpenMode } from '../files/modes.ts'
import type { AnyStorage } from '../storage/storage.ts'
import type { ReadStreamOptions, UrlOptions } from '../storage/types.ts'
import type { Field } from './field.ts'
import { checkDeleteOptions, checkSaveOptions, notSerialisable } from './field-checks.ts'
import { type FieldSaveOptions, type Owner, type PersistOptions, removeFile, saveFile } from './persist.ts'
import { type OpenedFile, Reading } from './reading.ts'
import { type FileSource, Upload } from './upload.ts'

// Merged, since a class cannot declare Holdall's symbol under `isolatedDeclarations`.
// biome-ignore lint/correctness/noUnusedVariables: both halves must have the same parameters
export interface FieldFile<M extends OpenMode = 'rb'> extends ContentProvider {
  /** Returns the bytes of the stored file, for `save` of a storage or of another field. */
  [asContent](): Content
}

/**
 * The file of a row: the value of a file column when it is read. Without a file it is empty, and all methods except `save`, `delete` and
 * `close` fail with `no_file`. Its only own property is `name`, which `structuredClone`, `v8.serialize` and deep comparisons see; its JSON
 * is the name.
 * @example
 * await resume.pdf.save('cv.pdf', bytes)
 * const url = await resume.pdf.url()
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: see above
export class FieldFile<M extends OpenMode = 'rb'> implements AsyncDisposable {
  static {
    methods(FieldFile.prototype, {
      [asContent](this: FieldFile) {
        return this.#content()
      },
      [INSPECT](this: FieldFile) {
        return `<FieldFile: ${this.name || 'None'}>`
      },
    })
  }

  /** The name in the storage, or an upload's own name; null without a file. */
  readonly name: string | null
  readonly #field: Field
  #owner: Owner | undefined
  #pending: Upload | undefined
  #reading: Reading | undefined

  constructor(field: Field, name: string | null | undefined, owner?: Owner) {
    this.name = name ?? null
    this.#field = field
    this.#owner = owner
  }

  get field(): Field {
    return this.#field
  }

  /** The row of the file, where it is known. */
  get row(): object | undefined {
    return this.#owner?.row
  }

  get storage(): AnyStorage {
    return this.#field.storage
  }

  /** Whether there is no file: neither a stored one nor one that waits to be stored. */
  get isEmpty(): boolean {
    return !this.name && this.#pending === undefined
  }

  /** Whether no content waits to be stored. */
  get committed(): boolean {
    return this.#pending === undefined
  }

  /** The content that waits to be stored. */
  get pending(): Upload | undefined {
    return this.#pending
  }

  /** Whether the file was opened and closed again. */
  get closed(): boolean {
    return this.#reading?.closed ?? false
  }

  /** Returns the size in bytes; before the file is stored, the size that the content declares. A missing stored file is `not_found`. */
  async size(options: CallOptions = {}): Promise<number> {
    checkCallOptions('size', options)
    const name = this.#name()
    if (this.#pending === undefined) return this.storage.size(name, options)
    const { size } = (await this.#pending.open()).content
    if (size !== undefined) return size
    throw new StorageError('unsupported', `The size of '${name}' is only known when it is stored.`)
  }

  /** Returns a URL of the file; does not check whether it exists. */
  async url(options: UrlOptions = {}): Promise<string> {
    return this.storage.url(this.storedName(), options)
  }

  /** Returns the absolute path on this machine; `unsupported` where files are elsewhere. */
  path(): string {
    return this.storage.path(this.storedName())
  }

  /** Opens the file, or goes back to its beginning; returns this object. Reads return bytes, or text in the modes without `b`. */
  async open<N extends OpenMode = 'rb'>(mode?: N, options: CallOptions = {}): Promise<FieldFile<N>> {
    checkCallOptions('open', options)
    await this.#opened().open(mode, options)
    return this as unknown as FieldFile<N>
  }

  /** Reads `n` bytes, or characters in a text mode; without `n` all the rest. Opens the file if needed. */
  async read(n?: number | null, options: CallOptions = {}): Promise<Data<M>> {
    checkCallOptions('read', options)
    return (await this.#opened().read(n, options)) as Data<M>
  }

  /** The whole file from its beginning in pieces of `size` bytes, or characters in a text mode. */
  chunks(size?: number, options: CallOptions = {}): AsyncGenerator<Data<M>, void, undefined> {
    return this.#opened().chunks(size, options) as AsyncGenerator<Data<M>, void, undefined>
  }

  /** The lines from the beginning of the file. */
  [Symbol.asyncIterator](): AsyncGenerator<Data<M>, void, undefined> {
    return this.#opened().lines() as AsyncGenerator<Data<M>, void, undefined>
  }

  /** Returns the bytes of the stored file as a stream, independent of the position. */
  stream(options: ReadStreamOptions = {}): Readable {
    return this.storage.createReadStream(this.storedName(), options)
  }

  /**
   * Stores content under a name that `uploadTo` and the storage make of `name`, and writes the row. If the row cannot be written, the new
   * file is removed and the error is rethrown. The previous file is removed after the commit, if no other row names it. Empty files can be
   * saved; the content is not closed.
   */
  async save(name: string, content: FileSource | Upload | string, options: FieldSaveOptions = {}): Promise<void> {
    const { signal, onProgress, save = true } = checkSaveOptions(options)
    const owner = save ? this.#needOwner('save') : this.#owner
    const source =
      content instanceof Upload ? new Upload(content.source, name, content.contentType) : new Upload(content, name)
    await saveFile(this, source, owner, { save, signal, onProgress })
  }

  /**
   * Removes the file from its row, and deletes it after the commit if no other row names it. Does nothing without a file. A file without a
   * row is deleted at once, and only with `{ save: false }`.
   */
  async delete(options: PersistOptions = {}): Promise<void> {
    const { save = true, signal } = checkDeleteOptions(options)
    if (this.isEmpty) return
    const owner = save ? this.#needOwner('delete') : this.#owner
    await this.close()
    if (owner === undefined) {
      const { name } = this
      if (this.committed && name) await this.storage.delete(name, { signal })
      return this.#set(null)
    }
    await removeFile(this, owner, { save, signal })
  }

  /** Closes the file that `open` or `read` opened; it can be opened again. */
  async close(options: CallOptions = {}): Promise<void> {
    checkCallOptions('close', options)
    await this.#reading?.close(options)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** Whether the other is a file of this name, or this name. */
  equals(other: unknown): boolean {
    const name = other instanceof FieldFile ? other.name : other
    return (name || null) === (this.name || null)
  }

  /** Sets the row that `save` and `delete` write; for adapters. */
  belongTo(owner: Owner): this {
    this.#owner = owner
    return this
  }

  /** Sets content that waits until the row is saved; for adapters. */
  assign(upload: Upload): this {
    ;(this as { name: string | null }).name = upload.givenName ?? null
    this.#forget()
    this.#setPending(upload)
    return this
  }

  /** Sets the name that the column contains now; for adapters, after they have stored the pending content. */
  settle(name: string | null): this {
    this.#set(name)
    return this
  }

  /** The name, or an empty text. */
  toString(): string {
    return this.name ?? ''
  }

  /** The name, for JSON; `invalid_argument` for a file that is not stored yet. */
  toJSON(): string | null {
    if (this.#pending === undefined) return this.name
    throw notSerialisable(this.#field.attribute)
  }

  /** The name, for BSON. */
  toBSON(): string | null {
    return this.toJSON()
  }

  #needOwner(operation: string): Owner {
    if (this.#owner !== undefined) return this.#owner
    throw new StorageError(
      'unsupported',
      `'${this.#field.attribute}' belongs to no row that could be saved: use ${operation} with { save: false }, or write the row.`,
    )
  }

  #name(): string {
    if (this.isEmpty)
      throw new StorageError('no_file', `The '${this.#field.attribute}' attribute has no file associated with it.`)
    return this.name ?? ''
  }

  /** The name of the stored file; `no_file` without one, `unsupported` for one that is not stored yet. */
  storedName(): string {
    const name = this.#name()
    if (this.#pending === undefined) return name
    throw this.#notStored()
  }

  #notStored(): StorageError {
    const { attribute } = this.#field
    return new StorageError('unsupported', `The file of '${attribute}' is not stored yet: save its row first.`)
  }

  #set(name: string | null): void {
    ;(this as { name: string | null }).name = name
    this.#forget()
    if (this.#pending === undefined) return
    this.#pending = undefined
    delete (this as { pendingContent?: unknown }).pendingContent
  }

  /** Releases the open file, since the name refers to another file now. */
  #forget(): void {
    this.#reading?.discard()
    this.#reading = undefined
  }

  /** A file that is not stored has a property that cannot be copied, so that it cannot be cloned. */
  #setPending(upload: Upload): void {
    this.#pending = upload
    const { attribute } = this.#field
    Object.defineProperty(this, 'pendingContent', {
      enumerable: true,
      configurable: true,
      get() {
        throw notSerialisable(attribute)
      },
    })
  }

  #opened(): Reading {
    this.#reading ??= new Reading((mode, options) => this.#open(mode, options))
    return this.#reading
  }

  async #open(mode: OpenMode, options: CallOptions): Promise<OpenedFile> {
    const name = this.#name()
    if (this.#pending === undefined) return this.storage.open(name, mode, options)
    const { content } = await this.#pending.open()
    if (content.bytes === undefined) throw this.#notStored()
    return new ContentFile(content.bytes, name)
  }

  #content(): Content {
    if (this.#pending !== undefined) return toContent(this.#pending.source as ContentProvider)
    const name = this.storedName()
    return {
      size: undefined,
      replayable: true,
      name: name.slice(name.lastIndexOf('/') + 1),
      open: () => this.storage.createReadStream(name),
    }
  }
}
