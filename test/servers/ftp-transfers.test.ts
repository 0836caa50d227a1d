/** The FTP server itself: data connections, transfers and listings. */
import { once } from 'node:events'
import { createServer, connect as tcp } from 'node:net'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { Client } from 'basic-ftp'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { patternBytes } from '../../src/testing/driver-place.ts'
import { RawClient } from './ftp/raw-client.ts'
import { FtpServer } from './ftp.ts'

const NOW = new Date('2026-03-04T15:06:00Z')
const server = await FtpServer.start({ now: () => NOW })
const six = await FtpServer.start({ host: '::1' })
afterAll(() => Promise.all([server.close(), six.close()]))
beforeEach(() => {
  server.tree.clear()
  server.log.length = 0
})

describe('transfers', () => {
  test('bytes come back as they went, by EPSV and by PASV', async () => {
    await using client = await RawClient.login(server)
    const done = ['150 Opening BINARY mode data connection.', '226 Transfer complete.']
    expect(await client.store('STOR a', 'one\r\ntwo\n')).toEqual(done)
    expect(await client.fetch('RETR a')).toEqual({ text: 'one\r\ntwo\n', replies: done })
    expect(await client.fetch('RETR a', 'PASV')).toEqual({ text: 'one\r\ntwo\n', replies: done })
    expect(await client.store('APPE a', 'three')).toEqual(done)
    expect(await client.store('APPE new', 'x')).toEqual(done)
    expect(server.read('a')?.toString()).toBe('one\r\ntwo\nthree')
    expect(server.files()).toEqual(['a', 'new'])
  })

  test('ASCII mode changes ends of lines both ways, also when CRLF is cut', async () => {
    await using client = await RawClient.login(server)
    await client.say('TYPE A')
    const data = await client.data()
    await client.say('STOR a')
    data.resume().write('one\r')
    while (server.read('a')?.toString() !== 'one') await new Promise(setImmediate)
    data.end('\ntwo\rthree\n\r')
    expect(await client.reply()).toMatch(/^226 /)
    expect(server.read('a')?.toString()).toBe('one\ntwo\rthree\n\r')
    expect((await client.fetch('RETR a')).text).toBe('one\r\ntwo\rthree\r\n\r')
  })

  test('REST begins a download in the middle, and an upload over what is there, and never leaves a hole', async () => {
    server.put('a', '0123456789')
    await using client = await RawClient.login(server)
    const at = async (marker: number, line: string, content?: string): Promise<string> => {
      const data = await client.data()
      await client.say(`REST ${marker}`)
      const first = await client.say(line)
      if (!first.startsWith('150')) return first
      data.end(content ?? '')
      const bytes = await buffer(data)
      await client.reply()
      return bytes.toString()
    }
    expect([await at(4, 'RETR a'), await at(10, 'RETR a'), await at(11, 'RETR a')]).toEqual([
      '456789',
      '',
      '554 The restart marker is beyond the end.',
    ])
    expect((await client.fetch('RETR a')).text).toBe('0123456789')
    await at(10, 'STOR a', 'AB')
    expect(server.read('a')?.toString()).toBe('0123456789AB')
    await at(2, 'STOR a', 'xy')
    expect(server.read('a')?.toString()).toBe('01xy456789AB')
    await at(11, 'STOR a', 'YZ')
    expect(server.read('a')?.toString()).toBe('01xy456789AYZ')
    expect(await at(14, 'STOR a', 'zz')).toMatch(/^554 /)
    expect(await at(1, 'STOR missing', 'zz')).toMatch(/^554 /)
    expect(server.files()).toEqual(['a'])
    // Any other command forgets the marker.
    const data = await client.data()
    await client.say('REST 4')
    await client.say('PWD')
    await client.say('RETR a')
    data.end()
    expect((await buffer(data)).length).toBe(13)
  })

  test('active mode connects to the client, and to nobody else', async () => {
    server.put('a', 'active')
    await using client = await RawClient.login(server)
    const listener = createServer({ allowHalfOpen: true })
    listener.listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const { port } = listener.address() as { port: number }
    for (const line of [`PORT 127,0,0,1,${port >> 8},${port & 255}`, `EPRT |1|127.0.0.1|${port}|`]) {
      expect(await client.say(line)).toMatch(/^200 /)
      const [[data], begun] = await Promise.all([once(listener, 'connection'), client.say('RETR a')])
      expect(begun).toMatch(/^150 /)
      expect((await buffer(data)).toString()).toBe('active')
      data.end()
      expect(await client.reply()).toMatch(/^226 /)
    }
    listener.close()
    const refused = [
      'PORT 10,0,0,1,200,1',
      'PORT 127,0,0,1,0,25',
      'PORT 1,2,3',
      'EPRT |3|x|1|',
      'EPRT |1|10.0.0.1|5000|',
    ]
    for (const line of refused) expect(await client.say(line), line).toMatch(/^5/)
    expect(await client.say(`PORT 127,0,0,1,${port >> 8},${port & 255}`)).toMatch(/^200 /)
    expect(await client.say('RETR a')).toBe('425 Cannot open the data connection.')
    expect(await client.say('RETR a')).toBe('425 Use PASV or PORT first.')
  })

  test('works over IPv6, where PASV does not', async () => {
    six.put('a', 'six')
    await using client = await RawClient.login(six)
    expect((await client.fetch('RETR a')).text).toBe('six')
    expect(await client.say('PASV')).toMatch(/^425 /)
    expect(await client.say('EPSV 1')).toMatch(/^522 /)
    expect(await client.say('EPSV ALL')).toMatch(/^200 /)
    expect(await client.say('EPRT |2|::1|5000|')).toMatch(/^500 /)
  })

  test('what is stored is there piece by piece, and stays so when the client breaks off', async () => {
    server.put('old', 'old bytes')
    await using client = await RawClient.login(server)
    const data = await client.data()
    await client.say('STOR old')
    expect(server.read('old')?.length).toBe(0)
    data.write('part')
    while (server.read('old')?.length === 0) await new Promise(setImmediate)
    data.resetAndDestroy()
    expect(await client.reply()).toMatch(/^426 /)
    expect(server.read('old')?.toString()).toBe('part')
    expect(await client.say('NOOP')).toMatch(/^200 /)
  })

  test('a refused transfer ends its data connection as it is told to, and ABOR a running one', async () => {
    server.put('large', Buffer.alloc(9_000_000))
    await using client = await RawClient.login(server)
    for (const [how, event] of [
      ['closed', 'end'],
      ['reset', 'error'],
    ] as const) {
      server.manners.refusedData = how
      const data = await client.data()
      const ended = event === 'end' ? once(data.resume(), 'end') : once(data, 'error').then(([error]) => error.code)
      expect(await client.say('RETR none')).toMatch(/^550 /)
      expect(await ended).toEqual(event === 'end' ? [] : 'ECONNRESET')
      data.destroy()
    }
    server.manners.refusedData = 'closed'
    const data = await client.data()
    data.on('error', () => {})
    expect(await client.say('RETR large')).toMatch(/^150 /)
    expect([await client.say('ABOR'), await client.reply()].map(reply => reply.slice(0, 3))).toEqual(['426', '226'])
    expect(await client.say('ABOR')).toMatch(/^225 /)
    data.destroy()
  })

  test('a data port takes one connection and only of the client, and one that is not used is gone with the next', async () => {
    server.put('a', 'one')
    await using client = await RawClient.login(server)
    const unused = await client.data()
    const ended = once(unused.resume(), 'end')
    const data = await client.data()
    await ended
    unused.destroy()
    await client.say('NOOP')
    const late = tcp(data.remotePort!, '127.0.0.1')
    expect(await once(late, 'error')).toMatchObject([{ code: 'ECONNREFUSED' }])
    await client.say('RETR a')
    expect((await buffer(data)).toString()).toBe('one')
    data.destroy()
  })
})

describe('listings', () => {
  const files = { 'b.txt': 'bytes', '.hidden': 'x', 'my folder/in it': 'y', 'x[1]/z': 'z' }
  beforeEach(() => {
    for (const [name, text] of Object.entries(files)) server.put(name, text, new Date('2025-12-31T23:59:30Z'))
  })

  test('LIST is in the form of ls, with the year where the time is long ago', async () => {
    server.put('old', '', new Date('2019-05-06T00:00:00Z'))
    await using client = await RawClient.login(server)
    expect((await client.fetch('LIST')).text.split('\r\n')).toEqual([
      '-rw-r--r--    1 ftp      ftp             5 Dec 31 23:59 b.txt',
      'drwxr-xr-x    1 ftp      ftp          4096 Mar 04 15:06 my folder',
      '-rw-r--r--    1 ftp      ftp             0 May 06  2019 old',
      'drwxr-xr-x    1 ftp      ftp          4096 Mar 04 15:06 x[1]',
      '',
    ])
    expect((await client.fetch('LIST -a')).text).toContain(' .hidden\r\n')
    expect((await client.fetch('LIST -la my folder')).text).toMatch(/ in it\r\n$/)
    expect((await client.fetch('LIST x[1]')).text).toBe('')
    expect((await client.fetch('LIST b*')).text).toMatch(/ b\.txt\r\n$/)
    expect((await client.fetch('LIST b.txt')).text).toMatch(/ 5 Dec 31 23:59 b\.txt\r\n$/)
    expect((await client.fetch('LIST none')).replies).toEqual(['550 No such file or directory.'])
    expect((await client.fetch('NLST')).text).toBe('b.txt\r\nmy folder\r\nold\r\nx[1]\r\n')
  })

  test('LIST is in the form of DOS, in the zone of the server', async () => {
    await using dos = {
      server: await FtpServer.start({ listing: 'dos', zoneMinutes: 61 }),
      async [Symbol.asyncDispose]() {
        await this.server.close()
      },
    }
    for (const [name, text] of Object.entries(files)) dos.server.put(name, text, new Date('2025-12-31T23:59:30Z'))
    dos.server.tree.folder('/my folder').modified = new Date('2025-12-31T10:59:30Z')
    await using client = await RawClient.login(dos.server)
    expect((await client.fetch('LIST')).text.split('\r\n').slice(0, 3)).toEqual([
      '01-01-26  01:00AM                    1 .hidden',
      '01-01-26  01:00AM                    5 b.txt',
      '12-31-25  12:00PM       <DIR>          my folder',
    ])
    expect(await client.say('SYST')).toBe('215 Windows_NT')
  })

  test('-a, arguments and missing folders are taken as told', async () => {
    const { manners } = server
    await using client = await RawClient.login(server)
    manners.flags = 'name'
    expect((await client.fetch('LIST -a')).replies).toEqual(['550 No such file or directory.'])
    manners.flags = 'empty'
    expect(await client.fetch('LIST -a')).toMatchObject({ text: '', replies: [{}, '226 Transfer complete.'] })
    manners.flags = 'option'
    manners.listArgument = 'ignored'
    expect((await client.fetch('NLST my folder')).text).toBe('b.txt\r\nmy folder\r\nx[1]\r\n')
    manners.listArgument = 'first word'
    expect((await client.fetch('NLST my folder')).replies).toEqual(['550 No such file or directory.'])
    manners.listArgument = 'whole'
    manners.missingFolder = 'empty'
    expect(await client.fetch('LIST none')).toMatchObject({ text: '', replies: [{}, '226 Transfer complete.'] })
    manners.missingFolder = 450
    expect((await client.fetch('LIST none')).replies[0]).toMatch(/^450 /)
    manners.missingFolder = 550
  })

  test('MLSD has the facts that were asked for, of all files, and of the folder and its parent', async () => {
    await using client = await RawClient.login(server)
    const lines = (await client.fetch('MLSD')).text.split('\r\n')
    expect(lines).toContainEqual(
      expect.stringMatching(/^type=file;size=5;modify=20251231235930;perm=adfrw;unique=\w+;UNIX\.mode=0644; b\.txt$/),
    )
    await client.say('OPTS MLST type;')
    expect((await client.fetch('MLSD')).text.split('\r\n')).toEqual([
      ...[
        'type=cdir; .',
        'type=pdir; ..',
        'type=file; .hidden',
        'type=file; b.txt',
        'type=dir; my folder',
        'type=dir; x[1]',
        '',
      ],
    ])
    expect((await client.fetch('MLSD x[1]')).text).toContain('type=file; z\r\n')
    expect((await client.fetch('MLSD b.txt')).replies).toEqual(['501 Not a directory.'])
    expect((await client.fetch('MLSD none')).replies).toEqual(['550 No such file or directory.'])
  })
})

test('basic-ftp works with it: all of a session, and large bytes both ways', async () => {
  const bytes = patternBytes(3_000_000)
  for (const place of [server, six]) {
    const client = new Client(0)
    await client.access({ host: place.host, port: place.port, user: 'anna', password: 'secret' })
    await client.ensureDir('some/folder')
    await client.uploadFrom(Readable.from([bytes]), 'large')
    await client.uploadFrom(Readable.from([]), 'empty')
    await client.rename('large', 'name with spaces')
    const found = (await client.list()).map(({ name, size, isFile, modifiedAt }) => [
      name,
      size,
      isFile,
      modifiedAt instanceof Date,
    ])
    expect(found).toEqual([
      ['empty', 0, true, true],
      ['name with spaces', 3_000_000, true, true],
    ])
    expect(await client.size('name with spaces')).toBe(3_000_000)
    const { PassThrough } = await import('node:stream')
    const sink = new PassThrough()
    const all = buffer(sink)
    await client.downloadTo(sink, 'name with spaces', 1_000_000)
    expect((await all).equals(bytes.subarray(1_000_000))).toBe(true)
    expect(place.read('some/folder/name with spaces')?.equals(bytes)).toBe(true)
    await expect(client.downloadTo(new PassThrough(), 'none')).rejects.toThrow('550 No such file or directory.')
    await client.removeDir('/some')
    expect(place.folders()).toEqual([])
    client.close()
  }
})
