import { readdirSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import type { ContentSource } from '../../src/core/content.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { Kinds } from './kinds.ts'

const kinds = await Kinds.start()
afterAll(() => kinds.end())

const reason = new Error('in the callback')
const fail = (): never => {
  throw reason
}

function* many(): Generator<Uint8Array> {
  for (let at = 0; at < 13; at++) yield Buffer.alloc(1024 * 1024, at)
}

const sources: Readonly<Record<string, () => ContentSource>> = {
  'of bytes': () => 'text',
  'of one chunk': () => ['text'],
  'of more than a part': many,
}

describe.each(['memory', 'local', 's3'] as const)('what a callback throws, on %s', kind => {
  it.each(Object.entries(sources))('ends a save %s, and the error knows whether it was stored', async (_, source) => {
    const storage = kinds[kind]()
    kinds.server.requests.length = 0
    for (const overwrite of [true, false]) {
      const error = await storage.save('file', source(), { overwrite, onProgress: fail }).catch(error => error)
      expect(error).toMatchObject({ name: 'StorageError', code: 'source_failed', cause: reason })
      expect(error.message).toContain('onProgress threw: in the callback')
      const stored = await storage.exists('file')
      expect(error.outcome).not.toBe(stored ? 'not_applied' : 'applied')
      expect(stored && source === many).toBe(false)
      await storage.delete('file')
    }
    const operations = kinds.server.requests.map(({ operation }) => operation)
    const count = (wanted: string) => operations.filter(operation => operation === wanted).length
    expect(count('AbortMultipartUpload')).toBe(count('CreateMultipartUpload'))
    if (kind === 'local') expect(readdirSync(storage.options.location)).toEqual([])
  })

  it('is the cause of the error when names or lines come from it', async () => {
    const storage: Storage = kinds[kind]()
    await storage.save('file', 'old')
    const names = (function* () {
      yield 'file'
      fail()
    })()
    const failed = { name: 'StorageError', code: 'source_failed', cause: reason }
    await expect(storage.deleteMany(names)).rejects.toMatchObject({
      ...failed,
      message: 'The list of names could not be read: in the callback',
      operation: 'deleteMany',
    })
    await storage.save('file', 'old', { overwrite: true })
    const lines = (async function* () {
      yield 'line'
      fail()
    })()
    const editing = storage.edit('file', 'w', file => file.writeLines(lines))
    await expect(editing).rejects.toMatchObject({ ...failed, operation: 'write' })
    expect(await storage.readText('file')).toBe('old')
  })
})

describe('an iterable of the caller', () => {
  const iterables: Readonly<Record<string, () => Iterable<string>>> = {
    'gives no iterator': () => ({ [Symbol.iterator]: fail }),
    'fails, and again when it is ended': () => ({ [Symbol.iterator]: () => ({ next: fail, return: fail }) }),
  }

  it.each(Object.entries(iterables))('is a source that failed when it %s', async (_, iterable) => {
    const failed = { name: 'StorageError', code: 'source_failed', cause: reason }
    await expect(kinds.memory().deleteMany(iterable())).rejects.toMatchObject(failed)
    const editing = kinds.memory().edit('file', 'w', file => file.writeLines(iterable()))
    await expect(editing).rejects.toMatchObject(failed)
  })

  it('is given up with the error of the call also when its end throws', async () => {
    const controller = new AbortController()
    const next = () => {
      controller.abort()
      return { value: 'line' }
    }
    const lines: Iterable<string> = { [Symbol.iterator]: () => ({ next, return: fail }) }
    const writing = kinds.memory().edit('file', 'w', file => file.writeLines(lines, { signal: controller.signal }))
    await expect(writing).rejects.toMatchObject({ code: 'aborted' })
  })

  it('may be a text, whose characters are lines', async () => {
    const storage = kinds.memory()
    await storage.edit('file', 'w', file => file.writeLines('a\u{1f600}\n'))
    expect(await storage.readText('file')).toBe('a\u{1f600}\n')
  })
})

describe('a list of names that fails', () => {
  it.each([
    [999, 'not_applied'],
    [1000, 'unknown'],
  ])('after %i names has the outcome %s', async (count, outcome) => {
    const names = (function* () {
      for (let at = 0; at < count; at++) yield String(at)
      fail()
    })()
    await expect(kinds.memory().deleteMany(names)).rejects.toMatchObject({ code: 'source_failed', outcome })
  })
})

describe('a list of names that hangs', () => {
  it('is given up with the call', async () => {
    const controller = new AbortController()
    const ended = Promise.withResolvers<void>()
    const names = {
      [Symbol.asyncIterator]: () => ({
        next: () => {
          controller.abort()
          return new Promise<never>(() => undefined)
        },
        async return() {
          ended.resolve()
          return { done: true as const, value: undefined }
        },
      }),
    }
    const deleting = kinds.memory().deleteMany(names, { signal: controller.signal })
    await expect(deleting).rejects.toMatchObject({ code: 'aborted', operation: 'deleteMany' })
    await ended.promise
  })

  it.each([null, 5, 'name', {}])('is an invalid_argument when it is %j', async names => {
    const deleting = kinds.memory().deleteMany(names as never)
    await expect(deleting).rejects.toMatchObject({ code: 'invalid_argument' })
  })
})
