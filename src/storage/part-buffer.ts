import type { UploadPartSizes } from '../core/direct-uploads.ts'

/** Bytes that wait until they fill a part. */
export class PartBuffer {
  #chunks: Uint8Array[] = []
  #size = 0

  /** Number of waiting bytes. */
  get size(): number {
    return this.#size
  }

  /** Takes bytes of a chunk up to a whole part; returns the rest. The bytes are copied, since the caller may reuse the memory. */
  take(chunk: Uint8Array, partSize: number): Uint8Array {
    const fitting = chunk.subarray(0, Math.max(0, partSize - this.#size))
    this.#chunks.push(Buffer.from(fitting))
    this.#size += fitting.byteLength
    return chunk.subarray(fitting.byteLength)
  }

  /** Returns the first bytes, which stay until `drop`: a part that could not be sent is sent again. */
  first(size: number): readonly Uint8Array[] {
    const found: Uint8Array[] = []
    let left = size
    for (const chunk of this.#chunks) {
      if (left <= 0) break
      found.push(chunk.subarray(0, left))
      left -= chunk.byteLength
    }
    return found
  }

  /** Discards the first bytes. */
  drop(size: number): void {
    let left = size
    while (left > 0) {
      const chunk = this.#chunks[0]!
      if (chunk.byteLength > left) this.#chunks[0] = chunk.subarray(left)
      else this.#chunks.shift()
      left -= Math.min(left, chunk.byteLength)
    }
    this.#size -= size
  }

  /** Returns how many of the waiting bytes may be sent as a part that is not the last one. */
  sendable({ partSize, minPart, align }: UploadPartSizes): number {
    const size = Math.floor(Math.min(this.#size, partSize) / align) * align
    return size >= minPart ? size : 0
  }
}
