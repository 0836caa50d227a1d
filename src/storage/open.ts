import { attributesOf, givenAttributes } from '../core/attributes.ts'
import type { CallContext, CallOptions, FileRef } from '../core/call.ts'
import type { Content } from '../core/content.ts'
import type { FileAttributes, RandomAccess, WriteOptions } from '../core/driver.ts'
import { isStorageError, StorageError } from '../core/errors.ts'
import { checkKnownOptions, type KnownOptions } from '../core/known-options.ts'
import { type OpenMode, type ParsedMode, parseMode } from '../files/modes.ts'
import { RangeReader } from '../files/range-reader.ts'
import { SpoolAccess } from '../files/spool-access.ts'
import { StorageFile } from '../files/storage-file.ts'
import { UploadAccess } from '../files/upload-access.ts'
import type { AnyBase } from './base.ts'
import { pinnedBody, resumableBody, type Version, versionOf } from './bodies.ts'
import { newSpool } from './spooled.ts'
import type { Entry, OpenOptions } from './types.ts'
import { type Decoder, limitedDecoder } from './unpacked.ts'
import { attributesOnly, writeContent } from './write.ts'

const OPEN_OPTIONS: KnownOptions<OpenOptions> = {
  signal: true,
  versionId: true,
  contentType: true,
  contentEncoding: true,
  contentDisposition: true,
  contentLanguage: true,
  cacheControl: true,
  metadata: true,
  extra: true,
}

/** Opens a name of a storage in a mode; see `Storage#open`. */
export async function openFile<M extends OpenMode>(
  storage: AnyBase,
  name: string,
  mode: M,
  options: OpenOptions,
): Promise<StorageFile<M>> {
  let ref: FileRef | undefined
  const open = (wanted: OpenMode, given: OpenOptions): Promise<RandomAccess> =>
    storage.calls.guard('open', name, given, async () => {
      checkKnownOptions('open', given, OPEN_OPTIONS)
      const parsed = parseMode(wanted)
      ref ??= storage.fileRef(name)
      const opening = new Opening(storage, ref, given)
      storage.calls.begin('open', name, given, parsed.write)
      if (parsed.write && !parsed.truncate) await storage.discover(given)
      return opening.access(parsed)
    })
  const access = await open(mode, options)
  return new StorageFile(storage.nameOf(ref!.key), mode, access, {
    ctx: given => storage.calls.context(either(options, given)),
    reopen: (again, given) => open(again, either(options, given)),
    wrap: (error, operation) => storage.calls.failure(error, operation, name),
  })
}

/** The options of the file with the signal of one call beside their own. */
function either(options: OpenOptions, { signal }: CallOptions): OpenOptions {
  if (signal === undefined) return options
  return { ...options, signal: options.signal === undefined ? signal : AbortSignal.any([options.signal, signal]) }
}

class Opening {
  readonly #storage: AnyBase
  readonly #name: string
  readonly #ref: FileRef
  readonly #options: OpenOptions

  constructor(storage: AnyBase, ref: FileRef, options: OpenOptions) {
    this.#storage = storage
    this.#name = ref.name
    this.#ref = ref
    this.#options = options
  }

  async access(mode: ParsedMode): Promise<RandomAccess> {
    const { versionId } = versionOf(this.#storage, this.#name, this.#options)
    if (versionId !== undefined && mode.write) {
      const details = { fileName: this.#name, operation: 'open' }
      throw new StorageError('unsupported_mode', `A version of '${this.#name}' can only be read.`, details)
    }
    if (this.#storage.driver.openHandle !== undefined) return this.#handle(mode)
    if (!mode.write) return this.#reader()
    if (mode.truncate) return this.#fresh(mode, {})
    if (mode.exclusive) {
      if (await this.#storage.exists(this.#name, this.#options)) {
        throw new StorageError('exists', `'${this.#name}' exists.`, { fileName: this.#name, operation: 'open' })
      }
      return this.#fresh(mode, this.#onlyNew)
    }
    return this.#changed(mode)
  }

  async #handle(mode: ParsedMode): Promise<RandomAccess> {
    const { read, write, create, exclusive, truncate } = mode
    const flags = { read, write, create, exclusive, truncate }
    const { driver, calls } = this.#storage
    const call = { signal: this.#options.signal, repeat: false } as const
    const operation = write ? 'openHandle' : 'read'
    return calls.run(operation, this.#ref, call, ctx => {
      const options = this.#storage.writeOptions(this.#ref, attributesOnly, this.#options)
      return driver.openHandle!(this.#ref.key, flags, options, ctx)
    })
  }

  async #stat(): Promise<Entry> {
    const stat = await this.#storage.stat(this.#name, this.#options)
    if (stat.isDirectory) {
      throw new StorageError('is_directory', `'${this.#name}' is a directory.`, {
        fileName: this.#name,
        operation: 'open',
      })
    }
    return stat
  }

  async #reader(): Promise<RandomAccess> {
    const storage = this.#storage
    const stat = await this.#stat()
    const decode = limitedDecoder(storage, stat)
    const version = { etag: stat.etag, versionId: this.#options.versionId }
    if (decode === undefined && storage.features.ranges) {
      return new RangeReader({
        stat,
        read: async range => (await pinnedBody(storage, this.#ref, range, version, this.#options)).body.stream(),
        classify: error => storage.driver.classify(error),
      })
    }
    return this.#loaded(version, async () => {}, decode)
  }

  /** The condition of a new file, where the backend has it. */
  get #onlyNew(): Pick<WriteOptions, 'ifAbsent'> {
    return this.#storage.features.exclusiveCreate ? { ifAbsent: true } : {}
  }

  /** A file that starts empty: streamed away while it is written, or spooled when it is to be read back. */
  #fresh(mode: ParsedMode, conditions: Pick<WriteOptions, 'ifAbsent'>): RandomAccess {
    if (mode.read) return this.#empty(conditions)
    return new UploadAccess(this.#sender(this.#options, conditions), {
      ctx: this.#storage.calls.context(this.#options),
    })
  }

  /** A file that keeps its bytes and is sent again as a whole: r+ and a. */
  async #changed(mode: ParsedMode): Promise<RandomAccess> {
    const { features } = this.#storage
    let stat: Entry
    try {
      stat = await this.#stat()
    } catch (error) {
      if (!mode.create || !isStorageError(error, 'not_found')) throw error
      return this.#empty(this.#onlyNew)
    }
    const ifMatch = features.ifMatch ? stat.etag : undefined
    const decode = limitedDecoder(this.#storage, stat)
    // What was decoded is encoded again when it is sent.
    const old = decode === undefined ? attributesOf(stat) : { ...attributesOf(stat), contentEncoding: undefined }
    const attributes = { ...old, ...givenAttributes(this.#options) }
    return this.#loaded({ etag: stat.etag }, this.#sender(attributes, { ifMatch }), decode)
  }

  #empty(conditions: Pick<WriteOptions, 'ifAbsent'>): RandomAccess {
    const send = this.#sender(this.#options, conditions)
    return new SpoolAccess({ spool: newSpool(this.#storage.options), send, dirty: true })
  }

  async #loaded(
    version: Version,
    send: (content: Content, ctx: CallContext) => Promise<void>,
    decode: Decoder,
  ): Promise<RandomAccess> {
    const storage = this.#storage
    const body = (await resumableBody(storage, this.#ref, undefined, version, this.#options)).stream()
    const bytes = decode === undefined ? body : decode(body)
    const ctx = storage.calls.context(this.#options)
    return SpoolAccess.load(bytes, { spool: newSpool(storage.options), send }, ctx)
  }

  #sender(attributes: FileAttributes, conditions: Pick<WriteOptions, 'ifAbsent' | 'ifMatch'>) {
    return async (content: Content, ctx: CallContext): Promise<void> => {
      const write = { ...this.#storage.writeOptions(this.#ref, content, attributes), ...conditions }
      const call = { signal: ctx.signal, paced: content.size === undefined }
      await writeContent(this.#storage, this.#ref, content, { ...write, extra: this.#options.extra }, call)
    }
  }
}
