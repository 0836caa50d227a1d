import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Spool } from '../../src/files/spool.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { Kinds } from '../storage/kinds.ts'

type Fs = typeof import('node:fs/promises')
type FailingCall = 'open' | 'unlink' | 'write' | 'truncate' | 'read'

/** The system call of a spool's temporary file that fails, and with what. */
const failing: { call?: FailingCall | undefined; errno?: string; folder?: string } = {}

function failIf(call: FailingCall): void {
  if (failing.call !== call) return
  throw Object.assign(new Error(`${failing.errno}: ${call}`), { code: failing.errno, syscall: call })
}

vi.mock('node:fs/promises', async original => {
  const fs = await original<Fs>()
  const isOurs = (path: unknown) => failing.folder !== undefined && String(path).startsWith(`${failing.folder}/`)
  const watched = (handle: FileHandle): FileHandle => {
    for (const call of ['write', 'truncate', 'read'] as const) {
      const real = handle[call].bind(handle) as (...given: unknown[]) => Promise<never>
      handle[call] = async (...given: unknown[]) => {
        failIf(call)
        return real(...given)
      }
    }
    return handle
  }
  const open: Fs['open'] = async (path, ...rest) => {
    if (!isOurs(path)) return fs.open(path, ...rest)
    failIf('open')
    return watched(await fs.open(path, ...rest))
  }
  const unlink: Fs['unlink'] = async path => {
    // Only the first try: a file that was closed can be removed.
    if (isOurs(path) && failing.call === 'unlink') {
      failing.call = undefined
      throw Object.assign(new Error('EBUSY: unlink'), { code: 'EBUSY' })
    }
    return fs.unlink(path)
  }
  return { ...fs, open, unlink }
})

const kinds = await Kinds.start()
afterAll(() => kinds.end())

beforeEach(() => {
  failing.folder = mkdtempSync(join(tmpdir(), 'spool-errors-'))
})
afterEach(() => {
  expect(readdirSync(failing.folder!)).toEqual([])
  expect(openFiles()).toBe(0)
  rmSync(failing.folder!, { recursive: true })
  failing.call = undefined
})

/** Descriptors of this process that lead into the folder of temporary files. */
function openFiles(): number {
  const folder = failing.folder!
  return [...readdirSync('/proc/self/fd')].filter(fd => linkOf(fd).startsWith(folder)).length
}

function linkOf(fd: string): string {
  try {
    return readlinkSync(join('/proc/self/fd', fd))
  } catch {
    return ''
  }
}

const CODES: ReadonlyArray<readonly [call: FailingCall, errno: string, code: string]> = [
  ['open', 'EMFILE', 'unavailable'],
  ['open', 'ENFILE', 'unavailable'],
  ['open', 'EACCES', 'permission_denied'],
  ['open', 'EROFS', 'permission_denied'],
  ['open', 'ENOSPC', 'no_space'],
  ['open', 'ENOENT', 'improperly_configured'],
  ['open', 'ENOTDIR', 'improperly_configured'],
  ['open', 'ENAMETOOLONG', 'improperly_configured'],
  ['unlink', 'EBUSY', 'unavailable'],
  ['write', 'ENOSPC', 'no_space'],
  ['write', 'EDQUOT', 'no_space'],
  ['write', 'EFBIG', 'too_large'],
  ['write', 'EOTHER', 'unknown'],
]

function failedWith(code: string): object {
  return {
    name: 'StorageError',
    code,
    outcome: 'not_applied',
    message: expect.stringContaining(`A temporary file in ${failing.folder} (set by FILE_UPLOAD_TEMP_DIR or tempDir)`),
  }
}

describe('a temporary file that fails', () => {
  it.each(CODES)('at %s with %s is %s', async (call, errno, code) => {
    const spool = new Spool({ maxMemorySize: 10, tempDir: failing.folder })
    Object.assign(failing, { call, errno })
    await expect(spool.append(Buffer.alloc(20))).rejects.toMatchObject(failedWith(code))
    failing.call = undefined
    await spool.append(Buffer.alloc(30, 'x'))
    expect(String(await spool.read(0, 30))).toBe('x'.repeat(30))
    await spool.dispose()
  })

  it.each(['read', 'truncate'] as const)('at %s says so', async call => {
    const spool = new Spool({ maxMemorySize: 10, tempDir: failing.folder })
    await spool.append(Buffer.alloc(20))
    Object.assign(failing, { call, errno: 'ENOSPC' })
    const work = call === 'read' ? spool.read(0, 9) : spool.truncate(99)
    await expect(work).rejects.toMatchObject(failedWith('no_space'))
    await spool.dispose()
  })

  it('after it was released is closed', async () => {
    const spool = new Spool({ maxMemorySize: 10, tempDir: failing.folder })
    const writing = spool.append(Buffer.alloc(20))
    await spool.dispose()
    await expect(writing).rejects.toMatchObject({ code: 'closed' })
  })
})

describe.each(['memory', 'local', 's3'] as const)('no space for temporary files, on %s', kind => {
  const calls: Readonly<Record<string, (storage: Storage) => Promise<unknown>>> = {
    'a save of a stream under a new name': storage => storage.save('new', ['a'.repeat(500), 'b'.repeat(501)]),
    'a file opened for changes': storage => storage.edit('file', 'r+', file => file.write('b'.repeat(1001))),
    'a new file that is read back': storage => storage.edit('new', 'w+', file => file.write('b'.repeat(1001))),
    'a file that is added to': storage => storage.edit('file', 'a', file => file.write('b'.repeat(1001))),
  }
  // Local files are changed in place of a copy of their own, without a spool.
  const spooling = Object.entries(calls).filter(([title]) => kind !== 'local' || title.includes('save'))

  it.each(spooling)('ends %s, and nothing has changed', async (_, call) => {
    const storage = kinds[kind]({ maxMemorySize: 1000, tempDir: failing.folder })
    await storage.save('file', 'old')
    Object.assign(failing, { call: 'write', errno: 'ENOSPC' })
    await expect(call(storage)).rejects.toMatchObject({ ...failedWith('no_space'), backend: kind })
    expect(await storage.listdir()).toEqual([[], ['file']])
    expect(await storage.readText('file')).toBe('old')
  })
})
