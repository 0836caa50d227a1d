import { Readable } from 'node:stream'
import { isStorageError } from '../../core/errors.ts'
import type { Lease } from '../../remote/pool.ts'
import type { Channel } from './channel.ts'
import type { PieceReader } from './reader.ts'
import type { Sessions } from './sessions.ts'

/** Sessions in a row that may be lost without a byte between. */
const MAX_LOST = 3

/** An open file that is being read. */
export interface Source {
  readonly lease: Lease<Channel>
  readonly handle: Buffer
  readonly reader: PieceReader
}

/** Opens the same version of a file again, to be read from a position. */
export type Again = (position: number, signal: AbortSignal) => Promise<Source>

/**
 * A stream of an open file, which closes it at its end. `again` opens the same version of the file on another session, where bytes of two
 * sessions are known to belong together.
 */
export class FileStream extends Readable {
  readonly #sessions: Sessions
  readonly #again: Again | undefined
  readonly #stop = new AbortController()
  #source: Source | undefined
  #position: number
  #lost = 0

  constructor(sessions: Sessions, source: Source, position: number, again: Again | undefined) {
    super({ highWaterMark: source.lease.connection.piece })
    this.#sessions = sessions
    this.#source = source
    this.#position = position
    this.#again = again
  }

  override _read(): void {
    this.#next().then(
      bytes => this.push(bytes ?? null),
      error => this.destroy(error),
    )
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#stop.abort()
    this.#close()
    done(error)
  }

  async #next(): Promise<Buffer | undefined> {
    for (;;) {
      try {
        const source = (this.#source ??= await this.#again!(this.#position, this.#stop.signal))
        if (this.destroyed) return this.#close()
        const bytes = await source.reader.next()
        if (bytes === undefined) return this.#close()
        source.lease.touch()
        this.#position += bytes.byteLength
        this.#lost = 0
        return bytes
      } catch (error) {
        this.#close()
        const mayGoOn = this.#again !== undefined && isStorageError(error, 'unavailable', 'timeout')
        if (this.destroyed || !mayGoOn || ++this.#lost > MAX_LOST) throw error
      }
    }
  }

  #close(): undefined {
    const source = this.#source
    this.#source = undefined
    source?.reader.stop()
    if (source !== undefined) void this.#sessions.closeRead(source.lease, source.handle)
  }
}
