import type { CallContext } from '../core/call.ts'
import type { RandomAccess } from '../core/driver.ts'
import { StorageError } from '../core/errors.ts'
import { ByteReader, decode } from './byte-reader.ts'
import { type Data, notReadable, notWritable, type OpenMode, type ParsedMode, parseMode } from './modes.ts'

/** The origin of `seek`: 0 or 'start', 1 or 'current', 2 or 'end'. */
export type Whence = 0 | 1 | 2 | 'start' | 'current' | 'end'

/** One opening of a file: its bytes, the position in them, and the operations that the mode allows. One call at a time. */
export class FileBytes<M extends OpenMode> {
  readonly mode: M
  readonly access: RandomAccess
  readonly #parsed: ParsedMode
  readonly #reader: ByteReader
  /** Whether the position must still be moved to the end, in a mode that appends. */
  #atEnd: boolean
  #failed: { error: unknown } | undefined

  constructor(mode: M, access: RandomAccess) {
    this.mode = mode
    this.access = access
    this.#parsed = parseMode(mode)
    this.#reader = new ByteReader(access)
    this.#atEnd = this.#parsed.append
  }

  /** Whether the mode returns bytes, not text. */
  get binary(): boolean {
    return this.#parsed.binary
  }

  /** Whether the mode can write. */
  get writable(): boolean {
    return this.#parsed.write
  }

  /** In bytes. */
  get position(): number {
    return this.#reader.position
  }

  /** The error of the first write that failed; nothing can be published after it. */
  get failed(): { readonly error: unknown } | undefined {
    return this.#failed
  }

  /** Goes to the end before the first call of a mode that appends. */
  async begin(ctx: CallContext): Promise<void> {
    if (!this.#atEnd) return
    this.#reader.position = await this.access.size(ctx)
    this.#atEnd = false
  }

  /** Throws `unsupported_mode` unless the mode can read. */
  mayRead(): void {
    if (!this.#parsed.read) throw notReadable()
  }

  async read(count: number | undefined, ctx: CallContext): Promise<Data<M>> {
    this.mayRead()
    return (await (this.binary ? this.#reader.bytes(count, ctx) : this.#reader.text(count, ctx))) as Data<M>
  }

  async line(universal: boolean, ctx: CallContext): Promise<Data<M>> {
    this.mayRead()
    const line = await this.#reader.line(universal, ctx)
    return (this.binary ? line : decode(line)) as Data<M>
  }

  async seek(offset: number, whence: Whence, ctx: CallContext): Promise<number> {
    let base = 0
    if (whence === 1 || whence === 'current') base = this.position
    else if (whence === 2 || whence === 'end') base = await this.access.size(ctx)
    else if (whence !== 0 && whence !== 'start') throw new StorageError('invalid_argument', `Invalid whence ${whence}.`)
    const position = base + offset
    if (!Number.isSafeInteger(position) || position < 0) {
      throw new StorageError('invalid_argument', `Cannot seek to byte ${position}.`)
    }
    this.#reader.position = position
    return position
  }

  async write(data: string | Uint8Array, ctx: CallContext): Promise<number> {
    this.#mayWrite()
    const bytes = typeof data === 'string' ? Buffer.from(data, 'utf8') : data
    if (!(bytes instanceof Uint8Array)) {
      throw new StorageError('invalid_argument', `write takes a string or bytes, not ${typeof data}.`)
    }
    await this.#change(async () => {
      const position = this.#parsed.append ? await this.access.size(ctx) : this.position
      await this.access.write(position, bytes, ctx)
      this.#reader.position = position + bytes.byteLength
    })
    return bytes.byteLength
  }

  async truncate(size: number | undefined, ctx: CallContext): Promise<number> {
    this.#mayWrite()
    const length = size ?? this.position
    if (!Number.isSafeInteger(length) || length < 0) {
      throw new StorageError('invalid_argument', `Cannot truncate to ${length} bytes.`)
    }
    await this.#change(() => this.access.truncate(length, ctx))
    return length
  }

  #mayWrite(): void {
    if (!this.#parsed.write) throw notWritable()
  }

  async #change(work: () => Promise<void>): Promise<void> {
    this.#reader.invalidate()
    try {
      await work()
    } catch (error) {
      this.#failed ??= { error }
      throw error
    }
  }
}
