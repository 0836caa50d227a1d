import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { MARK, ResumedCopy, type ResumedCopyOptions } from '../../src/cli/resumed-copy.ts'
import { bytesContent } from '../../src/core/content.ts'
import type { Driver } from '../../src/core/driver.ts'
import { StorageError } from '../../src/core/errors.ts'
import type { Entry } from '../../src/storage/types.ts'

const memory = (): MemoryStorage => new MemoryStorage({}, { settings: {}, env: {} })

/** A storage whose driver says something else. */
function saying(change: (driver: Driver) => Partial<Driver>): MemoryStorage {
  const { driver } = memory().calls
  const changed = new Proxy(driver, {
    get: (target, name) => {
      const own = change(target) as Record<string | symbol, unknown>
      const value = name in own ? own[name] : Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return new MemoryStorage({}, { settings: {}, env: {}, driver: changed })
}

async function copying(
  source: MemoryStorage,
  target: MemoryStorage,
  options: Partial<ResumedCopyOptions> = {},
): Promise<(name: string) => Promise<unknown>> {
  const copy = new ResumedCopy(source, target, { overwrite: false, signal: new AbortController().signal, ...options })
  return async name => {
    for await (const entry of source.entries('', { recursive: true }))
      if (entry.name === name) return copy.copy(entry, name)
    throw new Error(`no ${name}`)
  }
}

describe('a copy that can be resumed', () => {
  it('is verified, and known again by the mark that it left', async () => {
    const [source, target] = [memory(), memory()]
    await source.save('a', 'text', { metadata: { owner: 'me' }, contentType: 'text/x-odd' })
    const copy = await copying(source, target)
    expect(await copy('a')).toMatchObject({ state: 'copied' })
    const { metadata, contentType } = await target.stat('a')
    expect([metadata?.['owner'], contentType, metadata?.[MARK]]).toEqual([
      'me',
      'text/x-odd',
      expect.stringMatching(/^4 /),
    ])
    expect(await copy('a')).toEqual({ state: 'unchanged', by: 'mark' })
  })

  it('is made again when the source has changed, also to as many bytes', async () => {
    const [source, target] = [memory(), memory()]
    await source.save('a', 'text')
    await (await copying(source, target))('a')
    await source.save('a', 'TEXT', { overwrite: true })
    const refusing = await copying(source, target)
    await expect(refusing('a')).rejects.toMatchObject({ code: 'exists' })
    expect(await target.readText('a')).toBe('text')
    expect(await (await copying(source, target, { overwrite: true }))('a')).toMatchObject({ state: 'copied' })
    expect(await target.readText('a')).toBe('TEXT')
  })

  it('a file that looks alike proves nothing: the bytes of both are read', async () => {
    const [source, target] = [memory(), memory()]
    await source.save('a', 'text')
    await source.save('b', 'text')
    await target.save('a', 'text')
    await target.save('b', 'TeXT')
    const copy = await copying(source, target)
    expect(await copy('a')).toEqual({ state: 'unchanged', by: 'bytes' })
    await expect(copy('b')).rejects.toMatchObject({ code: 'exists' })
  })

  it('a mark that a later change has kept deceives nobody where the etag is an MD5', async () => {
    const source = memory()
    const target = saying(driver => ({
      stat: async (key, ctx) => {
        const found = await driver.stat(key, ctx)
        const { body } = await driver.read(key, {}, ctx)
        const bytes = Buffer.concat(await body.stream().toArray())
        return { ...found, etag: createHash('md5').update(bytes).digest('hex') }
      },
      read: async (key, options, ctx) => ({ body: (await driver.read(key, options, ctx)).body }),
      features: { ...driver.features, ifMatch: false },
    }))
    await source.save('a', 'text')
    const copy = await copying(source, target)
    expect(await copy('a')).toEqual({ state: 'copied', by: 'etag' })
    const { metadata } = await target.stat('a')
    await target.save('a', 'TeXT', { overwrite: true, metadata })
    await expect(copy('a')).rejects.toMatchObject({ code: 'exists' })
  })

  it('a target that keeps other bytes is a checksum_mismatch, and the new file does not stay', async () => {
    const source = memory()
    await source.save('a', 'text')
    await source.save('b', 'text')
    const target = saying(driver => ({
      write: async (key, content, options, ctx) => {
        const bytes = Buffer.from(content.bytes!)
        bytes[0] = 0
        return driver.write(key, bytesContent(bytes), options, ctx)
      },
    }))
    await expect((await copying(source, target))('a')).rejects.toMatchObject({
      code: 'checksum_mismatch',
      outcome: 'not_applied',
    })
    expect(await target.exists('a')).toBe(false)
    await expect((await copying(source, target, { overwrite: true }))('b')).rejects.toMatchObject({
      outcome: 'unknown',
    })
  })

  it('a listing without sizes is asked for them, and a rough time is no mark', async () => {
    const source = saying(driver => ({
      list: async (prefix, page, ctx) => {
        const found = await driver.list(prefix, page, ctx)
        const rough = { size: Number.NaN, etag: undefined, isRoughTime: true, versionId: undefined }
        return { ...found, files: found.files.map(file => ({ ...file, ...rough })) }
      },
    }))
    const target = memory()
    await source.save('a', 'text')
    const copy = await copying(source, target)
    expect(await copy('a')).toMatchObject({ state: 'copied' })
    expect((await target.stat('a')).metadata?.[MARK]).toBeUndefined()
    expect(await copy('a')).toEqual({ state: 'unchanged', by: 'bytes' })
    await target.save('a', 'longer text', { overwrite: true })
    await expect(copy('a')).rejects.toMatchObject({ code: 'exists' })
  })

  it('a large file is streamed and verified as well, and has its mark', async () => {
    const [source, target] = [memory(), memory()]
    const bytes = Buffer.alloc(8 * 1024 * 1024 + 1, 'abc')
    await source.save('large', bytes)
    const copy = await copying(source, target)
    expect(await copy('large')).toMatchObject({ state: 'copied' })
    expect((await target.readBytes('large')).equals(bytes)).toBe(true)
    expect((await target.stat('large')).metadata?.[MARK]).toMatch(/ -$/)
    expect(await copy('large')).toEqual({ state: 'unchanged', by: 'mark' })
  })

  /** A copy whose target gets a file of the same name after it was looked for. */
  const overtaken = async (content: string): Promise<{ target: MemoryStorage; result: Promise<unknown> }> => {
    const source = memory()
    await source.save('a', 'text')
    let isTaken = false
    const target = saying(driver => ({
      stat: async (key, ctx) => {
        const found = driver.stat(key, ctx)
        if (isTaken) return found
        isTaken = true
        await found.catch(() => undefined)
        await target.save('a', content, { overwrite: true })
        return found
      },
    }))
    return { target, result: (await copying(source, target))('a') }
  }

  it('a name that another writer takes meanwhile is left to it', async () => {
    const { target, result } = await overtaken('theirs')
    await expect(result).rejects.toMatchObject({ code: 'exists' })
    const names: Entry[] = []
    for await (const entry of target.entries('')) names.push(entry)
    expect(names.map(({ name }) => name)).toEqual(['a'])
    expect(await target.readText('a')).toBe('theirs')
  })

  it('a file that another copy has made meanwhile is there already', async () => {
    const { target, result } = await overtaken('text')
    expect(await result).toMatchObject({ state: 'unchanged' })
    expect(await target.listdir('')).toEqual([[], ['a']])
  })

  it.each([4, 8 * 1024 * 1024 + 1])(
    'tells a file of %d bytes that the source does not let be read from a target that fails',
    async size => {
      const refuse = (): never => {
        throw new StorageError('permission_denied', 'No.')
      }
      const failure = async (source: MemoryStorage, target: MemoryStorage): Promise<boolean> => {
        await source.save('a', Buffer.alloc(size))
        const copy = new ResumedCopy(source, target, { overwrite: false, signal: new AbortController().signal })
        const entry = await source.stat('a')
        const error = await copy.copy(entry, 'a').catch(reason => reason)
        expect(error).toMatchObject({ code: 'permission_denied' })
        return copy.isUnreadable(entry, error)
      }
      expect(
        await failure(
          saying(() => ({ read: refuse })),
          memory(),
        ),
      ).toBe(true)
      expect(
        await failure(
          memory(),
          saying(() => ({ write: refuse })),
        ),
      ).toBe(false)
    },
  )

  it('a folder where the file is to be is is_directory, also with --overwrite', async () => {
    const source = memory()
    await source.save('a', 'text')
    const target = saying(() => ({ stat: async () => ({ size: 0, isDirectory: true }) }))
    for (const overwrite of [false, true]) {
      const copy = await copying(source, target, { overwrite })
      await expect(copy('a')).rejects.toMatchObject({ code: 'is_directory', message: "'a' is a folder." })
    }
  })
})
