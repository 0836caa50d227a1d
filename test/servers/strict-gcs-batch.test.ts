import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { readHead, splitParts } from './strict-gcs/mime.ts'
import { rateLimited, type StrictGcs, startStrictGcs } from './strict-gcs.ts'

let server: StrictGcs
let token: string

beforeAll(async () => {
  server = await startStrictGcs({ buckets: ['media', 'other'], rewriteBytes: 1_000_000 })
  token = server.token()
})
beforeEach(() => {
  server.bucket().objects.clear()
  server.bucket('other').objects.clear()
  server.requests.length = 0
})
afterAll(() => server.close())

const authorization = (): Record<string, string> => ({ authorization: `Bearer ${token}` })

async function upload(name: string, body: string | Buffer = ''): Promise<string> {
  const path = `/upload/storage/v1/b/media/o?uploadType=media&name=${encodeURIComponent(name)}`
  const answer = await fetch(server.url + path, {
    method: 'POST',
    headers: authorization(),
    body: new Uint8Array(Buffer.from(body)),
  })
  return ((await answer.json()) as { generation: string }).generation
}

interface Part {
  readonly id: string | undefined
  readonly status: number
  readonly body: string
}

async function batch(
  calls: readonly string[],
  headers: Record<string, string> = authorization(),
): Promise<readonly [number, Part[]]> {
  const parts = calls.map(
    (call, index) => `--x\r\nContent-Type: application/http\r\nContent-ID: <id+${index}>\r\n\r\n${call}\r\n`,
  )
  const body = `${parts.join('')}--x--`
  const all = { 'content-type': 'multipart/mixed; boundary=x', ...headers }
  const answer = await fetch(`${server.url}/batch/storage/v1`, { method: 'POST', headers: all, body })
  const bytes = Buffer.from(await answer.arrayBuffer())
  if (answer.status !== 200) return [answer.status, []]
  const found = splitParts(bytes, answer.headers.get('content-type') ?? '', 'multipart/mixed').map(part => {
    const end = part.body.indexOf('\r\n\r\n')
    const [line = '', ...rest] = String(part.body.subarray(0, end)).split('\r\n')
    const length = Number(readHead(rest.join('\r\n'))['content-length'])
    return {
      id: part.headers['content-id'],
      status: Number(line.split(' ')[1]),
      body: String(part.body.subarray(end + 4, end + 4 + length)),
    }
  })
  return [answer.status, found]
}

const remove = (name: string, head = ''): string =>
  `DELETE /storage/v1/b/media/o/${encodeURIComponent(name)} HTTP/1.1\r\n${head}\r\n`

describe('batches', () => {
  test('answer each call by its id', async () => {
    for (const name of ['a', 'b/ü']) await upload(name)
    server.faults.add({ operation: 'objects.delete', key: 'slow', fault: rateLimited() })
    const wrong = 'Authorization: Bearer wrong\r\n'
    const patch =
      'PATCH /storage/v1/b/media/o/a HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{"contentType":"a/b"}'
    const [status, parts] = await batch([
      patch,
      remove('a'),
      remove('none'),
      remove('slow'),
      remove('b/ü', wrong),
      remove('b/ü'),
      'GET /elsewhere HTTP/1.1\r\n\r\n',
    ])
    expect(status).toBe(200)
    expect(parts.map(one => one.status)).toEqual([200, 204, 404, 429, 401, 204, 400])
    expect(parts.map(one => one.id)).toEqual(parts.map((_, index) => `<response-id+${index}>`))
    expect(JSON.parse(parts[2]?.body ?? '')).toMatchObject({ error: { code: 404, errors: [{ reason: 'notFound' }] } })
    expect(JSON.parse(parts[0]?.body ?? '')).toMatchObject({ contentType: 'a/b' })
    expect(server.bucket().objects.size).toBe(0)
    expect(server.requests.filter(one => one.inBatch).map(one => one.operation)).toContain('objects.delete')
  })

  test('hold at most 100 calls, and are refused as a whole where they are malformed', async () => {
    const calls = Array.from({ length: 100 }, (_, index) => remove(String(index)))
    expect((await batch(calls))[1].map(one => one.status)).toEqual(calls.map(() => 404))
    expect((await batch([...calls, remove('x')]))[0]).toBe(400)
    expect((await batch([remove('x')], { authorization: 'Bearer wrong' }))[0]).toBe(401)
    expect((await batch([remove('x')], { ...authorization(), 'content-type': 'multipart/mixed; boundary=y' }))[0]).toBe(
      400,
    )
    expect((await batch([remove('x')], {}))[1].map(one => one.status)).toEqual([401])
  })
})

describe('rewrites', () => {
  const bytes = Buffer.alloc(2_500_000, 'r')
  const path = '/storage/v1/b/media/o/from/rewriteTo/b/other/o/to'

  async function rewrite(query = '', resource: object = {}): Promise<Record<string, unknown> & { status: number }> {
    const headers = { ...authorization(), 'content-type': 'application/json' }
    const answer = await fetch(`${server.url}${path}?${query}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(resource),
    })
    return { status: answer.status, ...((await answer.json()) as object) }
  }

  test('go on with the token until they are done', async () => {
    const generation = await upload('from', bytes)
    const pinned = `sourceGeneration=${generation}&ifGenerationMatch=0`
    const first = await rewrite(pinned, { contentType: 'a/b' })
    expect(first).toMatchObject({ status: 200, done: false, totalBytesRewritten: '1000000', objectSize: '2500000' })
    expect(server.bucket('other').objects.size).toBe(0)
    const second = await rewrite(`${pinned}&rewriteToken=${first['rewriteToken']}`, { contentType: 'a/b' })
    expect(second).toMatchObject({ done: false, totalBytesRewritten: '2000000' })
    const third = await rewrite(`${pinned}&rewriteToken=${second['rewriteToken']}`, { contentType: 'a/b' })
    expect(third).toMatchObject({
      done: true,
      totalBytesRewritten: '2500000',
      resource: { bucket: 'other', contentType: 'a/b', size: '2500000' },
    })
    expect(server.bucket('other').live('to')?.body.equals(bytes)).toBe(true)
  })

  test('want the same request in every call, and the same source', async () => {
    const generation = await upload('from', bytes)
    const pinned = `sourceGeneration=${generation}`
    const { rewriteToken } = await rewrite(pinned)
    const next = `${pinned}&rewriteToken=${rewriteToken}`
    expect((await rewrite(next, { contentType: 'a/b' })).status).toBe(400)
    expect((await rewrite(`${next}&ifGenerationMatch=0`)).status).toBe(400)
    expect((await rewrite(`${pinned}&rewriteToken=x`)).status).toBe(400)
    expect((await rewrite('maxBytesRewrittenPerCall=1000')).status).toBe(400)
    const free = await rewrite()
    await upload('from', Buffer.alloc(2_500_000, 's'))
    expect((await rewrite(next)).status).toBe(404)
    expect((await rewrite(`rewriteToken=${free['rewriteToken']}`)).status).toBe(400)
    expect((await rewrite('ifSourceGenerationMatch=5')).status).toBe(412)
    expect(server.bucket('other').objects.size).toBe(0)
  })

  test('check the target again at the end', async () => {
    await upload('from', bytes)
    const one = await rewrite('ifGenerationMatch=0')
    const two = await rewrite(`ifGenerationMatch=0&rewriteToken=${one['rewriteToken']}`)
    await fetch(`${server.url}/other/to`, { method: 'PUT', headers: authorization(), body: 'meanwhile' })
    expect((await rewrite(`ifGenerationMatch=0&rewriteToken=${two['rewriteToken']}`)).status).toBe(412)
    expect(String(server.bucket('other').live('to')?.body)).toBe('meanwhile')
  })
})
