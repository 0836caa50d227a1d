/** Metadata, rights and checksums of the strict Atmos server. */
import { createHash } from 'node:crypto'
import { afterAll, describe, expect, test } from 'vitest'
import { type Answered, type Asked, ask } from './strict-atmos/asker.ts'
import { startStrictAtmos } from './strict-atmos.ts'

const one = { uid: 'tenant/one', secret: Buffer.from('secret one').toString('base64') }
const two = { uid: 'tenant/two', secret: Buffer.from('secret two').toString('base64') }
const server = await startStrictAtmos({ credentials: [one, two], etags: true })
const brief = await startStrictAtmos({ shortChecksums: true })
afterAll(() => Promise.all([server.close(), brief.close()]))

const at = (method: string, path: string, asked?: Asked): Promise<Answered> =>
  ask(server, method, `/rest/namespace/${path}`, asked)
const asTwo = (method: string, path: string, asked?: Asked): Promise<Answered> =>
  ask({ ...server, credentials: two }, method, `/rest/namespace/${path}`, asked)
const told = ({ status, code }: Answered): [number, number] => [status, code]
const utf8 = { 'x-emc-utf8': 'true' }

describe.concurrent('metadata', () => {
  test('tags are set, read, named and deleted', async () => {
    const headers = { 'x-emc-meta': 'a=1, b=two words,empty=', 'x-emc-listable-meta': 'l/m=x=y' }
    await at('POST', 'tags', { body: 'x', headers })
    const read = await at('GET', 'tags?metadata/user')
    expect(read.headers['x-emc-meta']).toBe('a=1, b=two words, empty=')
    expect(read.headers['x-emc-listable-meta']).toBe('l/m=x=y')
    expect((await at('POST', 'tags?metadata/user', { headers: { 'x-emc-meta': 'a=2,c=3' } })).status).toBe(200)
    const some = await at('GET', 'tags?metadata/user', { headers: { 'x-emc-tags': 'a,c' } })
    expect(some.headers['x-emc-meta']).toBe('a=2, c=3')
    const names = await at('GET', 'tags?metadata/tags')
    expect([names.headers['x-emc-tags'], names.headers['x-emc-listable-tags']]).toEqual(['a,b,empty,c', 'l/m'])
    const removal = { headers: { 'x-emc-tags': 'a,l/m' } }
    expect((await at('DELETE', 'tags?metadata/user', removal)).status).toBe(204)
    expect(told(await at('DELETE', 'tags?metadata/user', removal))).toEqual([400, 1005])
    expect((await at('GET', 'tags?metadata/user')).headers['x-emc-meta']).toBe('b=two words, empty=, c=3')
    expect(told(await at('POST', 'tags?metadata/user'))).toEqual([400, 1054])
    expect(told(await at('DELETE', 'tags?metadata/user'))).toEqual([400, 1054])
    expect(told(await at('GET', 'nothing?metadata/user'))).toEqual([404, 1003])
  })

  test('the head has tags of both kinds, rights, policy and an ETag', async () => {
    await at('POST', 'head', { body: '123', headers: { 'x-emc-meta': 'a=1' } })
    const { headers } = await at('HEAD', 'head')
    expect(headers['x-emc-meta']).toMatch(
      /^atime=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ, mtime=.*Z, ctime=.*Z, itime=.*Z, type=regular, uid=one, gid=\w+, objectid=[0-9a-f]{44}, objname=head, size=3, nlink=1, policyname=default, a=1$/,
    )
    expect(headers).toMatchObject({
      'x-emc-useracl': 'one=FULL',
      'x-emc-groupacl': 'other=NONE',
      'x-emc-policy': 'default',
      etag: expect.stringMatching(/^".+"$/),
    })
    const size = await at('GET', 'head?metadata/system', { headers: { 'x-emc-tags': 'size' } })
    expect(size.headers['x-emc-meta']).toBe('size=3')
  })

  test('text that is not ASCII is percent-encoded both ways, and lost without the flag', async () => {
    const encoded = 'gr%C3%B6%C3%9Fe=a%2C%20b%3D%E6%97%A5'
    await at('POST', 'utf8', { body: 'x', headers: { 'x-emc-meta': encoded, ...utf8 } })
    const read = await at('GET', 'utf8?metadata/user', { headers: utf8 })
    expect([read.headers['x-emc-meta'], read.headers['x-emc-utf8']]).toEqual([encoded, 'true'])
    const blind = await at('GET', 'utf8?metadata/user')
    expect([blind.headers['x-emc-meta'], blind.headers['x-emc-utf8']]).toEqual(['gr??e=a, b=?', undefined])
    const broken = { 'x-emc-meta': 'a=%C3', ...utf8 }
    expect(told(await at('POST', 'broken', { body: 'x', headers: broken }))).toEqual([400, 1002])
    const flag = { 'x-emc-meta': 'a=1', 'x-emc-utf8': 'yes' }
    expect(told(await at('POST', 'broken', { body: 'x', headers: flag }))).toEqual([400, 1002])
  })

  test('a pair without a name, and a comma in a value, are refused', async () => {
    for (const text of ['a', '=1', 'a=1,,b=2', 'a=one, two']) {
      expect(told(await at('POST', 'pairs', { body: 'x', headers: { 'x-emc-meta': text } })), text).toEqual([400, 1002])
    }
  })

  test('tags that are too many or too long are refused', async () => {
    const many = Array.from({ length: 128 }, (_each, at) => `t${at}=x`).join(',')
    for (const text of [many, `a=${'x'.repeat(1025)}`]) {
      expect(told(await at('POST', 'many', { body: 'x', headers: { 'x-emc-meta': text } }))).toEqual([400, 1014])
    }
    const most = Array.from({ length: 127 }, (_each, at) => `t${at}=x`).join(',')
    expect((await at('POST', 'many', { body: 'x', headers: { 'x-emc-meta': most } })).status).toBe(201)
    const more = { headers: { 'x-emc-meta': 'more=x' } }
    expect(told(await at('POST', 'many?metadata/user', more))).toEqual([400, 1014])
  })
})

describe.concurrent('rights', () => {
  test('another user may do what the owner says, and nothing else', async () => {
    await at('POST', 'acl/a', { body: 'x' })
    expect(told(await asTwo('GET', 'acl/a'))).toEqual([401, 1015])
    const set = (headers: Record<string, string>): Promise<Answered> => at('POST', 'acl/a?acl', { headers })
    await set({ 'x-emc-groupacl': 'other=READ' })
    expect((await asTwo('GET', 'acl/a')).status).toBe(200)
    expect(told(await asTwo('PUT', 'acl/a', { body: 'y' }))).toEqual([401, 1015])
    await set({ 'x-emc-useracl': 'two=WRITE' })
    expect((await asTwo('PUT', 'acl/a', { body: 'y' })).status).toBe(200)
    expect(told(await asTwo('DELETE', 'acl/a'))).toEqual([401, 1015])
    expect(told(await asTwo('POST', 'acl/b', { body: 'y' }))).toEqual([401, 1015])
    await set({ 'x-emc-useracl': 'two=FULL_CONTROL' })
    const read = await at('GET', 'acl/a?acl')
    expect([read.headers['x-emc-useracl'], read.headers['x-emc-groupacl']]).toEqual([
      'one=FULL, two=FULL',
      'other=READ',
    ])
    expect((await asTwo('DELETE', 'acl/a')).status).toBe(204)
  })

  test('a right or a group that there is not is refused', async () => {
    await at('POST', 'refused', { body: 'x' })
    for (const headers of [
      { 'x-emc-useracl': 'two=ALL' },
      { 'x-emc-useracl': 'two' },
      { 'x-emc-groupacl': 'all=READ' },
      { 'x-emc-groupacl': 'other=FULL_CONTROL' },
    ]) {
      expect(told(await at('POST', 'refused?acl', { headers }))).toEqual([400, 1002])
    }
  })
})

describe.concurrent('checksums', () => {
  const hex = (text: string, algorithm = 'sha1'): string => createHash(algorithm).update(text).digest('hex')
  const sum = (text: string): Record<string, string> => ({
    'x-emc-wschecksum': `SHA1/${Buffer.byteLength(text)}/${hex(text)}`,
  })
  const append = (path: string, from: number, body: string, headers: Record<string, string>): Promise<Answered> =>
    at('PUT', path, { body, headers: { range: `bytes=${from}-${from + body.length - 1}`, ...headers } })

  test('a checksum covers the object so far, when it is made and when something is appended', async () => {
    const made = await at('POST', 'sum/a', { body: 'hello', headers: sum('hello') })
    expect([made.status, made.headers['x-emc-wschecksum']]).toEqual([201, `SHA1/5/${hex('hello')}`])
    const appended = await append('sum/a', 5, ' world', sum('hello world'))
    expect([appended.status, appended.headers['x-emc-wschecksum']]).toEqual([200, `SHA1/11/${hex('hello world')}`])
    expect((await at('HEAD', 'sum/a')).headers['x-emc-wschecksum']).toBe(`SHA1/11/${hex('hello world')}`)
    expect((await at('GET', 'sum/a')).headers['x-emc-wschecksum']).toBe(`SHA1/11/${hex('hello world')}`)
  })

  test('what does not match is refused, and nothing of it is kept', async () => {
    expect(told(await at('POST', 'wrong/a', { body: 'hallo', headers: sum('hello') }))).toEqual([400, 1049])
    expect(told(await at('GET', 'wrong/a'))).toEqual([404, 1003])
    await at('POST', 'wrong/b', { body: 'hello', headers: sum('hello') })
    expect(told(await append('wrong/b', 5, ' world', sum(' world')))).toEqual([400, 1049])
    const offset = { 'x-emc-wschecksum': `SHA1/6/${hex('hello world')}` }
    expect(told(await append('wrong/b', 5, ' world', offset))).toEqual([400, 1049])
    expect(server.tree.body('wrong/b')?.toString()).toBe('hello')
  })

  test('a checksum is for new objects and appended data, and of one algorithm', async () => {
    await at('POST', 'kind/a', { body: 'hello', headers: sum('hello') })
    await at('POST', 'kind/b', { body: 'hello' })
    expect(told(await at('PUT', 'kind/a', { body: 'other', headers: sum('other') }))).toEqual([400, 1051])
    expect(told(await append('kind/a', 0, 'j', sum('jello')))).toEqual([400, 1051])
    const md5 = { 'x-emc-wschecksum': `md5/6/${hex('hello!', 'md5')}` }
    expect(told(await append('kind/a', 5, '!', md5))).toEqual([400, 1050])
    expect(told(await append('kind/b', 5, '!', sum('hello!')))).toEqual([400, 1053])
    for (const [text, code] of [
      [`SHA9/1/${hex('x')}`, 1052],
      [`SHA1/${hex('x')}`, 1002],
      ['SHA1/1/xyz', 1002],
    ] as const) {
      const headers = { 'x-emc-wschecksum': text }
      expect(told(await at('POST', 'kind/c', { body: 'x', headers }))).toEqual([400, code])
    }
  })

  test('an algorithm may be in lower case, and an answer without its offset', async () => {
    const headers = { 'x-emc-wschecksum': `sha1/5/${hex('hello')}` }
    const made = await ask(brief, 'POST', '/rest/namespace/a', { body: 'hello', headers })
    expect([made.status, made.headers['x-emc-wschecksum']]).toEqual([201, `SHA1/${hex('hello')}`])
  })

  test('a server may take no checksums', async () => {
    const plain = await startStrictAtmos({ refusesChecksums: true })
    const made = await ask(plain, 'POST', '/rest/namespace/a', { body: 'hello', headers: sum('hello') })
    expect([told(made), plain.tree.paths()]).toEqual([[400, 1052], []])
    await plain.close()
  })

  test('what is changed without a checksum has none any more', async () => {
    await at('POST', 'lost', { body: 'hello', headers: sum('hello') })
    await at('PUT', 'lost', { body: 'other' })
    expect((await at('HEAD', 'lost')).headers['x-emc-wschecksum']).toBeUndefined()
  })

  test('the server makes a checksum of what came where it is asked to', async () => {
    for (const algorithm of ['MD5', 'SHA1']) {
      const headers = { 'x-emc-generate-checksum': algorithm }
      const made = await at('POST', `generated/${algorithm}`, { body: 'hello', headers })
      expect(made.headers['x-emc-content-checksum']).toBe(`${algorithm}/5/${hex('hello', algorithm.toLowerCase())}`)
    }
    const headers = { 'x-emc-generate-checksum': 'CRC' }
    expect(told(await at('POST', 'generated/x', { body: 'x', headers }))).toEqual([400, 1052])
    expect(server.tree.find('generated/x')).toBeUndefined()
  })
})
