/** The FTP server itself: what a client of raw sockets sees of a correct one. */
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { RawClient } from './ftp/raw-client.ts'
import { FtpServer } from './ftp.ts'

const server = await FtpServer.start()
afterAll(() => server.close())
beforeEach(() => {
  server.tree.clear()
  server.log.length = 0
})

/** A client's replies to lines, one after another. */
async function replies(...lines: readonly string[]): Promise<string[]> {
  await using client = await RawClient.login(server)
  const got: string[] = []
  for (const line of lines) got.push(await client.say(line))
  return got
}

describe('login', () => {
  test('takes user and password, and tells no more than that they are wrong', async () => {
    const [client, greeting] = await RawClient.greeted(server)
    await using _ = client
    expect(greeting).toBe('220 Test server ready.')
    expect(await client.say('PASS secret')).toBe('503 Login with USER first.')
    expect(await client.say('LIST')).toBe('530 Please login with USER and PASS.')
    expect(await client.say('USER anna')).toMatch(/^331 /)
    expect(await client.say('PASS wrong')).toBe('530 Login incorrect.')
    expect(await client.say('user anna')).toMatch(/^331 /)
    expect(await client.say('PASS secret')).toMatch(/^230-[\s\S]*\n230 /)
    expect(await client.say('XYZZY')).toBe('502 Command not implemented.')
    expect(await client.say('QUIT')).toMatch(/^221 /)
    expect(await client.reply()).toBe('(closed)')
    expect(server.commands('USER', 'QUIT')).toEqual(['USER anna', 'USER anna', 'QUIT'])
  })

  test('asks for an account where it is told to', async () => {
    await using strict = await startedFor({ account: 'sales', password: 'pässwörd' })
    const [client] = await RawClient.greeted(strict.server)
    await using _ = client
    await client.say('USER anna')
    expect(await client.say('PASS pässwörd')).toMatch(/^332 /)
    expect(await client.say('PWD')).toMatch(/^530 /)
    expect(await client.say('ACCT other')).toMatch(/^530 /)
    expect(await client.say('ACCT sales')).toMatch(/\n230 /)
    expect(await client.say('PWD')).toMatch(/^257 /)
  })

  test('answers one command after another, also when they come at once, cut or with Telnet codes', async () => {
    await using client = await RawClient.login(server)
    client.send('NOOP\r\nPW')
    client.send('D\nSYST\r\n')
    client.send(Buffer.concat([Buffer.from([255, 244, 255, 242]), Buffer.from('NOOP\r\n')]))
    const got = [await client.reply(), await client.reply(), await client.reply(), await client.reply()]
    expect(got.map(reply => reply.slice(0, 3))).toEqual(['200', '257', '215', '200'])
    expect(await client.say(`CWD ${'x'.repeat(9000)}`)).toBe('500 Line too long.')
  })
})

describe('features and settings', () => {
  test('tells what it can do, and not what it is told to leave out', async () => {
    const [all] = await replies('FEAT')
    expect(all!.split('\n')).toEqual([
      '211-Features:',
      ...[' EPRT', ' EPSV', ' MDTM', ' MFMT', ' MLST type*;size*;modify*;perm*;unique*;unix.mode*;'],
      ...[' REST STREAM', ' SIZE', ' TVFS', ' UTF8', '211 End'],
    ])
    await using poor = await startedFor({ without: ['MLSD', 'MDTM', 'EPSV'], announced: ['EPSV'], utf8: false })
    await using client = await RawClient.login(poor.server)
    expect(await client.say('FEAT')).toBe('211-Features:\n EPRT\n EPSV\n MFMT\n REST STREAM\n SIZE\n TVFS\n211 End')
    expect(await client.say('MLSD')).toBe('502 Command not implemented.')
    expect(await client.say('EPSV')).toBe('502 Command not implemented.')
    expect(await client.say('OPTS UTF8 ON')).toMatch(/^501 /)
  })

  test('takes types, modes and options that there are', async () => {
    const lines = ['TYPE A', 'TYPE A N', 'TYPE L 8', 'TYPE E', 'MODE S', 'MODE B', 'STRU F', 'STRU R', 'OPTS UTF8 ON']
    const codes = await replies(
      ...lines,
      'OPTS MLST size;type;',
      'OPTS HASH',
      'ALLO 5',
      'HELP',
      'STAT',
      'REST x',
      'ABOR',
    )
    expect(codes.map(reply => reply.slice(0, 3)).join(' ')).toBe(
      '200 200 200 504 200 504 200 504 200 200 501 202 214 211 501 225',
    )
    expect(codes[9]).toBe('200 MLST OPTS type;size;')
  })
})

describe('folders and names', () => {
  test('makes, enters, leaves and removes folders', async () => {
    const got = await replies(
      'MKD a "b"',
      'MKD /a "b"/c',
      'CWD a "b"/c',
      'PWD',
      'CDUP',
      'RMD /a "b"',
      'RMD c',
      'MKD /no/where',
    )
    expect(got).toEqual([
      '257 "/a ""b""" created.',
      '257 "/a ""b""/c" created.',
      '250 Directory successfully changed.',
      '257 "/a ""b""/c" is the current directory.',
      '250 Directory successfully changed.',
      '550 Directory not empty.',
      '250 Removed.',
      '550 No such file or directory.',
    ])
    expect(server.folders()).toEqual(['a "b"'])
    expect(await replies('MKD a "b"', 'CWD none', 'CWD', 'RMD /', 'CWD ../../..', 'PWD')).toEqual([
      '550 File exists.',
      '550 No such file or directory.',
      '501 An argument is missing.',
      '550 Permission denied.',
      '250 Directory successfully changed.',
      '257 "/" is the current directory.',
    ])
  })

  test('renames, also onto a file, and deletes', async () => {
    for (const name of ['a', 'b', 'folder/c']) server.put(name, name)
    const got = await replies(
      'RNTO x',
      'RNFR none',
      'RNFR a',
      'RNTO b',
      'RNFR b',
      'RNTO folder',
      'RNFR folder',
      'RNTO folder/x',
    )
    expect(got.map(reply => reply.slice(0, 3)).join(' ')).toBe('503 550 350 250 350 550 350 550')
    expect(server.files()).toEqual(['b', 'folder/c'])
    expect(server.read('b')?.toString()).toBe('a')
    expect(await replies('DELE b', 'DELE b', 'DELE folder', 'RNFR folder', 'RNTO other')).toEqual([
      '250 Deleted.',
      '550 No such file or directory.',
      '550 Not a plain file.',
      '350 Ready for RNTO.',
      '250 Rename successful.',
    ])
    expect(server.files()).toEqual(['other/c'])
  })

  test('keeps names as the bytes that they are', async () => {
    const names = [' a', 'a ', 'ä', '😀', '-x', '"q"', ';=', '[]*%+', "it's"]
    for (const name of names) server.put(name, 'x')
    await using client = await RawClient.login(server)
    expect((await client.fetch('NLST -a')).text.split('\r\n').slice(0, -1).sort()).toEqual([...names].sort())
    for (const name of names) expect(await client.say(`SIZE ${name}`), name).toBe('213 1')
    client.send(Buffer.from('MKD caf\xe9\r\n', 'latin1'))
    expect(await client.reply()).toBe('257 "/caf\xe9" created.')
    await using lossy = await startedFor({ blanks: 'cut' })
    await using other = await RawClient.login(lossy.server)
    await other.say('MKD a ')
    lossy.server.manners.blanks = 'underlined'
    expect(await other.say('MKD b ')).toBe('257 "/b_" created.')
    expect(await other.say('CWD b ')).toMatch(/^550 /)
    expect(lossy.server.folders()).toEqual(['a', 'b_'])
  })
})

describe('facts', () => {
  test('tells sizes, times and facts of files, and sets times', async () => {
    server.put('d/a.txt', 'one\ntwo\n', new Date('2024-02-29T12:34:56.700Z'))
    const got = await replies(
      'SIZE d/a.txt',
      'MDTM d/a.txt',
      'MFMT 20200102030405 d/a.txt',
      'MDTM d/a.txt',
      'TYPE A',
      'SIZE d/a.txt',
    )
    expect(got).toEqual([
      '213 8',
      '213 20240229123456.700',
      '213 Modify=20200102030405; d/a.txt',
      '213 20200102030405',
      '200 Type is A.',
      '213 10',
    ])
    expect(await replies('SIZE d', 'MDTM d', 'SIZE x', 'MFMT 20201332000000 d/a.txt', 'MFMT d/a.txt')).toEqual([
      '550 Not a plain file.',
      '550 Not a plain file.',
      '550 No such file or directory.',
      '501 That is no time.',
      '501 Expected a time and a path.',
    ])
    const [facts, chmod, fewer] = await replies('MLST d/a.txt', 'SITE CHMOD 600 d/a.txt', 'OPTS MLST type;unix.mode;')
    expect(facts).toMatch(
      /^250-Listing \/d\/a\.txt\n type=file;size=8;modify=20200102030405;perm=adfrw;unique=\w+;UNIX\.mode=0644; \/d\/a\.txt\n250 End$/,
    )
    expect([chmod, fewer]).toEqual(['200 SITE CHMOD command ok.', '200 MLST OPTS type;unix.mode;'])
    const [, told, folder, missing] = await replies('OPTS MLST type;unix.mode;', 'MLST d/a.txt', 'MLST d', 'MLST x')
    expect(told).toContain('\n type=file;UNIX.mode=0600; /d/a.txt\n')
    expect(folder).toContain('\n type=dir;UNIX.mode=0755; /d\n')
    expect(missing).toMatch(/^550 /)
  })

  test('refuses SIZE in ASCII mode, and tells nothing by its 550, where it is told to', async () => {
    await using strict = await startedFor({ asciiSize: 'refused', terse: true })
    strict.server.put('a', 'x')
    await using client = await RawClient.login(strict.server)
    expect(await client.say('SIZE a')).toBe('213 1')
    expect(await client.say('SIZE b')).toBe('550 Requested action not taken.')
    await client.say('TYPE A')
    expect(await client.say('SIZE a')).toBe('550 Requested action not taken.')
  })
})

describe('connections', () => {
  test('more than the limit are refused, by greeting or by password', async () => {
    await using limited = await startedFor({ maxConnections: 1 })
    await using _first = await RawClient.login(limited.server)
    const [second, greeting] = await RawClient.greeted(limited.server)
    expect([greeting, await second.reply()]).toEqual(['421 Too many connections.', '(closed)'])
    limited.server.manners.limitReply = '530 Sorry, too many.'
    const [third] = await RawClient.greeted(limited.server)
    await third.say('USER anna')
    expect(await third.say('PASS secret')).toBe('530 Sorry, too many.')
    expect(await third.say('QUIT')).toMatch(/^221 /)
  })

  test('are gone after kill, and the same port and files are there again', async () => {
    await using own = await startedFor({})
    own.server.put('kept', 'x')
    const client = await RawClient.login(own.server)
    const { port } = own.server
    await own.server.kill()
    expect(await client.reply()).toBe('(closed)')
    await own.server.unused()
    await expect(RawClient.greeted(own.server)).rejects.toThrow('ECONNREFUSED')
    await own.server.listen()
    await using again = await RawClient.login(own.server)
    expect([own.server.port, await again.say('SIZE kept')]).toEqual([port, '213 1'])
  })
})

async function startedFor(options: Parameters<typeof FtpServer.start>[0]) {
  const own = await FtpServer.start(options)
  return { server: own, [Symbol.asyncDispose]: () => own.close() }
}
