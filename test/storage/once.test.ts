import { afterAll, describe, expect, it, vi } from 'vitest'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { Kinds } from './kinds.ts'

const kinds = await Kinds.start()
afterAll(() => kinds.end())

describe('one call', () => {
  it.each([
    ['save', 'a/b.txt'],
    ['save as new', 'a/new.txt'],
    ['readBytes', 'a/b.txt'],
    ['stat', 'a/b.txt'],
    ['delete', 'a/b.txt'],
    ['url', 'a/b.txt'],
    ['listdir', 'a'],
  ])('%s asks for the object parameters of its name once', async (method, name) => {
    const asked: string[] = []
    const objectParameters = (each: string) => {
      asked.push(each)
      return { CacheControl: 'max-age=1' }
    }
    const storage = kinds.s3({ objectParameters, conditionalWrites: 'on' })
    await storage.save('a/b.txt', 'x', { overwrite: true })
    asked.length = 0
    const calls: Record<string, () => Promise<unknown>> = {
      save: () => storage.save(name, 'y', { overwrite: true }),
      'save as new': () => storage.save(name, 'y'),
      readBytes: () => storage.readBytes(name),
      stat: () => storage.stat(name),
      delete: () => storage.delete(name),
      url: () => storage.url(name),
      listdir: () => storage.listdir(name),
    }
    await calls[method]!()
    expect(asked).toEqual([name])
  })

  it('turns its name into a key once', async () => {
    const keyOf = vi.spyOn(MemoryStorage.prototype, 'keyOf')
    try {
      const storage = kinds.memory()
      for (const work of [
        () => storage.save('a', 'x', { overwrite: true }),
        () => storage.readText('a'),
        () => storage.stat('a'),
        () => storage.delete('a'),
      ]) {
        keyOf.mockClear()
        await work()
        expect(keyOf.mock.calls).toEqual([['a']])
      }
    } finally {
      keyOf.mockRestore()
    }
  })
})

describe('making a URL', () => {
  it('waits for no slot and no timer, though another call hangs', async () => {
    const { promise: hangs, resolve: goOn } = Promise.withResolvers<void>()
    const storage = kinds.s3({ concurrency: 1 })
    const { driver } = storage.calls
    const stat = driver.stat.bind(driver)
    vi.spyOn(driver, 'stat').mockImplementation(async (...given) => {
      await hangs
      return stat(...given)
    })
    const hung = storage.exists('a')
    expect(await storage.url('a')).toContain('X-Amz-Signature=')
    goOn()
    expect(await hung).toBe(false)
  })
})
