import { isStorageError } from '../core/errors.ts'
import type { AnyStorage } from '../storage/storage.ts'

/** Number of names that are looked up one by one, before a listing is made: a few files need none. */
const ASKED = 4
/** Maximum number of listed names in memory. For a larger folder, the other names are looked up one by one. */
const MAX_HELD = 200_000

/**
 * Determines which names of a folder are taken: the first few by a request each, the others by one listing of everything below the folder.
 */
export class TakenNames {
  readonly #storage: AnyStorage
  readonly #folder: string
  readonly #signal: AbortSignal
  #asked = 0
  #listing: Promise<{ readonly names: ReadonlySet<string>; readonly isWhole: boolean }> | undefined

  constructor(storage: AnyStorage, folder: string, signal: AbortSignal) {
    this.#storage = storage
    this.#folder = folder
    this.#signal = signal
  }

  /** Whether there is a file of this name. */
  async has(name: string): Promise<boolean> {
    if (this.#listing === undefined && this.#asked < ASKED) {
      this.#asked++
      return this.#ask(name)
    }
    this.#listing ??= this.#list()
    const { names, isWhole } = await this.#listing
    const spelled = this.#spelled(name)
    return names.has(spelled) || (!isWhole && (await this.#ask(name)))
  }

  /** Returns a name as a listing returns it. */
  #spelled(name: string): string {
    return this.#storage.nameOf(this.#storage.keyOf(name))
  }

  async #ask(name: string): Promise<boolean> {
    try {
      return !(await this.#storage.stat(this.#spelled(name), { signal: this.#signal })).isDirectory
    } catch (error) {
      if (isStorageError(error, 'not_found')) return false
      throw error
    }
  }

  async #list(): Promise<{ names: ReadonlySet<string>; isWhole: boolean }> {
    const names = new Set<string>()
    const listed = this.#storage.entries(this.#folder, { recursive: true, signal: this.#signal })
    for await (const { name } of listed) {
      if (names.size >= MAX_HELD) return { names, isWhole: false }
      names.add(name)
    }
    return { names, isWhole: true }
  }
}
