import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { StorageError } from '../core/errors.ts'
import type { HttpResponse } from './request.ts'
import { isReset } from './transport-error.ts'

/** An answer over the message of node:http, which is its own body. */
export class Answer implements HttpResponse {
  readonly status: number
  readonly body: IncomingMessage
  readonly resent: boolean

  constructor(body: IncomingMessage, resent: boolean) {
    this.resent = resent
    this.status = body.statusCode ?? 0
    this.body = body
  }

  get headers(): IncomingHttpHeaders {
    return this.body.headers
  }
}

/** What happens while a body is read. */
export interface BodyWatcher {
  /** Milliseconds that the body may stand still; 0 for no limit. */
  readonly idleMs: number
  /** Bytes came. */
  progress(): void
  /** The error of a connection that was cut. */
  broken(cause: unknown): StorageError
  /** No byte came for `idleMs` although the reader wants more. */
  stalled(): void
}

/** Watches a body by the methods where node:http is asked for bytes, delivers them and breaks; gives what ends the watch. */
export function watchBody(incoming: IncomingMessage, watcher: BodyWatcher): () => void {
  const { push, destroy, _read: read } = incoming
  const { idleMs } = watcher
  let idle: NodeJS.Timeout | undefined
  const stop = (): void => {
    clearTimeout(idle)
    idle = undefined
  }
  incoming.push = (chunk, encoding) => {
    watcher.progress()
    const more = push.call(incoming, chunk, encoding)
    if (!more) stop()
    else idle?.refresh()
    return more
  }
  incoming.destroy = error => destroy.call(incoming, isReset(error) ? watcher.broken(error) : error)
  if (idleMs > 0) {
    // Only a reader who wants more makes the time count.
    incoming._read = size => {
      if (!incoming.complete) idle ??= setTimeout(() => watcher.stalled(), idleMs)
      read.call(incoming, size)
    }
  }
  return stop
}
