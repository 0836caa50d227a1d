import { onAbort } from '../../core/abort.ts'
import { StorageError } from '../../core/errors.ts'
import { type Link, lost } from '../../remote/ssh/link.ts'
import type { Done, SftpSession } from '../../remote/ssh/ssh2.ts'
import { SftpError } from './errors.ts'

/** Number of checks for unanswered requests during their timeout. */
const LOOKS = 8
/** Factor on the timeout of a request that is not answered while others are. */
const PATIENCE = 10
/** Milliseconds of silence after which a busy session is checked. */
const KEEP_ALIVE_MS = 15_000

/** A request that waits for its answer. */
interface Pending {
  readonly name: string
  readonly since: number
  fail(error: unknown): void
}

/**
 * The requests of one session and their answers. Each request ends: with its answer, when its signal fires, when the session ends, or when
 * the server is silent for too long. Late answers are also handled.
 */
export class Exchange {
  readonly #session: SftpSession
  readonly #link: Link
  readonly #timeoutMs: number | null
  readonly #pending = new Set<Pending>()
  #lastAnswer = performance.now()
  #watch: NodeJS.Timeout | undefined
  #isOver = false
  #resting = false
  #isProven = false
  #hasRested = false

  constructor(session: SftpSession, link: Link, timeoutMs: number | null) {
    this.#session = session
    this.#link = link
    this.#timeoutMs = timeoutMs
    link.keep(true)
    session.on('close', () => this.end())
    session.on('end', () => this.end())
  }

  get isOver(): boolean {
    return this.#isOver || !this.#link.isAlive
  }

  /** Whether the server has been silent although a request has been pending for long. */
  get isSilent(): boolean {
    return this.#silentMs() >= (this.#timeoutMs ?? Number.POSITIVE_INFINITY) / 2
  }

  /** Whether the session was idle, and the server has not answered since: the session may be dead. */
  get isUnproven(): boolean {
    return this.#hasRested && !this.#isProven
  }

  /** Reports that the session is idle for now. */
  rest(): void {
    if (this.#resting || this.#isOver) return
    this.#resting = true
    this.#isProven = false
    this.#hasRested = true
    this.#link.keep(false)
  }

  wake(): void {
    if (!this.#resting || this.#isOver) return
    this.#resting = false
    this.#link.keep(true)
  }

  /** Sends a request. A result that arrives after its signal has fired is passed to `late`. */
  ask<T>(
    name: string,
    send: (session: SftpSession, done: Done<T>) => void,
    signal?: AbortSignal,
    late?: (value: T) => void,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      if (this.isOver) return reject(lost())
      let isWaiting = true
      const over = (): void => {
        isWaiting = false
        off?.()
      }
      const request: Pending = {
        name,
        since: performance.now(),
        fail(error) {
          if (!isWaiting) return
          over()
          reject(error)
        },
      }
      // It still counts as unanswered, so that a hanging session is noticed.
      const off = signal === undefined ? undefined : onAbort(signal, () => request.fail(signal.reason))
      this.#pending.add(request)
      this.#watching()
      const done: Done<T> & { _wantEOFError?: boolean } = (error, value) => {
        this.#lastAnswer = performance.now()
        this.#pending.delete(request)
        this.#isProven ||= !error || isAnswer(error)
        if (!isWaiting) {
          if (!error && value !== undefined) late?.(value)
          return
        }
        if (error) return request.fail(refusal(name, error))
        over()
        resolve(value as T)
      }
      // Otherwise ssh2 treats the end of a file and an answer without bytes alike.
      done._wantEOFError = true
      try {
        send(this.#session, done)
      } catch (error) {
        this.#pending.delete(request)
        request.fail(error)
      }
    })
  }

  /** Checks requests without an answer, and the server if there are none. */
  #watching(): void {
    if (this.#watch !== undefined || this.#timeoutMs === null) return
    this.#lastAnswer = performance.now()
    this.#watch = setInterval(() => this.#look(this.#timeoutMs!), Math.min(KEEP_ALIVE_MS, this.#timeoutMs / LOOKS))
    this.#watch.unref()
  }

  #look(timeoutMs: number): void {
    const now = performance.now()
    const [oldest] = this.#pending
    if (oldest === undefined) {
      if (this.#resting) {
        clearInterval(this.#watch)
        this.#watch = undefined
      } else if (now - this.#lastAnswer >= KEEP_ALIVE_MS) this.#keepAlive()
      return
    }
    const age = now - oldest.since
    if (this.#silentMs() < timeoutMs && age < timeoutMs * PATIENCE) return
    const text = `The server did not answer ${oldest.name} in ${Math.round(age / 1000)} s.`
    this.#link.retire()
    this.end(new StorageError('timeout', text))
  }

  /** Timeout of a request while no answer arrives at all. */
  #silentMs(): number {
    const [oldest] = this.#pending
    return oldest === undefined ? 0 : performance.now() - Math.max(oldest.since, this.#lastAnswer)
  }

  #keepAlive(): void {
    this.ask('REALPATH', (session, done: Done<string>) => session.realpath('.', done)).catch(() => undefined)
  }

  /** Ends the session; pending requests fail. */
  end(error?: StorageError): void {
    if (this.#isOver) return
    this.rest()
    this.#isOver = true
    clearInterval(this.#watch)
    try {
      // ssh2 does not answer the end of a channel by itself, so the server would count the channel as open.
      this.#session.end()
    } catch {
      // The session is gone in either case.
    }
    for (const request of [...this.#pending]) request.fail(error ?? lost())
    this.#link.left()
  }
}

function refusal(name: string, error: Error): unknown {
  return isAnswer(error) ? new SftpError(name, error.code, error.message) : lost(error)
}

/** ssh2 errors have no code if there was no answer. */
function isAnswer(error: Error): error is Error & { readonly code: number } {
  return typeof (error as { readonly code?: unknown }).code === 'number'
}
