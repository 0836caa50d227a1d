/** What the service's own ways of answering lead to, by a script. */
import { describe, expect, it } from 'vitest'
import type { Entry } from '../../../src/storage/types.ts'
import type { Asked, Scripted } from '../../support/scripted-client.ts'
import { asksMeta, COLLECTION, fileHeaders, MODIFIED, scripted } from './support.ts'

const text = (status: number, body = '', headers: Record<string, string> = {}): Scripted => ({
  status,
  headers: { 'content-type': 'text/plain', ...headers },
  body,
})
const queryOf = ({ url }: Asked): URLSearchParams => new URL(url).searchParams
const rows = (...keys: readonly string[]): object[] =>
  keys.map(key => ({ key, version_identifier: `v-${key}`, timestamp: MODIFIED }))

/** A service that lists these keys in an order of its own, as its database would. */
function listing(keys: readonly string[], order: (a: string, b: string) => number): (asked: Asked) => Scripted {
  const sorted = keys.toSorted(order)
  return asked => {
    const query = queryOf(asked)
    const marker = query.get('marker')
    const found = sorted.filter(
      key => key.startsWith(query.get('prefix') ?? '') && (marker === null || order(key, marker) > 0),
    )
    const max = Number(query.get('max_keys'))
    return { json: { key_data: rows(...found.slice(0, max)), truncated: found.length > max } }
  }
}
const BYTES = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))
/** As a database sorts by the rules of a language: punctuation counts last. */
const LOCALE = (a: string, b: string): number => {
  const [bare, other] = [a.replace(/[^a-z0-9]/g, ''), b.replace(/[^a-z0-9]/g, '')]
  return bare < other ? -1 : bare > other ? 1 : BYTES(a, b)
}

async function entriesOf(files: ReturnType<typeof scripted>): Promise<Entry[]> {
  const entries: Entry[] = []
  for await (const entry of files.entries('', { recursive: true })) entries.push(entry)
  return entries
}

async function allOf(files: { page: ReturnType<typeof scripted>['page'] }, limit: number, recursive = false) {
  const entries: Entry[] = []
  let token: string | undefined
  do {
    const page = await files.page('', { limit, token, recursive })
    entries.push(...page.entries)
    token = page.next
  } while (token !== undefined)
  return entries
}

describe('listings of Nimbus.io', () => {
  const keys = ['a/1', 'a/2', 'a/b/3', 'ab', 'abc/4', 'a_b/5', 'b', 'z/y/x']

  it.each([
    ['bytes', BYTES],
    ['a language', LOCALE],
  ] as const)('case 52: folders are made of the keys, each once, in an order of %s', async (_title, order) => {
    for (const limit of [1, 2, 3, 100]) {
      const files = scripted(listing(keys, order))
      const entries = await allOf(files, limit)
      const names = entries.map(({ name, isDirectory }) => `${name}${isDirectory ? '/' : ''}`)
      expect(names.toSorted(), `limit ${limit}`).toEqual(['a/', 'a_b/', 'ab', 'abc/', 'b', 'z/'])
      // With a delimiter the service would give folders alone.
      for (const asked of files.asked) expect(queryOf(asked).has('delimiter')).toBe(false)
    }
  })

  it('a size that no listing tells is unknown, never 0, and asked for where that is wanted', async () => {
    const serve = listing(['a', 'b/c'], BYTES)
    const answer = (asked: Asked): Scripted =>
      asked.method === 'HEAD' ? { status: 200, headers: fileHeaders(7) } : serve(asked)
    const plain = await entriesOf(scripted(answer))
    expect(plain.map(({ name, size }) => [name, size])).toEqual([
      ['a', Number.NaN],
      ['b/c', Number.NaN],
    ])
    expect(plain[0]).toMatchObject({ modifiedAt: new Date(MODIFIED), versionId: 'v-a' })
    const asking = scripted(answer, { listSizes: true })
    const sized = await entriesOf(asking)
    expect(sized.map(({ name, size }) => [name, size])).toEqual([
      ['a', 7],
      ['b/c', 7],
    ])
    const unasked = scripted(answer)
    expect(await unasked.listdir('')).toEqual([['b'], ['a']])
    expect(unasked.asked.map(({ method }) => method)).toEqual(['GET'])
  })

  it('a page that is full of what was deleted is asked for again, wider, and never ends the listing', async () => {
    const files = scripted(asked => {
      const max = Number(queryOf(asked).get('max_keys'))
      if (queryOf(asked).get('marker') === 'a') return { json: { key_data: rows('b'), truncated: false } }
      return { json: { key_data: max < 4000 ? [] : rows('a'), truncated: true } }
    })
    expect((await entriesOf(files)).map(({ name }) => name)).toEqual(['a', 'b'])
    expect(files.asked.map(asked => queryOf(asked).get('max_keys'))).toEqual(['1000', '4000', '1000'])
  })

  it('a listing that does not go on is an error', async () => {
    const stuck = scripted(() => ({ json: { key_data: [], truncated: true } }))
    await expect(stuck.listdir('')).rejects.toMatchObject({ code: 'unavailable', message: /does not go on/ })
    expect(stuck.asked).toHaveLength(5)
    const again = scripted(() => ({ json: { key_data: rows('a'), truncated: true } }))
    await expect(again.listdir('')).rejects.toMatchObject({ code: 'unavailable', message: /does not go on/ })
    // In an order that is none, the first key of a folder is looked for among keys that never end.
    const turning = scripted((asked, count) => {
      const marker = queryOf(asked).get('marker')
      if (queryOf(asked).get('prefix') === 'a') {
        return { json: { key_data: rows(count < 100 ? ['ac', 'ad', 'ae'][count % 3]! : 'a_b/1'), truncated: true } }
      }
      return {
        json: marker === 'z' ? { key_data: rows('a_b/1'), truncated: false } : { key_data: rows('z'), truncated: true },
      }
    })
    await expect(turning.listdir('')).rejects.toMatchObject({ code: 'unavailable', message: /does not go on/ })
    expect(turning.asked.length).toBeLessThan(10)
  })

  it('what is odd in a row is left out, and the others count', async () => {
    const odd = [
      null,
      7,
      'x',
      [],
      {},
      { key: 5 },
      { key: '' },
      { key: 'b', timestamp: 'yesterday', version_identifier: 9 },
    ]
    const files = scripted(() => ({ json: { key_data: [...odd, ...rows('c')], truncated: false } }))
    const entries = await entriesOf(files)
    expect(entries.map(({ name, modifiedAt, versionId }) => [name, modifiedAt, versionId])).toEqual([
      ['b', undefined, '9'],
      ['c', new Date(MODIFIED), 'v-c'],
    ])
  })

  it.each([{ key_data: 'x', truncated: false }, { key_data: [] }, { prefixes: [], truncated: false }, []])(
    'an answer that is no listing is an error: %j',
    async json => {
      await expect(scripted(() => ({ json })).listdir('')).rejects.toMatchObject({ code: 'unavailable' })
    },
  )

  it('a prefix goes only so far as every server understands it, and the rest is looked for here', async () => {
    const files = scripted(listing(['x%2Fa/1', 'x%2Fb/2', 'x/3', 'y'], BYTES))
    expect(await files.listdir('x%2Fa')).toEqual([[], ['1']])
    expect(queryOf(files.asked[0]!).get('prefix')).toBe('x')
  })
})

describe('versions of Nimbus.io', () => {
  it('are those of the key alone, and all of them', async () => {
    const all = [
      ...Array.from({ length: 1500 }, (_, at) => ({ key: 'a', version_identifier: `v${at}` })),
      ...rows('ab'),
    ]
    const files = scripted(asked => {
      const max = Number(queryOf(asked).get('max_keys'))
      return { json: { key_data: all.slice(0, max), truncated: all.length > max } }
    })
    const versions = await files.versions('a')
    expect([versions.length, versions[0]?.versionId, versions.at(-1)?.versionId]).toEqual([1500, 'v0', 'v1499'])
    expect(files.asked[1]!.url).toBe('https://alice-files.nimbus.io/?versions&max_keys=4000&prefix=a')
  })

  it('are read, looked at and removed by their identifier', async () => {
    const files = scripted(({ method, headers }) => {
      if (method === 'DELETE') return { json: { success: true } }
      if (headers['range'] === undefined) return { status: 200, headers: fileHeaders(4), body: 'text' }
      return { status: 206, headers: fileHeaders(1, { 'content-range': 'bytes 0-0/4' }), body: 't' }
    })
    expect(await files.stat('a', { versionId: 'v/1' })).toMatchObject({ size: 4, versionId: 'v/1' })
    await using file = await files.open('a', 'r', { versionId: 'v/1' })
    expect(await file.read()).toBe('text')
    await files.deleteVersion('a', 'v/1')
    const url = 'https://alice-files.nimbus.io/data/a?version_identifier=v%2F1'
    expect(files.asked.map(asked => `${asked.method} ${asked.url}`)).toEqual([
      `GET ${url}`,
      `GET ${url}`,
      `DELETE ${url}`,
    ])
  })
})

describe('collections of Nimbus.io', () => {
  const names = async (json: object): Promise<unknown> =>
    (await scripted(() => ({ json })).driver.listContainers()).map(({ name, createdAt }) => [name, createdAt])

  it('case 46: are understood as objects and as the lists of older servers', async () => {
    const created = new Date(MODIFIED)
    const rest = { default_collection: false, versioning: false, access_control: null }
    expect(await names([{ name: 'dd-alice', 'creation-time': MODIFIED, ...rest }, { name: 'b2' }])).toEqual([
      ['dd-alice', created],
      ['b2', undefined],
    ])
    expect(await names([['dd-alice', false, MODIFIED], ['b2', true, 'then'], [], null, 5, [7]])).toEqual([
      ['dd-alice', created],
      ['b2', undefined],
    ])
    await expect(names({ collections: [] })).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('are created by the parameters in their order, and a name that is taken is exists', async () => {
    const files = scripted((_asked, count) =>
      count === 1
        ? { status: 201, headers: {}, body: JSON.stringify({ name: 'new-one' }) }
        : { status: 409, headers: {}, body: JSON.stringify({ name: 'x', 'error-messages': ['Invalid Name'] }) },
    )
    await files.driver.createContainer('new-one')
    const [{ method, url }] = files.asked as [Asked]
    expect(`${method} ${url}`).toBe('POST https://nimbus.io/customers/alice/collections?action=create&name=new-one')
    await expect(files.driver.createContainer('taken')).rejects.toMatchObject({ code: 'exists' })
    await expect(files.driver.createContainer('Bad--Name')).rejects.toMatchObject({ code: 'invalid_argument' })
    expect(files.asked).toHaveLength(2)
  })

  it('with files in them are not_empty, although the service would remove them', async () => {
    let key: string[] = ['left']
    const files = scripted(({ method, url }) => {
      if (method === 'DELETE') return { json: { success: true } }
      return url.includes('/customers/')
        ? { json: { success: true, name: 'old' } }
        : { json: { key_data: rows(...key), truncated: false } }
    })
    await expect(files.driver.deleteContainer('old')).rejects.toMatchObject({ code: 'not_empty' })
    expect(files.asked.map(({ method }) => method)).toEqual(['GET', 'GET'])
    key = []
    await files.driver.deleteContainer('old')
    expect(files.asked.map(({ method, url }) => `${method} ${new URL(url).host}`).slice(2)).toEqual([
      'GET nimbus.io',
      'GET old.nimbus.io',
      'DELETE nimbus.io',
    ])
  })

  it('that are missing are not_found', async () => {
    const json = { success: false, error_message: 'No such collection' }
    const files = scripted(() => ({ status: 404, headers: {}, body: JSON.stringify(json) }))
    await expect(files.driver.getContainer('none')).rejects.toMatchObject({ code: 'not_found' })
    await expect(files.driver.deleteContainer('none')).rejects.toMatchObject({ code: 'not_found' })
  })
})

describe('refusals of Nimbus.io', () => {
  it('case 54: a 401 names the credentials and the collection, since either may be meant', async () => {
    const files = scripted(() => text(401))
    const error = await files.readBytes('a', { start: 0, end: 1 }).catch(reason => reason)
    expect(error).toMatchObject({ code: 'permission_denied', status: 401 })
    expect(error.message).toContain(`the credentials or the collection '${COLLECTION}'`)
    await expect(files.driver.listContainers()).rejects.toThrow(/look at the credentials/)
  })

  it('case 48: the service says that the bytes are not those of Content-MD5: checksum_mismatch', async () => {
    const body = '400 Bad Request\n\nThe server could not comply.\n\nbody md5 does not match content-md5 header'
    const files = scripted(() => text(400, body), { fileOverwrite: true })
    await expect(files.save('a', 'text')).rejects.toMatchObject({ code: 'checksum_mismatch', outcome: 'not_applied' })
    const [{ headers, method, url }] = files.asked as [Asked]
    expect(`${method} ${url}`).toBe('POST https://alice-files.nimbus.io/data/a')
    expect(headers['content-md5']).toBe('HLJR7A1WjeapKbUgxK7Y0Q==')
    const other = scripted(() => text(400, 'actual content length 3 != expected 4'), { fileOverwrite: true })
    await expect(other.save('a', 'text')).rejects.toMatchObject({ code: 'invalid_argument' })
  })

  it('case 57: a file without bytes is refused before anything is sent', async () => {
    const files = scripted(() => text(403), { fileOverwrite: true })
    const none = async function* (): AsyncGenerator<Uint8Array> {}
    for (const content of ['', Buffer.alloc(0), new Blob([]), none()]) {
      await expect(files.save('a', content)).rejects.toMatchObject({ code: 'unsupported', message: /no empty files/ })
    }
    await expect(files.edit('a', 'w', () => undefined)).rejects.toMatchObject({ code: 'unsupported' })
    expect(files.asked).toEqual([])
  })

  it('a 404 that a page of HTML tells is not that of a missing file', async () => {
    const page = scripted(() => ({ status: 404, headers: { 'content-type': 'text/html' }, body: '<html>no</html>' }))
    await expect(page.size('a')).rejects.toMatchObject({ code: 'improperly_configured' })
    await expect(page.readBytes('a')).rejects.toMatchObject({ code: 'improperly_configured' })
    const own = scripted(() => text(404, '404 Not Found\n\nThe resource could not be found.\n\n'))
    await expect(own.readBytes('a')).rejects.toMatchObject({ code: 'not_found' })
    expect(await own.exists('a')).toBe(false)
  })

  it.each([{ success: false }, {}, { success: 'true' }])(
    'a deletion that is no success is an error: %j',
    async json => {
      await expect(scripted(() => ({ json })).delete('a')).rejects.toMatchObject({
        code: 'unavailable',
        outcome: 'unknown',
      })
    },
  )
})

describe('ranges of Nimbus.io', () => {
  const whole = 'twelve bytes'
  /** Answers as the service's sources do: an end beyond the file is announced as it was asked for, a beginning there is a 503. */
  const answer = (asked: Asked): Scripted => {
    const { method, headers } = asked
    if (asksMeta(asked)) return { json: [] }
    const range = /^bytes=(\d+)-(\d*)$/.exec(headers['range'] ?? '')
    if (method === 'HEAD' || range === null) return { status: 200, headers: fileHeaders(12), body: whole }
    const [start, last] = [Number(range[1]), range[2] === '' ? 11 : Number(range[2])]
    if (start >= 12) return text(503)
    const { 'content-length': _, ...rest } = fileHeaders(0)
    const length = range[2] === '' ? {} : { 'content-length': String(last - start + 1) }
    const told = { ...rest, ...length, 'content-range': `bytes ${start}-${last}/12` }
    return { status: 206, headers: told, body: whole.slice(start, last + 1) }
  }

  it('are cut at the end of the file, although the service announces more', async () => {
    const files = scripted(answer)
    expect(await files.readText('a', { start: 7, end: 99 })).toBe('bytes')
    expect(files.asked.map(({ headers }) => headers['range'])).toEqual(['bytes=7-98', 'bytes=7-'])
    expect(await files.readText('a', { start: 2, end: 5 })).toBe('elv')
    expect(files.asked).toHaveLength(3)
  })

  it('that begin at the end or beyond are told apart from an overload', async () => {
    for (const range of [{ start: 12 }, { start: 50, end: 60 }]) {
      await expect(scripted(answer).readText('a', range)).rejects.toMatchObject({ code: 'invalid_range' })
    }
    const busy = scripted(({ method }) => (method === 'HEAD' ? { status: 200, headers: fileHeaders(12) } : text(503)))
    await expect(busy.readText('a', { start: 2, end: 5 })).rejects.toMatchObject({ code: 'unavailable', status: 503 })
    const dead = scripted(() => text(503))
    await expect(dead.readText('a', { start: 50, end: 60 })).rejects.toMatchObject({ code: 'unavailable', status: 503 })
  })
})
