import { Readable } from 'node:stream'
import { abortable } from '../core/abort.ts'
import type { CallContext } from '../core/call.ts'
import { bytesContent, type Content } from '../core/content.ts'
import type { RandomAccess } from '../core/driver.ts'
import { StorageError } from '../core/errors.ts'
import { notReadable } from './modes.ts'

const DEFAULT_BUFFER_SIZE = 256 * 1024

/** Limits and hooks of an upload that is sent while it is written. */
export interface UploadAccessOptions {
  /** Maximum number of bytes that wait for the consumer (default: 256 KiB); a smaller file is sent as one content of known size. */
  readonly bufferSize?: number | undefined
  /** The context of the whole upload, which outlives the write that began it; default: the context of that write. */
  readonly ctx?: CallContext | undefined
  /** Called before the last byte is sent; an error prevents publication. For conditions that the backend cannot check itself. */
  readonly confirm?: ((ctx: CallContext) => Promise<void>) | undefined
}

/**
 * A file that is written from its beginning to its end: it is sent while it is written and appears at `commit`. Any other position is
 * `unsupported`.
 */
export class UploadAccess implements RandomAccess {
  readonly #send: (content: Content, ctx: CallContext) => Promise<void>
  readonly #bufferSize: number
  readonly #ctx: CallContext | undefined
  readonly #confirm: UploadAccessOptions['confirm']
  #written = 0
  #pending: Buffer[] = []
  #pendingSize = 0
  #stream: Readable | undefined
  #sent: Promise<void> | undefined
  #outcome: { error?: unknown } | undefined
  #ended = false
  #wake: (() => void) | undefined

  /** `send` publishes the whole content or nothing; it must fail when the content's stream fails. */
  constructor(send: (content: Content, ctx: CallContext) => Promise<void>, options: UploadAccessOptions = {}) {
    this.#send = send
    this.#bufferSize = options.bufferSize ?? DEFAULT_BUFFER_SIZE
    this.#ctx = options.ctx
    this.#confirm = options.confirm
  }

  get knownSize(): number {
    return this.#written
  }

  async size(): Promise<number> {
    return this.#written
  }

  read(): Promise<Buffer> {
    return Promise.reject(notReadable())
  }

  async write(position: number, data: Uint8Array, ctx: CallContext): Promise<void> {
    if (position !== this.#written) throw notSequential()
    if (this.#ended) throw ended()
    for (let start = 0; start < data.byteLength; start += this.#bufferSize) {
      // Copied: the caller may reuse its buffer as soon as the write has settled.
      await this.#add(Buffer.from(data.subarray(start, start + this.#bufferSize)), ctx)
    }
  }

  async truncate(size: number): Promise<void> {
    if (size !== this.#written) throw notSequential()
  }

  async commit(ctx: CallContext): Promise<void> {
    this.#ended = true
    try {
      await this.#confirm?.(ctx)
    } catch (error) {
      await this.discard()
      throw error
    }
    if (this.#stream === undefined) {
      const bytes = Buffer.concat(this.#pending, this.#pendingSize)
      this.#pending = []
      await this.#send(bytesContent(bytes), ctx)
      return
    }
    this.#flush()
    this.#stream.push(null)
    try {
      await abortable(this.#sent!, ctx.signal)
    } catch (error) {
      await this.discard()
      throw error
    }
    this.#throwIfOver()
    if (!this.#stream.readableEnded) {
      throw new StorageError('unknown', 'The upload was answered before all of it was read.')
    }
  }

  async discard(): Promise<void> {
    this.#ended = true
    this.#pending = []
    this.#stream?.destroy(new StorageError('aborted', 'The upload was discarded.', { outcome: 'not_applied' }))
    this.#wakeUp()
    await this.#sent
  }

  /** Adds one piece; waits while more than the buffer's size is ahead of the consumer. */
  async #add(piece: Buffer, ctx: CallContext): Promise<void> {
    this.#throwIfOver()
    this.#pending.push(piece)
    this.#pendingSize += piece.length
    this.#written += piece.length
    if (this.#pendingSize < this.#bufferSize) return
    this.#stream ??= this.#start(this.#ctx ?? ctx)
    if (this.#flush()) return
    const taken = new Promise<void>(resolve => {
      this.#wake = resolve
      if (this.#outcome !== undefined || this.#ended) resolve()
    })
    await abortable(taken, ctx.signal)
    this.#throwIfOver()
    if (this.#ended) throw ended()
  }

  #start(ctx: CallContext): Readable {
    const stream = new Readable({ highWaterMark: this.#bufferSize, read: () => this.#wakeUp() })
    // The consumer receives the error from the stream; without a consumer it does not matter.
    stream.on('error', () => undefined)
    let opened = false
    const content: Content = {
      size: undefined,
      replayable: false,
      open() {
        if (opened) throw new StorageError('invalid_argument', 'An upload can be read only once.')
        opened = true
        return stream
      },
    }
    this.#sent = this.#send(content, ctx).then(
      () => this.#settle({}),
      error => this.#settle({ error }),
    )
    return stream
  }

  #settle(outcome: { error?: unknown }): void {
    this.#outcome = outcome
    if ('error' in outcome) this.#stream?.destroy()
    this.#wakeUp()
  }

  /** Passes the pending bytes to the consumer; returns whether it accepts more at once. */
  #flush(): boolean {
    if (this.#pendingSize === 0) return true
    const piece = this.#pending.length === 1 ? (this.#pending[0] as Buffer) : Buffer.concat(this.#pending)
    this.#pending = []
    this.#pendingSize = 0
    return this.#stream?.push(piece) ?? false
  }

  #wakeUp(): void {
    this.#wake?.()
    this.#wake = undefined
  }

  #throwIfOver(): void {
    if (this.#outcome !== undefined && 'error' in this.#outcome) throw this.#outcome.error
    if (this.#outcome !== undefined && !this.#ended) {
      throw new StorageError('unknown', 'The upload was answered before all of it was read.')
    }
  }
}

function ended(): StorageError {
  return new StorageError('closed', 'The upload has ended.')
}

function notSequential(): StorageError {
  return new StorageError('unsupported', 'This file can only be written from its beginning to its end; use mode w+.')
}
