/** The connection to a real server is cut after each so many bytes of a save and of a read. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { Storage } from '../../src/storage/storage.ts'
import { distinctBytes } from '../faults/ground.ts'
import { USER_ID } from '../servers/private-daemon.ts'
import { startTcpProxy, type TcpProxy } from '../servers/tcp-proxy.ts'
import { runChild } from '../support/child.ts'
import { aged, emptied, type FileServer, leftBehind, namesOnDisk } from './places/file-server.ts'

const OLD = Buffer.from('what was there before')
const NEW = distinctBytes(300_000)

/** Where connections are cut: at so many places of each end, so many bytes apart, and between them at some more. */
export interface Cuts {
  readonly ends: number
  readonly apart: number
  readonly between: number
  /** By how many bytes a call may be shorter the next time. */
  readonly margin: number
  /** How many bytes at the end of a call may not come at all (last words over TLS): a cut there may have nothing to cut. Default 0. */
  readonly loose?: number
  /** Whether pieces from us are cut off as a whole. ProFTPD carries out a line that is cut in two. */
  readonly whole?: boolean
}

/** Registers the tests; each cut strikes the first connection, once. */
export function describeCuts({ server, storage }: FileServer, cuts: Cuts): void {
  describe('a connection that is cut', () => {
    afterEach(() => emptied(server))

    test.each([
      { way: 'from us', isUp: true, overwrite: true },
      { way: 'to us', isUp: false, overwrite: true },
      { way: 'from us', isUp: true, overwrite: false },
      { way: 'to us', isUp: false, overwrite: false },
    ])('$way, leaves a whole file of a save, overwrite $overwrite, and nothing else', async ({ isUp, overwrite }) => {
      await put('folder/file', OLD)
      if (!overwrite) await emptied(server)
      const total = await passed(isUp, files => files.save('folder/file', streamed(NEW), { overwrite }))
      for (const at of places(total, cuts)) {
        await emptied(server)
        if (overwrite) await put('folder/file', OLD)
        await using proxy = await startTcpProxy(server.port)
        await using files = storage({}, proxy.port)
        const cut = cutAfter(proxy, isUp, at, cuts.whole)
        const error = await files.save('folder/file', streamed(NEW), { overwrite }).catch((reason: unknown) => reason)
        const stored = await onDisk('folder/file')
        const told = `${at} of ${total}: ${error}`
        expect(cut.isDone || isLoose(at, total), told).toBe(true)
        if (typeof error === 'string') {
          expect([error, stored?.equals(NEW)], told).toEqual(['folder/file', true])
        } else {
          expect(error, told).toMatchObject({ name: 'StorageError', code: 'unavailable' })
          const isOld = overwrite ? stored?.equals(OLD) === true : stored === undefined
          const isUnknown = (error as { outcome?: string }).outcome !== 'not_applied'
          expect(isOld || (isUnknown && stored?.equals(NEW)), told).toBe(true)
        }
        expect(await files.save('folder/file', NEW, { overwrite: true }), told).toBe('folder/file')
        expect(await files.listdir('folder'), told).toEqual([[], ['file']])
        expect((await onDisk('folder/file'))?.equals(NEW), told).toBe(true)
        expect(await leftBehind(server), told).toEqual([])
      }
    })

    test.each([true, false])('gives a read no byte twice and loses none; from us %s', async isUp => {
      await put('file', NEW)
      await aged(server, 'file')
      const read = async (files: Storage): Promise<Buffer> => {
        await using file = await files.open('file')
        return file.read()
      }
      const total = await passed(isUp, read)
      for (const at of places(total, cuts)) {
        await using proxy = await startTcpProxy(server.port)
        await using files = storage({}, proxy.port)
        const cut = cutAfter(proxy, isUp, at, cuts.whole)
        expect((await read(files)).equals(NEW), `${at} of ${total}`).toBe(true)
        expect(cut.isDone || isLoose(at, total), `${at} of ${total}`).toBe(true)
      }
    })
  })

  function isLoose(at: number, total: number): boolean {
    return at >= total - (cuts.loose ?? 0)
  }

  async function onDisk(name: string): Promise<Buffer | undefined> {
    return (await namesOnDisk(server)).includes(name) ? readFile(join(server.files, name)) : undefined
  }

  /** How many bytes a call takes at least from its login on. */
  async function passed(isUp: boolean, call: (files: Storage) => Promise<unknown>): Promise<number> {
    await using proxy = await startTcpProxy(server.port)
    await using files = storage({}, proxy.port)
    await call(files)
    return (isUp ? proxy.up : proxy.down) - cuts.margin
  }

  async function put(name: string, content: Buffer): Promise<void> {
    const path = join(server.files, name)
    await mkdir(join(path, '..'), { recursive: true })
    await writeFile(path, content)
    await runChild('chown', ['-R', `${USER_ID}:${USER_ID}`, server.files])
  }
}

/** Cuts the first connection after so many bytes of one direction, or before the piece that they are in. */
function cutAfter(proxy: TcpProxy, isUp: boolean, at: number, isWhole = false): { readonly isDone: boolean } {
  const cut = { isDone: false }
  proxy.rule = ({ connection, isUp: goesUp, before, bytes }) => {
    if (cut.isDone || goesUp !== isUp || connection !== 1 || before + bytes.length <= at) return undefined
    cut.isDone = true
    return isWhole && isUp ? 0 : at - before
  }
  return cut
}

function places(total: number, { ends, apart, between }: Cuts): number[] {
  const near = Array.from({ length: ends }, (_, at) => at * apart)
  const middle = Array.from({ length: between }, (_, at) => Math.round((total * (at + 1)) / (between + 1)))
  return [...new Set([...near, ...middle, ...near.map(at => total - 1 - at)])].filter(at => at >= 0 && at < total)
}

async function* streamed(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes.length; start += 50_021) yield bytes.subarray(start, start + 50_021)
}
