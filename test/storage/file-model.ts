import type { OpenMode } from '../../src/files/modes.ts'

/** What a file does in a mode, written down as simply as can be: all bytes in one buffer, one call after another. */
export class FileModel {
  bytes: Buffer
  /** Whether closing publishes the bytes. */
  isDirty: boolean
  position = 0
  readonly #mode: OpenMode

  constructor(mode: OpenMode, old: Buffer | undefined) {
    this.#mode = mode
    this.bytes = mode.startsWith('w') || old === undefined ? Buffer.alloc(0) : old
    this.isDirty = mode.startsWith('w') || old === undefined
    if (mode.startsWith('a')) this.position = this.bytes.length
  }

  read(n: number | undefined): string {
    if (!/[r+]/.test(this.#mode)) throw new Error('unsupported_mode')
    if (this.#isBinary) return this.#take(n === undefined ? this.#rest.length : n)
    let [end, text] = [this.position, '']
    for (let left = n ?? Number.POSITIVE_INFINITY; left > 0 && end < this.bytes.length; left--) {
      const [length, character] = this.#characterAt(end)
      end += length
      text += character
    }
    this.position = end
    return text
  }

  readLine(): string {
    if (!/[r+]/.test(this.#mode)) throw new Error('unsupported_mode')
    if (this.#isBinary) {
      const end = this.#rest.indexOf('\n')
      return this.#take(end === -1 ? this.#rest.length : end + 1)
    }
    let line = ''
    while (!line.endsWith('\n') && this.position < this.bytes.length) line += this.read(1)
    return line
  }

  seek(offset: number, whence: 0 | 1 | 2): number {
    const position = offset + (whence === 0 ? 0 : whence === 1 ? this.position : this.bytes.length)
    if (position < 0) throw new Error('invalid_argument')
    this.position = position
    return position
  }

  write(text: string): number {
    this.#mayWrite()
    const data = Buffer.from(text)
    const at = this.#mode.startsWith('a') ? this.bytes.length : this.position
    if (data.length > 0) {
      const before = Buffer.concat([this.bytes, Buffer.alloc(Math.max(0, at - this.bytes.length))]).subarray(0, at)
      this.bytes = Buffer.concat([before, data, this.bytes.subarray(at + data.length)])
      this.isDirty = true
    }
    this.position = at + data.length
    return data.length
  }

  truncate(size: number | undefined): number {
    this.#mayWrite()
    const length = size ?? this.position
    if (length !== this.bytes.length) this.isDirty = true
    const longer = Buffer.alloc(Math.max(0, length - this.bytes.length))
    this.bytes = Buffer.concat([this.bytes, longer]).subarray(0, length)
    return length
  }

  get #isBinary(): boolean {
    return this.#mode.includes('b')
  }

  get #rest(): Buffer {
    return this.bytes.subarray(this.position)
  }

  #take(length: number): string {
    const part = this.#rest.subarray(0, length)
    this.position += part.length
    return part.toString('hex')
  }

  #characterAt(at: number): [length: number, character: string] {
    const lead = this.bytes[at]!
    if (lead === 13) return [this.bytes[at + 1] === 10 ? 2 : 1, '\n']
    const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
    return [length, this.bytes.toString('utf8', at, at + length)]
  }

  #mayWrite(): void {
    if (!/[wax+]/.test(this.#mode)) throw new Error('unsupported_mode')
  }
}
