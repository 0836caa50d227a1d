import { AsyncLocalStorage } from 'node:async_hooks'
import { tracingChannel } from 'node:diagnostics_channel'
import { context, type Span, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api'
import { BasicTracerProvider, ConsoleSpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { MemoryStorage, type TracedCall } from 'holdall'

const OPERATIONS = ['save', 'open', 'exists', 'stat', 'read', 'write', 'list', 'delete', 'copy', 'move', 'uploadPart']

/** Makes a span of each call, below the call that it is part of, or else below the active span of the program. */
export function traceStorages(tracer: Tracer): void {
  const parents = new AsyncLocalStorage<Span>()
  const spans = new WeakMap<TracedCall, Span>()
  for (const operation of OPERATIONS) {
    const channel = tracingChannel<Span, TracedCall>(`holdall:${operation}`)
    channel.start.bindStore(parents, call => {
      const parent = parents.getStore()
      const place = parent === undefined ? context.active() : trace.setSpan(context.active(), parent)
      const { backend, alias = '', bucket = '', fileName = '' } = call
      const span = tracer.startSpan(`holdall ${operation}`, { attributes: { backend, alias, bucket, fileName } }, place)
      spans.set(call, span)
      return span
    })
    channel.asyncEnd.subscribe(message => {
      const { attempt, bytes = 0, error } = message as TracedCall
      const span = spans.get(message as TracedCall)?.setAttributes({ attempt, bytes })
      if (error !== undefined) span?.setStatus({ code: SpanStatusCode.ERROR, message: String(error) })
      span?.end()
    })
  }
}

if (import.meta.main) {
  const processor = new SimpleSpanProcessor(new ConsoleSpanExporter())
  traceStorages(new BasicTracerProvider({ spanProcessors: [processor] }).getTracer('my-app'))
  const storage = new MemoryStorage()
  await storage.readText(await storage.save('a.txt', 'content'))
}
