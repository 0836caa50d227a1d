import { type TracingChannel, tracingChannel } from 'node:diagnostics_channel'
import type { Call, Layer } from './layer.ts'

const channels = new Map<string, TracingChannel<string, Call>>()

function channelOf(operation: string): TracingChannel<string, Call> {
  let channel = channels.get(operation)
  if (channel === undefined) {
    channel = tracingChannel<string, Call>(`holdall:${operation}`)
    channels.set(operation, channel)
  }
  return channel
}

/**
 * Publishes each call on the tracing channel `holdall:<operation>` of `node:diagnostics_channel`; costs nothing without a subscriber. The
 * result is not printed with the message: it may be a signed URL.
 */
export const trace: Layer = (call, next, ctx) => {
  const channel = channelOf(call.operation)
  if (!channel.hasSubscribers) return next(ctx)
  const message = Object.defineProperty({ ...call }, 'result', { writable: true, value: undefined })
  return channel.tracePromise(() => next(ctx), message)
}
