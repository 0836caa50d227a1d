/** The FTP server itself: it misbehaves as it is told to, once and where it is told to. */
import { once } from 'node:events'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import type { FtpFault } from './ftp/faults.ts'
import { RawClient } from './ftp/raw-client.ts'
import { FtpServer } from './ftp.ts'

const server = await FtpServer.start()
afterAll(() => server.close())
beforeEach(() => {
  server.tree.clear()
  server.put('a', '0123456789')
})

async function withFault<T>(operation: string, fault: FtpFault, run: (client: RawClient) => Promise<T>): Promise<T> {
  await using client = await RawClient.login(server)
  server.faults.add({ operation, fault })
  const result = await run(client)
  expect(server.faults.size).toBe(0)
  return result
}

describe('commands', () => {
  test.each<readonly [string, FtpFault, string, string[]]>([
    ['drop before the work', { do: 'drop' }, '(closed)', ['a']],
    ['drop after the work', { do: 'drop', at: 'after' }, '(closed)', []],
    ['refuse before the work', { do: 'refuse', status: 450, body: 'Busy.' }, '450 Busy.', ['a']],
    ['refuse after the work', { do: 'refuse', status: 550, at: 'after' }, '550 Refused as planned.', []],
    ['refuse by a reset', { do: 'refuse', status: 550, reset: 'instead' }, '(closed)', ['a']],
    ['close after the reply', { do: 'close' }, '250 Deleted.', []],
    ['lie before the work', { do: 'lie', at: 'before', reply: () => '250 Done.' }, '250 Done.', ['a']],
    ['lie after the work', { do: 'lie', at: 'after', reply: truth => `${truth}!` }, '250 Deleted.!', []],
    ['garbage', { do: 'garbage' }, '\0\x01\x02\xfe\r\n\x80(closed)', ['a']],
    ['hold for a time', { do: 'hold', ms: 1 }, '250 Deleted.', []],
  ])('%s', async (_title, fault, reply, files) => {
    const client = await withFault('DELE', fault, async client => {
      expect(await client.say('DELE a')).toBe(reply)
      return client
    })
    if (fault.do === 'close') expect(await client.reply()).toBe('(closed)')
    expect(server.files()).toEqual(files)
  })

  test('hold until told, with its argument and its connection', async () => {
    const held = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    await using client = await RawClient.login(server)
    await using other = await RawClient.login(server)
    server.faults.add({
      operation: 'DELE',
      key: 'a',
      match: ({ connection }) => connection === server.opened,
      fault: { do: 'hold', until: release.promise, onHold: held.resolve },
    })
    expect(await client.say('DELE x')).toMatch(/^550 /)
    expect(await client.say('SIZE a')).toBe('213 10')
    const reply = other.say('DELE a')
    await held.promise
    expect(server.files()).toEqual(['a'])
    release.resolve()
    expect(await reply).toMatch(/^250 /)
  })
})

describe('transfers', () => {
  /** What a client gets of `RETR a` and what it is told. */
  const download = (fault: FtpFault) =>
    withFault('RETR', fault, async client => {
      const data = await client.data()
      const failed = once(data, 'error').then(([error]) => String(error.code))
      failed.catch(() => {})
      const bytes = buffer(data).then(String, () => failed)
      const begun = await client.say('RETR a')
      return [begun.slice(0, 3), await bytes, (await client.reply()).slice(0, 8)]
    })

  /** What is stored of `STOR b` and what the client is told. */
  const upload = (fault: FtpFault) =>
    withFault('STOR', fault, async client => {
      const data = await client.data()
      data.on('error', () => {})
      await client.say('STOR b')
      data.resume().end('0123456789')
      const told = await client.reply()
      return [server.read('b')?.toString(), told.slice(0, 8)]
    })

  test('downloads are cut off, dropped, refused in the end, and lied about', async () => {
    expect(await download({ do: 'cut', bytes: 4 })).toEqual(['150', '0123', '426 Conn'])
    expect(await download({ do: 'cut', bytes: 4, reply: '226 Transfer complete.' })).toEqual([
      '150',
      '0123',
      '226 Tran',
    ])
    expect(await download({ do: 'cut', bytes: 0, reset: true })).toEqual(['150', 'ECONNRESET', '426 Conn'])
    expect(await download({ do: 'drop', bytes: 4 })).toEqual(['150', expect.any(String), '(closed)'])
    expect(await download({ do: 'refuse', at: 'after', status: 450 })).toEqual(['150', '0123456789', '450 Refu'])
    expect(await download({ do: 'lie', data: () => Buffer.from('other') })).toEqual(['150', 'other', '226 Tran'])
  })

  test('uploads are cut off, dropped, kept in part, and refused though whole', async () => {
    expect(await upload({ do: 'cut', bytes: 4 })).toEqual(['0123', '426 Conn'])
    expect(await upload({ do: 'cut', bytes: 4, reset: true, reply: '451 Disk.' })).toEqual(['0123', '451 Disk'])
    expect(await upload({ do: 'drop', bytes: 3 })).toEqual(['012', '(closed)'])
    expect(await upload({ do: 'drop', at: 'after' })).toEqual(['0123456789', '(closed)'])
    expect(await upload({ do: 'lie', data: bytes => bytes.subarray(0, 6) })).toEqual(['012345', '226 Tran'])
    expect(await upload({ do: 'refuse', at: 'after', status: 426 })).toEqual(['0123456789', '426 Refu'])
  })

  test('stall, and go on with nothing', async () => {
    for (const [line, data] of [
      ['RETR a', '0123'],
      ['STOR b', ''],
    ] as const) {
      const stalled = Promise.withResolvers<void>()
      await withFault(line.slice(0, 4), { do: 'stall', bytes: 4, onStall: stalled.resolve }, async client => {
        const socket = await client.data()
        const chunks: Buffer[] = []
        socket.on('data', chunk => chunks.push(chunk))
        socket.on('error', () => {})
        await client.say(line)
        if (line === 'STOR b') socket.end('0123456789')
        await stalled.promise
        while (Buffer.concat(chunks).toString() !== data) await new Promise(setImmediate)
        expect([await client.say('ABOR'), await client.reply()].map(reply => reply.slice(0, 3))).toEqual(['426', '226'])
      })
    }
    expect(server.read('b')?.toString()).toBe('0123')
  })

  test('stall until told, and go on', async () => {
    for (const [line, expected] of [
      ['RETR a', '0123456789'],
      ['STOR b', ''],
    ] as const) {
      const stalled = Promise.withResolvers<void>()
      const release = Promise.withResolvers<void>()
      const fault = { do: 'stall', bytes: 4, onStall: stalled.resolve, until: release.promise } as const
      await withFault(line.slice(0, 4), fault, async client => {
        const socket = await client.data()
        const bytes = buffer(socket)
        await client.say(line)
        socket.end(line === 'STOR b' ? '0123456789' : '')
        await stalled.promise
        if (line === 'STOR b') expect(server.read('b')?.toString()).toBe('0123')
        release.resolve()
        expect([(await bytes).toString(), (await client.reply()).slice(0, 3)]).toEqual([expected, '226'])
      })
    }
    expect(server.read('b')?.toString()).toBe('0123456789')
  })

  test('226 comes before the end, or before the data, where the server is told so', async () => {
    for (const completion of ['before the end', 'before the data'] as const) {
      server.manners.completion = completion
      await using client = await RawClient.login(server)
      const data = await client.data()
      const bytes = buffer(data)
      let hasEnded = false
      data.on('end', () => (hasEnded = true))
      expect(await client.say('RETR a')).toMatch(/^150 /)
      expect(await client.reply()).toMatch(/^226 /)
      expect(hasEnded).toBe(false)
      expect((await bytes).toString()).toBe('0123456789')
      expect(await client.say('NOOP')).toMatch(/^200 /)
      data.destroy()
    }
    server.manners.completion = 'after the end'
  })
})

test('EPSV and PASV answer as told', async () => {
  await using client = await RawClient.login(server)
  server.manners.epsv = 'refused'
  expect(await client.say('EPSV')).toMatch(/^500 /)
  server.manners.epsv = 'malformed'
  expect(await client.say('EPSV')).toMatch(/^229 [^|]*\(\d+\)$/)
  server.manners.epsv = 'unreachable'
  await expect(client.data()).rejects.toThrow('ECONNREFUSED')
  server.manners.epsv = 'well'
  server.manners.pasvHost = '10.1.2.3'
  expect(await client.say('PASV')).toMatch(/^227 .*\(10,1,2,3,\d+,\d+\)\.$/)
  server.manners.pasvHost = undefined
})

test('RNTO onto a file is refused or without effect where told', async () => {
  server.put('b', 'old')
  await using client = await RawClient.login(server)
  for (const [renameOnto, reply] of [
    ['refuses', '550 File exists.'],
    ['ignores', '250 Rename successful.'],
  ] as const) {
    server.manners.renameOnto = renameOnto
    await client.say('RNFR a')
    expect(await client.say('RNTO b')).toBe(reply)
    expect(server.read('b')?.toString()).toBe('old')
    expect(server.files()).toEqual(['a', 'b'])
  }
  await client.say('RNFR a')
  expect(await client.say('RNTO c')).toMatch(/^250 /)
  server.manners.renameOnto = 'replaces'
  expect(server.files()).toEqual(['b', 'c'])
})
