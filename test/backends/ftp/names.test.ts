/** Names that FTP may lose or misunderstand: all of a command is one line. */
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { toContent } from '../../../src/core/content.ts'
import { oddNames, plainContext } from '../../../src/testing/index.ts'
import { FtpServer } from '../../servers/ftp.ts'
import { startPlace, storageFor } from './support.ts'

const server = await FtpServer.start()
const listing = await FtpServer.start({ without: ['MLST', 'MLSD'] })
const dos = await FtpServer.start({ without: ['MLST', 'MLSD'], listing: 'dos' })
const places = [
  { title: 'MLSD', server, files: storageFor(server) },
  { title: 'LIST', server: listing, files: storageFor(listing) },
  { title: 'LIST in the form of DOS', server: dos, files: storageFor(dos) },
]
afterAll(() => Promise.all(places.flatMap(place => [place.files.close().then(() => place.server.close())])))
beforeEach(() => {
  for (const place of places) {
    place.server.tree.clear()
    place.server.log.length = 0
  }
})

const names = [
  ...[
    ' leading',
    'trailing ',
    'two  blanks',
    '\ttab',
    '"quoted"',
    `it's`,
    'a;b=c',
    'type=file; x',
    '[brackets]',
    '*',
    '?',
    '%41',
    '+',
  ],
  ...[
    '-dash',
    '-la',
    '--help',
    '~',
    '~user',
    '{a,b}',
    '#1',
    'a -> b',
    '$HOME',
    '`ls`',
    'über',
    '日本',
    '😀',
    'e\u0301',
    '226 Done.',
    '213 5',
  ],
  ...['.hidden', '..x', 'a..b', 'total 8', 'drwxr-xr-x', 'x'.repeat(200)],
]

describe.each(places)('names of all kinds, $title', ({ server, files }) => {
  test('are kept byte for byte: stored, listed, read, moved and deleted', async () => {
    for (const name of names) {
      const path = `in/${name}/${name}`
      expect(await files.save(path, name), name).toBe(path)
      expect(await files.readText(path), name).toBe(name)
      expect(await files.size(path), name).toBe(Buffer.byteLength(name))
      expect(await files.listdir(`in/${name}`), name).toEqual([[], [name]])
    }
    expect(server.files()).toEqual(names.map(name => `in/${name}/${name}`).sort())
    expect((await files.listdir('in'))[0].toSorted()).toEqual([...names].sort())
    for (const name of names) {
      await files.move(`in/${name}/${name}`, `out ${name}`)
      await files.delete(`out ${name}`)
      await files.delete(`in/${name}/`)
      expect(server.files(), name).not.toContain(`out ${name}`)
    }
    expect(server.files()).toEqual([])
  })
})

test('the odd names of all backends are kept, or refused before anything is sent', async () => {
  const { files } = places[0]!
  for (const name of oddNames) {
    server.log.length = 0
    const saved = await files.calls.driver.write(name, toContent(name), {}, plainContext()).then(
      () => true,
      error => error.code,
    )
    if (saved !== true) {
      expect(saved, name).toBe('suspicious_name')
      expect(server.commands('STOR'), name).toEqual([])
    }
  }
})

test.each(['a\r\nDELE kept', 'a\nDELE kept', 'a\rDELE kept', 'a\0b', 'a\r\n', '\r\nDELE kept'])(
  'a name with a line end begins no command: %j',
  async name => {
    const { files } = places[0]!
    server.put('kept', 'bytes')
    const ctx = plainContext()
    const calls: (() => Promise<unknown>)[] = [
      () => files.calls.driver.write(name, toContent('x'), {}, ctx),
      () => files.calls.driver.read(name, {}, ctx),
      () => files.calls.driver.stat(name, ctx),
      () => files.calls.driver.delete(name, ctx),
      () => files.calls.driver.list(`${name}/`, { recursive: true }, ctx),
      () => files.calls.driver.move!('kept', name, {}, ctx),
      () => files.calls.driver.copy!('kept', name, {}, ctx),
    ]
    for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'suspicious_name' })
    expect(server.read('kept')?.toString()).toBe('bytes')
    expect(server.commands('DELE', 'STOR', 'RNTO')).toEqual([])
  },
)

test('no name leaves the folder of the location', async () => {
  server.put('secret', 'bytes')
  const files = storageFor(server, { path: 'media' })
  for (const name of ['../secret', '/secret', 'a/../../secret', '..']) {
    await expect(files.open(name, 'rb'), name).rejects.toMatchObject({ code: 'suspicious_name' })
    await expect(files.save(name, 'x'), name).rejects.toMatchObject({ code: 'suspicious_name' })
    await expect(files.delete(name), name).rejects.toMatchObject({ code: 'suspicious_name' })
  }
  for (const key of ['../secret', 'a/../../secret', '..', './x', 'a//b', '/secret']) {
    await expect(files.calls.driver.read(key, {}, plainContext()), key).rejects.toMatchObject({
      code: 'suspicious_name',
    })
    await expect(files.calls.driver.delete(key, plainContext()), key).rejects.toMatchObject({ code: 'suspicious_name' })
  }
  expect(server.read('secret')?.toString()).toBe('bytes')
  await files.close()
})

describe.each(['cut', 'underlined'] as const)(
  'a server by which blanks at the end of a name are %s (Pure-FTPd)',
  blanks => {
    test('is never made to store another name, and a file of another name is never touched', async () => {
      await using place = await startPlace({ blanks })
      place.server.put('a', 'kept')
      place.server.put('b_', 'kept')
      for (const name of ['a ', 'b ', 'folder /a', 'a\t']) {
        const lost = { code: 'suspicious_name', outcome: 'not_applied' }
        await expect(place.files.save(name, 'x'), name).rejects.toMatchObject(lost)
        await expect(place.files.move('a', name), name).rejects.toMatchObject(lost)
        await expect(place.files.copy('a', name), name).rejects.toMatchObject(lost)
        const read = await place.files.readText(name).catch(error => error.code)
        expect(read, name).toMatch(/suspicious_name|not_found/)
        await place.files.delete(name).catch(error => expect(error.code).toBe('suspicious_name'))
      }
      expect(place.server.files()).toEqual(['a', 'b_'])
      expect(['a', 'b_'].map(name => place.server.read(name)?.toString())).toEqual(['kept', 'kept'])
      // Others are as everywhere.
      await place.files.save(' b', 'x')
      await place.files.save('c d', 'x')
      expect(place.server.files()).toEqual([' b', 'a', 'b_', 'c d'])
    })

    test('also where the login does not begin at the root', async () => {
      await using place = await startPlace({ blanks, home: '/home/anna' }, { path: 'media' })
      await expect(place.files.save('a ', 'x')).rejects.toMatchObject({ code: 'suspicious_name' })
      await place.files.save('a', 'x')
      expect(place.server.files()).toEqual(['home/anna/media/a'])
    })
  },
)

describe('encodings', () => {
  test('latin-1: names are bytes of that encoding both ways', async () => {
    await using place = await startPlace({ utf8: false }, { encoding: 'latin-1' })
    await place.files.save('Café/Größe.txt', 'bytes')
    // The server has bytes that are no UTF-8: it shows them as Latin-1.
    expect(place.server.files()).toEqual(['Caf\xe9/Gr\xf6\xdfe.txt'])
    expect([...place.server.tree.walk()].map(([path]) => path)).toEqual(['/Caf\xe9', '/Caf\xe9/Gr\xf6\xdfe.txt'])
    expect(await place.files.listdir('Café')).toEqual([[], ['Größe.txt']])
    expect(await place.files.readText('Café/Größe.txt')).toBe('bytes')
    await expect(place.files.save('日本', 'x')).rejects.toMatchObject({ code: 'suspicious_name' })
    // Telnet's own byte.
    await expect(place.files.save('ÿ', 'x')).rejects.toMatchObject({ code: 'suspicious_name' })
    expect(place.server.commands('OPTS')).toEqual([])
  })

  test('latin-1 is told to a server that announces UTF8', async () => {
    await using place = await startPlace({}, { encoding: 'latin-1' })
    await place.files.save('é', 'bytes')
    expect(place.server.commands('OPTS').find(line => line.includes('UTF8'))).toBe('OPTS UTF8 OFF')
  })

  test('a name that is no UTF-8 is told and left out, and the others are listed', async () => {
    await using place = await startPlace()
    place.server.put('fine', 'x')
    place.server.tree.openFile('/caf\xe9')
    const warnings: string[] = []
    const listen = (warning: Error): void => void warnings.push(warning.message)
    process.on('warning', listen)
    expect(await place.files.listdir('')).toEqual([[], ['fine']])
    await new Promise(setImmediate)
    process.off('warning', listen)
    expect(warnings).toEqual([expect.stringContaining('is left out: its name is not UTF-8')])
  })
})
