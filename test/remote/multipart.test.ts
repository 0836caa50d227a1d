import { describe, expect, test } from 'vitest'
import { batchAnswers, batchBody } from '../../src/remote/index.ts'

const TYPE = 'multipart/mixed; boundary=b1'
const part = (id: string | undefined, status: string, rest = ''): string =>
  `--b1\r\nContent-Type: application/http\r\n${id === undefined ? '' : `Content-ID: ${id}\r\n`}\r\nHTTP/1.1 ${status}\r\n${rest}`

test('a batch begins with its boundary and ends with it', () => {
  const { contentType, body } = batchBody([
    { method: 'DELETE', target: '/c/a%20b?x=1', headers: { authorization: 'key' } },
    { method: 'DELETE', target: '/c/b', headers: {} },
  ])
  const boundary = /boundary=(\S+)$/.exec(contentType)![1]
  const text = body.toString()
  expect(text.startsWith(`--${boundary}\r\ncontent-type: application/http\r\n`)).toBe(true)
  expect(text.endsWith(`\r\n--${boundary}--\r\n`)).toBe(true)
  expect(text).toContain('content-id: 0\r\n\r\nDELETE /c/a%20b?x=1 HTTP/1.1\r\nauthorization: key\r\n\r\n')
})

describe('the answers', () => {
  test('have status, headers, text and place', () => {
    const text = `${part('1', '202 Accepted', 'x-ms-request-id: r\r\n\r\n')}${part('0', '404 Not Found', 'X-Code: BlobNotFound\r\n\r\n<Error>\r\n</Error>\r\n')}--b1--`
    expect(batchAnswers(TYPE, text)).toEqual([
      { place: 1, status: 202, headers: { 'x-ms-request-id': 'r' }, bodyText: '' },
      { place: 0, status: 404, headers: { 'x-code': 'BlobNotFound' }, bodyText: '<Error>\n</Error>' },
    ])
  })

  test.each([
    ['without ids and blank lines', `${part(undefined, '202 Accepted')}--b1--\r\n`, undefined],
    ['with ids as Google has them', `${part('<response-3>', '202 OK', '\r\n')}--b1--`, 3],
    ['with a preamble', `hello\r\n${part('2', '202 OK', '\r\n')}--b1--`, 2],
    ['with an id that is none', `${part('x', '202 OK', '\r\n')}--b1--`, undefined],
  ])('may come %s', (_, text, place) => {
    expect(batchAnswers(TYPE, text)).toMatchObject([{ status: 202, place }])
    expect(batchAnswers('Multipart/Mixed; boundary="b1"', text.replaceAll('\r\n', '\n'))).toMatchObject([
      { status: 202, place },
    ])
  })

  test.each([
    ['another type', 'application/xml', `${part('0', '202 OK')}--b1--`],
    ['no type', undefined, ''],
    ['no boundary', 'multipart/mixed', ''],
    ['an answer that is cut short', TYPE, part('0', '202 OK')],
    ['nothing', TYPE, ''],
    ['a part without a status', TYPE, '--b1\r\n\r\nhello\r\n--b1--'],
  ])('are none in %s', (_, type, text) => {
    expect(() => batchAnswers(type, text)).toThrow(expect.objectContaining({ code: 'unavailable', outcome: 'unknown' }))
  })
})
