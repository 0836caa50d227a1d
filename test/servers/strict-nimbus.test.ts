/** Keys and archives of the strict Nimbus.io server, asked by plain requests that are signed here. */
import { createHash } from 'node:crypto'
import { afterAll, describe, expect, test } from 'vitest'
import { type Answered, ask, type NimbusAsked } from './strict-nimbus/asker.ts'
import { nodeTrouble, startStrictNimbus } from './strict-nimbus.ts'

const BORN = Date.parse('2012-09-01T12:00:00.250Z')
const server = await startStrictNimbus({
  collections: [
    'media',
    'other',
    'lists',
    'parts',
    'conjoined',
    { name: 'kept', versioning: true },
    { name: 'versions', versioning: true },
  ],
})
const past = await startStrictNimbus({ now: () => BORN, takesEmpty: true, collation: 'en' })
afterAll(() => Promise.all([server.close(), past.close()]))

const at = (method: string, uri: string, asked?: NimbusAsked): Promise<Answered> =>
  ask(server, method, uri, { collection: 'media', ...asked })
const inPast = (method: string, uri: string, asked?: NimbusAsked): Promise<Answered> =>
  ask(past, method, uri, { collection: 'media', now: Math.floor(BORN / 1000), ...asked })
const text = ({ body }: Answered): string => String(body)
const json = (answer: Answered): Record<string, unknown> => JSON.parse(text(answer))
const md5 = (body: string): string => createHash('md5').update(body).digest('base64')
const keys = (answer: Answered): string[] => (json(answer)['key_data'] as { key: string }[]).map(({ key }) => key)

describe.concurrent('archiving', () => {
  test('a key is archived, read, measured and deleted, and every answer closes its connection', async () => {
    const made = await at('POST', '/data/a/b.txt', { body: 'hello', headers: { 'content-md5': md5('hello') } })
    expect([made.status, json(made)]).toEqual([200, { version_identifier: expect.stringMatching(/^[\w-]{10,}$/) }])
    const read = await at('GET', '/data/a/b.txt')
    expect([read.status, text(read), read.headers['content-type'], read.headers.etag]).toEqual([
      200,
      'hello',
      'text/plain',
      undefined,
    ])
    const head = await at('HEAD', '/data/a/b.txt')
    expect([head.status, head.headers['content-length'], head.body.length]).toEqual([200, '5', 0])
    expect(head.headers['last-modified']).toMatch(/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/)
    const gone = await at('DELETE', '/data/a/b.txt')
    expect([gone.status, json(gone)]).toEqual([200, { success: true }])
    for (const method of ['GET', 'HEAD']) expect((await at(method, '/data/a/b.txt')).status).toBe(404)
    const again = await at('DELETE', '/data/a/b.txt')
    expect([again.status, json(again)]).toEqual([200, { success: true }])
    for (const { headers } of [made, read, head, gone]) expect(headers.connection).toBe('close')
  })

  test('a body needs its length, some bytes, and its MD5 where one is given', async () => {
    const chunked = { 'transfer-encoding': 'chunked', 'content-length': [] as unknown as string }
    expect((await at('POST', '/data/refused', { headers: chunked, body: 'x' })).status).toBe(411)
    expect((await at('POST', '/data/refused', { body: '' })).status).toBe(403)
    const wrong = { 'content-md5': md5('hallo') }
    expect((await at('POST', '/data/refused', { headers: wrong, body: 'hello' })).status).toBe(400)
    expect((await at('GET', '/data/refused')).status).toBe(404)
    expect((await inPast('POST', '/data/empty', { body: '' })).status).toBe(200)
  })

  test('a key is what unquote_plus makes of the path', async () => {
    for (const [uri, key] of [
      ['blank%20and%2Bplus', 'blank and+plus'],
      ['a+b', 'a b'],
      ['50%25%3F%23%26', '50%?#&'],
      ['%C3%A9/%E6%97%A5', 'é/日'],
    ] as const) {
      expect((await at('POST', `/data/odd/${uri}`, { body: key })).status, uri).toBe(200)
      expect(server.collection().current(`odd/${key}`)?.body.toString(), uri).toBe(key)
      expect(text(await at('GET', `/data/odd/${uri}`))).toBe(key)
    }
    const signature = createHash('sha256').digest('hex')
    expect((await at('GET', '/data/odd/%FF', { signature })).status).toBe(503)
  })

  test('metadata are parameters of either prefix, and read as pairs', async () => {
    await at('POST', '/data/meta?__nimbus_io__colour=gr%C3%BCn&x-amz-meta-size=a+b&other=1', { body: 'x' })
    const read = await at('GET', '/data/meta?action=meta')
    expect(json(read)).toEqual([
      ['__nimbus_io__colour', 'grün'],
      ['__nimbus_io__size', 'a b'],
    ])
    expect((await at('GET', '/data/nothing?action=meta')).status).toBe(404)
    // With anything else in the query that is another operation.
    expect(text(await at('GET', '/data/meta?action=meta&x=1'))).toBe('x')
  })

  test('type and encoding are guessed by the key', async () => {
    for (const [name, type, encoding] of [
      ['a.tar.gz', 'application/x-tar', 'gzip'],
      ['a.PNG', 'image/png', undefined],
      ['a', 'application/octet-stream', undefined],
    ] as const) {
      await at('POST', `/data/type/${name}`, { body: 'x' })
      const { headers } = await at('HEAD', `/data/type/${name}`)
      expect([headers['content-type'], headers['content-encoding']]).toEqual([type, encoding])
    }
  })

  test('a node that has trouble asks for another try later', async () => {
    server.faults.add({ operation: 'ArchiveKey', key: 'trouble', fault: nodeTrouble(1) })
    const refused = await at('POST', '/data/trouble', { body: 'x' })
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '1'])
    expect((await at('POST', '/data/trouble', { body: 'x' })).status).toBe(200)
    const logged = server.requests.filter(({ key }) => key === 'trouble')
    expect(logged).toMatchObject([
      { operation: 'ArchiveKey', collection: 'media', host: `media.nimbus.io:${server.port}`, status: 503 },
      { operation: 'ArchiveKey', username: 'alice', status: 200 },
    ])
  })
})

describe.concurrent('reading', () => {
  test('one range is read; all others are unavailable', async () => {
    await at('POST', '/data/range', { body: '0123456789' })
    const ranged = (range: string): Promise<Answered> => at('GET', '/data/range', { headers: { range } })
    for (const [range, content, place] of [
      ['bytes=2-5', '2345', 'bytes 2-5/10'],
      ['bytes=7-', '789', 'bytes 7-9/10'],
      ['bytes=8-99', '89', 'bytes 8-9/10'],
    ] as const) {
      const read = await ranged(range)
      expect([read.status, text(read), read.headers['content-range']]).toEqual([206, content, place])
    }
    for (const range of ['bytes=10-', 'bytes=5-4', 'bytes=-3', 'bytes=0-1,3-4', 'items=1-2']) {
      const read = await ranged(range)
      expect([read.status, read.headers['retry-after']], range).toEqual([503, '120'])
    }
  })

  test('conditions are compared with parts of a second that no header has', async () => {
    await inPast('POST', '/data/when', { body: 'x' })
    const conditional = (name: string, time: string): Promise<Answered> =>
      inPast('GET', '/data/when', { headers: { [name]: time } })
    const [before, same, after] = [11, 12, 13].map(hour => `Sat, 01 Sep 2012 ${hour}:00:00 GMT`) as [
      string,
      string,
      string,
    ]
    const status = async (name: string, time: string): Promise<number> => (await conditional(name, time)).status
    expect(await status('if-modified-since', after)).toBe(304)
    expect(await status('if-modified-since', same)).toBe(200)
    expect(await status('if-modified-since', before)).toBe(200)
    expect(await status('if-unmodified-since', after)).toBe(200)
    expect(await status('if-unmodified-since', same)).toBe(412)
    expect(await status('if-unmodified-since', 'yesterday')).toBe(503)
    expect((await conditional('if-unmodified-since', before)).headers['last-modified']).toBe(same)
  })

  test('versions are kept where the collection says so, and one is read and deleted by its id', async () => {
    const ids: string[] = []
    for (const body of ['one', 'two', 'three']) {
      const made = await at('POST', '/data/v', { collection: 'kept', body })
      ids.push(String(json(made)['version_identifier']))
    }
    const read = (id: string): Promise<Answered> =>
      at('GET', `/data/v?version_identifier=${id}`, { collection: 'kept' })
    expect(text(await read(ids[0]!))).toBe('one')
    await at('DELETE', `/data/v?version_identifier=${ids[2]}`, { collection: 'kept' })
    expect(text(await at('GET', '/data/v', { collection: 'kept' }))).toBe('two')
    // What follows the question mark of a HEAD is part of the key.
    expect((await at('HEAD', `/data/v?version_identifier=${ids[0]}`, { collection: 'kept' })).status).toBe(404)
    await at('POST', '/data/v?action=delete', { collection: 'kept' })
    expect((await at('GET', '/data/v', { collection: 'kept' })).status).toBe(404)
    // A key is deleted with all its versions.
    expect((await read(ids[0]!)).status).toBe(404)
    const first = json(await at('POST', '/data/unkept', { body: 'one' }))['version_identifier']
    await at('POST', '/data/unkept', { body: 'two' })
    expect((await at('GET', `/data/unkept?version_identifier=${String(first)}`)).status).toBe(404)
  })
})

describe.concurrent('listings', () => {
  const list = (query: string, collection = 'lists'): Promise<Answered> => at('GET', `/data/?${query}`, { collection })
  const NAMES = ['a/x', 'a/y/z', 'a_b', 'axb', 'b', 'é']
  const stored = (async () => {
    for (const name of NAMES) await at('POST', `/data/${encodeURIComponent(name)}`, { collection: 'lists', body: name })
  })()

  test('keys are listed without sizes, page by page', async () => {
    await stored
    expect(keys(await at('GET', '/data/', { collection: 'lists' }))).toEqual(NAMES)
    const first = json(await list('max_keys=4'))
    expect(first).toEqual({
      key_data: expect.arrayContaining([
        { key: 'a/x', version_identifier: expect.any(String), timestamp: expect.stringMatching(/ GMT$/) },
      ]),
      truncated: true,
    })
    const last = await list('max_keys=4&marker=axb')
    expect([keys(last), json(last)['truncated']]).toEqual([['b', 'é'], false])
    expect(keys(await list('marker=%C3%A9'))).toEqual([])
    expect((await list('max_keys=0')).status).toBe(400)
    // A marker must be one of the prefix.
    expect(keys(await list('prefix=a/&marker=a/x'))).toEqual(['a/y/z'])
    expect((await list('prefix=a_b&marker=axb')).status).toBe(400)
  })

  test('a prefix is a pattern of SQL', async () => {
    await stored
    expect(keys(await list('prefix=a%2F'))).toEqual(['a/x', 'a/y/z'])
    expect(keys(await list('prefix=a_'))).toEqual(['a/x', 'a/y/z', 'a_b', 'axb'])
    expect(keys(await list('prefix=%25z'))).toEqual(['a/y/z'])
    expect(keys(await list('prefix=.'))).toEqual([])
  })

  test('with a delimiter there are only the parts before it', async () => {
    await stored
    expect(json(await list('delimiter=/'))).toEqual({ prefixes: ['a/'], truncated: false })
    expect(json(await list('prefix=a/&delimiter=/'))).toEqual({ prefixes: ['a/y/'], truncated: false })
    expect(json(await list('max_keys=1&delimiter=/'))).toEqual({ prefixes: ['a/'], truncated: true })
  })

  test('values of a query are decoded twice where the server is set so', async () => {
    const twice = await startStrictNimbus({ decodesTwice: true })
    await ask(twice, 'POST', '/data/a%2Bb?__nimbus_io__sum=1%2B1', { collection: 'media', body: 'x' })
    const listed = (uri: string): Promise<Answered> => ask(twice, 'GET', uri, { collection: 'media' })
    expect(keys(await listed('/data/'))).toEqual(['a+b'])
    expect(keys(await listed('/data/?prefix=a%2B'))).toEqual([])
    expect(keys(await listed('/data/?prefix=a%252B'))).toEqual(['a+b'])
    // Metadata are decoded once.
    expect(json(await listed('/data/a%2Bb?action=meta'))).toEqual([['__nimbus_io__sum', '1+1']])
    await twice.close()
  })

  test('what was deleted may take the place of a key on a page', async () => {
    const counts = await startStrictNimbus({ countsDeleted: true, longRanges: true })
    const own = (method: string, uri: string, asked?: NimbusAsked): Promise<Answered> =>
      ask(counts, method, uri, { collection: 'media', ...asked })
    for (const name of ['a', 'b', 'c']) await own('POST', `/data/${name}`, { body: 'abc' })
    for (const name of ['a', 'b']) await own('DELETE', `/data/${name}`)
    expect(json(await own('GET', '/data/?max_keys=2'))).toEqual({ key_data: [], truncated: true })
    expect(keys(await own('GET', '/data/?max_keys=3'))).toEqual(['c'])
    expect((await own('GET', '/data/a')).status).toBe(404)
    const read = await own('GET', '/data/c', { headers: { range: 'bytes=1-9' } })
    expect([read.status, text(read), read.headers['content-range']]).toEqual([206, 'bc', 'bytes 1-9/3'])
    await counts.close()
  })

  test('keys may be in the order of a dictionary', async () => {
    for (const name of ['B-order', 'a-order', 'C-order']) await inPast('POST', `/data/${name}`, { body: 'x' })
    expect(keys(await inPast('GET', '/data/')).filter(name => name.endsWith('-order'))).toEqual([
      'a-order',
      'B-order',
      'C-order',
    ])
    expect(keys(await inPast('GET', '/data/?marker=B-order'))).toContain('C-order')
    expect(keys(await inPast('GET', '/data/?marker=B-order'))).not.toContain('a-order')
  })

  test('all versions are listed, page by page', async () => {
    const own = { collection: 'versions' }
    for (const body of ['1', '2', '3']) await at('POST', '/data/v', { ...own, body })
    await at('POST', '/data/w', { ...own, body: '4' })
    const all = json(await at('GET', '/?versions', own))['key_data'] as { key: string; version_identifier: string }[]
    expect(all.map(({ key }) => key)).toEqual(['v', 'v', 'v', 'w'])
    const marker = `key_marker=v&version_id_marker=${all[1]!.version_identifier}`
    const rest = json(await at('GET', `/?versions&max_keys=1&${marker}`, own))
    expect(rest).toEqual({ key_data: [all[2]], truncated: true })
    expect((await at('GET', '/?versions&key_marker=v', own)).status).toBe(400)
    const newest = await at('GET', `/data/v?version_identifier=${all[2]!.version_identifier}`, own)
    expect(text(newest)).toBe('3')
    expect((await at('GET', '/?max_keys=1&versions', own)).status).toBe(404)
  })
})

describe.concurrent('archives in parts', () => {
  const own = { collection: 'parts' }
  const start = async (key: string, collection = 'parts'): Promise<string> => {
    const started = json(await at('POST', `/conjoined/${key}?action=start`, { collection }))
    expect(started).toMatchObject({ key, create_timestamp: expect.stringMatching(/ GMT$/) })
    return String(started['conjoined_identifier'])
  }
  const part = (key: string, id: string, number: number | string, body: string): Promise<Answered> =>
    at('POST', `/data/${key}?conjoined_identifier=${id}&conjoined_part=${number}`, { ...own, body })
  const end = (action: string, key: string, id: string): Promise<Answered> =>
    at('POST', `/conjoined/${key}?action=${action}&conjoined_identifier=${id}`, own)

  test('parts are a file when the archive is finished, in the order of their numbers', async () => {
    const id = await start('big')
    expect((await part('big', id, 2, 'world')).status).toBe(200)
    expect((await part('big', id, 1, 'hello ')).status).toBe(200)
    expect((await at('GET', '/data/big', own)).status).toBe(404)
    const finished = await end('finish', 'big', id)
    expect([finished.status, json(finished)]).toEqual([200, { success: true }])
    expect(text(await at('GET', '/data/big', own))).toBe('hello world')
    const listed = json(await at('GET', '/data/?prefix=big', own))['key_data']
    expect(listed).toMatchObject([{ key: 'big', version_identifier: id }])
    expect(json(await end('finish', 'big', id))).toEqual({ success: true })
    expect(text(await at('GET', '/data/big', own))).toBe('hello world')
  })

  test('to finish and to abort are noted and always a success: what shows is another matter', async () => {
    const torn = await start('torn')
    await part('torn', torn, 1, 'a')
    await part('torn', torn, 3, 'c')
    expect((await end('finish', 'other', torn)).status).toBe(200)
    expect((await at('GET', '/data/torn', own)).status).toBe(404)
    expect((await end('finish', 'torn', torn)).status).toBe(200)
    expect(text(await at('GET', '/data/torn', own))).toBe('ac')
    await part('torn', torn, 2, 'b')
    expect(text(await at('GET', '/data/torn', own))).toBe('abc')
    expect((await end('abort', 'torn', torn)).status).toBe(200)
    expect((await at('GET', '/data/torn', own)).status).toBe(404)
    const headless = await start('headless')
    await part('headless', headless, 2, 'x')
    expect((await end('finish', 'headless', headless)).status).toBe(200)
    expect((await at('GET', '/data/headless', own)).status).toBe(404)
    const aborted = await start('aborted')
    await end('abort', 'aborted', aborted)
    expect((await part('aborted', aborted, 1, 'x')).status).toBe(200)
    expect((await end('finish', 'aborted', aborted)).status).toBe(200)
    expect((await at('GET', '/data/aborted', own)).status).toBe(404)
    expect(server.collection('parts').openConjoined.filter(({ key }) => key === 'aborted')).toEqual([])
  })

  test('an identifier that the service never made is its own error, and parts begin with 1', async () => {
    const id = await start('odd')
    expect((await part('odd', 'unknown', 1, 'x')).status).toBe(500)
    expect((await end('finish', 'odd', 'unknown')).status).toBe(500)
    expect((await part('odd', id, 0, 'x')).status).toBe(400)
    await end('abort', 'odd', id)
  })

  test('what was begun later wins, and a file that was deleted since never shows', async () => {
    const early = await start('race')
    await part('race', early, 1, 'early')
    await at('POST', '/data/race', { ...own, body: 'late' })
    await end('finish', 'race', early)
    expect(text(await at('GET', '/data/race', own))).toBe('late')
    const doomed = await start('doomed')
    await part('doomed', doomed, 1, 'x')
    await at('DELETE', '/data/doomed', own)
    await end('finish', 'doomed', doomed)
    expect((await at('GET', '/data/doomed', own)).status).toBe(404)
  })

  test('the order of the parameters is part of the form', async () => {
    const id = await start('order')
    await part('order', id, 1, 'x')
    const swapped = `/conjoined/order?conjoined_identifier=${id}&action=finish`
    expect((await at('POST', swapped, own)).status).toBe(404)
    expect((await at('POST', `/conjoined/order?action=start&x=1`, own)).status).toBe(404)
  })

  test('archives are listed with what became of them', async () => {
    const ids = [await start('one', 'conjoined'), await start('two', 'conjoined')]
    const listed = async (query = ''): Promise<unknown> =>
      json(await at('GET', `/conjoined/${query}`, { collection: 'conjoined' }))
    await at('POST', `/conjoined/two?action=abort&conjoined_identifier=${ids[1]}`, { collection: 'conjoined' })
    const open = { conjoined_identifier: ids[0], key: 'one', abort_timestamp: null, complete_timestamp: null }
    const aborted = { conjoined_identifier: ids[1], key: 'two', abort_timestamp: expect.stringMatching(/ GMT$/) }
    expect(await listed()).toMatchObject({ conjoined_list: [open, aborted], truncated: false })
    expect(await listed('?max_conjoined=1')).toMatchObject({ conjoined_list: [open], truncated: true })
    const marker = `?key_marker=one&conjoined_identifier_marker=${ids[0]}`
    expect(await listed(marker)).toMatchObject({ conjoined_list: [aborted] })
    expect(await listed('?key_marker=two')).toMatchObject({ conjoined_list: [] })
  })
})
