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

/** Publishes each call on the tracing channel `holdall:<operation>` of `node:diagnostics_channel`; costs nothing without a subscriber. */
export const trace: Layer = (call, next, ctx) => {
  const channel = channelOf(call.operation)
  return channel.hasSubscribers ? channel.tracePromise(() => next(ctx), { ...call }) : next(ctx)
}
