import { describe, expect, it, vi } from 'vitest'
import { AtmosError } from '../../../src/backends/atmos/index.ts'
import type { ErrorCode } from '../../../src/core/errors.ts'
import { all } from '../../files/helpers.ts'
import { listing, refusal, scripted, tagsOf } from './scripted.ts'

/** The code by each number; the status is always a misleading one. */
const CODES: Readonly<Record<number, ErrorCode>> = {
  1001: 'unavailable',
  1002: 'invalid_argument',
  1003: 'not_found',
  1006: 'throttled',
  1008: 'improperly_configured',
  1009: 'unsupported',
  1010: 'too_large',
  1013: 'unavailable',
  1014: 'invalid_argument',
  1015: 'permission_denied',
  1019: 'unavailable',
  1022: 'is_directory',
  1031: 'permission_denied',
  1032: 'permission_denied',
  1033: 'permission_denied',
  1037: 'invalid_argument',
  1040: 'throttled',
  1041: 'suspicious_name',
  1042: 'unsupported',
  1049: 'checksum_mismatch',
  2003: 'permission_denied',
}

describe('an answer with a number of Atmos', () => {
  it.each(Object.entries(CODES))('%s is %s, whatever its status', async (number, code) => {
    for (const status of [400, 404, 409, 500]) {
      const files = scripted(() => refusal(Number(number), status))
      const error = await files.readText('a').catch(failure => failure)
      expect(error).toMatchObject({ name: 'StorageError', code, status, backend: 'atmos', fileName: 'a' })
      expect(error.cause).toBeInstanceOf(AtmosError)
      expect(error.cause.serviceCode).toBe(number)
    }
  })

  it.each([
    [1032, 'The shared secret is not that of the token'],
    [1033, 'it is written subtenant/uid'],
    [2003, 'under retention'],
    [1031, "This machine's clock and the server's differ too much"],
  ])('%d has a hint', async (number, hint) => {
    const files = scripted(() => refusal(number, 403))
    await expect(files.readText('a')).rejects.toMatchObject({ message: expect.stringContaining(hint) })
    // Without the service's time nothing is learnt.
    expect(files.asked).toHaveLength(1)
  })

  it('1031 is learnt from once', async () => {
    const date = new Date(Date.now() + 3_600_000).toUTCString()
    const files = scripted(() => refusal(1031, 403, { date }))
    await expect(files.readText('a')).rejects.toMatchObject({ code: 'permission_denied' })
    expect(files.asked).toHaveLength(2)
    expect(Date.parse(files.asked[1]!.headers['x-emc-date']!) - Date.now()).toBeGreaterThan(3_500_000)
  })

  it('2xx that is none is unavailable, also of a proxy', async () => {
    const page = { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>Sign in</html>' }
    for (const answer of [page, { status: 204 }, { status: 200 }]) {
      const files = scripted(() => answer)
      await expect(files.readText('a')).rejects.toMatchObject({ code: 'unavailable' })
      await expect(files.size('a')).rejects.toMatchObject({ code: 'unavailable' })
      await expect(files.listdir('')).rejects.toMatchObject({ code: 'unavailable' })
    }
  })
})

describe('a 404', () => {
  it('that is not of Atmos says that the address is wrong, not that a file is missing', async () => {
    const files = scripted(() => ({ status: 404, headers: { 'content-type': 'text/html' }, body: '<html>no</html>' }))
    await expect(files.exists('a')).rejects.toMatchObject({ code: 'improperly_configured' })
    await expect(files.readText('a')).rejects.toMatchObject({
      code: 'improperly_configured',
      message: expect.stringContaining('see host, port and path'),
    })
  })

  it('to a HEAD is explained by one more request until the service is known', async () => {
    const files = scripted(({ method }) => (method === 'HEAD' ? { status: 404 } : refusal(1003, 404)))
    expect(await files.exists('a')).toBe(false)
    expect(await files.exists('b')).toBe(false)
    expect(files.asked.map(({ method }) => method)).toEqual(['HEAD', 'GET', 'HEAD'])
  })
})

it('no error shows the secret or the signature', async () => {
  const files = scripted(({ headers, url }) => {
    const quoted = `${url} ${headers['x-emc-signature']} c2VjcmV0`
    return { status: 400, body: `<Error><Code>1002</Code><Message>Bad: ${quoted}</Message></Error>` }
  })
  const error = await files.readText('a').catch(failure => failure)
  expect(String(error)).toContain('1002')
  expect(`${error} ${error.cause} ${JSON.stringify(error)}`).not.toContain('c2VjcmV0')
  expect(`${error} ${error.cause}`).not.toContain(files.asked[0]!.headers['x-emc-signature'])
})

describe('odd answers', () => {
  const entry = (name: string, type = 'regular', more = ''): string =>
    `<cos:DirectoryEntry><cos:ObjectID>x</cos:ObjectID><cos:FileType>${type}</cos:FileType><cos:Filename>${name}</cos:Filename>${more}</cos:DirectoryEntry>`
  const system = (...tags: string[]): string =>
    `<SystemMetadataList>${tags.map(tag => `<Metadata><Name>${tag.split('=')[0]}</Name><Value>${tag.split('=')[1]}</Value></Metadata>`).join('')}</SystemMetadataList>`

  it('an odd entry of a listing is left out by itself, and a size that is missing is asked for', async () => {
    const files = scripted(({ method }) => {
      if (method === 'HEAD') return { status: 200, headers: tagsOf(77) }
      return listing(
        [
          entry('a', 'regular', system('size=5', 'mtime=2010-06-21T14:37:37Z')),
          entry('b'),
          entry('c', 'regular', system('size=x', 'mtime=never')),
          entry('', 'regular', system('size=1')),
          entry('..', 'directory'),
          entry('x/y', 'regular', system('size=1')),
          entry('odd', 'socket', system('size=1')),
          entry('folder/', 'directory'),
          entry('t', 'regular', system('size=1', 'mtime=never', 'itime=2010-06-21T14:37:37Z')),
          '<cos:DirectoryEntry/>',
        ].join(''),
      )
    })
    const entries = await all(files.entries(''))
    expect(entries.map(({ name, size, isDirectory }) => [name, size, isDirectory])).toEqual([
      ['folder', 0, true],
      ['a', 5, false],
      ['b', 77, false],
      ['c', 77, false],
      ['t', 1, false],
    ])
    expect(entries[1]!.modifiedAt).toEqual(new Date('2010-06-21T14:37:37Z'))
    expect([entries[4]!.modifiedAt, entries[4]!.createdAt]).toEqual([undefined, new Date('2010-06-21T14:37:37Z')])
  })

  it.each(['&#x1;', '&#x0;', '&#31;', '\u0001', '\ufffe', '&#xFFFF;'])(
    'a name with %j, which XML forbids, is left out by itself',
    async character => {
      const warned = vi.spyOn(process, 'emitWarning').mockReturnValue(undefined)
      const files = scripted(({ method }) =>
        method === 'HEAD'
          ? { status: 404 }
          : listing(
              [
                entry('a', 'regular', system('size=5')),
                entry(`x${character}y`),
                entry(`${character}`, 'directory'),
              ].join(''),
            ),
      )
      await files.exists('known')
      expect((await all(files.entries('', { recursive: false }))).map(({ name }) => name)).toEqual(['a'])
      expect(warned.mock.calls.length).toBeGreaterThan(0)
      warned.mockRestore()
      expect(await files.driver.listContainers()).toEqual([])
    },
  )

  it('an empty folder has an empty DirectoryList, and a listing without one is unavailable', async () => {
    expect(await scripted(() => listing('')).listdir('')).toEqual([[], []])
    const body = '<ListDirectoryResponse/>'
    await expect(scripted(() => ({ status: 200, body })).listdir('')).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('a folder is read once, also where the files of a page are worked on for minutes, and anew after 10 of them', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const names = Array.from({ length: 2500 }, (_, at) => `f${at + 1000}`)
      const files = scripted(() => listing(names.map(name => entry(name, 'regular', system('size=1'))).join('')))
      const found: string[] = []
      for await (const { name } of files.entries('')) {
        found.push(name)
        if (found.length === 1000) vi.advanceTimersByTime(9 * 60_000)
        if (found.length === 1000) expect(files.asked).toHaveLength(1)
        if (found.length === 2000) expect(files.asked).toHaveLength(1)
        if (found.length === 2000) vi.advanceTimersByTime(11 * 60_000)
      }
      expect(found).toEqual(names)
      expect(files.asked).toHaveLength(2)
    } finally {
      vi.useRealTimers()
    }
  })

  it('a listing that gives a token again ends with an error', async () => {
    const files = scripted((_asked, count) => listing(entry(`f${count}`), { 'x-emc-token': ['a', 'b'][count % 2]! }))
    await expect(files.listdir('')).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('the same token again'),
    })
    expect(files.asked.length).toBeLessThan(5)
    await expect(files.driver.listContainers()).rejects.toMatchObject({ code: 'unavailable' })
  })

  it.each<[string, Record<string, string>, object]>([
    [
      'a comma in a value that is not encoded',
      { 'x-emc-meta': 'a=1, 2, b=3,size=4' },
      { metadata: { a: '1, 2', b: '3' }, size: 4 },
    ],
    [
      'a percent sign that is no code',
      { 'x-emc-meta': 'a=100%, b=%zz, size=4' },
      { metadata: { a: '100%', b: '%zz' } },
    ],
    ['bytes of UTF-8', { 'x-emc-meta': `a=${Buffer.from('é').toString('latin1')}, size=4` }, { metadata: { a: 'é' } }],
    [
      'times that are none',
      { 'x-emc-meta': 'mtime=yesterday, itime=2010-06-21T14:37:37Z, size=4' },
      { modifiedAt: undefined, createdAt: new Date('2010-06-21T14:37:37Z') },
    ],
    [
      'listable tags',
      { 'x-emc-meta': 'size=4', 'x-emc-listable-meta': 'kind=x, size=9' },
      { size: 4, metadata: { kind: 'x' } },
    ],
    ['tags without a value', { 'x-emc-meta': 'a=, =b, c, size=4' }, { metadata: { a: '' } }],
  ])('%s in a header of tags spoils no other tag', async (_, headers, expected) => {
    const files = scripted(() => ({ status: 200, headers: { ...headers, 'x-emc-policy': 'default' } }))
    expect(await files.stat('a')).toMatchObject(expected)
  })

  it('a directory has no size, whatever the service says', async () => {
    const files = scripted(() => ({ status: 200, headers: { 'x-emc-meta': 'type=directory, size=4096' } }))
    expect(await files.stat('folder')).toMatchObject({ isDirectory: true, size: 0 })
    await expect(files.readText('folder')).rejects.toMatchObject({ code: 'is_directory' })
  })

  it('a checksum that cannot be read, or is of fewer bytes, is not compared', async () => {
    for (const sum of [
      'SHA0/4/abc',
      'SHA1/3/2aae6c35c94fcfb415dbe95f408b9ce91ee846ed',
      'SHA1/x',
      '',
      'SHA1/4/zz',
      'MD5//1',
    ]) {
      const headers = { ...tagsOf(4), 'content-length': '4', 'x-emc-wschecksum': sum }
      expect(await scripted(() => ({ status: 200, headers, body: 'text' })).readText('a')).toBe('text')
    }
    const sha1 = '2aae6c35c94fcfb415dbe95f408b9ce91ee846ed'
    for (const sum of [`SHA1/4/${sha1}`, `sha1/${sha1}`]) {
      const headers = { ...tagsOf(4), 'content-length': '4', 'x-emc-wschecksum': sum }
      const files = scripted(() => ({ status: 200, headers, body: 'text' }))
      await expect(files.readText('a')).rejects.toMatchObject({ code: 'checksum_mismatch' })
    }
  })

  it('a range that ends beyond the file is asked for again where the service refuses it', async () => {
    const files = scripted(({ method, headers }) => {
      if (method === 'HEAD') return { status: 200, headers: tagsOf(10) }
      if (headers['range'] === 'bytes=8-98') return refusal(1004, 416)
      return {
        status: 206,
        headers: { ...tagsOf(10), 'content-range': 'bytes 8-9/10', 'content-length': '2' },
        body: '89',
      }
    })
    expect(await files.readText('a', { start: 8, end: 99 })).toBe('89')
    expect(files.asked.map(({ headers }) => headers['range'])).toEqual(['bytes=8-98', undefined, 'bytes=8-9'])
  })
})

it('serviceInfo gives the version and the features', async () => {
  const headers = { 'x-emc-features': 'object, namespace,utf-8', 'x-emc-support-utf8': 'true' }
  const files = scripted(() => ({
    status: 200,
    headers,
    body: '<Version xmlns="http://www.emc.com/cos/"><Atmos>2.1.0</Atmos></Version>',
  }))
  expect(await files.serviceInfo()).toEqual({ version: '2.1.0', features: ['object', 'namespace', 'utf-8'] })
  expect(files.asked[0]).toMatchObject({ method: 'GET', url: 'https://atmos.example.com/rest/service' })
  const old = scripted(() => ({
    status: 200,
    headers: { 'x-emc-support-utf8': 'TRUE' },
    body: '<Version><Atmos>1.4.2</Atmos></Version>',
  }))
  expect(await old.serviceInfo()).toEqual({ version: '1.4.2', features: ['utf-8'] })
  await expect(scripted(() => ({ status: 200, body: '<Version/>' })).serviceInfo()).rejects.toMatchObject({
    code: 'unavailable',
  })
})
