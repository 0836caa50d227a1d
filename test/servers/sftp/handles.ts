/** The files and folders that one session has open. */
import type { OpenFile } from './inode.ts'
import { STATUS, StatusError } from './protocol.ts'

export class Handles {
  readonly #open = new Map<string, OpenFile>()
  readonly #most: () => number
  #count = 0

  /** Opening more than `most` at once is refused. */
  constructor(most: () => number) {
    this.#most = most
  }

  get size(): number {
    return this.#open.size
  }

  /** The paths by which they were opened. */
  get paths(): string[] {
    return [...this.#open.values()].map(({ path }) => path)
  }

  checkRoom(): void {
    if (this.#open.size >= this.#most()) throw new StatusError(STATUS.FAILURE, 'Too many open files')
  }

  add(file: OpenFile): string {
    const handle = `handle ${++this.#count}`
    this.#open.set(handle, file)
    return handle
  }

  has(handle: string): boolean {
    return this.#open.has(handle)
  }

  get(handle: string): OpenFile {
    const file = this.#open.get(handle)
    if (file === undefined) throw new StatusError(STATUS.FAILURE, 'Invalid handle')
    return file
  }

  close(handle: string): OpenFile {
    const file = this.get(handle)
    this.#open.delete(handle)
    return file
  }

  clear(): void {
    this.#open.clear()
  }
}
