import { buffer } from 'node:stream/consumers'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { Kinds } from './kinds.ts'

const kinds = await Kinds.start()
afterAll(() => kinds.end())
beforeEach(() => {
  kinds.server.requests.length = 0
})

const BYTES = Buffer.from(Array.from({ length: 300_000 }, (_, at) => at % 251))
const s3 = kinds.s3()
await s3.save('file', BYTES)

describe('a range', () => {
  it('is told by end, which is exclusive, or by length', async () => {
    for (const storage of [s3, kinds.memory(), kinds.local()]) {
      if (storage !== s3) await storage.save('file', BYTES)
      const wanted = BYTES.subarray(5, 15)
      for (const range of [
        { start: 5, end: 15 },
        { start: 5, length: 10 },
      ]) {
        expect((await storage.readBytes('file', range)).equals(wanted)).toBe(true)
        expect((await buffer(storage.createReadStream('file', range))).equals(wanted)).toBe(true)
        expect(Buffer.from(await new Response(storage.webStream('file', range)).arrayBuffer()).equals(wanted)).toBe(
          true,
        )
      }
      expect(await storage.readText('file', { length: 0 })).toBe('')
      expect((await storage.readBytes('file', { start: BYTES.length - 1, length: 9 })).length).toBe(1)
    }
  })

  it('is invalid with both, and with a length that is none', async () => {
    for (const range of [{ end: 5, length: 5 }, { length: -1 }, { length: 0.5 }, { length: '5' as never }]) {
      await expect(s3.readBytes('file', range)).rejects.toMatchObject({ code: 'invalid_argument' })
      await expect(buffer(s3.createReadStream('file', range))).rejects.toMatchObject({ code: 'invalid_argument' })
      await expect(s3.webStream('file', range).getReader().read()).rejects.toMatchObject({ code: 'invalid_argument' })
    }
    expect(kinds.server.requests).toEqual([])
  })
})

describe('webStream', () => {
  it('sends nothing before the first read, has all bytes, and leaves no connection after cancel', async () => {
    const stream = s3.webStream('file')
    expect(kinds.server.requests).toEqual([])
    expect(Buffer.from(await new Response(stream).arrayBuffer()).equals(BYTES)).toBe(true)
    const reader = s3.webStream('file').getReader()
    const { value } = await reader.read()
    expect(value?.byteLength).toBeGreaterThan(0)
    await reader.cancel('enough')
    expect(await reader.read()).toEqual({ done: true, value: undefined })
  })

  it('fills the buffer of a byte reader', async () => {
    const reader = s3.webStream('file', { length: 10 }).getReader({ mode: 'byob' })
    const { value } = await reader.read(new Uint8Array(4))
    expect(Buffer.from(value!)).toEqual(BYTES.subarray(0, 4))
    expect(Buffer.from((await reader.read(new Uint8Array(20))).value!)).toEqual(BYTES.subarray(4, 10))
    expect((await reader.read(new Uint8Array(4))).done).toBe(true)
  })

  it('rejects with the error of the storage, and leaves stored bytes of memory alone', async () => {
    await expect(s3.webStream('missing').getReader().read()).rejects.toMatchObject({
      name: 'StorageError',
      code: 'not_found',
    })
    const memory = kinds.memory()
    await memory.save('a', 'text')
    const { value } = await memory.webStream('a').getReader().read()
    value!.fill(0)
    expect(await memory.readText('a')).toBe('text')
  })

  it('ends with the signal', async () => {
    const controller = new AbortController()
    const reader = s3.webStream('file', { signal: controller.signal }).getReader()
    controller.abort()
    await expect(reader.read()).rejects.toMatchObject({ code: 'aborted' })
  })
})

describe('JSON', () => {
  it('comes back as it was stored, as application/json', async () => {
    const value = { theme: 'dark', list: [1, null, 'ü'] }
    expect(await s3.saveJson('settings.json', value)).toBe('settings.json')
    expect(await s3.readJson('settings.json')).toEqual(value)
    expect((await s3.stat('settings.json')).contentType).toBe('application/json')
    const memory = kinds.memory()
    await memory.save('bom.json', '\ufeff{"a":1}')
    expect(await memory.readJson<{ a: number }>('bom.json')).toEqual({ a: 1 })
  })

  it('that is none is an invalid_argument which names the file and not its content', async () => {
    const memory = kinds.memory()
    for (const text of ['', '{"password": secret}', '[1,']) {
      await memory.save('bad.json', text, { overwrite: true })
      const error = await memory.readJson('bad.json').catch((thrown: Error) => thrown)
      expect(error).toMatchObject({ code: 'invalid_argument', fileName: 'bad.json' })
      expect((error as Error).cause).toBeUndefined()
      expect((error as Error).message).not.toContain('secret')
    }
    await expect(memory.readJson('missing.json')).rejects.toMatchObject({ code: 'not_found' })
  })

  it('does not hold everything: what it cannot is refused, and nothing is stored', async () => {
    const memory = kinds.memory()
    const circle: unknown[] = []
    circle.push(circle)
    for (const value of [undefined, () => 1, Symbol('a'), 1n, circle]) {
      await expect(memory.saveJson('a.json', value)).rejects.toMatchObject({ code: 'invalid_argument' })
    }
    expect(await memory.listdir()).toEqual([[], []])
  })
})
