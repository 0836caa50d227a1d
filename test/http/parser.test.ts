import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { describe, expect, test } from 'vitest'
import { MalformedAnswer } from '../../src/http/head.ts'
import { AnswerParser } from '../../src/http/parser.ts'
import { serveTcp } from './support.ts'

/** What a parser has made of an answer. */
interface Parsed {
  status: number
  headers: Record<string, unknown>
  body: string
  over: boolean
  reusable: boolean
  continues: number
}

function parse(pieces: readonly Buffer[], method = 'GET', closes = false): Parsed {
  const parser = new AnswerParser()
  const parsed: Parsed = { status: 0, headers: {}, body: '', over: false, reusable: false, continues: 0 }
  const body: Buffer[] = []
  parser.start(method, {
    onContinue: () => parsed.continues++,
    onHead: ({ status, headers }) => Object.assign(parsed, { status, headers: { ...headers } }),
    onBody: bytes => body.push(bytes),
  })
  for (const piece of pieces) {
    expect(parsed.over).toBe(false)
    parsed.over = parser.feed(piece)
  }
  if (closes && !parsed.over) parsed.over = parser.finish()
  return { ...parsed, body: Buffer.concat(body).toString('latin1'), reusable: parser.reusable }
}

/** Numbers below 1 from a seed. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state / 2_147_483_648
  }
}

const NAMES = ['X-Amz-Meta-A', 'x-amz-meta-a', 'ETag', 'Content-Type', 'Set-Cookie', 'Server', 'X-Empty', 'Vary']
const VALUES = [
  '',
  'plain',
  '  padded\t',
  'caf\u00e9',
  '"quoted, with comma"',
  'a:b:c',
  '\u00a0nbsp\u00a0',
  'x'.repeat(3000),
]

function randomAnswer(random: () => number): { text: string; closes: boolean } {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!
  let text = random() < 0.3 ? 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n' : ''
  text += `HTTP/1.${random() < 0.1 ? 0 : 1} ${pick(['200 OK', '206 Partial Content', '404 Not Found', '503 ', '204 No Content'])}\r\n`
  for (let count = Math.floor(random() * 8); count > 0; count--) {
    text += `${pick(NAMES)}:${random() < 0.5 ? ' ' : ''}${pick(VALUES)}\r\n`
  }
  if (text.includes(' 204 ')) return { text: `${text}\r\n`, closes: false }
  const body = Array.from({ length: Math.floor(random() * 400) }, () => String.fromCharCode(random() * 256)).join('')
  const framing = text.includes('HTTP/1.0') ? pick(['length', 'close']) : pick(['length', 'chunked', 'close'])
  if (framing === 'length') return { text: `${text}content-length: ${body.length}\r\n\r\n${body}`, closes: false }
  if (framing === 'close') return { text: `${text}connection: close\r\n\r\n${body}`, closes: true }
  text += 'Transfer-Encoding: chunked\r\n\r\n'
  for (let at = 0; at < body.length; ) {
    const size = 1 + Math.floor(random() * 100)
    const piece = body.slice(at, at + size)
    at += size
    text += `${piece.length.toString(16)}${pick(['', ';name=value', ';q="a;b"'])}\r\n${piece}\r\n`
  }
  return { text: `${text}0\r\n${random() < 0.3 ? 'x-trailer: late\r\n' : ''}\r\n`, closes: false }
}

describe('answers', () => {
  test('300 random ones mean the same as to node:http, however they are cut', async () => {
    const random = randomOf(7)
    let answer = randomAnswer(random)
    await using server = await serveTcp(socket => socket.once('data', () => socket.end(answer.text, 'latin1')))
    for (let round = 0; round < 300; round++) {
      answer = randomAnswer(random)
      const [theirs] = (await once(get(server.url, { agent: false }), 'response')) as [IncomingMessage]
      const chunks: Buffer[] = []
      for await (const chunk of theirs) chunks.push(chunk)
      const wanted = {
        status: theirs.statusCode,
        headers: theirs.headers,
        body: Buffer.concat(chunks).toString('latin1'),
        over: true,
        continues: answer.text.startsWith('HTTP/1.1 100') ? 1 : 0,
      }
      const bytes = Buffer.from(answer.text, 'latin1')
      expect(parse([bytes], 'GET', answer.closes), JSON.stringify(answer.text)).toMatchObject(wanted)
      const single = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))
      expect(parse(single, 'GET', answer.closes)).toMatchObject(wanted)
      const cut = Math.floor(random() * bytes.length)
      expect(parse([bytes.subarray(0, cut), bytes.subarray(cut)], 'GET', answer.closes)).toMatchObject(wanted)
    }
  })

  test.each([
    ['HEAD', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n'],
    ['HEAD', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'],
    ['GET', 'HTTP/1.1 304 Not Modified\r\ncontent-length: 10\r\n\r\n'],
    ['DELETE', 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['PUT', 'HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n'],
  ])('of %s may have no body: %j', (method, text) => {
    expect(parse([Buffer.from(text)], method)).toMatchObject({ over: true, body: '', reusable: true })
  })

  test('folded values are one', () => {
    const text = 'HTTP/1.1 200 OK\r\nx-one: a\r\n  b\r\n\tc\r\ncontent-length: 0\r\n\r\n'
    expect(parse([Buffer.from(text)]).headers).toEqual({ 'x-one': 'a b c', 'content-length': '0' })
  })

  test('a header can be called like a method of objects', () => {
    const text = 'HTTP/1.1 200 OK\r\nconstructor: a\r\ntoString: b\r\nconstructor: c\r\ncontent-length: 0\r\n\r\n'
    expect(parse([Buffer.from(text)]).headers).toMatchObject({ constructor: 'a, c', tostring: 'b' })
  })
})

describe('a connection serves again', () => {
  test.each([
    ['HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx', true],
    ['HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nxy', false],
    ['HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\n', false],
    ['HTTP/1.1 200 OK\r\nconnection: Close\r\ncontent-length: 1\r\n\r\nx', false],
    ['HTTP/1.1 200 OK\r\nconnection: foo, close\r\ncontent-length: 1\r\n\r\nx', false],
    ['HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\nx', false],
    ['HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 1\r\n\r\nx', true],
    ['HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n', false],
    ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n', true],
    ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\nz', false],
    ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 9\r\n\r\n1\r\nx\r\n0\r\n\r\n', false],
  ])('after %j: %s', (text, reusable) => {
    expect(parse([Buffer.from(text)])).toMatchObject({ over: true, reusable })
  })
})

describe('what is no answer', () => {
  test.each([
    'SSH-2.0-OpenSSH\r\n',
    '\r\nHTTP/1.1 200 OK\r\n\r\n',
    'HTTP/2 200\r\n\r\n',
    'HTTP/1.1 20 OK\r\n\r\n',
    'HTTP/1.1 2000 OK\r\n\r\n',
    'HTTP/1.1 101 Switching\r\nupgrade: x\r\n\r\n',
    'HTTP/1.1 200 OK\r\nno colon\r\n\r\n',
    'HTTP/1.1 200 OK\r\n: no name\r\n\r\n',
    'HTTP/1.1 200 OK\r\nname : blank\r\n\r\n',
    'HTTP/1.1 200 OK\r\n folded: first\r\n\r\n',
    'HTTP/1.1 200 OK\r\nx: a\rb\r\n\r\n',
    'HTTP/1.1 200 OK\nx: y\r\n\r\n',
    'HTTP/1.1 200 OK\r\nx: a\0b\r\n\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxy',
    'HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: 1e3\r\n\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\nx\r\n',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nxy\r\n',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n',
    `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;${'x'.repeat(9000)}`,
    `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n${'x: y\r\n'.repeat(40_000)}`,
    `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(70_000)}`,
  ])('%j', text => {
    expect(() => parse([Buffer.from(text, 'latin1')])).toThrow(MalformedAnswer)
    expect(() => parse(Array.from(Buffer.from(text, 'latin1'), byte => Buffer.of(byte)))).toThrow(MalformedAnswer)
  })

  test('bytes when no request was sent', () => {
    expect(() => new AnswerParser().feed(Buffer.from('HTTP/1.1 408 Timeout\r\n\r\n'))).toThrow(MalformedAnswer)
  })

  test.each([
    'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nx',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n',
    'HTTP/1.1 200 OK\r\nx: y\r\n',
    '',
  ])('one that ends too early: %j', text => {
    expect(parse([Buffer.from(text)], 'GET', true).over).toBe(false)
  })
})
