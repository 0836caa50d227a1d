import { crc32 } from 'node:zlib'
import type { StorageFile } from '../../src/files/storage-file.ts'

/** A member of an archive; `byteAt` gives its bytes, which need not lie anywhere. */
export interface Member {
  readonly name: string
  readonly size: number
  bytesAt(position: number, length: number): Buffer
}

/** A ZIP archive of stored members that is computed as it is read. (APPNOTE.TXT 4.3) */
export class ComputedZip {
  readonly size: number
  readonly #pieces: Array<{ start: number; size: number; bytesAt(position: number, length: number): Buffer }> = []

  constructor(members: readonly Member[]) {
    let end = 0
    const add = (size: number, bytesAt: (position: number, length: number) => Buffer): number => {
      this.#pieces.push({ start: end, size, bytesAt })
      end += size
      return end - size
    }
    const fixed = (bytes: Buffer) => add(bytes.length, (at, length) => bytes.subarray(at, at + length))
    const directory: Buffer[] = []
    for (const { name, size, bytesAt } of members) {
      const crc = size < 100_000 ? crc32(bytesAt(0, size)) : 0
      const offset = fixed(header(0x04034b50, name, size, crc))
      add(size, bytesAt)
      directory.push(header(0x02014b50, name, size, crc, offset))
    }
    const entries = Buffer.concat(directory)
    const start = fixed(entries)
    const tail = Buffer.alloc(22)
    tail.writeUInt32LE(0x06054b50, 0)
    tail.writeUInt16LE(members.length, 8)
    tail.writeUInt16LE(members.length, 10)
    tail.writeUInt32LE(entries.length, 12)
    tail.writeUInt32LE(start, 16)
    fixed(tail)
    this.size = end
  }

  bytesAt(position: number, length: number): Buffer {
    const parts: Buffer[] = []
    for (const { start, size, bytesAt } of this.#pieces) {
      const from = Math.max(0, position - start)
      const to = Math.min(size, position + length - start)
      if (from < to) parts.push(bytesAt(from, to - from))
    }
    return Buffer.concat(parts)
  }
}

function header(signature: number, name: string, size: number, crc: number, offset?: number): Buffer {
  const central = offset !== undefined
  const bytes = Buffer.alloc(central ? 46 : 30)
  const shift = central ? 2 : 0
  bytes.writeUInt32LE(signature, 0)
  bytes.writeUInt16LE(20, 4 + shift)
  bytes.writeUInt32LE(crc, 14 + shift)
  bytes.writeUInt32LE(size, 18 + shift)
  bytes.writeUInt32LE(size, 22 + shift)
  bytes.writeUInt16LE(Buffer.byteLength(name), 26 + shift)
  if (offset !== undefined) bytes.writeUInt32LE(offset, 42)
  return Buffer.concat([bytes, Buffer.from(name)])
}

/** What the directory of an archive says of a member. */
export interface ZipEntry {
  readonly name: string
  readonly size: number
  readonly crc: number
  readonly offset: number
}

/** Reads the directory as archivers do: the size, the record at the end, then the directory that it points to. */
export async function readDirectory(file: StorageFile<'rb'>): Promise<ZipEntry[]> {
  const end = await file.seek(0, 'end')
  await file.seek(end - 22)
  const record = await file.read(22)
  if (record.readUInt32LE(0) !== 0x06054b50) throw new Error('no end of a directory')
  await file.seek(record.readUInt32LE(16))
  const entries: ZipEntry[] = []
  for (let left = record.readUInt16LE(10); left > 0; left--) {
    const fixed = await file.read(46)
    if (fixed.readUInt32LE(0) !== 0x02014b50) throw new Error('no entry of a directory')
    const name = (await file.read(fixed.readUInt16LE(28))).toString()
    const [crc, size, offset] = [fixed.readUInt32LE(16), fixed.readUInt32LE(24), fixed.readUInt32LE(42)]
    entries.push({ name, size, crc, offset })
  }
  return entries
}

/** The bytes of a member. */
export async function readMember(file: StorageFile<'rb'>, entry: ZipEntry): Promise<Buffer> {
  await file.seek(entry.offset + 26)
  const lengths = await file.read(4)
  await file.seek(entry.offset + 30 + lengths.readUInt16LE(0) + lengths.readUInt16LE(2))
  return file.read(entry.size)
}
