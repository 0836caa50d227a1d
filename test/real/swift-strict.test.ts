/** The same plain requests to OpenStack Swift and to our strict server: status, headers and bodies are the same. */
import { createHash, createHmac } from 'node:crypto'
import { afterAll, describe, expect, test } from 'vitest'
import { startStrictSwift, TEMPAUTH } from '../servers/strict-swift.ts'
import { startSwift } from '../servers/swift.ts'

const real = await startSwift({ maxFileSize: 5000 })
const strict = await startStrictSwift({ containers: [], limits: { maxFileSize: 5000 } })
afterAll(() => Promise.all([real.close(), strict.close()]), 60_000)
const sides = {
  real: await real.login(),
  strict: { token: strict.token(), storageUrl: strict.storageUrl },
}

interface Asked {
  readonly method: string
  /** Below the account, encoded. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Whether no token is sent. */
  readonly isAnonymous?: boolean
}

const md5 = (text: string): string => createHash('md5').update(text).digest('hex')

/** Headers that must be the same; those with times only need to be there. */
const SAME = [
  'etag content-range x-object-manifest x-static-large-object content-disposition content-encoding cache-control',
  'x-object-meta-a x-object-meta-b x-object-meta-mixed-case x-container-meta-a x-container-read x-container-object-count',
  'x-account-meta-a x-copied-from x-copied-from-account content-language accept-ranges expires',
].flatMap(line => line.split(' '))
const THERE = ['last-modified', 'x-timestamp', 'x-delete-at', 'x-trans-id', 'date', 'x-manifest-etag']

/** What a client can see of an answer, without times. */
async function seen(
  side: keyof typeof sides,
  { method, path, headers = {}, body, isAnonymous }: Asked,
): Promise<object> {
  const { token, storageUrl } = sides[side]
  const answer = await fetch(storageUrl + path, {
    method,
    headers: { ...(isAnonymous ? {} : { 'x-auth-token': token }), ...headers },
    ...(body === undefined ? {} : { body }),
  })
  const text = await answer.text()
  const isOk = answer.status < 300
  const same = Object.fromEntries(SAME.map(name => [name, answer.headers.get(name)]))
  const there = THERE.filter(name => answer.headers.has(name))
  // The texts of errors are nobody's business.
  const isShown = isOk && method !== 'POST' && method !== 'PUT'
  const type = isShown ? answer.headers.get('content-type')?.toLowerCase() : undefined
  const length = method === 'HEAD' && isOk ? answer.headers.get('content-length') : undefined
  return {
    status: answer.status,
    ...(isOk ? { same, there } : {}),
    type,
    length,
    body: isShown ? timeless(text) : undefined,
  }
}

/** A body without times, and JSON without its blanks. */
function timeless(text: string): unknown {
  try {
    return JSON.parse(text.trim(), (name, value) => (name === 'last_modified' ? typeof value : value)) as unknown
  } catch {
    return text
  }
}

/** Sends the requests to both, one after the other. */
async function compare(requests: readonly Asked[]): Promise<void> {
  const theirs: object[] = []
  const ours: object[] = []
  for (const { method, path, headers = {}, ...more } of requests) {
    const asked = `${method} ${path} ${JSON.stringify(headers)} ${(more.body ?? '').slice(0, 60)}`
    const [one, other] = await Promise.all(
      (['real', 'strict'] as const).map(side => seen(side, { method, path, headers, ...more })),
    )
    theirs.push({ asked, ...one })
    ours.push({ asked, ...other })
  }
  expect(ours).toEqual(theirs)
}

const get = (path: string, headers: Record<string, string> = {}): Asked => ({ method: 'GET', path, headers })
const head = (path: string, headers: Record<string, string> = {}): Asked => ({ method: 'HEAD', path, headers })
const put = (path: string, body = '', headers: Record<string, string> = {}): Asked => ({
  method: 'PUT',
  path,
  body,
  headers,
})
const post = (path: string, headers: Record<string, string> = {}): Asked => ({ method: 'POST', path, headers })
const remove = (path: string, headers: Record<string, string> = {}): Asked => ({ method: 'DELETE', path, headers })
const copy = (path: string, destination: string, headers: Record<string, string> = {}): Asked => ({
  method: 'COPY',
  path,
  headers: { destination, ...headers },
})
const text = { 'content-type': 'text/odd' }
const json = { accept: 'application/json' }

describe('the strict server answers as the real one', () => {
  test('containers', () =>
    compare([
      get('?format=json'),
      get(''),
      put('/c', '', { 'x-container-meta-a': '1' }),
      put('/c'),
      head('/c'),
      post('/c', { 'x-container-meta-a': '' }),
      head('/c'),
      head('/none'),
      post('/none'),
      get('/c?format=json'),
      get('/c'),
      put(`/${'n'.repeat(257)}`),
      post('/c', { 'x-container-read': '.r:*, .rlistings' }),
      { ...get('/c?format=json'), isAnonymous: true },
      { ...head('/c/none'), isAnonymous: true },
      post('/c', { 'x-container-read': '.x:*' }),
      post('/c', { 'x-container-write': '.r:*' }),
      post('/c', { 'x-remove-container-read': 'x' }),
      head('/c'),
      { ...get('/c?format=json'), isAnonymous: true },
      post('', { 'x-account-meta-a': 'ok' }),
      get('/c?format=json&limit=10001'),
      remove('/c'),
      remove('/c'),
    ]))

  test('objects', () =>
    compare([
      put('/o'),
      put('/o/a%20b', '0123456789', { ...text, 'x-object-meta-a': '1', 'X-Object-Meta-Mixed-Case': 'yes' }),
      head('/o/a%20b'),
      get('/o/a%20b'),
      get('/o/a%20b', { range: 'bytes=2-4' }),
      get('/o/a%20b', { range: 'bytes=-3' }),
      get('/o/a%20b', { range: 'bytes=8-99' }),
      get('/o/a%20b', { range: 'bytes=10-' }),
      get('/o/a%20b', { 'if-match': `"${md5('0123456789')}"` }),
      get('/o/a%20b', { 'if-match': '"x"' }),
      get('/o/a%20b', { 'if-none-match': md5('0123456789') }),
      get('/o/a%20b', { 'if-none-match': '"x", "y"' }),
      head('/o/a%20b', { 'if-modified-since': new Date(Date.now() + 60_000).toUTCString() }),
      head('/o/a%20b', { 'if-unmodified-since': new Date(0).toUTCString() }),
      put('/o/bad', 'x', { ...text, etag: md5('y') }),
      head('/o/bad'),
      put('/o/good', 'x', { ...text, etag: `"${md5('x')}"` }),
      put('/o/good', 'x', { ...text, 'if-none-match': '*' }),
      put('/o/good', 'x', { ...text, 'if-none-match': '"x"' }),
      put('/o/large', 'x'.repeat(5001), text),
      put('/o/kept', 'x', {
        ...text,
        'content-encoding': 'identity',
        'content-disposition': 'inline',
        'content-language': 'de',
        'cache-control': 'max-age=5',
        'x-delete-after': '1000',
      }),
      head('/o/kept'),
      post('/o/kept', { 'x-object-meta-b': '2' }),
      head('/o/kept'),
      post('/o/kept', { ...text, 'content-type': 'text/other' }),
      head('/o/kept'),
      post('/o/none', { 'x-object-meta-b': '2' }),
      put('/o/past', 'x', { ...text, 'x-delete-at': '1000' }),
      put('/o/past', 'x', { ...text, 'x-delete-at': 'soon' }),
      put('/o/meta', 'x', { ...text, 'x-object-meta-a': 'x'.repeat(257) }),
      put('/o/meta', 'x', { ...text, [`x-object-meta-${'x'.repeat(129)}`]: 'x' }),
      put(`/o/${'n'.repeat(1025)}`, 'x', text),
      put('/o/%FF', 'x', text),
      put('/none/o', 'x', text),
      get('/o/none'),
      remove('/o/none'),
      remove('/o/good'),
      remove('/o'),
      put('/o/empty', '', text),
      get('/o/empty'),
      get('/o/empty', { range: 'bytes=0-' }),
      get('/o?format=json'),
    ]))

  test('listings', async () => {
    const names = ['a', 'a/1', 'a/2', 'a/b/3', 'b/4', 'c', 'z z', '\u{1F600}', '\uFF5E']
    await compare([put('/l'), ...names.map(name => put(`/l/${encodeURIComponent(name)}`, name, text))])
    await compare(
      [
        '',
        '&delimiter=/',
        '&delimiter=/&limit=2',
        '&delimiter=/&limit=2&marker=a/',
        '&delimiter=/&marker=a/1',
        '&delimiter=/&prefix=a/',
        '&delimiter=/&prefix=a',
        '&delimiter=/&prefix=a/b',
        '&delimiter=%2F&prefix=b/&marker=b/4',
        '&marker=a/1&end_marker=c',
        '&reverse=true',
        '&reverse=true&marker=b/4&end_marker=a',
        '&reverse=true&delimiter=/',
        '&reverse=true&delimiter=/&marker=b/',
        '&path=a',
        '&path=a/',
        '&path=',
        '&prefix=none',
        '&limit=0',
      ].map(query => get(`/l?format=json${query}`)),
    )
    await compare([get('/l?delimiter=/'), get('/l?prefix=none'), get('/l', { accept: 'application/json' })])
  })

  test('copies', () =>
    compare([
      put('/k'),
      put('/k/s%20%C3%BC', 'source', {
        ...text,
        'x-object-meta-a': '1',
        'content-encoding': 'identity',
        'x-delete-after': '1000',
      }),
      put('/k/one', '', { 'x-copy-from': '/k/s%20%C3%BC', 'x-object-meta-b': '2' }),
      head('/k/one'),
      copy('/k/s%20%C3%BC', 'k/two', { 'x-fresh-metadata': 'true', 'x-object-meta-b': '3' }),
      head('/k/two'),
      put('/k/part', '', { 'x-copy-from': 'k/one', range: 'bytes=1-3' }),
      get('/k/part'),
      put('/k/cond', '', { 'x-copy-from': 'k/one', 'if-match': '"x"' }),
      put('/k/cond', '', { 'x-copy-from': 'k/one', 'if-none-match': '*' }),
      put('/k/cond', 'body', { 'x-copy-from': 'k/one' }),
      put('/k/cond', '', { 'x-copy-from': 'k' }),
      put('/k/cond', '', { 'x-copy-from': 'k/none' }),
      put('/k/cond', '', { 'x-copy-from': 'none/none' }),
      copy('/k/one', 'none/none'),
      copy('/k/one', 'k'),
      head('/k/cond'),
    ]))

  test('large objects', () =>
    compare([
      put('/p'),
      put('/m'),
      ...['one', 'two', 'three'].map((body, index) => put(`/p/s/${index}`, body, text)),
      put(
        '/m/slo?multipart-manifest=put',
        JSON.stringify([
          { path: '/p/s/0', etag: md5('one'), size_bytes: 3 },
          { path: 'p/s/1' },
          { path: '/p/s/2', range: '1-3' },
        ]),
        text,
      ),
      get('/m/slo'),
      head('/m/slo'),
      get('/m/slo', { range: 'bytes=2-6' }),
      get('/m/slo', { range: 'bytes=9-' }),
      get('/m/slo', { 'if-match': `"${md5(`${md5('one')}${md5('two')}${md5('three')}:1-3;`)}"` }),
      get('/m/slo', { 'if-match': '"x"' }),
      post('/m/slo', { 'x-object-meta-a': '1' }),
      head('/m/slo'),
      put('/m/nested?multipart-manifest=put', JSON.stringify([{ path: '/m/slo' }, { path: '/p/s/0' }]), text),
      get('/m/nested'),
      copy('/m/slo', 'm/content'),
      get('/m/content'),
      copy('/m/slo?multipart-manifest=get', 'm/manifest'),
      get('/m/manifest'),
      ...[
        '{',
        '{}',
        '[{"path":"/p/none"}]',
        `[{"path":"/p/s/0","etag":"x"}]`,
        `[{"path":"/p/s/0","size_bytes":4}]`,
        `[{"path":"/p/s/0","more":4}]`,
        `[{"path":"/p"}]`,
        `[{"path":"/m/bad"}]`,
        `[{"path":"/p/s/0","range":"3-9"}]`,
        `[{"path":"/p/s/0","range":"x"}]`,
      ].map(body => put('/m/bad?multipart-manifest=put', body, text)),
      put(
        '/m/bad?multipart-manifest=put',
        JSON.stringify(Array.from({ length: 1001 }, () => ({ path: '/p/s/0' }))),
        text,
      ),
      put('/m/bad?multipart-manifest=put', '[{"path":"/p/s/0"}]', { ...text, etag: md5('x') }),
      head('/m/bad'),
      put('/m/dlo', '', { ...text, 'x-object-manifest': 'p/s%2F' }),
      get('/m/dlo'),
      head('/m/dlo'),
      get('/m/dlo', { range: 'bytes=2-6' }),
      get('/m/dlo?multipart-manifest=get'),
      put('/m/dlo2', '', { 'x-copy-from': '/m/dlo' }),
      get('/m/dlo2'),
      copy('/m/dlo?multipart-manifest=get', 'm/dlo3'),
      head('/m/dlo3'),
      put('/m/dlo4', '', { ...text, 'x-object-manifest': 'p' }),
      put('/m/dlo5', '', { ...text, 'x-object-manifest': 'none/s' }),
      get('/m/dlo5'),
      post('/m/dlo', { 'x-object-meta-a': '1' }),
      head('/m/dlo'),
      get('/m?format=json&prefix=dlo'),
      remove('/m/none?multipart-manifest=delete', json),
      remove('/m/content?multipart-manifest=delete', json),
      remove('/p/s/1'),
      remove('/m/manifest?multipart-manifest=delete', json),
      get('/m/slo'),
      remove('/m/slo'),
      get('/p?format=json'),
    ]))

  test('bulk deletions', () =>
    compare([
      put('/b'),
      put('/b/one%20%C3%BC', 'x', text),
      put('/b/two', 'x', text),
      {
        method: 'POST',
        path: '?bulk-delete',
        headers: { 'content-type': 'text/plain', ...json },
        body: '/b/one%20%C3%BC\nb/none\n/b\n',
      },
      get('/b?format=json'),
      { method: 'POST', path: '?bulk-delete', headers: { 'content-type': 'text/plain' }, body: '/b/two\n/b\n' },
      head('/b'),
    ]))

  test('temporary URLs', async () => {
    const account = `/v1/${TEMPAUTH.account}`
    const later = Math.floor(Date.now() / 1000) + 60
    const sign = (method: string, path: string, digest = 'sha256'): string =>
      createHmac(digest, 'key').update(`${method}\n${later}\n${account}${path}`).digest('hex')
    const signed = (method: string, path: string, more = '', digest?: string): Asked => ({
      method,
      path: `${encodeURI(path)}?temp_url_sig=${sign(method, path, digest)}&temp_url_expires=${later}${more}`,
      isAnonymous: true,
      ...(method === 'PUT' ? { body: 'sent', headers: text } : {}),
    })
    await compare([
      post('', { 'x-account-meta-temp-url-key': 'key' }),
      put('/t'),
      put('/t/a%20%C3%BC.txt', 'x', { ...text, 'x-object-meta-a': '1' }),
      signed('GET', '/t/a ü.txt'),
      signed('HEAD', '/t/a ü.txt'),
      signed('GET', '/t/a ü.txt', '', 'sha1'),
      signed('GET', '/t/a ü.txt', '', 'sha512'),
      signed('GET', '/t/a ü.txt', '&filename=b%20%C3%A4%22.txt'),
      signed('GET', '/t/a ü.txt', '&inline'),
      signed('GET', '/t/a ü.txt', '&inline&filename=b.txt'),
      signed('GET', '/t/a ü.txt', '0'),
      signed('GET', '/t/none'),
      signed('PUT', '/t/put'),
      { ...signed('PUT', '/t/put'), headers: { ...text, 'x-object-manifest': 't/a' } },
      signed('DELETE', '/t/put'),
      { ...signed('GET', '/t/a ü.txt'), method: 'DELETE' },
    ])
  })
})

test('nothing of this was complained of', () => {
  expect(strict.complaints).toEqual([])
})
