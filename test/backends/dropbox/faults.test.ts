import { once } from 'node:events'
import { Readable } from 'node:stream'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { isStorageError, type StorageError } from '../../../src/core/errors.ts'
import { startFaultProxy } from '../../servers/fault-proxy.ts'
import { startStrictDropbox } from '../../servers/strict-dropbox.ts'
import { at, hostsAt, KIB_64, MIB_4, renewing, smallParts, storageWith } from './support.ts'

vi.mock('node:timers/promises', () => import('../../support/short-waits.ts'))

const server = await startStrictDropbox()
afterAll(() => server.close())
beforeEach(() => {
  server.faults.clear()
  server.clear()
  server.requests.length = 0
  server.tokens.refreshes.length = 0
})

async function failureOf(promise: Promise<unknown>): Promise<StorageError> {
  const error = await promise.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  )
  if (isStorageError(error)) return error
  throw error
}

/** Lets time go by for us and for the server. */
const wait = (secs: number): unknown => vi.setSystemTime(Date.now() + secs * 1000)

describe('tokens', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }))
  afterEach(() => void vi.useRealTimers())

  test('are got once for many calls at a time, and renewed before their end', async () => {
    await using files = storageWith(renewing(server))
    server.put('/a', 'x')
    await Promise.all(Array.from({ length: 8 }, () => files.stat('a')))
    expect(server.tokens.refreshes).toEqual([{ by: 'form', app: 'parameters' }])
    wait(14_400 - 30)
    await Promise.all(Array.from({ length: 8 }, () => files.stat('a')))
    await expect.poll(() => server.tokens.refreshes.length).toBe(2)
    expect(server.requests.filter(({ status }) => status === 401)).toEqual([])
  })

  test.each(['expired', 'invalid'] as const)(
    'that are %s are renewed once for many calls, in the middle of an upload too',
    async how => {
      await using files = storageWith({ ...renewing(server), multipartThreshold: MIB_4, partSize: MIB_4 })
      await files.exists('a')
      async function* source(): AsyncGenerator<Buffer> {
        for (let part = 0; part < 3; part++) {
          if (part === 2) server.tokens.revokeAll(how)
          yield Buffer.alloc(MIB_4, part)
        }
      }
      await files.save('long', Readable.from(source(), { objectMode: false }))
      expect(server.file('/long')!.revision.body.length).toBe(3 * MIB_4)
      server.tokens.revokeAll(how)
      await Promise.all(Array.from({ length: 8 }, () => files.stat('long')))
      expect(server.tokens.refreshes).toHaveLength(3)
    },
  )

  test('of a given access token are used until they end, and then those of the refresh token', async () => {
    await using files = storageWith({ ...renewing(server), oauth2AccessToken: server.token({ secs: 60 }) })
    await files.exists('a')
    expect(server.tokens.refreshes).toEqual([])
    wait(61)
    await files.exists('a')
    expect(server.tokens.refreshes).toHaveLength(1)
  })

  test('that cannot be renewed are permission_denied, without a secret in the message', async () => {
    const own = await startStrictDropbox()
    await using files = storageWith(renewing(own))
    const { refreshToken, appSecret } = own.tokens
    own.tokens.disconnect()
    const failure = await failureOf(files.stat('a'))
    expect(failure).toMatchObject({ code: 'permission_denied' })
    const said = JSON.stringify([failure.message, String(failure.cause), String(failure.stack)])
    expect(said).not.toContain(refreshToken)
    expect(said).not.toContain(appSecret)
    await own.close()
  })

  test('that have ended, with nothing to renew them by, are an error of every call, also of exists', async () => {
    await using files = storageWith({ ...at(server), oauth2AccessToken: server.token({ secs: 0 }) })
    const calls = [() => files.exists('a'), () => files.stat('a'), () => files.save('a', 'x'), () => files.listdir('')]
    for (const call of calls) {
      const failure = await failureOf(call())
      expect(failure.code).toBe('permission_denied')
      expect(failure.message).toContain('DROPBOX_OAUTH2_REFRESH_TOKEN')
    }
    const invalid = storageWith({ ...at(server), oauth2AccessToken: 'sl.a-token-that-nobody-gave-anyone' })
    const failure = await failureOf(invalid.exists('a'))
    expect(failure.code).toBe('permission_denied')
    expect(failure.message).not.toContain('nobody')
    await invalid.close()
  })

  test('of an app without a permission say which it lacks', async () => {
    const oauth2AccessToken = server.token({ scopes: ['files.metadata.read'] })
    await using files = storageWith({ ...at(server), oauth2AccessToken })
    const failure = await failureOf(files.save('a', 'x'))
    expect(failure.code).toBe('permission_denied')
    expect(failure.message).toContain('files.content.write')
  })
})

/** Bytes of a part of the transfers that are broken, and of all of them; 104857600 for the sentence about 100 MiB. */
const LARGE = Number(process.env['HOLDALL_KILLED_BYTES'] ?? 16 * KIB_64)
const PART = LARGE > MIB_4 ? MIB_4 : KIB_64

describe('a server that dies in the middle of a transfer', () => {
  const old = Buffer.from('what was there before')
  const bytes = Buffer.from(Uint32Array.from({ length: LARGE / 4 }, (_, at) => at * 2654435761).buffer)
  const stored = (): Buffer | undefined => server.file('/dir/file')?.revision.body

  /** A storage whose server dies where a rule says so, with no more patience than two tries. */
  async function fragile() {
    const proxy = await startFaultProxy(server.url, () => undefined)
    const parts = { multipartThreshold: PART, partSize: PART }
    const files = smallParts(server, { ...hostsAt(proxy.url), maxAttempts: 2 }, { ...hostsAt(proxy.url), ...parts })
    const end = async () => {
      await files.close()
      await proxy.close()
    }
    return { proxy, files, [Symbol.asyncDispose]: end }
  }

  test.each([
    ['of a session', LARGE],
    ['of one request', PART],
  ])('keeps the old file %s, shows nothing else, and the next call works', async (_, size) => {
    await using place = await fragile()
    const { proxy, files } = place
    server.put('/dir/file', old)
    let parts = 0
    proxy.rule = ({ url }) => {
      const isDead = url.endsWith('/files/upload') || (/append_v2|finish/.test(url) && ++parts > size / PART / 2)
      return isDead ? { do: 'drop', bytes: PART / 2 } : undefined
    }
    const failure = await failureOf(files.save('dir/file', bytes.subarray(0, size), { overwrite: true }))
    expect(failure).toMatchObject({ code: 'unavailable', fileName: 'dir/file' })
    expect(server.paths()).toEqual(['/dir/file'])
    expect(stored()).toEqual(old)
    proxy.rule = () => undefined
    await files.save('dir/file', bytes, { overwrite: true })
    expect(stored()?.equals(bytes)).toBe(true)
  })

  test('breaks a download with an error and no wrong byte, and the next one is whole', async () => {
    await using place = await fragile()
    const { proxy, files } = place
    server.put('/file', bytes)
    let isDead = false
    proxy.rule = ({ url }) => {
      if (!url.endsWith('/files/download')) return undefined
      if (isDead) return { do: 'drop' }
      isDead = true
      return { do: 'cut', bytes: LARGE / 2 }
    }
    const chunks: Buffer[] = []
    const stream = files.createReadStream('file')
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    const [error] = await once(stream, 'error')
    expect(error).toMatchObject({ code: 'unavailable', fileName: 'file' })
    const read = Buffer.concat(chunks)
    expect(read.length).toBeLessThan(LARGE)
    expect(read.equals(bytes.subarray(0, read.length))).toBe(true)
    proxy.rule = () => undefined
    expect((await files.readBytes('file')).equals(bytes)).toBe(true)
  })

  test('and comes back is no matter: the upload goes on where it was, the download at its place', async () => {
    await using place = await fragile()
    const { proxy, files } = place
    let count = 0
    proxy.rule = ({ url, headers }) => {
      const isBytes = /append_v2|finish/.test(url) && headers['content-length'] !== '0'
      return isBytes && ++count % 8 === 1 ? { do: 'drop', bytes: PART / 2 } : undefined
    }
    await files.save('dir/file', Readable.from([bytes], { objectMode: false }), { overwrite: true })
    expect(stored()?.equals(bytes)).toBe(true)
    expect(count).toBeGreaterThan(LARGE / PART)
    proxy.rule = ({ url }) =>
      url.endsWith('/files/download') && ++count % 2 === 1 ? { do: 'cut', bytes: LARGE / 2 } : undefined
    expect((await files.readBytes('dir/file')).equals(bytes)).toBe(true)
  })

  test('keeps what arrived, where the service does: no byte is in the file twice', async () => {
    const keeping = await startStrictDropbox({ keepsArrived: true })
    await using files = smallParts(keeping)
    keeping.faults.add({ operation: 'files/upload_session/append_v2', fault: { do: 'drop', bytes: 10_000 } })
    await files.save('file', Readable.from([bytes], { objectMode: false }), { overwrite: true })
    expect(keeping.file('/file')?.revision.body.equals(bytes)).toBe(true)
    await keeping.close()
  })
})

describe('two changes at a time', () => {
  test('of a folder that is written meanwhile are waited for, as often as the attempts say', async () => {
    const busy = await startStrictDropbox({ writeMs: 5, busySecs: 0 })
    await using files = storageWith({ ...at(busy), maxAttempts: 8 })
    await Promise.all(['a', 'b', 'c'].map(name => files.save(name, name)))
    expect(busy.paths()).toEqual(['/a', '/b', '/c'])
    await busy.close()
  })
})
