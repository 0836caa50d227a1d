import { once } from 'node:events'
import { Readable } from 'node:stream'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { isStorageError, type StorageError } from '../../../src/core/errors.ts'
import { startFaultProxy } from '../../servers/fault-proxy.ts'
import { startStrictDropbox } from '../../servers/strict-dropbox.ts'
import { at, hostsAt, MIB_4, renewing, storageWith } from './support.ts'

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

/** Bytes of the transfers that are broken; 104857600 for the sentence about 100 MiB. */
const LARGE = Number(process.env['HOLDALL_KILLED_BYTES'] ?? 3 * MIB_4)

describe('a server that dies in the middle of a transfer', () => {
  const old = Buffer.from('what was there before')
  const bytes = Buffer.alloc(LARGE, 'x')

  /** A storage whose server is dead for all requests once `isDead` is set, with no more patience than two tries. */
  async function fragile() {
    const proxy = await startFaultProxy(server.url, () => undefined)
    const files = storageWith({
      ...at(server),
      ...hostsAt(proxy.url),
      maxAttempts: 2,
      multipartThreshold: MIB_4,
      partSize: MIB_4,
    })
    return { proxy, files }
  }

  test.each([
    ['of a session', (size: number) => size],
    ['of one request', () => MIB_4],
  ])('keeps the old file %s, shows nothing else, and the next call works', async (_, sizeOf) => {
    const { proxy, files } = await fragile()
    server.put('/dir/file', old)
    const size = sizeOf(LARGE)
    proxy.rule = ({ url }) => (/upload$|append_v2|finish/.test(url) ? { do: 'drop', bytes: MIB_4 / 2 } : undefined)
    const failure = await failureOf(files.save('dir/file', bytes.subarray(0, size), { overwrite: true }))
    expect(failure).toMatchObject({ code: 'unavailable', fileName: 'dir/file' })
    expect(server.paths()).toEqual(['/dir/file'])
    expect(server.file('/dir/file')!.revision.body.equals(old)).toBe(true)
    proxy.rule = () => undefined
    await files.save('dir/file', bytes, { overwrite: true })
    expect(server.file('/dir/file')!.revision.body.equals(bytes)).toBe(true)
    await files.close()
    await proxy.close()
  })

  test('breaks a download with an error and no wrong byte, and the next one is whole', async () => {
    const { proxy, files } = await fragile()
    server.put('/file', bytes)
    let reads = 0
    proxy.rule = ({ url }) =>
      url.endsWith('/files/download') && ++reads > 0
        ? reads === 1
          ? { do: 'cut', bytes: MIB_4 }
          : { do: 'drop' }
        : undefined
    const stream = files.createReadStream('file')
    let read = 0
    stream.on('data', (chunk: Buffer) => {
      read += chunk.length
    })
    const [error] = await once(stream, 'error')
    expect(error).toMatchObject({ code: 'unavailable', fileName: 'file' })
    expect(read).toBeLessThan(LARGE)
    proxy.rule = () => undefined
    expect((await files.readBytes('file')).equals(bytes)).toBe(true)
    await files.close()
    await proxy.close()
  })

  test('and comes back is no matter: the upload goes on where it was, the download at its place', async () => {
    const { proxy, files } = await fragile()
    let count = 0
    const isBytes = /append_v2|finish/
    proxy.rule = ({ url, headers }) =>
      isBytes.test(url) && headers['content-length'] !== '0' && ++count % 2 === 1
        ? { do: 'drop', bytes: 100_000 }
        : undefined
    await files.save('file', Readable.from([bytes], { objectMode: false }))
    expect(server.file('/file')!.revision.body.equals(bytes)).toBe(true)
    proxy.rule = ({ url }) =>
      url.endsWith('/files/download') && ++count % 2 === 1 ? { do: 'cut', bytes: MIB_4 } : undefined
    expect((await files.readBytes('file')).equals(bytes)).toBe(true)
    await files.close()
    await proxy.close()
  })

  test('keeps what arrived, where the service does: no byte is in the file twice', async () => {
    const keeping = await startStrictDropbox({ keepsArrived: true })
    await using files = storageWith({ ...at(keeping), multipartThreshold: MIB_4, partSize: MIB_4 })
    keeping.faults.add({ operation: 'files/upload_session/append_v2', fault: { do: 'drop', bytes: 1_000_000 } })
    const distinct = Buffer.from(Uint32Array.from({ length: LARGE / 4 }, (_, at) => at).buffer)
    await files.save('file', Readable.from([distinct], { objectMode: false }))
    expect(keeping.file('/file')!.revision.body.equals(distinct)).toBe(true)
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
