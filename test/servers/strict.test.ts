/** The strict server by itself, as a small JSON service with bearer tokens: what S3 has no part in. */
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Fault } from '../faults/faults.ts'
import { jsonAnswer, Refusal } from './strict/answer.ts'
import { readRequest, type StrictRequest } from './strict/request.ts'
import { type StrictServer, type StrictService, startStrictServer } from './strict/server.ts'

interface NoteRequest extends StrictRequest {
  readonly key: string
}

/** Notes under names: `put` and `get` in JSON. */
class Notes implements StrictService<NoteRequest, string, { readonly key: string; readonly who: string | undefined }> {
  readonly kept = new Map<string, unknown>()

  parse(message: IncomingMessage, requestId: string): NoteRequest {
    const read = readRequest(message, requestId, decodeURIComponent)
    if (!read.rawPath.startsWith('/notes/')) throw new Refusal(404, 'no_such_path', read.rawPath)
    return { ...read, key: decodeURIComponent(read.rawPath.slice('/notes/'.length)) }
  }

  operation({ method }: NoteRequest): string {
    return method === 'PUT' ? 'put' : 'get'
  }

  authenticate({ headers }: NoteRequest): string {
    const token = /^Bearer (\w+)$/.exec(headers['authorization'] ?? '')?.[1]
    if (token === undefined)
      throw new Refusal(401, 'invalid_token', 'A token is needed', {}, { 'www-authenticate': 'Bearer' })
    return token
  }

  run(operation: string, { key, body }: NoteRequest) {
    if (operation === 'put') this.kept.set(key, JSON.parse(body.toString()))
    if (!this.kept.has(key)) throw new Refusal(409, 'not_found', 'There is no such note', { key })
    return jsonAnswer({ key, note: this.kept.get(key) })
  }

  errorAnswer(
    { status, code, message, details, headers }: Refusal,
    _request: NoteRequest | undefined,
    requestId: string,
  ) {
    return jsonAnswer({ error: code, message, requestId, ...details }, { status, headers })
  }

  logged({ key }: NoteRequest, who: string | undefined) {
    return { key, who }
  }
}

let notes: Notes
let server: StrictServer<NoteRequest, { readonly key: string; readonly who: string | undefined }>
let agent: Agent
beforeEach(async () => {
  notes = new Notes()
  server = await startStrictServer(notes)
  agent = new Agent({ keepAlive: true, maxSockets: 1 })
})
afterEach(async () => {
  agent.destroy()
  await server.close()
})

/** What came back for one request. */
interface Got {
  readonly status: number | undefined
  readonly headers: IncomingMessage['headers']
  readonly text: string
}

function start(method: string, path: string, headers: Record<string, string> = {}): ClientRequest {
  const url = new URL(path, server.url)
  return request(url, { method, agent, headers: { authorization: 'Bearer anna', ...headers } })
}

function answerOf(sent: ClientRequest): Promise<Got> {
  return new Promise((resolve, reject) => {
    sent.on('error', reject)
    sent.on('response', response => {
      const { statusCode: status, headers } = response
      buffer(response).then(bytes => resolve({ status, headers, text: bytes.toString() }), reject)
    })
  })
}

function ask(method: string, path: string, body?: string, headers?: Record<string, string>): Promise<Got> {
  const sent = start(method, path, headers)
  const got = answerOf(sent)
  sent.end(body)
  return got
}

const put = (key: string) => ask('PUT', `/notes/${key}`, '"text"')
const next = (fault: Fault): void => server.faults.add({ operation: 'put', fault })

test('an operation is carried out and logged with what the service adds', async () => {
  expect(JSON.parse((await put('a%20b')).text)).toEqual({ key: 'a b', note: 'text' })
  expect(server.requests).toMatchObject([
    { operation: 'put', method: 'PUT', url: '/notes/a%20b', key: 'a b', who: 'anna', bodySize: 6, status: 200 },
  ])
})

test('a refusal becomes the error document of the service, also of what it cannot parse or authenticate', async () => {
  const missing = await ask('GET', '/notes/none')
  expect([missing.status, JSON.parse(missing.text)]).toMatchObject([409, { error: 'not_found', key: 'none' }])
  const other = await ask('GET', '/elsewhere')
  expect([other.status, JSON.parse(other.text).error]).toEqual([404, 'no_such_path'])
  const anonymous = await server.anonymous('/notes/none')
  expect([anonymous.status, anonymous.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
  expect(server.requests.map(({ code, who }) => [code, who])).toEqual([
    ['not_found', 'anna'],
    ['invalid_token', undefined],
  ])
})

test('an error of the server itself is told with its stack', async () => {
  const got = await ask('PUT', '/notes/a', 'no JSON')
  expect([got.status, got.text]).toEqual([500, expect.stringContaining('SyntaxError')])
})

test('who is refused before the body is asked for never sends it', async () => {
  const sent = start('PUT', '/notes/a', { authorization: 'none', expect: '100-continue', 'content-length': '6' })
  let asked = false
  sent.on('continue', () => {
    asked = true
  })
  sent.flushHeaders()
  expect([(await answerOf(sent)).status, asked]).toEqual([401, false])
  sent.destroy()
})

test('a fault strikes so often as it says, for the operation, key and request that it names', async () => {
  server.faults.add({ key: 'b', times: 2, fault: { do: 'refuse', status: 503, code: 'busy' } })
  server.faults.add({ match: ({ method }) => method === 'GET', fault: { do: 'refuse', status: 429, body: 'slower' } })
  expect((await put('a')).status).toBe(200)
  expect(JSON.parse((await put('b')).text)).toMatchObject({ error: 'busy' })
  expect((await put('b')).status).toBe(503)
  expect((await put('b')).status).toBe(200)
  expect((await ask('GET', '/notes/b')).text).toBe('slower')
  expect(server.faults.size).toBe(0)
})

test.each<[string, Fault, boolean]>([
  ['before the work', { do: 'drop' }, false],
  ['within the body', { do: 'drop', bytes: 3 }, false],
  ['after the work', { do: 'drop', at: 'after' }, true],
  ['within the head of the answer', { do: 'cut', bytes: 'head' }, true],
  ['within the body of the answer', { do: 'cut', bytes: 4 }, true],
  ['by bytes that are no HTTP', { do: 'garbage' }, false],
  ['by bytes that are no HTTP, after the work', { do: 'garbage', at: 'after' }, true],
])('a connection breaks %s', async (_title, fault, isDone) => {
  next(fault)
  await expect(put('a')).rejects.toThrow()
  expect(notes.kept.has('a')).toBe(isDone)
})

test('a refusal may come after the work, with a status of success too', async () => {
  next({ do: 'refuse', at: 'after', status: 200, code: 'internal' })
  const got = await put('a')
  expect([got.status, JSON.parse(got.text).error, notes.kept.has('a')]).toEqual([200, 'internal', true])
})

test('a held request is carried out late, or never, or was carried out and is not answered', async () => {
  const held = Promise.withResolvers<void>()
  next({ do: 'hold', ms: 30, onHold: held.resolve })
  const late = put('late')
  await held.promise
  expect(notes.kept.has('late')).toBe(false)
  expect((await late).status).toBe(200)
  for (const at of ['before', 'after'] as const) {
    const { promise, resolve } = Promise.withResolvers<void>()
    next({ do: 'hold', at, onHold: resolve })
    const sent = start('PUT', `/notes/${at}`)
    sent.on('error', () => {})
    sent.end('"text"')
    await promise
    sent.destroy()
    expect(notes.kept.has(at)).toBe(at === 'after')
  }
})

test('an answer stalls within its body', async () => {
  next({ do: 'stall', bytes: 5 })
  const sent = start('PUT', '/notes/a')
  sent.end('"text"')
  const [response] = await new Promise<[IncomingMessage]>(resolve => sent.on('response', (...all) => resolve(all)))
  const [chunk] = await new Promise<[Buffer]>(resolve => response.on('data', (...all) => resolve(all)))
  expect([chunk.toString(), response.complete]).toEqual(['{"key', false])
  sent.destroy()
})

test('a connection that is closed after its answer was not told to be', async () => {
  next({ do: 'close' })
  const sent = start('PUT', '/notes/a')
  const closed = new Promise(resolve => sent.on('socket', socket => socket.once('close', resolve)))
  const answer = answerOf(sent)
  sent.end('"text"')
  const got = await answer
  expect([got.text, got.headers['connection']]).toEqual(['{"key":"a","note":"text"}', 'keep-alive'])
  await closed
  expect((await put('b')).status).toBe(200)
})

test('a request is carried out twice, a byte is changed, and a lie is told', async () => {
  next({ do: 'repeat' })
  await put('a')
  expect(notes.kept.size).toBe(1)
  next({ do: 'garble', offset: 2 })
  expect((await put('a')).text).not.toBe('{"key":"a","note":"text"}')
  next({ do: 'lie', answer: truth => ({ ...truth, body: Buffer.from('<html>') }) })
  expect([(await put('b')).text, notes.kept.has('b')]).toEqual(['<html>', false])
  next({ do: 'lie', at: 'after', answer: truth => ({ ...truth, status: 202, body: truth.body.subarray(0, 1) }) })
  const lie = await put('c')
  expect([lie.status, lie.text, notes.kept.has('c')]).toEqual([202, '{', true])
})
