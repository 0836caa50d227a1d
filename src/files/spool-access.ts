import type { Readable } from 'node:stream'
import type { CallContext } from '../core/call.ts'
import type { Content } from '../core/content.ts'
import type { RandomAccess } from '../core/driver.ts'
import type { Spool } from './spool.ts'

/** How a spooled file is published. */
export interface SpoolAccessOptions {
  readonly spool: Spool
  /** Publishes the whole content or nothing. */
  readonly send: (content: Content, ctx: CallContext) => Promise<void>
  /** Whether to publish even if nothing was written: a new or emptied file. */
  readonly dirty?: boolean | undefined
}

/** A file that is changed in a spool. `commit` sends it as a whole if it was changed: modes r+, a and w+ of object stores. */
export class SpoolAccess implements RandomAccess {
  readonly #spool: Spool
  readonly #send: SpoolAccessOptions['send']
  #dirty: boolean

  constructor(options: SpoolAccessOptions) {
    this.#spool = options.spool
    this.#send = options.send
    this.#dirty = options.dirty ?? false
  }

  /** Makes one with the old bytes loaded from `body`; a failure releases the spool. */
  static async load(body: Readable, options: SpoolAccessOptions, ctx: CallContext): Promise<SpoolAccess> {
    try {
      await options.spool.fill(body, ctx)
    } catch (error) {
      await options.spool.dispose()
      throw error
    }
    return new SpoolAccess(options)
  }

  get knownSize(): number {
    return this.#spool.knownSize
  }

  size(): Promise<number> {
    return this.#spool.size()
  }

  read(position: number, length: number): Promise<Buffer> {
    return this.#spool.read(position, length)
  }

  async write(position: number, data: Uint8Array): Promise<void> {
    if (data.byteLength === 0) return
    this.#dirty = true
    await this.#spool.write(position, data)
  }

  async truncate(size: number): Promise<void> {
    if (size === this.#spool.knownSize) return
    this.#dirty = true
    await this.#spool.truncate(size)
  }

  async commit(ctx: CallContext): Promise<void> {
    try {
      if (this.#dirty) await this.#send(this.#spool.asContent(), ctx)
    } finally {
      await this.#spool.dispose()
    }
  }

  discard(): Promise<void> {
    return this.#spool.dispose()
  }
}
