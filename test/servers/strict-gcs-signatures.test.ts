import { createHash, createHmac } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { buffer } from 'node:stream/consumers'
import type { Bucket } from '@google-cloud/storage'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { officialClient } from './strict-gcs/official.ts'
import { type StrictGcs, startStrictGcs } from './strict-gcs.ts'

const DAY_MS = 86_400_000
let server: StrictGcs
let shiftMs = 0
let bucket: Bucket

beforeAll(async () => {
  server = await startStrictGcs({ now: () => Date.now() + shiftMs })
  bucket = officialClient(server).bucket('media')
})
beforeEach(() => {
  server.bucket().objects.clear()
})
afterAll(() => server.close())

describe('signatures of the official client', () => {
  const sign = (name: string, more: object = {}): Promise<string> =>
    bucket
      .file(name)
      .getSignedUrl({ version: 'v4', action: 'read', expires: Date.now() + DAY_MS / 2, ...more })
      .then(([url]) => url)

  test('V4 URLs are honoured for the method, the name and the headers that they were signed for', async () => {
    const name = "a b/ü!'()*~+.txt"
    const put = await sign(name, {
      action: 'write',
      contentType: 'text/plain',
      extensionHeaders: { 'x-goog-meta-a': 'b' },
    })
    const headers = { 'content-type': 'text/plain', 'x-goog-meta-a': 'b' }
    expect((await fetch(put, { method: 'PUT', body: 'signed', headers })).status).toBe(200)
    expect((await fetch(put, { method: 'PUT', body: 'x', headers: { ...headers, 'x-goog-meta-a': 'c' } })).status).toBe(
      403,
    )
    expect((await fetch(put, { method: 'PUT', body: 'x', headers: { 'content-type': 'text/plain' } })).status).toBe(400)
    expect(
      (await fetch(put, { method: 'PUT', body: 'x', headers: { ...headers, 'x-goog-acl': 'public-read' } })).status,
    ).toBe(400)
    const get = await sign(name, { responseDisposition: 'attachment; filename="ü b.txt"', responseType: 'text/html' })
    const answer = await fetch(get)
    expect([answer.status, await answer.text(), answer.headers.get('content-type')]).toEqual([
      200,
      'signed',
      'text/html',
    ])
    expect((await fetch(get, { method: 'HEAD' })).status).toBe(403)
    expect((await fetch(get.replace('text%2Fhtml', 'text%2Fplain'))).status).toBe(403)
    expect((await fetch(get.replace(/.$/, end => (end === '0' ? '1' : '0')))).status).toBe(403)
    expect((await fetch(await sign(name, { action: 'delete' }), { method: 'DELETE' })).status).toBe(204)
    expect((await fetch(await sign(name))).status).toBe(404)
  })

  test('V4 URLs expire, and may not last for more than seven days', async () => {
    const url = await sign('x', { expires: Date.now() + 5000 })
    shiftMs = 6000
    const late = await fetch(url)
    shiftMs = -3_600_000
    const early = await fetch(url)
    shiftMs = 0
    expect((await fetch(url)).status).toBe(404)
    expect([late.status, await late.text()]).toEqual([400, expect.stringContaining('<Code>ExpiredToken</Code>')])
    expect([early.status, await early.text()]).toEqual([
      403,
      expect.stringContaining('<Code>RequestTimeTooSkewed</Code>'),
    ])
    const long = (await sign('x')).replace(/X-Goog-Expires=\d+/, 'X-Goog-Expires=604801')
    expect((await fetch(long)).status).toBe(400)
  })

  test('V2 URLs are honoured', async () => {
    await bucket.file('v2 ü').save('old', { resumable: false })
    const url = await sign('v2 ü', { version: 'v2' })
    expect(await (await fetch(url)).text()).toBe('old')
    expect((await fetch(url, { method: 'DELETE' })).status).toBe(403)
  })

  test('a signed URL starts a resumable upload', async () => {
    const url = await sign('session', { action: 'resumable', contentType: 'text/plain' })
    const start = await fetch(url, {
      method: 'POST',
      headers: { 'x-goog-resumable': 'start', 'content-type': 'text/plain' },
    })
    expect(start.status).toBe(201)
    const location = start.headers.get('location') as string
    expect((await fetch(location, { method: 'PUT', body: 'by session' })).status).toBe(200)
    expect(String((await bucket.file('session').download())[0])).toBe('by session')
  })

  async function post(
    conditions: object[],
    change: (fields: Record<string, string>) => void = () => {},
    body = 'form file',
  ): Promise<Response> {
    const [policy] = await bucket.file('form/key').generateSignedPostPolicyV4({
      expires: Date.now() + 60_000,
      conditions,
      fields: { 'x-goog-meta-a': 'b', acl: 'public-read', success_action_status: '201' },
    })
    const fields: Record<string, string> = { ...policy.fields }
    change(fields)
    const form = new FormData()
    for (const [name, value] of Object.entries(fields)) form.append(name, value)
    form.append('file', new Blob([body], { type: 'text/plain' }), 'name.txt')
    return fetch(`${server.url}/media`, { method: 'POST', body: form })
  }

  test('V4 POST policies are honoured with all their conditions', async () => {
    const answer = await post([['content-length-range', 1, 20]])
    expect([answer.status, await answer.text()]).toEqual([201, expect.stringContaining('<Key>form/key</Key>')])
    expect(server.bucket().live('form/key')).toMatchObject({ contentType: 'text/plain', metadata: { a: 'b' } })
    expect(await (await server.anonymous('/media/form/key')).text()).toBe('form file')
    const refusals: Record<string, [object[], (fields: Record<string, string>) => void, string?]> = {
      tooLong: [[['content-length-range', 1, 20]], () => {}, 'x'.repeat(21)],
      otherKey: [[], fields => Object.assign(fields, { key: 'form/other' })],
      extraField: [[], fields => Object.assign(fields, { 'x-goog-meta-c': 'd' })],
      otherField: [[], fields => Object.assign(fields, { acl: 'private' })],
      otherPolicy: [[], fields => Object.assign(fields, { policy: `${fields['policy']}`.replace(/^./, 'f') })],
      otherSignature: [
        [],
        fields => Object.assign(fields, { 'x-goog-signature': fields['x-goog-signature']?.replace(/^../, '00') }),
      ],
      noSignature: [[], fields => delete fields['x-goog-signature']],
    }
    const seen: Record<string, number> = {}
    for (const [name, [conditions, change, body]] of Object.entries(refusals))
      seen[name] = (await post(conditions, change, body)).status
    const denied = { otherKey: 403, extraField: 403, otherField: 403, otherPolicy: 403, otherSignature: 403 }
    expect(seen).toEqual({ tooLong: 400, noSignature: 400, ...denied })
    expect(server.bucket().objects.size).toBe(1)
  })
})

describe('HMAC keys', () => {
  const { url, hmac } = { url: () => new URL(server.url), hmac: () => server.hmac }
  const now = (): string => new Date().toISOString().replace(/[-:]|\.\d+/g, '')
  const hex = (bytes: string): string => createHash('sha256').update(bytes).digest('hex')

  function send(
    method: string,
    path: string,
    headers: Record<string, string>,
    body = '',
  ): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const sent = httpRequest(
        new URL(path, server.url),
        { method, headers: { 'content-length': String(body.length), ...headers } },
        answer => {
          buffer(answer).then(bytes => resolve({ status: answer.statusCode ?? 0, text: String(bytes) }), reject)
        },
      )
      sent.on('error', reject)
      sent.end(body)
    })
  }

  function v4(
    kind: 'GOOG4' | 'AWS4',
    method: string,
    path: string,
    body = '',
    secret = hmac().secret,
  ): Record<string, string> {
    const [service, end, prefix] =
      kind === 'GOOG4' ? ['storage', 'goog4_request', 'x-goog-'] : ['s3', 'aws4_request', 'x-amz-']
    const date = now()
    const scope = `${date.slice(0, 8)}/auto/${service}/${end}`
    const headers: Record<string, string> = {
      host: url().host,
      [`${prefix}content-sha256`]: hex(body),
      [`${prefix}date`]: date,
    }
    const names = Object.keys(headers).sort()
    const canonical = [
      method,
      path,
      '',
      ...names.map(name => `${name}:${headers[name]}`),
      '',
      names.join(';'),
      hex(body),
    ].join('\n')
    let key: Buffer | string = `${kind}${secret}`
    for (const part of scope.split('/')) key = createHmac('sha256', key).update(part).digest()
    const text = [`${kind}-HMAC-SHA256`, date, scope, hex(canonical)].join('\n')
    const signature = createHmac('sha256', key).update(text).digest('hex')
    const authorization = `${kind}-HMAC-SHA256 Credential=${hmac().accessId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`
    return { ...headers, authorization }
  }

  function v2(
    kind: 'GOOG1' | 'AWS',
    method: string,
    path: string,
    more: Record<string, string> = {},
  ): Record<string, string> {
    const date = new Date().toUTCString()
    const lines = Object.entries(more).map(([name, value]) => `${name}:${value}\n`)
    const text = `${method}\n\n\n${date}\n${lines.sort().join('')}${path}`
    const signature = createHmac('sha1', hmac().secret).update(text).digest('base64')
    return { date, ...more, authorization: `${kind} ${hmac().accessId}:${signature}` }
  }

  test('have the form that the service gives them', () => {
    expect(hmac().accessId).toMatch(/^GOOG1E[A-Z2-7]{55}$/)
    expect(hmac().secret).toMatch(/^[A-Za-z0-9+/]{40}$/)
  })

  test('sign V4 headers in both dialects', async () => {
    for (const kind of ['GOOG4', 'AWS4'] as const) {
      expect(await send('PUT', '/media/h%20m', v4(kind, 'PUT', '/media/h%20m', 'body'), 'body')).toMatchObject({
        status: 200,
      })
      expect(await send('PUT', '/media/h%20m', v4(kind, 'PUT', '/media/h%20m', 'body'), 'bodi')).toMatchObject({
        status: 400,
      })
      expect(await send('GET', '/media/h%20m', v4(kind, 'GET', '/media/h%20m'))).toEqual({ status: 200, text: 'body' })
      expect(await send('GET', '/media/h%20m', v4(kind, 'DELETE', '/media/h%20m'))).toMatchObject({ status: 403 })
      const wrong = await send('GET', '/media/h%20m', v4(kind, 'GET', '/media/h%20m', '', 'x'.repeat(40)))
      expect(wrong).toEqual({ status: 403, text: expect.stringContaining('SignatureDoesNotMatch') })
    }
  })

  test('sign V2 headers in both dialects', async () => {
    await bucket.file('two').save('2', { resumable: false })
    for (const [kind, prefix] of [
      ['GOOG1', 'x-goog-'],
      ['AWS', 'x-amz-'],
    ] as const) {
      expect(await send('GET', '/media/two', v2(kind, 'GET', '/media/two'))).toEqual({ status: 200, text: '2' })
      const own = { [`${prefix}meta-a`]: 'b', [`${prefix}acl`]: 'public-read' }
      expect(await send('PUT', '/media/put', v2(kind, 'PUT', '/media/put', own), 'x')).toMatchObject({ status: 200 })
      expect(server.bucket().live('put')).toMatchObject({ metadata: { a: 'b' } })
      const changed = { ...v2(kind, 'PUT', '/media/put', own), [`${prefix}meta-a`]: 'c' }
      expect(await send('PUT', '/media/put', changed, 'x')).toMatchObject({ status: 403 })
      expect(await send('GET', '/media/put', v2(kind, 'GET', '/media/two'))).toMatchObject({ status: 403 })
    }
    const list = await send('GET', '/', v2('GOOG1', 'GET', '/', { 'x-goog-project-id': server.projectId }))
    expect(list).toEqual({ status: 200, text: expect.stringContaining('<Name>media</Name>') })
    expect(await send('GET', '/', v2('GOOG1', 'GET', '/'))).toMatchObject({ status: 400 })
  })
})
