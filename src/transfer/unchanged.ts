import { statSync } from 'node:fs'
import { statOf } from '../backends/local/stat.ts'
import type { ReadStat, Stat } from '../core/driver.ts'
import { isStorageError, StorageError } from '../core/errors.ts'
import { strongEtag } from '../core/etags.ts'
import type { Item } from './item.ts'
import { settledState } from './record.ts'
import type { Side } from './side.ts'

/** The file changed while it was read. */
export class Changed extends StorageError {
  constructor(name: string, cause?: unknown) {
    super('source_failed', `'${name}' changed while it was copied.`, { operation: 'copy', fileName: name, cause })
  }
}

/** Whether an error means that the source changed: detected here, by the storage that was read, or wrapped by the one that was written. */
export function isChange(error: unknown): boolean {
  if (error instanceof Changed || isStorageError(error, 'precondition_failed')) return true
  return error instanceof Error && error.cause !== undefined && isChange(error.cause)
}

/** Checks whether a file of the source is the same after reading as before: by size, time and etag. */
export class Unchanged {
  readonly #source: Side
  readonly #item: Item
  readonly #before: ReadStat
  readonly #signal: AbortSignal
  readonly #isNeeded: boolean
  /** The state of the bytes, as it will be listed; undefined if it may change without a trace. */
  state: string | undefined

  constructor(source: Side, item: Item, before: ReadStat, isVersioned: boolean, signal: AbortSignal) {
    this.#source = source
    this.#item = item
    this.#before = before
    this.#signal = signal
    this.#isNeeded = !isVersioned || strongEtag(before.etag) === undefined
  }

  async run(): Promise<void> {
    if (!this.#isNeeded) return this.#known()
    const { name } = this.#item
    const after = await this.#stat()
    if (!isSameState(this.#before, after)) throw new Changed(name)
    this.state = settledState(after, this.#source.storage.supports('path'))
  }

  /** One answer contained all bytes and the state. */
  #known(): void {
    const { size } = this.#before
    if (size !== undefined) this.state = settledState({ ...this.#before, size }, false)
  }

  /** The state of a local file is read from the system by its path, which takes a tenth of the time of a storage call. */
  async #stat(): Promise<Stat> {
    const { storage } = this.#source
    const { entry } = this.#item
    const path = storage.calls.driver.localPath?.(storage.fileRef(entry).key)
    try {
      if (path !== undefined) return statOf(statSync(path, { bigint: true }), {})
    } catch {
      // The storage reports the error.
    }
    return storage.stat(entry, { signal: this.#signal })
  }

  /**
   * Passes on the chunks of a body. The last one is held back until the file is known to be unchanged, so that no target accepts a mixture
   * as a complete file.
   */
  async *through(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let held: Buffer | undefined
    for await (const chunk of body) {
      if (held !== undefined) yield held
      held = chunk
    }
    await this.run()
    if (held !== undefined) yield held
  }
}

/** Whether two answers report the same state of a file, as far as both report it. */
function isSameState(before: ReadStat, after: Stat): boolean {
  if (before.size !== undefined && before.size !== after.size) return false
  if (before.etag !== undefined && after.etag !== undefined && before.etag !== after.etag) return false
  const [earlier, later] = [before.modifiedAt, after.modifiedAt]
  return earlier === undefined || later === undefined || +earlier === +later
}
