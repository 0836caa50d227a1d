import { AsyncResource } from 'node:async_hooks'
import type { IncomingHttpHeaders } from 'node:http'
import { Readable } from 'node:stream'
import type { Body } from '../core/body.ts'
import type { HttpResponse } from './request.ts'

/** Where the bytes of a body come from. */
export interface BodySource {
  /** Milliseconds that the body may stand still while somebody wants more; 0 for no limit. */
  readonly idleMs: number
  /** Deliver no more. */
  pause(): void
  resume(): void
  /** Nobody wants the rest. */
  cancel(): void
  /** No byte came for `idleMs`. */
  stalled(): void
}

/** The source of a body that is there: the answer may be kept for long, and what was sent is not needed any more. */
const NOTHING: BodySource = { idleMs: 0, pause() {}, resume() {}, cancel() {}, stalled() {} }

/** Bytes that are read ahead: to pause a connection for each of its pieces of 64 KiB costs more than they do. */
const HIGH_WATER_MARK = 256 * 1024

/** An answer. Its body becomes a stream only when somebody asks for that. */
export class Answer implements HttpResponse, Body {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly resent: boolean
  #source: BodySource
  #early: Buffer[] = []
  #complete = false
  #error: Error | undefined
  #stream: Readable | undefined
  #push: ((bytes: Buffer | null) => boolean) | undefined
  #idle: NodeJS.Timeout | undefined

  constructor(status: number, headers: IncomingHttpHeaders, resent: boolean, source: BodySource) {
    this.status = status
    this.headers = headers
    this.resent = resent
    this.#source = source
  }

  get body(): Body {
    return this
  }

  take(): Buffer | undefined {
    if (!this.#complete || this.#stream !== undefined) return undefined
    const early = this.#early
    this.#early = []
    return early.length === 1 ? early[0]! : Buffer.concat(early)
  }

  stream(): Readable {
    if (this.#stream !== undefined) return this.#stream
    const read = (): void => this.#onRead()
    const destroy = (error: Error | null, done: (error: Error | null) => void): void => this.#onDestroy(error, done)
    const stream = new Readable({ highWaterMark: HIGH_WATER_MARK, read, destroy })
    this.#stream = stream
    // The events of a body belong to its reader, not to the connection.
    this.#push = AsyncResource.bind(stream.push, 'holdall.Answer', stream)
    for (const bytes of this.#early) this.receive(bytes)
    this.#early = []
    if (this.#error !== undefined) stream.destroy(this.#error)
    else if (this.#complete) this.#push(null)
    return stream
  }

  /** Takes bytes of the body. */
  receive(bytes: Buffer): void {
    if (this.#push === undefined) {
      this.#early.push(bytes)
      if (this.#early.length > 1) this.#source.pause()
    } else if (this.#stream!.destroyed) return
    else if (this.#push(bytes)) this.#idle?.refresh()
    else {
      this.#stopClock()
      this.#source.pause()
    }
  }

  /** There is no more to come. */
  end(): void {
    this.#complete = true
    this.#source = NOTHING
    this.#stopClock()
    this.#push?.(null)
  }

  /** The rest, if any, will never come. */
  fail(error: Error): void {
    if (this.#complete) return
    this.#error = error
    this.#stream?.destroy(error)
  }

  #onRead(): void {
    if (this.#complete) return
    const { idleMs } = this.#source
    // Only a reader who wants more makes the time count.
    if (idleMs > 0) this.#idle ??= setTimeout(() => this.#source.stalled(), idleMs)
    this.#source.resume()
  }

  #onDestroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#stopClock()
    this.#source.cancel()
    if (error === null) done(null)
    // A reader that has just asked for the body may listen now. Where nobody reads it, its error must not end the process.
    else process.nextTick(() => done(this.#stream!.listenerCount('error') > 0 ? error : null))
  }

  #stopClock(): void {
    clearTimeout(this.#idle)
    this.#idle = undefined
  }
}
