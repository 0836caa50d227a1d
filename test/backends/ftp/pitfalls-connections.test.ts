/** Pitfalls of FTP: data connections, sessions of TLS, and connections that are too many. */
import { Socket } from 'node:net'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { FtpDriver, type FtpDriverOptions } from '../../../src/backends/ftp/driver.ts'
import { parseLocation } from '../../../src/backends/ftp/location.ts'
import { toContent } from '../../../src/core/content.ts'
import { plainContext } from '../../../src/testing/index.ts'
import { makeIdentity } from '../../http/support.ts'
import { startDeafPort } from '../../servers/deaf-port.ts'
import type { FtpServer } from '../../servers/ftp.ts'
import { startPlace } from './support.ts'

const identity = makeIdentity()
const { key, cert } = identity
afterAll(() => identity[Symbol.dispose]())

/** A driver whose times are in milliseconds. */
function driverFor(server: FtpServer, more: Partial<FtpDriverOptions> = {}): FtpDriver {
  return new FtpDriver({
    location: parseLocation(server.url()),
    tls: undefined,
    port: server.port,
    trust: { verify: true, clientCert: null },
    encoding: 'utf-8',
    connectTimeoutMs: 30_000,
    idleTimeoutMs: undefined,
    allowDataHost: false,
    baseUrl: null,
    maxMemorySize: 1_000_000,
    tempDir: null,
    poolSize: 1,
    idleSecs: 30,
    ...more,
  })
}

describe('ftp-1: a data connection goes to the host of the control connection', () => {
  test.each(['0.0.0.0', '10.1.2.3', '192.168.7.7', '203.0.113.9', '127.0.0.2'])(
    'though PASV names %s',
    async pasvHost => {
      await using place = await startPlace({ epsv: 'refused', pasvHost })
      await place.files.save('a', 'bytes')
      expect(await place.files.readText('a')).toBe('bytes')
      expect((await place.files.listdir(''))[1]).toEqual(['a'])
    },
  )

  test('unless a setting allows another one', async () => {
    await using place = await startPlace(
      { epsv: 'refused', pasvHost: '127.0.0.1' },
      { allowDataHost: true, maxAttempts: 1 },
    )
    await place.files.save('a', 'bytes')
    // Nobody listens there: the address is taken as it is named.
    place.server.manners.pasvHost = '127.0.0.2'
    await expect(place.files.readText('a')).rejects.toMatchObject({ code: 'unavailable' })
    // No address at all is never meant.
    place.server.manners.pasvHost = '0.0.0.0'
    expect(await place.files.readText('a')).toBe('bytes')
  })
})

describe('ftp-2: where EPSV does not lead to a connection, PASV is tried, and the choice is kept', () => {
  test.each(['refused', 'malformed', 'unreachable'] as const)('EPSV is %s at the first transfer', async epsv => {
    await using place = await startPlace({ epsv })
    await place.files.save('a', 'bytes')
    expect(await place.files.readText('a')).toBe('bytes')
    expect(place.server.commands('EPSV', 'PASV')).toEqual(['EPSV', 'PASV', 'PASV'])
    expect(place.server.opened).toBe(1)
    // Other connections to the same server know it.
    await Promise.all(['b', 'c', 'd'].map(name => place.files.save(name, 'bytes')))
    expect(place.server.opened).toBeGreaterThan(1)
    expect(place.server.commands('EPSV')).toHaveLength(1)
  })

  test.each(['refused', 'malformed', 'unreachable'] as const)('EPSV is %s at a later transfer', async epsv => {
    await using place = await startPlace({}, { poolSize: 1 })
    await place.files.save('a', 'bytes')
    place.server.manners.epsv = epsv
    expect(await place.files.readText('a')).toBe('bytes')
    expect(await place.files.readText('a')).toBe('bytes')
    expect(place.server.commands('EPSV', 'PASV')).toEqual(['EPSV', 'EPSV', 'PASV', 'PASV'])
    expect(place.server.opened).toBe(1)
  })

  test('EPSV announced and unknown, and PASV refused when the server changes its mind', async () => {
    await using place = await startPlace({ without: ['EPSV'], announced: ['EPSV'] }, { poolSize: 1 })
    await place.files.save('a', 'bytes')
    place.server.manners.without = ['PASV']
    expect(await place.files.readText('a')).toBe('bytes')
    expect(place.server.opened).toBe(1)
  })

  test('a port that drops all that comes is given up in the time of one connection', async () => {
    await using deaf = await startDeafPort()
    await using place = await startPlace()
    const driver = driverFor(place.server, { connectTimeoutMs: 300 })
    const lie = {
      do: 'lie',
      at: 'before',
      reply: () => `229 Entering Extended Passive Mode (|||${deaf.port}|)`,
    } as const
    place.server.faults.add({ operation: 'EPSV', times: Number.POSITIVE_INFINITY, fault: lie })
    await driver.write('a', toContent('bytes'), {}, plainContext())
    expect(place.server.read('a')?.toString()).toBe('bytes')
    expect(place.server.commands('EPSV', 'PASV')).toEqual(['EPSV', 'PASV'])
    expect(place.server.opened).toBe(1)
    await driver.close()
  })

  test('where neither leads to a connection the call fails, and says which', async () => {
    await using place = await startPlace({ without: ['EPSV', 'PASV'] })
    const failed = place.files.save('a', 'bytes')
    await expect(failed).rejects.toMatchObject({ outcome: 'not_applied', message: expect.stringMatching(/EPSV|PASV/) })
    expect(place.server.files()).toEqual([])
  })
})

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('ftp-3: a server that demands a resumed session, %s', versions => {
  const tls = { key, cert, versions, required: true, requireSessionReuse: true }

  test('gets one of the same control connection for the second, third and hundredth transfer', async () => {
    await using place = await startPlace({ tls }, { poolSize: 1, verify: identity.certPath })
    await place.files.save('a', 'bytes')
    for (let transfer = 2; transfer <= 99; transfer++) expect(await place.files.readText('a')).toBe('bytes')
    await place.files.save('b', 'hundredth')
    expect(place.server.transfers).toHaveLength(100)
    expect(place.server.transfers.every(({ isResumed, protocol }) => isResumed && protocol === versions)).toBe(true)
    expect(place.server.opened).toBe(1)
  })

  test('never gets one of another connection of the pool', async () => {
    await using place = await startPlace({ tls }, { poolSize: 4, verify: false })
    const names = Array.from({ length: 12 }, (_, at) => `file ${at}`)
    await Promise.all(names.map(name => place.files.save(name, name)))
    expect(await Promise.all(names.map(name => place.files.readText(name)))).toEqual(names)
    expect(new Set(place.server.transfers.map(({ connection }) => connection)).size).toBe(4)
    expect(place.server.transfers.every(({ isResumed }) => isResumed)).toBe(true)
    const replies = place.server.log.flatMap(({ replies }) => replies)
    expect(replies.filter(reply => /^(522|425)/.test(reply))).toEqual([])
  })
})

describe('ftp-13: nothing disturbs a long transfer', () => {
  test('no NOOP is sent, keepalive is on, and the control connection may be silent longer than the time-out', async () => {
    const keepAlive = vi.spyOn(Socket.prototype, 'setKeepAlive')
    await using place = await startPlace()
    const driver = driverFor(place.server, { idleTimeoutMs: 100, connectTimeoutMs: 100 })
    async function* slow(): AsyncGenerator<Buffer> {
      for (let piece = 0; piece < 5; piece++) {
        yield Buffer.alloc(1000, piece)
        await new Promise(resolve => setTimeout(resolve, 50))
      }
    }
    await driver.write('slow', toContent(slow()), {}, plainContext())
    await driver.close()
    expect(place.server.read('slow')?.length).toBe(5000)
    expect(place.server.commands('NOOP')).toEqual([])
    expect(place.server.opened).toBe(1)
    const local = keepAlive.mock.calls.map(([isOn]) => isOn)
    expect(local).toContain(true)
    keepAlive.mockRestore()
  })

  test('when the control connection has died at the end, SIZE on a new one tells that the file is whole', async () => {
    await using place = await startPlace()
    place.server.faults.add({ operation: 'STOR', fault: { do: 'drop', at: 'after' } })
    await place.files.save('a', 'whole')
    expect([place.server.files(), place.server.read('a')?.toString()]).toEqual([['a'], 'whole'])
    expect(place.server.opened).toBe(2)
    const { connection } = place.server.log.find(({ verb }) => verb === 'SIZE')!
    expect(connection).toBe(2)
  })

  test('and that it is not', async () => {
    await using place = await startPlace({}, { maxAttempts: 1 })
    place.server.put('a', 'old')
    place.server.faults.add({ operation: 'STOR', fault: { do: 'drop', bytes: 3 } })
    const saved = place.files.save('a', 'not whole', { overwrite: true })
    await expect(saved).rejects.toMatchObject({ code: 'unavailable' })
    expect([place.server.files(), place.server.read('a')?.toString()]).toEqual([['a'], 'old'])
  })
})

describe('ftp-14: a server that takes no more connections makes the pool smaller', () => {
  test.each([
    ['by its greeting', '421 Too many connections.'],
    ['by a 530 to the password', '530 Sorry, the maximum number of clients (2) for this user are already connected.'],
    ['by a 421 to the password', '421 Too many users.'],
  ])('%s', async (_title, limitReply) => {
    await using place = await startPlace({ maxConnections: 2, limitReply }, { poolSize: 4 })
    const names = Array.from({ length: 16 }, (_, at) => `file ${at}`)
    await Promise.all(names.map(name => place.files.save(name, name)))
    expect(await Promise.all(names.map(name => place.files.readText(name)))).toEqual(names)
    expect(place.server.connections).toBeLessThanOrEqual(2)
    // It does not ask again and again.
    expect(place.server.opened).toBeLessThanOrEqual(6)
  })

  test('a login that is refused for another reason is an error, and one by a full server without others is throttled', async () => {
    await using place = await startPlace({ maxConnections: 0 }, { maxAttempts: 1 })
    await expect(place.files.exists('a')).rejects.toMatchObject({ code: 'throttled', outcome: 'not_applied' })
    place.server.manners.maxConnections = 9
    place.server.manners.password = 'other'
    await expect(place.files.exists('a')).rejects.toMatchObject({ code: 'permission_denied' })
  })

  test.each(['cut', 'drop'] as const)(
    'with a pool of one the removal of a partial file takes the same slot: %s',
    async what => {
      await using place = await startPlace({ maxConnections: 1 }, { poolSize: 1, maxAttempts: 1 })
      place.server.put('a', 'old')
      place.server.faults.add({ operation: 'STOR', fault: { do: what, bytes: 1000 } })
      const [failed, next] = await Promise.allSettled([
        place.files.save('a', Buffer.alloc(50_000), { overwrite: true }),
        place.files.save('b', 'next'),
      ])
      expect([failed.status, next.status]).toEqual(['rejected', 'fulfilled'])
      expect(place.server.files()).toEqual(['a', 'b'])
      expect(place.server.read('a')?.toString()).toBe('old')
    },
  )
})
