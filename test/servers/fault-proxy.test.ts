import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { tooManyRequests } from '../faults/faults.ts'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'
import { slowDown } from './strict-s3/errors.ts'
import { type StrictS3, startStrictS3 } from './strict-s3.ts'

let server: StrictS3
let proxy: FaultProxy
let s3: S3Client
const put = (Body: string): PutObjectCommand => new PutObjectCommand({ Bucket: 'media', Key: 'k', Body })
const stored = (): string | undefined => server.bucket().current('k')?.body.toString()

beforeEach(async () => {
  server = await startStrictS3()
  proxy = await startFaultProxy(server.url)
  s3 = new S3Client({
    endpoint: proxy.url,
    region: server.region,
    credentials: server.credentials,
    forcePathStyle: true,
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
})
afterEach(async () => {
  s3.destroy()
  await proxy.close()
  await server.close()
})

test('forwards untouched: signatures stay valid', async () => {
  await s3.send(put('one'))
  const got = await s3.send(new GetObjectCommand({ Bucket: 'media', Key: 'k' }))
  expect(await got.Body?.transformToString()).toBe('one')
  expect(proxy.log.map(one => [one.index, one.method, one.action])).toEqual([
    [1, 'PUT', 'forward'],
    [2, 'GET', 'forward'],
  ])
})

test('resets before, during and after the server did the work', async () => {
  proxy.rule = () => ({ do: 'drop' })
  await expect(s3.send(put('before'))).rejects.toMatchObject({ code: 'ECONNRESET' })
  proxy.rule = () => ({ do: 'drop', bytes: 3 })
  await expect(s3.send(put('during'))).rejects.toMatchObject({ code: 'ECONNRESET' })
  expect([stored(), server.requests.length]).toEqual([undefined, 0])
  proxy.rule = () => ({ do: 'drop', at: 'after' })
  await expect(s3.send(put('after'))).rejects.toMatchObject({ code: 'ECONNRESET' })
  expect(stored()).toBe('after')
})

test('truncates and corrupts a body', async () => {
  await s3.send(put('0123456789'))
  const url = `${proxy.url}/media/k`
  await s3.send(new PutObjectCommand({ Bucket: 'media', Key: 'k', Body: '0123456789', ACL: 'public-read' }))
  proxy.rule = () => ({ do: 'cut', bytes: 4 })
  const cut = await fetch(url)
  expect(cut.headers.get('content-length')).toBe('10')
  const seen: Uint8Array[] = []
  const reading = (async () => {
    for await (const chunk of cut.body as unknown as AsyncIterable<Uint8Array>) seen.push(chunk)
  })()
  await expect(reading).rejects.toThrow()
  expect(Buffer.concat(seen).toString()).toBe('0123')
  proxy.rule = () => ({ do: 'garble', offset: 0 })
  const bad = Buffer.from(await (await fetch(url)).arrayBuffer())
  expect([bad.length, bad.toString('latin1', 1)]).toEqual([10, '123456789'])
})

test('answers SlowDown, 429 and 500, with and without the work done', async () => {
  proxy.rule = () => slowDown(2)
  await expect(s3.send(put('x'))).rejects.toMatchObject({ name: 'SlowDown', $metadata: { httpStatusCode: 503 } })
  expect(stored()).toBeUndefined()
  proxy.rule = () => tooManyRequests(7)
  const answer = await fetch(`${proxy.url}/media/k`)
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '7'])
  proxy.rule = () => ({ do: 'refuse', at: 'after', status: 500 })
  await expect(s3.send(put('done'))).rejects.toMatchObject({ $metadata: { httpStatusCode: 500 } })
  expect(stored()).toBe('done')
})

test('duplicates a request, so that a conditional write meets its own work', async () => {
  proxy.rule = () => ({ do: 'repeat' })
  const conditional = new PutObjectCommand({ Bucket: 'media', Key: 'k', Body: 'mine', IfNoneMatch: '*' })
  await expect(s3.send(conditional)).rejects.toMatchObject({ name: 'PreconditionFailed' })
  expect([stored(), server.requests.map(one => one.status)]).toEqual(['mine', [200, 412]])
})

test('delays before and after the work, and hangs with it done or not', async () => {
  const started = performance.now()
  proxy.rule = () => ({ do: 'hold', ms: 60 })
  await s3.send(put('late'))
  expect(performance.now() - started).toBeGreaterThanOrEqual(59)
  proxy.rule = () => ({ do: 'hold', ms: 60_000, at: 'after' })
  const waiting = fetch(`${proxy.url}/media/k`, { signal: AbortSignal.timeout(50) })
  await expect(waiting).rejects.toMatchObject({ name: 'TimeoutError' })
  await expect.poll(() => server.requests.map(request => request.method)).toEqual(['PUT', 'GET'])
  for (const forward of [false, true]) {
    const count = server.requests.length
    proxy.rule = () => ({ do: 'hold', at: forward ? 'after' : 'before' })
    const hanging = fetch(`${proxy.url}/media/k`, { signal: AbortSignal.timeout(50) })
    await expect(hanging).rejects.toMatchObject({ name: 'TimeoutError' })
    await expect.poll(() => server.requests.length - count).toBe(forward ? 1 : 0)
  }
})

test('forwards late although the client has gone', async () => {
  proxy.rule = () => ({ do: 'hold', ms: 400 })
  const gone = s3.send(put('late'), { abortSignal: AbortSignal.timeout(20) })
  await expect(gone).rejects.toMatchObject({ name: 'AbortError' })
  expect(stored()).toBeUndefined()
  await expect.poll(stored).toBe('late')
})

test('cuts an answer within its head, and stalls within its body', async () => {
  proxy.rule = () => ({ do: 'cut', bytes: 'head' })
  await expect(s3.send(put('cut'))).rejects.toThrow()
  expect(stored()).toBe('cut')
  proxy.rule = () => ({ do: 'stall', bytes: 2 })
  const got = await s3.send(new GetObjectCommand({ Bucket: 'media', Key: 'k' }))
  const body = got.Body as unknown as AsyncIterable<Buffer> & { destroy(): void }
  for await (const chunk of body) {
    expect(chunk.toString()).toBe('cu')
    break
  }
})

test('tells when no client is connected any more', async () => {
  await s3.send(put('one'))
  expect(proxy.connections).toBe(1)
  s3.destroy()
  await proxy.unused()
  expect(proxy.connections).toBe(0)
})
