/** Objects and folders of the strict Atmos server, asked by plain requests that are signed here. */
import { afterAll, describe, expect, test } from 'vitest'
import { type Answered, type Asked, ask } from './strict-atmos/asker.ts'
import { busy, startStrictAtmos } from './strict-atmos.ts'

const server = await startStrictAtmos({ pageSize: 3 })
const renumbered = await startStrictAtmos({ statuses: { 1016: 400, 1040: 503 }, namespacedErrors: true, maxSize: 4 })
afterAll(() => Promise.all([server.close(), renumbered.close()]))

const at = (method: string, path: string, asked?: Asked): Promise<Answered> =>
  ask(server, method, `/rest/namespace/${path}`, asked)
const byId = (method: string, location: unknown, asked?: Asked): Promise<Answered> =>
  ask(server, method, String(location), asked)
const ranged = (method: string, path: string, range: string, body?: string): Promise<Answered> =>
  at(method, path, { headers: { range }, ...(body === undefined ? {} : { body }) })
/** Status and code of an answer. */
const told = ({ status, code }: Answered): [number, number] => [status, code]
const text = ({ body }: Answered): string => String(body)
const meta = ({ headers }: Answered): Record<string, string> =>
  Object.fromEntries(
    String(headers['x-emc-meta'])
      .split(', ')
      .map(pair => pair.split('=')),
  )

describe.concurrent('objects', () => {
  test('an object is made with the folders that are missing, and read by path and by id', async () => {
    const made = await at('POST', 'new/deep/a%20b%2Bc%25.txt', {
      body: 'hello',
      headers: { 'content-type': 'text/plain' },
    })
    expect(made.status).toBe(201)
    expect(made.headers.location).toMatch(/^\/rest\/objects\/[0-9a-f]{44}$/)
    expect(made.headers['x-emc-delta']).toBe('5')
    const read = await at('GET', 'new/deep/a%20b%2Bc%25.txt')
    expect([read.status, text(read), read.headers['content-type']]).toEqual([200, 'hello', 'text/plain'])
    expect(text(await byId('GET', made.headers.location))).toBe('hello')
    expect(server.tree.body('new/deep/a b+c%.txt')?.toString()).toBe('hello')
    expect(told(await at('POST', 'new/deep/a%20b%2Bc%25.txt', { body: 'other' }))).toEqual([409, 1016])
    expect(text(await at('GET', 'new/deep/a%20b%2Bc%25.txt'))).toBe('hello')
  })

  test('an object by its id has no path', async () => {
    const made = await ask(server, 'POST', '/rest/objects', { body: 'nameless' })
    expect(text(await byId('GET', made.headers.location))).toBe('nameless')
    expect(told(await byId('POST', made.headers.location, { body: 'x' }))).toEqual([405, 1009])
    expect((await byId('PUT', made.headers.location, { body: 'again' })).status).toBe(200)
    expect(text(await byId('GET', made.headers.location))).toBe('again')
    expect((await byId('DELETE', made.headers.location)).status).toBe(204)
    expect(told(await byId('GET', made.headers.location))).toEqual([404, 1003])
    expect(told(await byId('POST', `${String(made.headers.location)}?rename`))).toEqual([400, 1046])
  })

  test('PUT replaces the content and keeps the metadata', async () => {
    await at('POST', 'put/a', { body: 'a long content', headers: { 'x-emc-meta': 'colour=red' } })
    const put = await at('PUT', 'put/a', { body: 'short' })
    expect([put.status, put.headers['x-emc-delta']]).toEqual([200, '-9'])
    const head = await at('HEAD', 'put/a')
    expect(meta(head)).toMatchObject({ colour: 'red', size: '5', type: 'regular', objname: 'a' })
    expect([head.headers['content-length'], head.body.length]).toEqual(['5', 0])
    expect(text(await at('GET', 'put/a'))).toBe('short')
    expect(told(await at('PUT', 'put/missing', { body: 'x' }))).toEqual([404, 1003])
  })

  test('a range is appended, written within, and refused where it would leave a hole', async () => {
    await at('POST', 'range/a', { body: '0123456789' })
    expect((await ranged('PUT', 'range/a', 'Bytes=10-12', 'abc')).status).toBe(200)
    expect(text(await at('GET', 'range/a'))).toBe('0123456789abc')
    expect((await ranged('PUT', 'range/a', 'bytes=2-3', 'XY')).status).toBe(200)
    expect((await ranged('PUT', 'range/a', 'bytes=12-14', 'CDE')).status).toBe(200)
    expect(text(await at('GET', 'range/a'))).toBe('01XY456789abCDE')
    expect(told(await ranged('PUT', 'range/a', 'bytes=16-16', 'x'))).toEqual([416, 1004])
    expect(told(await ranged('PUT', 'range/a', 'bytes=0-4', 'four'))).toEqual([400, 1012])
    expect(told(await ranged('PUT', 'range/a', 'bytes=4-', 'rest'))).toEqual([416, 1004])
    expect(told(await ranged('POST', 'range/new', 'bytes=0-0', 'x'))).toEqual([400, 1002])
    expect(text(await at('GET', 'range/a'))).toBe('01XY456789abCDE')
  })

  test('ranges are read, one or several, and refused beyond the end', async () => {
    await at('POST', 'read/a', { body: '0123456789' })
    for (const [range, content, place] of [
      ['bytes=2-5', '2345', 'bytes 2-5/10'],
      ['Bytes=8-20', '89', 'bytes 8-9/10'],
      ['bytes=7-', '789', 'bytes 7-9/10'],
    ] as const) {
      const read = await ranged('GET', 'read/a', range)
      expect([read.status, text(read), read.headers['content-range']]).toEqual([206, content, place])
    }
    const several = await ranged('GET', 'read/a', 'bytes=0-1, 8-9')
    expect(several.headers['content-type']).toMatch(/^multipart\/byteranges; boundary=/)
    expect(text(several)).toMatch(
      /Content-Range: bytes 0-1\/10\r\n\r\n01\r\n--.*Content-Range: bytes 8-9\/10\r\n\r\n89\r\n--.*--\r\n$/s,
    )
    for (const range of ['bytes=10-12', 'bytes=5-4', 'bytes=-3', 'items=0-1', 'bytes=0-1,90-91']) {
      expect(told(await ranged('GET', 'read/a', range)), range).toEqual([416, 1004])
    }
    expect((await ranged('GET', 'read/a', 'bytes=10-12')).headers['content-range']).toBe('bytes */10')
  })

  test('a body without a length is refused, and one that is too long', async () => {
    const chunked = { 'transfer-encoding': 'chunked', 'content-length': [] }
    expect(told(await at('POST', 'chunked', { headers: chunked, body: 'x' }))).toEqual([400, 1054])
    expect(server.tree.find('chunked')).toBeUndefined()
    expect(told(await ask(renumbered, 'POST', '/rest/namespace/big', { body: '12345' }))).toEqual([400, 1010])
    await ask(renumbered, 'POST', '/rest/namespace/small', { body: '1234' })
    const grown = { headers: { range: 'bytes=4-4' }, body: '5' }
    expect(told(await ask(renumbered, 'PUT', '/rest/namespace/small', grown))).toEqual([400, 1010])
  })

  test('folders of dots are folders', async () => {
    for (const path of ['dots/./a', 'dots/../b']) await at('POST', path, { body: path })
    expect(text(await at('GET', 'dots/./a'))).toBe('dots/./a')
    expect(text(await at('GET', 'dots/../'))).toContain('<Filename>b</Filename>')
    expect(server.tree.paths()).toEqual(expect.arrayContaining(['dots/../b', 'dots/./a']))
  })

  test('names that cannot be are refused', async () => {
    for (const path of ['a//b', 'a/%00']) {
      expect(told(await at('POST', path, { body: 'x' })), path).toEqual([400, 1002])
    }
    expect(told(await at('POST', 'x'.repeat(256), { body: 'x' }))).toEqual([400, 1041])
    expect((await at('POST', `long/${'x'.repeat(255)}`, { body: 'x' })).status).toBe(201)
  })
})

describe.concurrent('folders', () => {
  test('a folder is made, must be empty to be deleted, and is gone then', async () => {
    const made = await at('POST', 'folder/sub/')
    expect([made.status, made.headers.location]).toEqual([201, expect.stringMatching(/^\/rest\/objects\//)])
    expect(told(await at('POST', 'folder/sub/'))).toEqual([409, 1016])
    expect(told(await at('POST', 'folder/other/', { body: 'x' }))).toEqual([400, 1002])
    expect(told(await at('DELETE', 'folder/'))).toEqual([400, 1023])
    expect((await at('DELETE', 'folder/sub/')).status).toBe(204)
    expect((await at('DELETE', 'folder/')).status).toBe(204)
    expect(told(await at('DELETE', 'folder/'))).toEqual([404, 1003])
    expect(told(await at('GET', 'folder/'))).toEqual([404, 1003])
    expect(told(await at('DELETE', ''))).toEqual([401, 1015])
  })

  test('a folder where an object is meant, and an object where a folder is meant, are refused', async () => {
    await at('POST', 'kinds/file', { body: 'x' })
    for (const [method, path, code] of [
      ['GET', 'kinds', 1022],
      ['PUT', 'kinds', 1022],
      ['DELETE', 'kinds', 1022],
      ['GET', 'kinds/file/', 1021],
      ['DELETE', 'kinds/file/', 1021],
      ['POST', 'kinds/file/below', 1045],
      ['POST', 'kinds/file/below/', 1045],
    ] as const) {
      expect(told(await at(method, path)), `${method} ${path}`).toEqual([400, code])
    }
    expect(told(await at('POST', 'kinds', { body: 'x' }))).toEqual([409, 1016])
    expect(told(await at('POST', 'kinds/file/'))).toEqual([409, 1016])
    expect(told(await at('GET', 'kinds/file/below'))).toEqual([404, 1003])
  })

  test('metadata of a folder and of an object tell which it is, with a slash and without', async () => {
    await at('POST', 'type/file', { body: 'x' })
    for (const [path, type] of [
      ['type', 'directory'],
      ['type/', 'directory'],
      ['type/file', 'regular'],
      ['type/file/', 'regular'],
    ] as const) {
      expect(meta(await at('GET', `${path}?metadata/system`))['type'], path).toBe(type)
      expect(meta(await at('HEAD', path))['type'], path).toBe(type)
    }
  })

  test('a head has no body, so an error has its status only', async () => {
    const missing = await at('HEAD', 'nothing/here')
    expect([missing.status, missing.body.length]).toEqual([404, 0])
  })
})

describe.concurrent('listings', () => {
  const names = (answer: Answered): string[] =>
    [...text(answer).matchAll(/<Filename>(.*?)<\/Filename>/g)].map(([, name]) => name!)

  test('one level is listed, page by page, until there is no token', async () => {
    for (const name of ['b', 'a/x', 'a/y', 'c', 'd', 'e', 'f']) await at('POST', `list/${name}`, { body: name })
    const first = await at('GET', 'list/')
    expect(text(first)).toMatch(
      /^<\?xml.*<ListDirectoryResponse xmlns="http:\/\/www.emc.com\/cos\/"><DirectoryList><DirectoryEntry>/s,
    )
    expect(names(first)).toEqual(['a', 'b', 'c'])
    expect(text(first)).toContain('<FileType>directory</FileType><Filename>a</Filename>')
    expect(text(first)).not.toContain('Metadata')
    const token = String(first.headers['x-emc-token'])
    const second = await at('GET', 'list/', { headers: { 'x-emc-token': token, 'x-emc-limit': '2' } })
    expect(names(second)).toEqual(['d', 'e'])
    const last = await at('GET', 'list/', { headers: { 'x-emc-token': String(second.headers['x-emc-token']) } })
    expect([names(last), last.headers['x-emc-token']]).toEqual([['f'], undefined])
    // What was deleted between two pages takes nothing else away.
    await at('DELETE', 'list/d')
    expect(names(await at('GET', 'list/', { headers: { 'x-emc-token': token } }))).toEqual(['e', 'f'])
  })

  test('an empty folder has an empty list', async () => {
    await at('POST', 'empty/')
    expect(text(await at('GET', 'empty/'))).toContain('<DirectoryList></DirectoryList>')
  })

  test('names are escaped in XML', async () => {
    await at('POST', `xml/${encodeURIComponent('a & <b> "c"')}`, { body: 'x' })
    expect(names(await at('GET', 'xml/'))).toEqual(['a &amp; &lt;b&gt; &quot;c&quot;'])
  })

  test('metadata come with the entries where they are asked for, or those tags that are named', async () => {
    const headers = { 'x-emc-meta': 'colour=red', 'x-emc-listable-meta': 'part=one' }
    await at('POST', 'tags/a', { body: '12345', headers })
    const all = text(await at('GET', 'tags/', { headers: { 'x-emc-include-meta': '1' } }))
    expect(all).toContain('<Metadata><Name>size</Name><Value>5</Value></Metadata>')
    expect(all).toContain('<Metadata><Name>colour</Name><Value>red</Value><Listable>false</Listable></Metadata>')
    expect(all).toContain('<Metadata><Name>part</Name><Value>one</Value><Listable>true</Listable></Metadata>')
    const asked = { 'x-emc-include-meta': '1', 'x-emc-system-tags': 'size,mtime', 'x-emc-user-tags': 'part' }
    const some = text(await at('GET', 'tags/', { headers: asked }))
    expect([...some.matchAll(/<Name>(.*?)<\/Name>/g)].map(([, name]) => name)).toEqual(['mtime', 'size', 'part'])
  })

  test('a token, a limit or a flag that is not valid is refused', async () => {
    await at('POST', 'refused/a', { body: 'x' })
    for (const [headers, code] of [
      [{ 'x-emc-token': 'made up' }, 1037],
      [{ 'x-emc-limit': '0' }, 1002],
      [{ 'x-emc-limit': '5x' }, 1002],
      [{ 'x-emc-include-meta': 'true' }, 1002],
    ] as const) {
      expect(told(await at('GET', 'refused/', { headers }))).toEqual([400, code])
    }
  })

  test('a token may be a name', async () => {
    const named = await startStrictAtmos({ pageSize: 1, namesAsTokens: true })
    for (const name of ['x%20y', 'z']) await ask(named, 'POST', `/rest/namespace/${name}`, { body: 'x' })
    const first = await ask(named, 'GET', '/rest/namespace/')
    expect([names(first), first.headers['x-emc-token']]).toEqual([['x y'], 'z'])
    expect(names(await ask(named, 'GET', '/rest/namespace/', { headers: { 'x-emc-token': 'z' } }))).toEqual(['z'])
    await named.close()
  })
})

describe.concurrent('renames', () => {
  const rename = (from: string, to: string, headers = {}): Promise<Answered> =>
    at('POST', `${from}?rename`, { headers: { 'x-emc-path': to, ...headers } })

  test('an object gets another path, with a slash before it or without', async () => {
    await at('POST', 'move/a', { body: 'x' })
    await at('POST', 'move/to/')
    expect((await rename('move/a', '/move/to/b')).status).toBe(200)
    expect((await rename('move/to/b', 'move/c')).status).toBe(200)
    expect(text(await at('GET', 'move/c'))).toBe('x')
    expect(told(await at('GET', 'move/a'))).toEqual([404, 1003])
    const utf8 = { 'x-emc-utf8': 'true' }
    expect((await rename('move/c', encodeURIComponent('move/é,f'), utf8)).status).toBe(200)
    expect(server.tree.body('move/é,f')?.toString()).toBe('x')
  })

  test('what has the path already is overwritten by force only, and a folder only if it is empty', async () => {
    for (const path of ['force/a', 'force/b', 'force/full/x']) await at('POST', path, { body: path })
    await at('POST', 'force/folder/')
    const forced = { 'x-emc-force': 'true' }
    expect(told(await rename('force/a', 'force/b'))).toEqual([409, 1016])
    expect(told(await rename('force/a', 'force/a'))).toEqual([400, 1047])
    expect(told(await rename('force/a', 'force/folder', forced))).toEqual([400, 1022])
    expect(told(await rename('force/folder', 'force/full', forced))).toEqual([400, 1048])
    expect(told(await rename('force/full', 'force/full/in'))).toEqual([400, 1002])
    expect(told(await rename('force/a', 'force/missing/a'))).toEqual([400, 1044])
    expect(told(await rename('force/a', 'force/b/a'))).toEqual([400, 1045])
    expect(told(await at('POST', 'force/a?rename'))).toEqual([400, 1054])
    expect((await rename('force/a', 'force/b', forced)).status).toBe(200)
    expect(text(await at('GET', 'force/b'))).toBe('force/a')
    expect((await rename('force/full', 'force/folder', forced)).status).toBe(200)
    expect(server.tree.body('force/folder/x')?.toString()).toBe('force/full/x')
  })
})

test('a slash at the end of the path of a file may be nothing', async () => {
  const lenient = await startStrictAtmos({ ignoresSlashes: true })
  const own = (method: string, path: string, asked?: Asked): Promise<Answered> =>
    ask(lenient, method, `/rest/namespace/${path}`, asked)
  await own('POST', 'a/b', { body: 'content' })
  expect([text(await own('GET', 'a/b/')), told(await own('GET', 'a'))]).toEqual(['content', [400, 1022]])
  expect(told(await own('DELETE', 'a/'))).toEqual([400, 1023])
  expect((await own('DELETE', 'a/b/')).status).toBe(204)
  expect(lenient.tree.paths()).toEqual([])
  await lenient.close()
})

test('what a rename overwrote may still be read a few times', async () => {
  const late = await startStrictAtmos({ staleReads: 2 })
  const own = (method: string, path: string, asked?: Asked): Promise<Answered> =>
    ask(late, method, `/rest/namespace/${path}`, asked)
  for (const path of ['a', 'b']) await own('POST', path, { body: path })
  await own('POST', 'a?rename', { headers: { 'x-emc-path': 'b', 'x-emc-force': 'true' } })
  const reads = [await own('GET', 'b'), await own('HEAD', 'b'), await own('GET', 'b'), await own('GET', 'b')]
  expect(reads.map(text)).toEqual(['b', '', 'a', 'a'])
  expect(late.tree.paths()).toEqual(['b'])
  await late.close()
})

describe.concurrent('the rest', () => {
  test('the service tells its version and what it can', async () => {
    const answer = await ask(server, 'GET', '/rest/service')
    expect(text(answer)).toContain('<Version xmlns="http://www.emc.com/cos/"><Atmos>2.1.0</Atmos></Version>')
    expect(answer.headers['x-emc-features']).toContain('namespace')
    expect(answer.headers['x-emc-support-utf8']).toBe('true')
  })

  test('an object tells where it is kept', async () => {
    await at('POST', 'info', { body: 'x' })
    const info = text(await at('GET', 'info?info'))
    expect(info).toMatch(/<GetObjectInfoResponse.*<objectId>[0-9a-f]{44}<\/objectId>.*<retention><enabled>false/s)
  })

  test('versions of an object are kept, listed, restored and deleted by ids', async () => {
    const { headers } = await ask(server, 'POST', '/rest/objects', { body: 'one' })
    const kept = await byId('POST', `${String(headers.location)}?versions`)
    await byId('PUT', headers.location, { body: 'two' })
    expect(text(await byId('GET', kept.headers.location))).toBe('one')
    const id = String(kept.headers.location).slice('/rest/objects/'.length)
    const list = text(await byId('GET', `${String(headers.location)}?versions`))
    expect(list).toContain(`<Ver><VerNum>0</VerNum><OId>${id}</OId><itime>`)
    const restored = { headers: { 'x-emc-version-oid': id } }
    expect((await byId('PUT', `${String(headers.location)}?versions`, restored)).status).toBe(200)
    expect(text(await byId('GET', headers.location))).toBe('one')
    expect((await byId('DELETE', `${String(kept.headers.location)}?versions`)).status).toBe(204)
    expect(told(await byId('GET', kept.headers.location))).toEqual([404, 1003])
    await at('POST', 'versions', { body: 'x' })
    expect(told(await at('POST', 'versions?versions'))).toEqual([400, 1042])
  })

  test('what there is not is refused', async () => {
    expect(told(await ask(server, 'GET', '/rest/other'))).toEqual([404, 1008])
    expect(told(await ask(server, 'GET', '/other'))).toEqual([404, 1008])
    expect(told(await at('GET', 'a?metadata/other'))).toEqual([400, 1042])
    expect(told(await at('PATCH', 'a'))).toEqual([405, 1009])
    expect(told(await ask(server, 'POST', '/rest/accesstokens'))).toEqual([400, 1042])
  })

  test('statuses of codes, and the namespace of errors, can be others', async () => {
    await ask(renumbered, 'POST', '/rest/namespace/a', { body: 'x' })
    const answer = await ask(renumbered, 'POST', '/rest/namespace/a', { body: 'x' })
    expect(told(answer)).toEqual([400, 1016])
    expect(text(answer)).toContain('<Error xmlns="http://www.emc.com/cos/"><Code>1016</Code><Message>')
    expect(text(await at('GET', 'nothing'))).toContain('<Error><Code>1003</Code>')
  })

  test('the server is busy once where that is planned, and the log has every request', async () => {
    const own = await startStrictAtmos()
    own.faults.add({ operation: 'CreateObject', fault: busy() })
    expect(told(await ask(own, 'POST', '/rest/namespace/x/y', { body: 'x' }))).toEqual([500, 1040])
    expect((await ask(own, 'POST', '/rest/namespace/x/y', { body: 'x' })).status).toBe(201)
    expect(own.requests).toMatchObject([
      { operation: 'CreateObject', key: 'x/y', status: 500, code: '1040' },
      { operation: 'CreateObject', key: 'x/y', status: 201, code: undefined, by: 'header', bodySize: 1 },
    ])
    expect(own.tree.paths()).toEqual(['x/y'])
    await own.close()
  })
})
