/** The FTP server itself: TLS of control and data connections, explicit and implicit, and that sessions are resumed. */
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { Client } from 'basic-ftp'
import { afterAll, expect, test } from 'vitest'
import { makeIdentity } from '../http/support.ts'
import { RawClient } from './ftp/raw-client.ts'
import { FtpServer, type TlsManners } from './ftp.ts'

const identity = makeIdentity()
const { key, cert } = identity
afterAll(() => identity[Symbol.dispose]())

async function started(tls: Partial<TlsManners> = {}) {
  const server = await FtpServer.start({ tls: { key, cert, ...tls } })
  return { server, [Symbol.asyncDispose]: () => server.close() }
}

/** A client in TLS whose data connections are to be protected. */
async function login(server: FtpServer): Promise<RawClient> {
  const [client] = await RawClient.greeted(server)
  await client.secure()
  for (const line of ['PBSZ 0', 'PROT P', 'USER anna', 'PASS secret', 'TYPE I']) await client.say(line)
  return client
}

test('AUTH TLS begins anew, and protection is asked for in order', async () => {
  await using place = await started({ required: true })
  const [client] = await RawClient.greeted(place.server)
  await using _ = client
  expect(await client.say('USER anna')).toMatch(/^530 /)
  expect(await client.say('PBSZ 0')).toMatch(/^503 /)
  expect(await client.say('AUTH KERBEROS')).toMatch(/^504 /)
  await client.secure()
  expect(await client.say('PROT P')).toMatch(/^503 /)
  expect(await client.say('PBSZ 0')).toMatch(/^200 /)
  expect(await client.say('PROT S')).toMatch(/^536 /)
  expect(await client.say('AUTH TLS')).toMatch(/^503 /)
  await client.say('USER anna')
  expect(await client.say('PASS secret')).toMatch(/\n230 /)
  expect(await client.say('FEAT')).toContain('\n AUTH TLS\n PBSZ\n PROT\n')
  expect((await client.fetch('LIST')).replies).toEqual(['522 Data connections must be encrypted.'])
  expect(place.server.log.map(({ verb, isSecure }) => `${verb} ${isSecure}`).at(-2)).toBe('EPSV true')
})

test('what comes in the clear together with AUTH TLS is forgotten', async () => {
  await using place = await started()
  const [client] = await RawClient.greeted(place.server)
  await using _ = client
  client.send('AUTH TLS\r\nUSER injected\r\n')
  expect(await client.reply()).toMatch(/^234 /)
  expect(place.server.commands()).toEqual(['AUTH TLS'])
})

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'with %s a data connection must resume a session of its own control connection',
  async versions => {
    await using place = await started({ versions, requireSessionReuse: true })
    place.server.put('a', 'bytes')
    await using one = await login(place.server)
    await using other = await login(place.server)
    const asked = async (session: Buffer | undefined): Promise<string> => {
      const data = await one.data()
      await one.say('RETR a')
      // One that is refused may be broken off before the client's handshake is done.
      const text = await one
        .secureData(data, session)
        .then(secured => buffer(secured))
        .then(String, () => '')
      data.destroy()
      return `${text} ${(await one.reply()).slice(0, 3)}`
    }
    // In TLS 1.3 the tickets come after the handshake.
    for (const client of [one, other]) while (client.session === undefined) await client.say('NOOP')
    expect(await asked(undefined)).toBe('bytes 226')
    expect(await asked(other.session)).toBe(' 522')
    expect(await asked(undefined)).toBe('bytes 226')
    expect(place.server.transfers.map(({ protocol, isResumed, bytes }) => [protocol, isResumed, bytes])).toEqual([
      [versions, true, 5],
      [versions, false, 0],
      [versions, true, 5],
    ])
  },
)

test.each([
  ['TLSv1.2', false],
  ['TLSv1.3', false],
  ['TLSv1.2', true],
  ['TLSv1.3', true],
] as const)('basic-ftp works with %s, implicit %s, with sessions of its own', async (versions, implicit) => {
  await using place = await started({ versions, implicit, requireSessionReuse: true, wantsCloseNotify: true })
  const { port } = place.server
  const client = new Client(0)
  const secureOptions = { rejectUnauthorized: false }
  const secure = implicit ? 'implicit' : true
  await client.access({ host: '127.0.0.1', port, user: 'anna', password: 'secret', secure, secureOptions })
  for (let round = 0; round < 4; round++) await client.uploadFrom(Readable.from([Buffer.alloc(50_000, round)]), 'a')
  expect((await client.list()).map(({ name, size }) => [name, size])).toEqual([['a', 50_000]])
  expect(place.server.read('a')?.equals(Buffer.alloc(50_000, 3))).toBe(true)
  client.close()
  const uploads = place.server.transfers.filter(({ verb }) => verb === 'STOR')
  expect(uploads.map(({ isResumed, wasNotified }) => [isResumed, wasNotified])).toEqual(Array(4).fill([true, true]))
})

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'with %s an upload that ends without close_notify is told',
  async versions => {
    await using place = await started({ versions, wantsCloseNotify: true })
    await using client = await login(place.server)
    for (const notify of [true, false]) {
      const data = await client.data()
      await client.say('STOR a')
      const secured = await client.secureData(data)
      secured.on('error', () => {})
      await new Promise<void>(resolve => secured.write(Buffer.alloc(100_000, 7), () => resolve()))
      if (notify) secured.end()
      else data.end()
      expect(await client.reply()).toBe(notify ? '226 Transfer complete.' : '426 Failure reading network stream.')
      expect(place.server.transfers.at(-1)).toMatchObject({ bytes: 100_000, wasNotified: notify })
      secured.destroy()
    }
  },
)

test('an empty upload whose client ends with its handshake is empty, and one that ends before it is refused', async () => {
  for (const wantsCloseNotify of [false, true]) {
    await using place = await started({ wantsCloseNotify })
    await using client = await login(place.server)
    for (let round = 0; round < 5; round++) {
      const data = await client.data()
      await client.say('STOR empty')
      const secured = await client.secureData(data)
      secured.on('error', () => {})
      secured.end()
      expect(await client.reply()).toMatch(/^226 /)
    }
    const data = await client.data()
    await client.say('STOR empty')
    data.end()
    await once(data.resume(), 'close')
    expect(await client.reply()).toBe('425 Unable to build the data connection.')
    expect(await client.say('NOOP')).toMatch(/^200 /)
  }
})
