import type { CallContext, Repeat } from '../core/call.ts'
import type { ByteRange } from '../core/driver.ts'

/** What a layer may know of a call. */
export interface Call {
  /** `stat`, `read`, `write` ... or the name of a step such as `uploadPart`. */
  readonly operation: string
  readonly backend: string
  /** The file's key, where the call has one. */
  readonly key?: string | undefined
  /** The name that the caller gave. */
  readonly fileName?: string | undefined
  /** The alias of the storage in its configuration. */
  readonly alias?: string | undefined
  /** The bucket or container that the storage is in. */
  readonly bucket?: string | undefined
  /** The container, where the call is about one of the account's. */
  readonly containerName?: string | undefined
  /** When the call may be made again: `if_not_applied` for one whose condition would fail on its own success. */
  readonly repeat: Repeat
  /** The caller gives the bytes at its own pace, so that silence is no failure; the steps have their own time-outs. */
  readonly paced?: boolean | undefined
  /** The call reads content that may itself wait for calls of the same storage: it must not hold a slot meanwhile. */
  readonly streams?: boolean | undefined
  /** Which bytes of the file are read; all where absent. */
  readonly range?: ByteRange | undefined
  /** Returns the bytes of the content that were sent so far, where the call sends some. */
  readonly bytesSent?: (() => number | undefined) | undefined
  /** The try that is under way or was the last one; 1 is the first. Set by the layer that tries again. */
  attempt?: number | undefined
}

/** One function around a call. */
export type Layer = <T>(call: Call, next: (ctx: CallContext) => Promise<T>, ctx: CallContext) => Promise<T>

/** Makes one layer of many, the first one outermost. */
export function compose(layers: readonly Layer[]): Layer {
  return (call, next, ctx) => {
    const run = (index: number, inner: CallContext): ReturnType<typeof next> => {
      const layer = layers[index]
      return layer === undefined ? next(inner) : layer(call, deeper => run(index + 1, deeper), inner)
    }
    return run(0, ctx)
  }
}
