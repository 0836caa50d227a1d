/** Parts of a resumable upload of which only some bytes are stored, whatever then becomes of the answer. */

/** What is to happen to one part. */
export interface PartialWrite {
  readonly key?: string
  /** Bytes of this part that are stored: rounded down to 256 KiB as the service does. */
  readonly stored: number
  /** 503, a 308 that tells of the bytes that were stored, or a broken connection. */
  readonly answer: 503 | 308 | 'break'
  /** How many parts; default 1. */
  readonly times?: number
}

/** The partial writes to come; the first that fits is used. */
export class PartialWrites {
  readonly #list: { write: PartialWrite; left: number }[] = []

  /** Adds one. */
  add(write: PartialWrite): void {
    this.#list.push({ write, left: write.times ?? 1 })
  }

  /** How many are still to come. */
  get size(): number {
    return this.#list.reduce((sum, one) => sum + one.left, 0)
  }

  /** Takes the one for a part of this object, if any. */
  take(key: string): PartialWrite | undefined {
    const found = this.#list.find(({ write }) => (write.key ?? key) === key)
    if (found === undefined) return undefined
    found.left--
    if (found.left <= 0) this.#list.splice(this.#list.indexOf(found), 1)
    return found.write
  }
}
