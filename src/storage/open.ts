import { ATTRIBUTE_OPTIONS, attributesOf, givenAttributes } from '../core/attributes.ts'
import type { CallContext, CallOptions, FileRef } from '../core/call.ts'
import type { Content } from '../core/content.ts'
import type { ByteRange, FileAttributes, RandomAccess, ReadStat } from '../core/driver.ts'
import { isStorageError, StorageError } from '../core/errors.ts'
import { checkKnownOptions, type KnownOptions } from '../core/known-options.ts'
import { type OpenMode, type ParsedMode, parseMode } from '../files/modes.ts'
import { RangeReader } from '../files/range-reader.ts'
import type { ResumedBody } from '../files/resume.ts'
import { SpoolAccess } from '../files/spool-access.ts'
import { StorageFile } from '../files/storage-file.ts'
import { UploadAccess } from '../files/upload-access.ts'
import type { AnyBase } from './base.ts'
import { readVersion, versionOf, withAttributes } from './bodies.ts'
import { type Decoder, limitedDecoder } from './compression.ts'
import { nameIn } from './entry-keys.ts'
import { Publication, type PublicationConditions } from './publication.ts'
import { newSpool } from './spooled.ts'
import type { NameOrEntry, OpenOptions } from './types.ts'
import { attributesOnly } from './write.ts'

const OPEN_OPTIONS: KnownOptions<OpenOptions> = {
  signal: true,
  versionId: true,
  ...ATTRIBUTE_OPTIONS,
  extra: true,
}

/** Opens a name of a storage in a mode; see `Storage#open`. */
export async function openFile<M extends OpenMode>(
  storage: AnyBase,
  file: NameOrEntry,
  mode: M,
  options: OpenOptions,
): Promise<StorageFile<M>> {
  const name = nameIn(file)
  let ref: FileRef | undefined
  const open = (wanted: OpenMode, given: OpenOptions): Promise<RandomAccess> =>
    storage.calls.operation('open', name, given, async () => {
      checkKnownOptions('open', given, OPEN_OPTIONS)
      const parsed = parseMode(wanted)
      // A file that is made or replaced gets a normal name; an existing file is opened by the name as passed.
      const isNew = typeof file === 'string' && (parsed.truncate || parsed.exclusive)
      ref ??= isNew ? storage.newRef(file) : storage.fileRef(file)
      const opening = new Opening(storage, ref, given, isNew ? storage.nameOf(ref.key) : file)
      storage.calls.begin('open', name, given, parsed.write)
      if (parsed.write && !parsed.truncate) await storage.discover({ signal: given.signal })
      return opening.access(parsed)
    })
  const access = await open(mode, options)
  return new StorageFile(storage.nameOf(ref!.key), mode, access, {
    ctx: given => storage.calls.context(either(options, given)),
    reopen: (again, given) => open(again, either(options, given)),
    wrap: (error, operation) => storage.calls.failure(error, operation, name),
  })
}

/** Returns the options of the file with its own signal and the signal of one call combined. */
function either(options: OpenOptions, { signal }: CallOptions): OpenOptions {
  if (signal === undefined) return options
  return { ...options, signal: options.signal === undefined ? signal : AbortSignal.any([options.signal, signal]) }
}

/** The result of opening a file: its attributes, and its bytes where they are already requested. */
interface Opened {
  readonly stat: ReadStat
  readonly body?: ResumedBody | undefined
}

class Opening {
  readonly #storage: AnyBase
  readonly #name: string
  readonly #ref: FileRef
  /** The file as the caller passed it. */
  readonly #file: NameOrEntry
  readonly #options: OpenOptions

  constructor(storage: AnyBase, ref: FileRef, options: OpenOptions, file: NameOrEntry) {
    this.#file = file
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
    // The digest of bytes that are written to a handle is unknown until all of them are written.
    const keeps = mode.write && this.#storage.options.keepSha256
    if (this.#storage.calls.driver.openHandle !== undefined && !keeps) return this.#handle(mode)
    if (!mode.write) return this.#reader()
    if (mode.truncate) return this.#fresh(mode)
    if (mode.exclusive) {
      if (await this.#storage.exists(this.#file, { signal: this.#options.signal })) {
        throw new StorageError('exists', `'${this.#name}' exists.`, { fileName: this.#name, operation: 'open' })
      }
      return this.#fresh(mode, { ifAbsent: true })
    }
    return this.#changed(mode)
  }

  async #handle(mode: ParsedMode): Promise<RandomAccess> {
    const { read, write, create, exclusive, truncate } = mode
    const flags = { read, write, create, exclusive, truncate }
    const { calls } = this.#storage
    // Opening for reading changes nothing.
    const call = { signal: this.#options.signal, repeat: !write }
    const operation = write ? 'openHandle' : 'read'
    return calls.run(operation, this.#ref, call, ctx => {
      const options = this.#storage.writeOptions(this.#ref, attributesOnly, this.#options)
      return calls.driver.openHandle!(this.#ref.key, flags, options, ctx)
    })
  }

  /** Requests the whole file. The answer contains its attributes, so that one request is enough for both. */
  async #requested(): Promise<Opened> {
    const storage = this.#storage
    const { versionId } = this.#options
    const { stat, body } = await readVersion(storage, this.#ref, undefined, { versionId }, this.#options)
    if (stat !== undefined) return { stat, body }
    // A driver whose answers contain no attributes needs a `stat`.
    body.release()
    const { signal } = this.#options
    const asked = await storage.stat(this.#file, { signal, versionId })
    if (!asked.isDirectory) return { stat: asked }
    throw new StorageError('is_directory', `'${this.#name}' is a directory.`, {
      fileName: this.#name,
      operation: 'open',
    })
  }

  async #reader(): Promise<RandomAccess> {
    const storage = this.#storage
    const opened = await this.#requested()
    const decode = this.#decoder(opened)
    const { size } = opened.stat
    if (decode === undefined && size !== undefined && storage.features.ranges) {
      const read = (range: ByteRange) => this.#read(opened, range)
      return new RangeReader({ size, first: opened.body, read })
    }
    return this.#loaded(opened, decode, async () => {})
  }

  /** Returns the bytes of a file that starts empty: streamed while they are written, or spooled if they are to be read back. */
  #fresh(mode: ParsedMode, conditions: PublicationConditions = {}): RandomAccess {
    if (mode.read) return this.#empty(conditions)
    const publication = this.#publication(this.#options, conditions)
    return new UploadAccess((content, ctx) => publication.send(content, ctx), {
      ctx: this.#storage.calls.context(this.#options),
      confirm: ctx => publication.confirm(ctx),
    })
  }

  /** Returns the bytes of a file that keeps its bytes and is sent again as a whole: modes r+ and a. */
  async #changed(mode: ParsedMode): Promise<RandomAccess> {
    let opened: Opened
    try {
      opened = await this.#requested()
    } catch (error) {
      if (!mode.create || !isStorageError(error, 'not_found')) throw error
      return this.#empty({ ifAbsent: true })
    }
    const decode = this.#decoder(opened)
    let publication: Publication | undefined
    return this.#loaded(opened, decode, async (content, ctx) => {
      publication ??= this.#publication(await this.#kept(opened, decode), { ifMatch: opened.stat.etag })
      return publication.publish(content, ctx)
    })
  }

  /** Returns the attributes of a file that is sent again. Decoded bytes are then encoded again. */
  async #kept({ stat }: Opened, decode: Decoder): Promise<FileAttributes> {
    const old = attributesOf(await withAttributes(this.#storage, this.#file, stat, this.#options))
    return { ...old, ...(decode !== undefined && { contentEncoding: undefined }), ...givenAttributes(this.#options) }
  }

  #empty(conditions: PublicationConditions): RandomAccess {
    const publication = this.#publication(this.#options, conditions)
    return new SpoolAccess({
      spool: newSpool(this.#storage.options),
      send: (content, ctx) => publication.publish(content, ctx),
      dirty: true,
    })
  }

  async #loaded(
    opened: Opened,
    decode: Decoder,
    send: (content: Content, ctx: CallContext) => Promise<void>,
  ): Promise<RandomAccess> {
    const storage = this.#storage
    const body = (opened.body ?? (await this.#read(opened, undefined))).stream()
    const bytes = decode === undefined ? body : decode(body)
    const ctx = storage.calls.context(this.#options)
    return SpoolAccess.load(bytes, { spool: newSpool(storage.options), send }, ctx)
  }

  /** Reads a range of the version that was opened. */
  async #read({ stat }: Opened, range: ByteRange | undefined): Promise<ResumedBody> {
    const { etag, size, modifiedAt } = stat
    const version = { etag, size, modifiedAt, versionId: this.#options.versionId }
    return (await readVersion(this.#storage, this.#ref, range, version, this.#options)).body
  }

  #decoder({ stat, body }: Opened): Decoder {
    try {
      return limitedDecoder(this.#storage, { ...stat, name: this.#name })
    } catch (error) {
      body?.release()
      throw error
    }
  }

  #publication(attributes: FileAttributes, conditions: PublicationConditions): Publication {
    const { extra } = this.#options
    return new Publication(this.#storage, this.#ref, this.#file, { ...attributes, extra }, conditions)
  }
}
