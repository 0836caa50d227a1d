/** Files, folders and links in memory. */
import { type Attributes, OPEN, STATUS, StatusError } from './protocol.ts'

export type Kind = 'file' | 'folder' | 'link' | 'pipe'

/** Type bits of `st_mode`. */
const TYPE_BITS: Readonly<Record<Kind, number>> = { file: 0o100000, folder: 0o040000, link: 0o120000, pipe: 0o010000 }
const LETTERS: Readonly<Record<Kind, string>> = { file: '-', folder: 'd', link: 'l', pipe: 'p' }

/** Bytes of a file, which grow as they are written. */
class GrowingBytes {
  #bytes = Buffer.alloc(0)
  size = 0

  read(offset: number, length: number): Buffer {
    return Buffer.from(this.#bytes.subarray(offset, Math.min(offset + length, this.size)))
  }

  /** A gap before `offset` is filled with zeros. */
  write(offset: number, data: Uint8Array): void {
    this.#grow(offset + data.length)
    this.#bytes.set(data, offset)
    this.size = Math.max(this.size, offset + data.length)
  }

  truncate(size: number): void {
    this.#grow(size)
    this.#bytes.fill(0, size)
    this.size = size
  }

  #grow(size: number): void {
    if (size <= this.#bytes.length) return
    const grown = Buffer.alloc(Math.max(size, this.#bytes.length * 2))
    this.#bytes.copy(grown)
    this.#bytes = grown
  }
}

let count = 0

/** Whatever a name in a folder stands for. */
export class Inode {
  readonly number: number = ++count
  readonly kind: Kind
  readonly bytes: GrowingBytes = new GrowingBytes()
  /** Of a folder, by names that are bytes, one character each. */
  readonly entries: Map<string, Inode> = new Map()
  /** Of a link. */
  readonly target: string
  /** Without the bits of the type. */
  mode: number
  uid = 1000
  gid = 1000
  /** Whole seconds, as all times of this protocol. */
  atime: number = nowSecs()
  mtime: number = nowSecs()
  /** How many names there are for it. */
  links = 0

  constructor(kind: Kind, mode: number, target = '') {
    this.kind = kind
    this.mode = mode
    this.target = target
  }

  get size(): number {
    return this.kind === 'link' ? this.target.length : this.kind === 'folder' ? 4096 : this.bytes.size
  }

  get attributes(): Required<Attributes> {
    const { size, uid, gid, atime, mtime } = this
    return { size, owner: { uid, gid }, permissions: TYPE_BITS[this.kind] | this.mode, times: { atime, mtime } }
  }

  /** As `ls -l` writes it. */
  longName(name: string): string {
    const bits = [...'rwxrwxrwx'].map((letter, at) => (this.mode & (0o400 >> at) ? letter : '-')).join('')
    const date = new Date(this.mtime * 1000).toUTCString().slice(5, 22)
    const columns = [String(this.links).padStart(4), this.uid, this.gid, String(this.size).padStart(8)]
    return `${LETTERS[this.kind]}${bits} ${columns.join(' ')} ${date} ${name}`
  }

  /** SETSTAT: what is given, in OpenSSH's order. */
  change({ size, owner, permissions, times }: Attributes): void {
    if (size !== undefined) this.truncate(size)
    if (permissions !== undefined) this.mode = permissions & 0o7777
    if (times !== undefined) Object.assign(this, times)
    if (owner !== undefined) Object.assign(this, owner)
  }

  truncate(size: number): void {
    if (this.kind !== 'file') throw new StatusError(STATUS.FAILURE)
    this.bytes.truncate(size)
    this.mtime = nowSecs()
  }
}

/** What a handle stands for. */
export interface OpenFile {
  readonly inode: Inode
  /** By which it was opened. */
  readonly path: string
  readonly flags: number
  /** Of a folder: what READDIR has still to give. */
  readonly pending?: string[]
}

/** Whether bytes may come in by this handle. */
export function isForWriting({ flags }: OpenFile): boolean {
  return (flags & (OPEN.WRITE | OPEN.APPEND)) !== 0
}

export function nowSecs(): number {
  return Math.floor(Date.now() / 1000)
}
