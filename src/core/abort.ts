import { type Body, discardStream } from './body.ts'

/** In a Cloudflare Worker a signal belongs to the request in which it was made, and no signal can be made at import. */
const IS_WORKER = 'WebSocketPair' in globalThis

let idle: AbortSignal | undefined

/** Returns a signal that never fires, for calls without a signal: a shared one, and in Workers a new one for each call. */
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
/**
 * Key under which a signal made by Holdall stores its watch: a `WeakMap` entry costs as much as everything else that a call's signal does.
 */
const WATCH = Symbol('watch')
type OwnSignal = AbortSignal & { [WATCH]?: Watch }

/** Returns a controller for one call, whose signal has few listeners besides `onAbort`. */
export function callController(): AbortController {
  const controller = new AbortController()
  const signal: OwnSignal = controller.signal
  signal[WATCH] = newWatch()
  return controller
}

/**
 * Calls `listener` when the signal fires; returns a function that removes it. For signals that many calls share: Node walks through all
 * listeners of a signal to add or remove one, so the signal has one listener for all calls.
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
 * Awaits work until the signal fires: then the signal's reason is thrown at once, even if the work never ends. A result that arrives later
 * is passed to `release`, since no other code receives it.
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

/** Releases the result of an abandoned call: an open body, or an open file. */
export function release(result: unknown): void {
  const { body, discard } = (result ?? {}) as { body?: unknown; discard?: unknown }
  if (isBody(body)) discardStream(body.stream())
  else if (typeof discard === 'function') discard.call(result)
}

function isBody(value: unknown): value is Body {
  return typeof (value as Partial<Body> | null | undefined)?.stream === 'function'
}
