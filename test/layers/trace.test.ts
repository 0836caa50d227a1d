import { type TracingChannel, tracingChannel } from 'node:diagnostics_channel'
import { afterEach, expect, onTestFinished, test } from 'vitest'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { S3Storage } from '../../src/backends/s3/index.ts'
import { configure, storages } from '../../src/config/index.ts'
import { chaos } from '../../src/layers/chaos.ts'
import type { TracedCall } from '../../src/layers/trace.ts'
import { startStrictS3 } from '../servers/strict-s3.ts'

const off: Array<() => void> = []

afterEach(() => {
  for (const each of off.splice(0)) each()
  configure({})
})

async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text)
}

/** The messages at the end of calls, in their order. */
function traced(...operations: string[]): TracedCall[] {
  const ended: TracedCall[] = []
  for (const operation of operations) {
    const channel: TracingChannel<string, TracedCall> = tracingChannel(`holdall:${operation}`)
    const listener = { asyncEnd: (message: unknown) => void ended.push({ ...(message as TracedCall) }) }
    channel.subscribe(listener as never)
    off.push(() => void channel.unsubscribe(listener as never))
  }
  return ended
}

test('a call is published with alias, bytes and attempt, and save, open and exists as operations', async () => {
  const ended = traced('save', 'write', 'open', 'exists', 'stat', 'read')
  configure({ STORAGES: { media: { BACKEND: 'memory' } } })
  const storage = storages['media']!
  await storage.save('a.txt', 'hello')
  await storage.save('b.txt', chunks('hello ', 'world'))
  await storage.exists('a.txt')
  await storage.readBytes('a.txt', { start: 1, end: 3 })
  await using file = await storage.open('a.txt')
  await file.read()
  const all = { alias: 'media', backend: 'memory', attempt: 1 }
  expect(ended).toEqual([
    expect.objectContaining({ operation: 'write', key: 'a.txt', fileName: 'a.txt', bytes: 5, ...all }),
    expect.objectContaining({ operation: 'save', fileName: 'a.txt', ...all }),
    expect.objectContaining({ operation: 'write', key: 'b.txt', bytes: 11, ...all }),
    expect.objectContaining({ operation: 'save', fileName: 'b.txt', ...all }),
    expect.objectContaining({ operation: 'stat', ...all }),
    expect.objectContaining({ operation: 'exists', fileName: 'a.txt', ...all }),
    expect.objectContaining({ operation: 'read', bytes: 2, ...all }),
    expect.objectContaining({ operation: 'read', bytes: 5, ...all }),
    expect.objectContaining({ operation: 'open', fileName: 'a.txt', ...all }),
  ])
})

test('attempt counts the tries, and an error is that of the last one', async () => {
  const ended = traced('stat', 'exists')
  const flaky = new MemoryStorage({}, { layers: [chaos({ fail: [1, 2] })] })
  expect(await flaky.exists('a.txt')).toBe(false)
  expect(
    ended.map(({ operation, attempt, error }) => [operation, attempt, (error as { code?: string })?.code]),
  ).toEqual([
    ['stat', 3, 'not_found'],
    ['exists', 1, undefined],
  ])
})

test('the bucket is that of the storage, and steps are published as well', async () => {
  const server = await startStrictS3()
  onTestFinished(() => server.close())
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = server.credentials
  const place = { endpointUrl: server.url, regionName: server.region, bucketName: 'media', accessKey, secretKey }
  await using storage = new S3Storage(place, { settings: {}, env: {} })
  const ended = traced('write', 'putObject')
  await storage.save('a.txt', chunks('hello'), { overwrite: true })
  expect(ended.map(({ operation, bucket, bytes }) => [operation, bucket, bytes])).toEqual([
    ['putObject', 'media', undefined],
    ['write', 'media', 5],
  ])
})
