import type { CallContext, Repeat } from '../core/call.ts'
import type { ByteRange } from '../core/driver.ts'

/** The information about a call that a layer receives. */
export interface Call {
  /** `stat`, `read`, `write` ... or the name of a step such as `uploadPart`. */
  readonly operation: string
  readonly backend: string
  /** The file's key, where the call has one. */
  readonly key?: string | undefined
  /** The name that the caller passed. */
  readonly fileName?: string | undefined
  /** The alias of the storage in its configuration. */
  readonly alias?: string | undefined
  /** The bucket or container that the storage is in. */
  readonly bucket?: string | undefined
  /** The container, where the call is about one of the account's containers. */
  readonly containerName?: string | undefined
  /** When the call may be repeated: `if_not_applied` for a call whose condition would fail after its own success. */
  readonly repeat: Repeat
  /** The caller provides the bytes at its own pace, so a pause is no failure; the steps have their own timeouts. */
  readonly paced?: boolean | undefined
  /** The call reads content that may itself wait for calls of the same storage: it must not use a slot meanwhile. */
  readonly streams?: boolean | undefined
  /** The range of the file that is read; default: all bytes. */
  readonly range?: ByteRange | undefined
  /** Returns the number of content bytes sent so far, where the call sends content. */
  readonly bytesSent?: (() => number | undefined) | undefined
  /** The number of the current or last attempt; 1 is the first. The retry layer sets it. */
  attempt?: number | undefined
}

/** A function around a call. */
export type Layer = <T>(call: Call, next: (ctx: CallContext) => Promise<T>, ctx: CallContext) => Promise<T>

/** Combines layers into one, the first one outermost. */
export function compose(layers: readonly Layer[]): Layer {
  return (call, next, ctx) => {
    const run = (index: number, inner: CallContext): ReturnType<typeof next> => {
      const layer = layers[index]
      return layer === undefined ? next(inner) : layer(call, deeper => run(index + 1, deeper), inner)
    }
    return run(0, ctx)
  }
}
