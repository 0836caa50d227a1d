import { type Body, discardStream } from './body.ts'

/** In a Cloudflare Worker a signal belongs to the request in which it was made, and none can be made at import. */
const IS_WORKER = 'WebSocketPair' in globalThis

let idle: AbortSignal | undefined

/** A signal that never fires, for calls that nobody can end: one for all of them, and in Workers one for each. */
export function never(): AbortSignal {
  if (IS_WORKER) return new AbortController().signal
  idle ??= new AbortController().signal
  return idle
}

interface Watch {
  readonly listeners: Set<() => void>
  fire(): void
}

const watches = new WeakMap<AbortSignal, Watch>()
/** Where a signal of our own has its watch: an entry in a `WeakMap` costs as much as all else that a call's signal does. */
const WATCH = Symbol('watch')
type OwnSignal = AbortSignal & { [WATCH]?: Watch }

/** A controller of one call, whose signal only `onAbort` and few others listen to. */
export function callController(): AbortController {
  const controller = new AbortController()
  const signal: OwnSignal = controller.signal
  signal[WATCH] = newWatch()
  return controller
}

/**
 * Calls `listener` when the signal fires; gives what takes it off again. For signals that many calls share: Node goes through all
 * listeners of a signal to add or remove one, so it is given one for all of them.
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  if (signal === idle) return nothing
  let watch = (signal as OwnSignal)[WATCH] ?? watches.get(signal)
  if (watch === undefined) watches.set(signal, (watch = newWatch()))
  const { listeners, fire } = watch
  if (listeners.size === 0) signal.addEventListener('abort', fire)
  listeners.add(listener)
  return () => {
    if (listeners.delete(listener) && listeners.size === 0) signal.removeEventListener('abort', fire)
  }
}

function nothing(): void {}

function newWatch(): Watch {
  const listeners = new Set<() => void>()
  return {
    listeners,
    fire() {
      for (const listener of listeners) listener()
    },
  }
}

/**
 * Waits for work only as long as the signal lets it: then the signal's reason is thrown at once, also when the work never
 * ends. What the work still gives after that is handed to `release`, since nobody else will.
 */
export function abortable<T>(
  work: Promise<T>,
  signal: AbortSignal,
  release: (late: T) => unknown = () => undefined,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      reject(signal.reason)
      work.then(release).catch(() => undefined)
    }
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort, { once: true })
    const over = (): void => signal.removeEventListener('abort', abort)
    work.then(
      result => {
        over()
        resolve(result)
      },
      error => {
        over()
        reject(error)
      },
    )
  })
}

/** Frees what a call gave that nobody waits for any more: an open body, or an open file. */
export function release(result: unknown): void {
  const { body, discard } = (result ?? {}) as { body?: unknown; discard?: unknown }
  if (isBody(body)) discardStream(body.stream())
  else if (typeof discard === 'function') discard.call(result)
}

function isBody(value: unknown): value is Body {
  return typeof (value as Partial<Body> | null | undefined)?.stream === 'function'
}
