/** The example of the recipe on tracing: spans of real calls, in their places. */
import { readFileSync } from 'node:fs'
import { context } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { traceStorages } from '../../examples/tracing.ts'
import { S3Storage } from '../../src/backends/s3/index.ts'
import { configure, storages } from '../../src/config/index.ts'
import { startStrictS3 } from '../servers/strict-s3.ts'

const exporter = new InMemorySpanExporter()
const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).getTracer('test')
traceStorages(tracer)
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
const server = await startStrictS3()
const { accessKeyId: accessKey, secretAccessKey: secretKey } = server.credentials
configure({
  STORAGES: {
    media: {
      BACKEND: S3Storage,
      OPTIONS: { endpointUrl: server.url, regionName: server.region, accessKey, secretKey, bucketName: 'media' },
    },
  },
})

afterAll(async () => {
  context.disable()
  configure({})
  await server.close()
})
beforeEach(() => exporter.reset())

/** What is known of the spans that have ended: the name, that of the span above, and the attributes. */
function spans() {
  const all = exporter.getFinishedSpans()
  return all.map(({ name, parentSpanContext, attributes, status }) => ({
    name,
    above: all.find(one => one.spanContext().spanId === parentSpanContext?.spanId)?.name,
    attributes,
    status,
  }))
}

describe('examples/tracing.ts', () => {
  it('makes spans below the active one, with alias, bucket, bytes and attempt', async () => {
    await tracer.startActiveSpan('POST /upload', async span => {
      await storages.get('media').save('a.txt', 'content')
      span.end()
    })
    expect(spans()).toMatchObject([
      {
        name: 'holdall write',
        above: 'holdall save',
        attributes: { backend: 's3', alias: 'media', bucket: 'media', fileName: 'a.txt', bytes: 7, attempt: 1 },
      },
      { name: 'holdall save', above: 'POST /upload', attributes: { alias: 'media' } },
      { name: 'POST /upload' },
    ])
  })

  it('marks the span of a call that fails, and ends it', async () => {
    await expect(storages.get('media').readText('missing.txt')).rejects.toMatchObject({ code: 'not_found' })
    const [read] = spans()
    expect(read).toMatchObject({
      name: 'holdall read',
      status: { code: 2, message: expect.stringContaining('missing.txt') },
    })
  })

  it('makes a span of each part of a large file', async () => {
    const large = new S3Storage({ ...storages.get('media').options, multipartThreshold: 5 << 20, partSize: 5 << 20 })
    await large.save('large.bin', Buffer.alloc(11 << 20))
    await large.close()
    expect(
      spans().filter(({ name, above }) => name === 'holdall uploadPart' && above === 'holdall write'),
    ).toHaveLength(3)
  })

  it('stands word for word in the recipe', () => {
    const program = readFileSync(new URL('../../examples/tracing.ts', import.meta.url), 'utf8')
    expect(readFileSync(new URL('../../docs/recipes/tracing.md', import.meta.url), 'utf8')).toContain(
      `\`\`\`ts\n${program}\`\`\``,
    )
    expect(program.split('\n').length).toBeLessThanOrEqual(41)
  })
})
