import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { asContent } from '../../src/core/content.ts'
import type { RandomAccess } from '../../src/core/driver.ts'
import type { FileServices } from '../../src/files/file-calls.ts'
import { Spool } from '../../src/files/spool.ts'
import { StorageFile } from '../../src/files/storage-file.ts'
import { all, bytesOf, context, fileOf } from './helpers.ts'

const services: FileServices = { ctx: () => context() }

/** Gives at most `step` bytes per read, so that every border is met. */
function stepwise(bytes: Uint8Array, step: number): RandomAccess & { reads: number } {
  const access: RandomAccess & { reads: number } = {
    reads: 0,
    size: async () => bytes.length,
    async read(position, length) {
      access.reads += 1
      return Buffer.from(bytes.subarray(position, position + Math.min(length, step)))
    },
    write: async () => undefined,
    truncate: async () => undefined,
    commit: async () => undefined,
    discard: async () => undefined,
  }
  return access
}

describe('modes', () => {
  test.each(['rw', 'wr', 'rwb', 'rb+w'])('%s combines r and w', mode => {
    expect(() => new StorageFile('n', mode as 'r', new Spool({ maxMemorySize: 0 }), services)).toThrow(
      expect.objectContaining({ code: 'invalid_argument', message: "Can't combine 'r' and 'w' in mode." }),
    )
  })

  test.each(['', 'q', 'b', 'r++', 'rbb', 'r b'])("'%s' is no mode", mode => {
    expect(() => new StorageFile('n', mode as 'r', new Spool({ maxMemorySize: 0 }), services)).toThrow(
      expect.objectContaining({ code: 'unsupported_mode' }),
    )
  })

  test('reading and writing against the mode', async () => {
    const written = await fileOf('w')
    const notRead = { code: 'unsupported_mode', message: 'File was not opened in read mode.' }
    const notWritten = { code: 'unsupported_mode', message: 'File was not opened in write mode.' }
    await expect(written.read()).rejects.toMatchObject(notRead)
    await expect(written.readLine()).rejects.toMatchObject(notRead)
    await expect(all(written)).rejects.toMatchObject(notRead)
    expect(() => written.stream()).toThrow(expect.objectContaining(notRead))
    expect(() => written[asContent]()).toThrow(expect.objectContaining(notRead))
    const read = await fileOf('rb', 'x')
    await expect(read.write('y')).rejects.toMatchObject(notWritten)
    await expect(read.truncate(0)).rejects.toMatchObject(notWritten)
    for (const mode of ['r+b', 'rb+', 'w+b', 'a+', 'x+'] as const) {
      const both = await fileOf(mode)
      expect(await both.write('é')).toBe(2)
      await both.seek(0)
      expect((await both.read()).toString()).toBe('é')
    }
  })

  test('the mode tells the type', async () => {
    expectTypeOf((await fileOf('r')).read()).resolves.toEqualTypeOf<string>()
    expectTypeOf((await fileOf('rb')).read()).resolves.toEqualTypeOf<Buffer>()
    expectTypeOf((await fileOf('r+b')).readLine()).resolves.toEqualTypeOf<Buffer>()
    expect(typeof (await (await fileOf('r', 'a')).read())).toBe('string')
    expect(Buffer.isBuffer(await (await fileOf('rb+', 'a')).read())).toBe(true)
  })
})

describe('reading', () => {
  test('read(3), the rest, and then chunks from the beginning (69)', async () => {
    const file = await fileOf('r', 'content')
    expect([await file.read(3), await file.read(), await file.read()]).toEqual(['con', 'tent', ''])
    expect(await all(file.chunks(2))).toEqual(['co', 'nt', 'en', 't'])
    expect(await all(file.chunks(0))).toEqual(['content'])
    expect([await file.multipleChunks(), await file.multipleChunks(7), await file.multipleChunks(6)]).toEqual([
      false,
      false,
      true,
    ])
  })

  test('text counts code points, positions count bytes', async () => {
    const file = await fileOf('r', 'aé€😀z')
    expect(await file.read(3)).toBe('aé€')
    expect(file.tell()).toBe(6)
    expect(await file.read(1)).toBe('😀')
    expect(await file.seek(-1, 'end')).toBe(10)
    expect(await file.read()).toBe('z')
    expect(await file.seek(1)).toBe(1)
    expect(await file.seek(2, 'current')).toBe(3)
    expect(await file.read(1)).toBe('€')
    expect(await file.size()).toBe(11)
    await expect(file.seek(-1)).rejects.toMatchObject({ code: 'invalid_argument' })
    await expect(file.seek(0, 7 as 0)).rejects.toMatchObject({ code: 'invalid_argument' })
    expect(await file.read(0)).toBe('')
  })

  test('universal newlines in text only', async () => {
    const content = 'line1\nline2\r\nmore\rtext\n'
    const text = await fileOf('r', content)
    expect(await text.read()).toBe('line1\nline2\nmore\ntext\n')
    await text.seek(0)
    expect(await text.readLines()).toEqual(['line1\n', 'line2\n', 'more\n', 'text\n'])
    expect(await all(text)).toEqual(['line1\n', 'line2\n', 'more\n', 'text\n'])
    const binary = await fileOf('rb', content)
    expect((await binary.read()).toString()).toBe(content)
    await binary.seek(0)
    expect((await binary.readLines()).map(String)).toEqual(['line1\n', 'line2\r\n', 'more\rtext\n'])
  })

  test.each([1, 2, 3, 5, 64])('lines and characters over borders of %i bytes', async step => {
    const binary = new StorageFile('n', 'rb', stepwise(Buffer.from('one\r\ntwo\rthree\nfour'), step), services)
    expect((await all(binary)).map(String)).toEqual(['one\r\n', 'two\r', 'three\n', 'four'])
    const text = new StorageFile('n', 'r', stepwise(Buffer.from('a\x0bb\u2028c\nd'), step), services)
    expect(await all(text)).toEqual(['a\x0bb\u2028c\n', 'd'])
    const wide = new StorageFile('n', 'r', stepwise(Buffer.from('😀\r\né\r€\n'), step), services)
    expect(await all(wide.chunks(1))).toEqual(['😀', '\n', 'é', '\n', '€', '\n'])
    expect(await all(wide)).toEqual(['😀\n', 'é\n', '€\n'])
  })

  test('any text, read in any pieces, is the text with plain line ends', async () => {
    const text = fc.string({ unit: fc.constantFrom('a', '\r', '\n', 'é', '€', '😀', '\ufeff') })
    await fc.assert(
      fc.asyncProperty(text, fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 5 }), async (value, step, n) => {
        const file = new StorageFile('n', 'r', stepwise(Buffer.from(value), step), services)
        const plain = value.replaceAll('\r\n', '\n').replaceAll('\r', '\n')
        const pieces = await all(file.chunks(n))
        expect(pieces.join('')).toBe(plain)
        expect(pieces.slice(0, -1).every(piece => [...piece].length === n)).toBe(true)
        expect((await all(file)).join('')).toBe(plain)
        expect(file.tell()).toBe(Buffer.byteLength(value))
      }),
    )
  })

  test('a broken character is U+FFFD and takes no line end with it', async () => {
    const file = await fileOf('r', Buffer.from([0x61, 0xe2, 0x82, 0x0a, 0x62, 0xf0]))
    expect([await file.read(2), await file.read(1), await file.read(9)]).toEqual(['a\ufffd', '\n', 'b\ufffd'])
    expect(await all(file)).toEqual(['a\ufffd\n', 'b\ufffd'])
  })

  test.each(['r', 'rb'] as const)(
    'reading all lines closes a file in mode %s, leaving the loop early does not',
    async mode => {
      let discarded = 0
      const access = stepwise(Buffer.from('one\ntwo\n'), 3)
      access.discard = async () => void (discarded += 1)
      const file = new StorageFile('n', mode, access, services)
      for await (const _ of file) break
      expect([file.closed, discarded, String(await file.readLine())]).toEqual([false, 0, 'two\n'])
      const work = async (): Promise<never> => {
        for await (const _ of file) throw new Error('the loop failed')
        return expect.fail('no line')
      }
      await expect(work()).rejects.toThrow('the loop failed')
      expect(file.closed).toBe(false)
      expect((await all(file)).map(String)).toEqual(['one\n', 'two\n'])
      expect([file.closed, discarded]).toEqual([true, 1])
      await expect(all(file)).rejects.toMatchObject({ code: 'closed', operation: 'seek', fileName: 'n' })
      await file.close()
      expect(discarded).toBe(1)
    },
  )

  test('chunks and readLines leave the file open, and so does a loop over a file that can be written', async () => {
    const file = await fileOf('r', 'one\ntwo\n')
    expect(await all(file.chunks(4))).toEqual(['one\n', 'two\n'])
    await file.seek(0)
    expect(await file.readLines()).toEqual(['one\n', 'two\n'])
    expect(file.closed).toBe(false)
    const both = await fileOf('r+', 'one\n')
    expect(await all(both)).toEqual(['one\n'])
    await both.write('two\n')
    expect(await all(both)).toEqual(['one\n', 'two\n'])
    expect(both.closed).toBe(false)
  })

  test('lines are read from a buffer', async () => {
    const access = stepwise(Buffer.from('line\n'.repeat(10_000)), 65536)
    const file = new StorageFile('n', 'rb', access, services)
    expect(await file.readLines()).toHaveLength(10_000)
    expect(access.reads).toBeLessThanOrEqual(3)
  })

  test('what was read belongs to the caller', async () => {
    const file = await fileOf('rb', 'abcdef')
    const first = await file.read(3)
    first.fill(0)
    await file.seek(0)
    expect((await file.read()).toString()).toBe('abcdef')
  })

  test('stream and content', async () => {
    const file = await fileOf('r', 'a\r\nbc')
    await file.read(1)
    expect((await bytesOf(file.stream())).toString()).toBe('\r\nbc')
    const content = file[asContent]()
    expect(content).toMatchObject({ size: 5, replayable: true, name: 'dir/file.txt' })
    expect((await bytesOf(content.open())).toString()).toBe('a\r\nbc')
    expect((await bytesOf(content.open())).toString()).toBe('a\r\nbc')
    expect([file.tell(), file.closed]).toEqual([1, false])
    await file.close()
    expect(() => file[asContent]()).toThrow(expect.objectContaining({ code: 'closed' }))
    await expect(bytesOf(content.open())).rejects.toMatchObject({ code: 'closed' })
  })
})

describe('writing', () => {
  test('append always writes at the end', async () => {
    const file = await fileOf('a+', 'old')
    expect(await file.read()).toBe('')
    expect(file.tell()).toBe(3)
    await file.seek(0)
    expect(await file.write('new')).toBe(3)
    await file.seek(0)
    expect(await file.read()).toBe('oldnew')
  })

  test('writing over, truncating and reading again', async () => {
    const file = await fileOf('r+', '0123456789')
    expect(await file.read(2)).toBe('01')
    await file.write('ab')
    expect(await file.read(2)).toBe('45')
    expect(await file.truncate()).toBe(6)
    expect(await file.size()).toBe(6)
    await file.truncate(8)
    await file.seek(0)
    expect(await file.read()).toBe('01ab45\0\0')
    await file.writeLines(['x', 'y\n'])
    await file.seek(8)
    expect(await file.readLine()).toBe('xy\n')
    await expect(file.write(7 as never)).rejects.toMatchObject({ code: 'invalid_argument' })
    await expect(file.truncate(-1)).rejects.toMatchObject({ code: 'invalid_argument' })
  })

  test('calls that are not awaited run in their order', async () => {
    const file = await fileOf('w+b')
    const calls = [file.write('one '), file.write('two '), file.write('three'), file.seek(4), file.read(3)]
    expect((await Promise.all(calls)).at(-1)?.toString()).toBe('two')
  })
})

describe('closing', () => {
  function recording(fail?: 'write' | 'commit'): { access: RandomAccess; calls: string[] } {
    const calls: string[] = []
    const note = (name: string) => async (): Promise<void> => {
      calls.push(name)
      if (fail === name) throw Object.assign(new Error('disk full'), { code: 'ENOSPC' })
    }
    const access = {
      ...stepwise(Buffer.from('x'), 1),
      write: note('write'),
      commit: note('commit'),
      discard: note('discard'),
    }
    return { access, calls }
  }

  test('close commits once, after what is under way', async () => {
    const { access, calls } = recording()
    const file = new StorageFile('n', 'w', access, services)
    const write = file.write('x')
    const closing = file.close()
    expect(file.closed).toBe(true)
    await expect(file.write('y')).rejects.toMatchObject({ code: 'closed' })
    await Promise.all([write, closing, file.close(), file.discard()])
    expect(calls).toEqual(['write', 'commit'])
  })

  test('a file that was only read, or discarded, commits nothing', async () => {
    const read = recording()
    await new StorageFile('n', 'r', read.access, services).close()
    expect(read.calls).toEqual(['discard'])
    const { access, calls } = recording()
    const file = new StorageFile('n', 'w', access, services)
    await file.discard()
    await file.close()
    expect(calls).toEqual(['discard'])
  })

  test('a failed write is not published', async () => {
    const first = recording('write')
    const file = new StorageFile('n', 'w', first.access, services)
    await expect(file.write('x')).rejects.toThrow('disk full')
    await expect(file.close()).rejects.toThrow('disk full')
    expect(first.calls).toEqual(['write', 'discard'])
    const second = recording('write')
    const block = async (): Promise<void> => {
      await using scoped = new StorageFile('n', 'w', second.access, services)
      await scoped.write('x')
    }
    await expect(block()).rejects.toMatchObject({ code: 'ENOSPC' })
    expect(second.calls).toEqual(['write', 'discard'])
  })

  test('a failed commit is reported, and wrapped by the storage', async () => {
    const { access } = recording('commit')
    const wrap = (error: unknown, operation: string): Error => new Error(`${operation}: ${(error as Error).message}`)
    await expect(new StorageFile('n', 'w', access, { ...services, wrap }).close()).rejects.toThrow('close: disk full')
  })

  test('open goes to the beginning, reopens, or fails (66, 67)', async () => {
    const file = await fileOf('r', 'content')
    await file.read(3)
    expect(await (await file.open()).read()).toBe('content')
    await file.close()
    await expect(file.read()).rejects.toMatchObject({ code: 'closed' })
    await expect(file.open()).rejects.toMatchObject({ code: 'closed', message: 'The file cannot be reopened.' })
    const modes: string[] = []
    const again = new StorageFile('n', 'r', stepwise(Buffer.from('content'), 9), {
      ...services,
      async reopen(mode) {
        modes.push(mode)
        return stepwise(Buffer.from('content'), 9)
      },
    })
    await again.read(2)
    await again.close()
    expect(await (await again.open()).read()).toBe('content')
    await again.close()
    expect((await (await again.open('rb')).read()).toString()).toBe('content')
    expect([modes, again.mode, again.closed]).toEqual([['r', 'rb'], 'rb', false])
  })

  test('text of the file object (63)', async () => {
    const file = await fileOf('r')
    expect([inspect(file), String(file), file.name]).toEqual(['<File: dir/file.txt>', 'dir/file.txt', 'dir/file.txt'])
    const nameless = new StorageFile('', 'r', new Spool({ maxMemorySize: 0 }), services)
    expect([inspect(nameless), String(nameless)]).toEqual(['<File: None>', ''])
  })
})
