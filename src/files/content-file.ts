import { INSPECT } from '../core/builtin.ts'
import { asContent, bytesContent, type Content, type ContentProvider } from '../core/content.ts'
import { StorageError } from '../core/errors.ts'
import { chunkSizeOf, countOf } from './counts.ts'
import type { Whence } from './file-bytes.ts'
import { methods } from './methods.ts'

/** The type that a `ContentFile` made of `D` returns. */
export type ContentData<D> = D extends string ? string : Buffer

// Merged, since a class cannot declare Holdall's symbol under `isolatedDeclarations`.
// biome-ignore lint/correctness/noUnusedVariables: both halves must have the same parameters
export interface ContentFile<D extends string | Uint8Array = string | Uint8Array> extends ContentProvider {
  /** Returns all bytes, a text as UTF-8, independent of the position. */
  [asContent](): Content
}

/** The bytes, or a text by its code points: the text itself where no code point takes two units, which is the cheapest. */
type Units = Buffer | string | readonly string[]

function unitsOf(text: string): string | readonly string[] {
  return /[\ud800-\udfff]/.test(text) ? Array.from<string>(text) : text
}

function textOf(units: string | readonly string[]): string {
  return typeof units === 'string' ? units : units.join('')
}

/** A file in memory made of a string or of bytes. Closing it does nothing: it can be read again at any time. */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: see above
export class ContentFile<D extends string | Uint8Array = string | Uint8Array> implements AsyncDisposable {
  static {
    methods(ContentFile.prototype, {
      [asContent](this: ContentFile) {
        return this.#content()
      },
      [INSPECT](this: ContentFile) {
        return `<ContentFile: ${this.toString()}>`
      },
    })
  }

  name: string | null
  #units: Units
  #position = 0

  constructor(content: D, name: string | null = null) {
    if (typeof content !== 'string' && !((content as unknown) instanceof Uint8Array)) {
      throw new StorageError('invalid_argument', `A ContentFile is made of a string or bytes, not ${typeof content}.`)
    }
    this.name = name
    this.#units = typeof content === 'string' ? unitsOf(content) : Buffer.from(content as Uint8Array)
  }

  /** Always false. */
  get closed(): boolean {
    return false
  }

  /** Returns the code points of a text, else the bytes. */
  async size(): Promise<number> {
    return this.#units.length
  }

  /** Reads `n` code points or bytes; without `n` all the rest. */
  async read(n?: number | null): Promise<ContentData<D>> {
    const count = countOf(n)
    const end = count === undefined ? this.#units.length : this.#position + count
    const data = this.#slice(this.#position, end)
    this.#position = Math.max(this.#position, Math.min(end, this.#units.length))
    return data
  }

  /** The next line with its end; lines end at `\n`. */
  async readLine(): Promise<ContentData<D>> {
    return this.#line(false)
  }

  /** All lines from the position on. */
  async readLines(): Promise<ContentData<D>[]> {
    const lines: ContentData<D>[] = []
    for (let line = this.#line(false); line.length > 0; line = this.#line(false)) lines.push(line)
    return lines
  }

  /** The whole content in pieces of `size` code points or bytes. */
  async *chunks(size?: number): AsyncGenerator<ContentData<D>, void, undefined> {
    const count = chunkSizeOf(size)
    await this.seek(0)
    for (let chunk = await this.read(count); chunk.length > 0; chunk = await this.read(count)) yield chunk
  }

  /** Whether `chunks(size)` would return more than one piece. */
  async multipleChunks(size?: number): Promise<boolean> {
    return this.#units.length > chunkSizeOf(size)
  }

  /** All lines from the beginning, split at `\n`, `\r\n` and a lone `\r`. */
  async *[Symbol.asyncIterator](): AsyncGenerator<ContentData<D>, void, undefined> {
    await this.seek(0)
    for (let line = this.#line(true); line.length > 0; line = this.#line(true)) yield line
  }

  /** Moves to a code point or byte. */
  async seek(offset: number, whence: Whence = 0): Promise<number> {
    const fromEnd = whence === 2 || whence === 'end'
    const base = fromEnd ? this.#units.length : whence === 1 || whence === 'current' ? this.#position : 0
    if (!Number.isSafeInteger(base + offset) || base + offset < 0) {
      throw new StorageError('invalid_argument', `Cannot seek to ${base + offset}.`)
    }
    this.#position = base + offset
    return this.#position
  }

  /** The position, in code points or bytes. */
  tell(): number {
    return this.#position
  }

  /** Overwrites the content from the position on; returns the number of code points or bytes written. */
  async write(data: D extends string ? string : Uint8Array): Promise<number> {
    const from = this.#position
    const units = this.#units
    if (!Buffer.isBuffer(units)) {
      if (typeof data !== 'string') throw new StorageError('invalid_argument', 'A text file takes strings only.')
      const added = unitsOf(data).length
      const gap = '\0'.repeat(Math.max(0, from - units.length))
      this.#units = unitsOf(`${this.#slice(0, from)}${gap}${data}${this.#slice(from + added, units.length)}`)
      this.#position = from + added
      return added
    }
    if (typeof data === 'string') throw new StorageError('invalid_argument', 'A file of bytes takes bytes only.')
    const gap = Buffer.alloc(Math.max(0, from - units.length))
    const bytes: Uint8Array = data
    const after = units.subarray(from + bytes.length)
    this.#units = Buffer.concat([units.subarray(0, from), gap, bytes, after])
    this.#position = from + bytes.length
    return bytes.length
  }

  /** Goes back to the beginning. */
  async open(): Promise<this> {
    this.#position = 0
    return this
  }

  /** Does nothing. */
  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}

  /** The name, or 'Raw content'. */
  toString(): string {
    return this.name || 'Raw content'
  }

  #content(): Content {
    const units = this.#units
    const bytes = Buffer.isBuffer(units) ? units : Buffer.from(textOf(units), 'utf8')
    return bytesContent(bytes, this.name === null ? {} : { name: this.name })
  }

  #slice(from: number, to: number): ContentData<D> {
    const units = this.#units
    const part = Buffer.isBuffer(units) ? Buffer.from(units.subarray(from, to)) : textOf(units.slice(from, to))
    return part as ContentData<D>
  }

  #line(universal: boolean): ContentData<D> {
    const units = this.#units
    const [lf, cr] = Buffer.isBuffer(units) ? [10, 13] : ['\n', '\r']
    let end = this.#position
    while (end < units.length) {
      const unit = units[end]
      end += 1
      if (unit === lf) break
      if (universal && unit === cr) {
        if (units[end] === lf) end += 1
        break
      }
    }
    const line = this.#slice(this.#position, end)
    this.#position = Math.max(this.#position, end)
    return line
  }
}
