import { createHash } from 'node:crypto'

/** Bytes of a size that a mark, and no other one, makes. */
export function markedBytes(mark: string, size: number): Buffer {
  return Buffer.alloc(size, createHash('sha256').update(mark).digest())
}
