import { nodeCrypto } from '../../core/builtin.ts'
import type { Entry } from '../../storage/types.ts'
import { isReset } from './listing.ts'

/**
 * The entries of a listing without duplicates: Dropbox lists a file again that changes meanwhile. If Dropbox resets a listing, it is
 * restarted, and entries that were already returned are left out. If it is reset again before a new entry, it ends with that error.
 */
export async function* distinctEntries(list: () => AsyncGenerator<Entry>): AsyncGenerator<Entry, void, undefined> {
  const seen = new SeenNames()
  for (;;) {
    let isFurther = false
    try {
      for await (const entry of list()) {
        if (!seen.add(entry.name.toLowerCase())) continue
        isFurther = true
        yield entry
      }
      return
    } catch (error) {
      if (!isFurther || !isReset(error)) throw error
    }
  }
}

/** Names that were seen, as 64 bits of their hashes: a million takes 16 to 32 MiB. */
class SeenNames {
  #slots: Uint32Array = new Uint32Array(2048)
  #count = 0

  /** Adds a name. Returns whether it is new. */
  add(name: string): boolean {
    const hash = nodeCrypto().hash('sha256', name, 'buffer')
    // A slot of zeros is free.
    if (!this.#put(hash.readUInt32LE(0) || 1, hash.readUInt32LE(4))) return false
    if (++this.#count * 4 > this.#slots.length) this.#grow()
    return true
  }

  #put(low: number, high: number): boolean {
    const slots = this.#slots
    const mask = slots.length - 2
    let at = (low * 2) & mask
    for (; slots[at] !== 0; at = (at + 2) & mask) if (slots[at] === low && slots[at + 1] === high) return false
    slots[at] = low
    slots[at + 1] = high
    return true
  }

  #grow(): void {
    const old = this.#slots
    this.#slots = new Uint32Array(old.length * 2)
    for (let at = 0; at < old.length; at += 2) if (old[at] !== 0) this.#put(old[at]!, old[at + 1]!)
  }
}
