import { mkdtempSync, readdirSync, readlinkSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Content } from '../../src/core/content.ts'
import { Spool } from '../../src/files/spool.ts'
import { SpoolAccess } from '../../src/files/spool-access.ts'
import { bytesOf, context } from './helpers.ts'

let tempDir: string
beforeEach(() => {
  tempDir = mkdtempSync(join(tmpdir(), 'spool-test-'))
})
afterEach(() => rmSync(tempDir, { recursive: true }))

/** The descriptors of this process that lead into the test's folder. */
function openFiles(): string[] {
  return readdirSync('/proc/self/fd')
    .map(fd => join('/proc/self/fd', fd))
    .filter(path => {
      try {
        return readlinkSync(path).startsWith(tempDir)
      } catch {
        return false
      }
    })
}

describe('Spool', () => {
  test('memory, then a file without a name and with mode 0600, then nothing', async () => {
    const spool = new Spool({ maxMemorySize: 10, tempDir })
    await spool.append(Buffer.from('0123456789'))
    expect([spool.onDisk, openFiles()]).toEqual([false, []])
    expect(spool.asContent().bytes).toEqual(Buffer.from('0123456789'))
    await spool.append(Buffer.from('ab'))
    expect(spool.onDisk).toBe(true)
    const [path, ...others] = openFiles()
    expect(others).toEqual([])
    expect(statSync(path as string)).toMatchObject({ nlink: 0, mode: 0o100600 })
    expect(readdirSync(tempDir)).toEqual([])
    const content = spool.asContent()
    expect(content).toMatchObject({ size: 12, replayable: true })
    expect(content.bytes).toBeUndefined()
    expect(String(await bytesOf(content.open()))).toBe('0123456789ab')
    expect(String(await bytesOf(content.open()))).toBe('0123456789ab')
    await spool.dispose()
    await spool.dispose()
    expect([openFiles(), readdirSync(tempDir)]).toEqual([[], []])
    await expect(spool.read(0, 1)).rejects.toMatchObject({ code: 'closed' })
  })

  test('0 never goes to disk', async () => {
    const spool = new Spool({ maxMemorySize: 0, tempDir })
    for (let i = 0; i < 50; i += 1) await spool.append(Buffer.alloc(100_000, i))
    expect([spool.onDisk, await spool.size(), openFiles()]).toEqual([false, 5_000_000, []])
    expect((await spool.read(4_899_999, 2))[1]).toBe(49)
  })

  test('any writes and cuts give the same bytes in memory and on disk', async () => {
    const step = fc.record({ at: fc.nat(40), data: fc.uint8Array({ maxLength: 20 }), cut: fc.option(fc.nat(50)) })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), fc.constantFrom(0, 1, 16), async (steps, maxMemorySize) => {
        const spool = new Spool({ maxMemorySize, tempDir })
        let model: number[] = []
        const extend = (size: number): void => {
          while (model.length < size) model.push(0)
        }
        for (const { at, data, cut } of steps) {
          await spool.write(at, data)
          if (data.length > 0) extend(at + data.length)
          model.splice(at, data.length, ...data)
          if (cut === null) continue
          await spool.truncate(cut)
          extend(cut)
          model = model.slice(0, cut)
        }
        expect([...(await bytesOf(spool.asContent().open()))]).toEqual(model)
        expect([...(await spool.read(3, 30))]).toEqual(model.slice(3, 33))
        await spool.dispose()
      }),
      { numRuns: 60 },
    )
    expect(openFiles()).toEqual([])
  })

  test('a stream that fails, or a call that is aborted, leaves nothing open after dispose', async () => {
    const source = Readable.from(
      (async function* () {
        yield Buffer.alloc(100)
        throw new Error('lost')
      })(),
    )
    const spool = new Spool({ maxMemorySize: 10, tempDir })
    await expect(spool.fill(source)).rejects.toThrow('lost')
    expect(openFiles()).toHaveLength(1)
    await spool.dispose()
    const aborted = Readable.from([Buffer.alloc(1)])
    await expect(new Spool({ maxMemorySize: 0 }).fill(aborted, context(AbortSignal.abort()))).rejects.toThrow()
    expect([openFiles(), aborted.destroyed]).toEqual([[], true])
  })
})

describe('SpoolAccess', () => {
  async function load(old: string, dirty: boolean): Promise<{ access: SpoolAccess; sent: string[] }> {
    const sent: string[] = []
    const send = async (content: Content): Promise<void> => {
      sent.push(String(await bytesOf(content.open())))
    }
    const spool = new Spool({ maxMemorySize: 4, tempDir })
    return {
      access: await SpoolAccess.load(Readable.from([Buffer.from(old)]), { spool, send, dirty }, context()),
      sent,
    }
  }

  test('changed bytes are sent once, as a whole', async () => {
    const { access, sent } = await load('old content', false)
    await access.write(0, Buffer.from('new'))
    await access.truncate(9)
    expect([String(await access.read(0, 5)), await access.size(), access.knownSize]).toEqual(['new c', 9, 9])
    expect(sent).toEqual([])
    await access.commit(context())
    expect([sent, openFiles()]).toEqual([['new conte'], []])
  })

  test('unchanged bytes are not sent, an emptied or new file is', async () => {
    const clean = await load('old content', false)
    await clean.access.write(3, Buffer.alloc(0))
    await clean.access.truncate(11)
    await clean.access.commit(context())
    expect(clean.sent).toEqual([])
    const made = await load('', true)
    await made.access.commit(context())
    expect([made.sent, openFiles()]).toEqual([[''], []])
  })

  test('discard sends nothing; failures release the file', async () => {
    const { access, sent } = await load('old content', true)
    await access.discard()
    expect([sent, openFiles()]).toEqual([[], []])
    const spool = new Spool({ maxMemorySize: 1, tempDir })
    const send = async (): Promise<void> => {
      throw new Error('refused')
    }
    const refused = await SpoolAccess.load(Readable.from([Buffer.from('abc')]), { spool, send, dirty: true }, context())
    await expect(refused.commit(context())).rejects.toThrow('refused')
    const other = { spool: new Spool({ maxMemorySize: 1, tempDir }), send }
    const failing = new Readable({ read: () => undefined })
    failing.push(Buffer.from('abc'))
    const loading = SpoolAccess.load(failing, other, context())
    failing.destroy(new Error('lost'))
    await expect(loading).rejects.toThrow('lost')
    expect(openFiles()).toEqual([])
  })
})
