/** Habits and faults of the SFTP server of the tests. */
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { type SftpClient, sessionOf, sftpClient } from './sftp/client.ts'
import { habitsOfOpenSsh } from './sftp/habits.ts'
import { OPEN } from './sftp/protocol.ts'
import { PASSWORD, startSftpServer } from './sftp.ts'

const server = await startSftpServer()
const { files, faults, log, habits } = server
afterAll(() => server.close())
beforeEach(() => {
  files.clear()
  faults.clear()
  log.clear()
  Object.assign(habits, habitsOfOpenSsh())
})

const { READ, WRITE, CREATE } = OPEN

/** A client for one test. */
async function withClient(work: (client: SftpClient) => Promise<void>): Promise<void> {
  await using client = await sftpClient(server)
  await work(client)
}

describe('habits', () => {
  it('short reads, refused large writes, few handles', () =>
    withClient(async client => {
      Object.assign(habits, { mostRead: 10, mostWrite: 20, mostHandles: 1 })
      files.put('f', 'x'.repeat(50))
      const handle = await client.open('f', READ | WRITE)
      expect(await client.read(handle, 5, 30)).toHaveLength(10)
      await expect(client.write(handle, 0, Buffer.alloc(21))).rejects.toMatchObject({ code: 4 })
      await client.write(handle, 0, Buffer.alloc(20))
      await expect(client.open('f', READ)).rejects.toMatchObject({ code: 4, message: 'Too many open files' })
      const other = await sessionOf(client.ssh)
      expect(await new Promise(resolve => other.open('f', 'r', resolve))).toBeUndefined()
      await client.close(handle)
      await client.close(await client.open('f', READ))
    }))

  it('a RENAME that replaces', () =>
    withClient(async client => {
      habits.plainRename = 'replace'
      files.put('a', 'new')
      files.put('b', 'old')
      await client.call((sftp, done) => sftp.rename('a', 'b', done as () => void))
      expect([files.names(), files.text('b')]).toEqual([['b'], 'new'])
    }))

  it('a file that is taken away after it was written', () =>
    withClient(async client => {
      habits.takesAway = true
      const handle = await client.open('f', WRITE | CREATE)
      expect(await client.call<{ size: number }>((sftp, done) => sftp.fstat(handle, done))).toMatchObject({ size: 0 })
      expect(files.names()).toEqual(['f'])
      await client.close(handle)
      expect(files.names()).toEqual([])
    }))

  it('attributes and long names that tell little', () =>
    withClient(async client => {
      Object.assign(habits, { unlisted: ['type', 'size', 'times'], unstated: ['permissions', 'owner'] })
      files.put('f', 'abc')
      const listing = await client.call<object[]>((sftp, done) => sftp.readdir('.', done))
      expect(listing).toMatchObject([{ filename: 'f', longname: /^-/, attrs: { mode: 0o644, size: undefined } }])
      const stat = await client.call<object>((sftp, done) => sftp.stat('f', done))
      expect(stat).toMatchObject({ mode: undefined, uid: undefined, size: 3 })
      habits.longNames = false
      expect(await client.call((sftp, done) => sftp.readdir('.', done as never))).toMatchObject([{ longname: 'f' }])
    }))
})

describe('faults', () => {
  it('strike the requests that they are planned for, so many times, after so many others', () =>
    withClient(async client => {
      files.put('f', '')
      faults.add({ on: 'STAT', path: /^f/, skip: 1, times: 2, fault: { do: 'refuse', code: 8, message: 'Not here' } })
      const codes: number[] = []
      for (const path of ['f', 'g', 'f', 'f', 'f']) {
        codes.push(await client.status((sftp, done) => sftp.stat(path, done as never)))
      }
      expect([codes, faults.size]).toEqual([[0, 2, 8, 8, 0], 0])
      expect(log.of('STAT').map(({ result }) => result)).toEqual(['ATTRS', '2', '8', '8', 'ATTRS'])
    }))

  it.each([
    ['before', []],
    ['after', ['d']],
  ] as const)('refuse, drop, close %s the work', async (at, made) => {
    const names = (): string[] => (files.node('d') === undefined ? [] : ['d'])
    for (const fault of [
      { do: 'refuse', at, code: 3 } as const,
      { do: 'drop', at } as const,
      { do: 'close', at } as const,
    ]) {
      files.clear()
      await withClient(async client => {
        faults.add({ on: 'MKDIR', fault })
        expect(await client.status((sftp, done) => sftp.mkdir('d', done as () => void))).not.toBe(0)
        expect(names()).toEqual(made)
        const alive = sessionOf(client.ssh).then(
          () => true,
          () => false,
        )
        expect(await alive).toBe(fault.do !== 'drop')
      }).catch(error => expect(fault.do, String(error)).toBe('drop'))
    }
  })

  it('hold an answer until told, before the work and after it', () =>
    withClient(async client => {
      for (const at of ['before', 'after'] as const) {
        const [held, free] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
        faults.add({ on: 'MKDIR', fault: { do: 'hold', at, until: free.promise, onHold: held.resolve } })
        const made = client.call((sftp, done) => sftp.mkdir(at, done as () => void))
        await held.promise
        expect(files.node(at) !== undefined).toBe(at === 'after')
        free.resolve()
        await made
        expect(files.node(at)?.kind).toBe('folder')
      }
    }))

  it('cut an answer, send garbage, lie', async () => {
    files.put('f', 'abc')
    for (const fault of [{ do: 'cut', bytes: 7 } as const, { do: 'garbage' } as const]) {
      const client = await sftpClient(server)
      faults.add({ on: 'STAT', fault })
      await expect(client.call((sftp, done) => sftp.stat('f', done as never))).rejects.toThrow()
      client.ssh.destroy()
    }
    await withClient(async client => {
      faults.add({ on: 'STAT', fault: { do: 'lie', answer: () => ({ type: 'ATTRS', attributes: { size: 77 } }) } })
      expect(await client.call((sftp, done) => sftp.stat('f', done as never))).toMatchObject({ size: 77 })
    })
  })
})

it('drops connections, closes channels, and listens again at the same port', async () => {
  const client = await sftpClient(server)
  const ended = new Promise<void>(resolve => client.sftp.once('close', () => resolve()))
  const confirmed = server.closeChannels()
  await ended
  // ssh2 does not confirm it by itself.
  client.sftp.end()
  await confirmed
  await sessionOf(client.ssh)
  const closed = new Promise<void>(resolve => client.ssh.once('close', () => resolve()))
  await server.close()
  await closed
  await expect(sftpClient(server)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  await server.start()
  await withClient(async again => {
    expect(await again.call((sftp, done) => sftp.realpath('.', done as never))).toBe('/home/media')
  })
})

it('is silent once it is frozen, and its client finds out by its own pings', async () => {
  const client = await sftpClient(server, { password: PASSWORD, keepaliveInterval: 10, keepaliveCountMax: 2 })
  const failed = new Promise<Error>(resolve => client.ssh.once('error', resolve))
  server.freeze()
  expect(await failed).toMatchObject({ message: 'Keepalive timeout' })
  client.ssh.destroy()
})

it('takes so many connections, and so many sessions on each', async () => {
  await using small = await startSftpServer({ mostConnections: 1, mostSessions: 2 })
  await using client = await sftpClient(small)
  await sessionOf(client.ssh)
  await expect(sessionOf(client.ssh)).rejects.toThrow('open failure')
  await expect(sftpClient(small)).rejects.toThrow()
  expect([small.connections, small.open, small.sessions]).toEqual([1, 1, 2])
})
