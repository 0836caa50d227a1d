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

/** An answer. Its body becomes a stream only when somebody asks for that. */
export class Answer implements HttpResponse, Body {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly resent: boolean
  #source: BodySource
  #early: Buffer[] = []
  #complete = false
  #error: Error | undefined
  #body: AnswerBody | undefined

  constructor(status: number, headers: IncomingHttpHeaders, resent: boolean, source: BodySource) {
    this.status = status
    this.headers = headers
    this.resent = resent
    this.#source = source
  }

  get body(): Body {
    return this
  }

  stream(): Readable {
    if (this.#body !== undefined) return this.#body
    const body = new AnswerBody(this.#source)
    this.#body = body
    for (const bytes of this.#early) body.receive(bytes)
    this.#early = []
    if (this.#error !== undefined) body.destroy(this.#error)
    else if (this.#complete) body.complete()
    return body
  }

  take(): Buffer | undefined {
    if (!this.#complete || this.#body !== undefined) return undefined
    const early = this.#early
    this.#early = []
    return early.length === 1 ? early[0]! : Buffer.concat(early)
  }

  /** Takes bytes of the body. */
  receive(bytes: Buffer): void {
    if (this.#body !== undefined) {
      this.#body.receive(bytes)
      return
    }
    this.#early.push(bytes)
    if (this.#early.length > 1) this.#source.pause()
  }

  /** There is no more to come. */
  end(): void {
    this.#complete = true
    this.#source = NOTHING
    this.#body?.complete()
  }

  /** The rest, if any, will never come. */
  fail(error: Error): void {
    if (this.#complete) return
    this.#error = error
    this.#body?.destroy(error)
  }
}

/** Bytes that are read ahead: to pause a connection for each of its pieces of 64 KiB costs more than they do. */
const HIGH_WATER_MARK = 256 * 1024

class AnswerBody extends Readable {
  readonly #source: BodySource
  /** The events of a body belong to its reader, not to the connection. */
  readonly #scope = new AsyncResource('holdall.AnswerBody')
  #idle: NodeJS.Timeout | undefined
  #complete = false

  constructor(source: BodySource) {
    super({ highWaterMark: HIGH_WATER_MARK })
    this.#source = source
  }

  receive(bytes: Buffer): void {
    if (this.destroyed) return
    if (this.#scope.runInAsyncScope(this.push, this, bytes)) this.#idle?.refresh()
    else {
      this.#stopClock()
      this.#source.pause()
    }
  }

  complete(): void {
    this.#complete = true
    this.#stopClock()
    this.#scope.runInAsyncScope(this.push, this, null)
  }

  override _read(): void {
    if (this.#complete) return
    const { idleMs } = this.#source
    // Only a reader who wants more makes the time count.
    if (idleMs > 0) this.#idle ??= setTimeout(() => this.#source.stalled(), idleMs)
    this.#source.resume()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#stopClock()
    if (!this.#complete) this.#source.cancel()
    if (error === null) done()
    // A reader that has just asked for the body may listen now. Where nobody reads it, its error must not end the process.
    else process.nextTick(() => done(this.listenerCount('error') > 0 ? error : null))
  }

  #stopClock(): void {
    clearTimeout(this.#idle)
    this.#idle = undefined
  }
}
