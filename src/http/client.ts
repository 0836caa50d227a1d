import type { CallContext } from '../core/call.ts'
import { StorageError } from '../core/errors.ts'
import { checkRequest } from './checked-request.ts'
import type { Call, Exchange } from './exchange.ts'
import type { HttpClient, HttpRequest, HttpResponse } from './request.ts'
import { abortError, transportError } from './transport-error.ts'
import { discardBody } from './upload.ts'

/** Options of every client. */
export interface ClientOptions {
  /**
   * Maximum time in seconds without a byte of an answer's body while it is read; then it fails as `timeout`. 0 for no limit. Default: 0.
   */
  readonly idleTimeoutSecs?: number | undefined
}

/** The common part of all clients, however they send their requests. */
export abstract class BaseClient implements HttpClient {
  readonly #idleMs: number
  readonly #live: Exchange[] = []
  #closed = false

  constructor({ idleTimeoutSecs = 0 }: ClientOptions = {}) {
    this.#idleMs = idleTimeoutSecs * 1000
  }

  /**
   * Sends a request and returns the answer of any status. Codes: `unavailable`, `timeout`, `aborted`, `permission_denied`
   * (by a proxy), `invalid_argument`, `improperly_configured`, `closed`; the reason of `ctx.signal` if a `StorageError`.
   */
  request(request: HttpRequest, ctx: CallContext): Promise<HttpResponse> {
    return new Promise((resolve, reject) => {
      const { method, url } = request
      try {
        if (this.#closed) throw new StorageError('closed', 'The HTTP client was closed.')
        if (ctx.signal.aborted) throw abortError(ctx.signal, method, url)
        const checked = checkRequest(request)
        this.start({ request, checked, ctx, idleMs: this.#idleMs, live: this.#live, resolve, reject })
      } catch (error) {
        discardBody(request)
        reject(transportError(error, method, url))
      }
    })
  }

  /** Begins an exchange. */
  protected abstract start(call: Call): void

  /** Ends the requests in progress; later ones are `closed`. */
  async close(): Promise<void> {
    this.#closed = true
    for (const exchange of [...this.#live]) exchange.close()
  }
}
