import { afterAll, beforeEach, expect, it } from 'vitest'
import type { Answer } from '../../faults/faults.ts'
import { startStrictGcs } from '../../servers/strict-gcs.ts'
import { at, storageWith } from './support.ts'

const server = await startStrictGcs()
const files = storageWith({ ...at(server), maxAttempts: 1 })
const text = Array.from({ length: 50_000 }, (_, at) => String(at).padStart(5, '0')).join('')
await files.save('text', text)
afterAll(async () => {
  await files.close()
  await server.close()
})
beforeEach(() => server.faults.clear())

const LENGTH = text.length
/** Lets ranges be answered so. */
function answered(status: number, headers: Readonly<Record<string, string>>, body = text): void {
  const told = ({ headers: own }: Answer): Answer => {
    const kept = own.filter(([name]) => /^(x-goog|last-modified|etag)/i.test(name))
    return { status, headers: [...kept, ...Object.entries(headers)], body: Buffer.from(body) }
  }
  server.faults.add({
    operation: 'xml.getObject',
    match: ({ headers }) => headers['range'] !== undefined,
    times: 9,
    fault: { do: 'lie', at: 'after', answer: told },
  })
}

it('a part is right where the service ignores the range and sends everything', async () => {
  answered(200, { 'content-length': String(LENGTH) })
  expect(await files.readText('text', { start: 100_000, end: 100_020 })).toBe(text.slice(100_000, 100_020))
})

it.each<[string, number, Record<string, string>]>([
  ['another place', 206, { 'content-range': `bytes 0-${LENGTH - 1}/${LENGTH}` }],
  ['another unit', 206, { 'content-range': `lines 100000-100019/${LENGTH}` }],
  ['no place', 206, {}],
  ['several parts', 206, { 'content-type': 'multipart/byteranges; boundary=b' }],
  ['another status', 203, {}],
])('a part is an error where the service answers with %s', async (_, status, headers) => {
  answered(status, headers)
  const read = files.readText('text', { start: 100_000, end: 100_020 })
  await expect(read).rejects.toMatchObject({ code: status === 206 ? 'unknown' : 'unavailable', fileName: 'text' })
})

it('a part behind the end is invalid_range, and an empty file has one from 0', async () => {
  await expect(files.readText('text', { start: LENGTH + 1 })).rejects.toMatchObject({ code: 'invalid_range' })
  await files.save('empty', '')
  expect(await files.readText('empty', { start: 0, end: 5 })).toBe('')
})

it('a page with status 200 is no file and no listing', async () => {
  const page = {
    do: 'lie',
    answer: () => ({
      status: 200,
      headers: [['content-type', 'text/html'] as const],
      body: Buffer.from('<!doctype html><html></html>'),
    }),
  } as const
  server.faults.add({ times: 99, fault: page })
  const calls = [
    () => files.readText('text'),
    () => files.stat('text'),
    () => files.listdir(''),
    () => files.save('page', 'a'),
    () => files.delete('text'),
  ]
  for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'unavailable' })
  server.faults.clear()
})
