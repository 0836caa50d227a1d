import { type TracingChannel, tracingChannel } from 'node:diagnostics_channel'
import type { Call, Layer } from './layer.ts'

/** The published data of a call. */
export interface TracedCall extends Pick<Call, 'operation' | 'backend' | 'alias' | 'bucket' | 'key' | 'fileName'> {
  /** The container that the call is about, if it is about one of the account's containers. */
  readonly containerName?: string | undefined
  /** The number of the current or last attempt; 1 is the first. */
  readonly attempt: number
  /**
   * Bytes of content, set when the call has succeeded: those that a write sent, and those that the answer to a read announces. Undefined
   * without content, or where the number is unknown.
   */
  readonly bytes: number | undefined
  /** The error of a call that failed, a `StorageError`. */
  readonly error?: unknown
}

const channels = new Map<string, TracingChannel<string, TracedCall>>()

function channelOf(operation: string): TracingChannel<string, TracedCall> {
  let channel = channels.get(operation)
  if (channel === undefined) {
    channel = tracingChannel<string, TracedCall>(`holdall:${operation}`)
    channels.set(operation, channel)
  }
  return channel
}

/** Whether the channel of an operation has a subscriber. */
export function isTraced(operation: string): boolean {
  return channelOf(operation).hasSubscribers
}

/**
 * Publishes each call on the tracing channel `holdall:<operation>` of `node:diagnostics_channel`, as a `TracedCall`; without a subscriber
 * it costs nothing. The message does not contain the result, which may be a signed URL.
 */
export const trace: Layer = (call, next, ctx) => {
  const channel = channelOf(call.operation)
  if (!channel.hasSubscribers) return next(ctx)
  const { operation, backend, alias, bucket, key, fileName, containerName } = call
  const message = Object.defineProperties(
    {
      operation,
      backend,
      alias,
      bucket,
      key,
      fileName,
      containerName,
      attempt: 1,
      bytes: undefined as number | undefined,
    },
    {
      attempt: { enumerable: true, get: () => call.attempt ?? 1 },
      result: { writable: true, value: undefined },
    },
  )
  const work = async () => {
    const result = await next(ctx)
    message.bytes = call.bytesSent === undefined ? bytesRead(call, result) : call.bytesSent()
    return result
  }
  return channel.tracePromise(work, message)
}

/** Returns the number of bytes that the answer to a read announces. */
function bytesRead({ operation, range }: Call, result: unknown): number | undefined {
  if (operation !== 'read') return undefined
  const { size } = (result as { readonly stat?: { readonly size?: number | undefined } | undefined }).stat ?? {}
  if (size === undefined) return range?.end === undefined ? undefined : range.end - range.start
  return Math.max(0, Math.min(range?.end ?? size, size) - (range?.start ?? 0))
}
