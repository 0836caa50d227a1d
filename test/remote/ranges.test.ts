import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { BytesBody, StreamBody } from '../../src/core/body.ts'
import type { ByteRange } from '../../src/core/driver.ts'
import { countOf } from '../../src/remote/headers.ts'
import { checkedRead, type GetAnswer } from '../../src/remote/ranges.ts'
import { bytesOf } from '../files/helpers.ts'

const FILE = '0123456789'

/** The two ways in which a body comes: at hand, and in small pieces. */
const forms = {
  'at hand': (text: string) => new BytesBody(Buffer.from(text)),
  'in pieces': (text: string) => new StreamBody(Readable.from(text.match(/.{1,3}/g)?.map(Buffer.from) ?? [])),
}

describe.each(Object.entries(forms))('an answer whose body comes %s', (form, bodyOf) => {
  const answer = (status: number, headers: GetAnswer['headers'], text: string): GetAnswer => {
    return { status, headers, body: bodyOf(text) }
  }

  async function read(range: ByteRange | undefined, given: GetAnswer): Promise<[string, number | undefined]> {
    const { body, size } = checkedRead(range, given)
    const whole = body.take()
    expect(whole === undefined || form === 'at hand').toBe(true)
    return [String(whole ?? (await bytesOf(body.stream()))), size]
  }

  const length = (text: string) => ({ 'content-length': String(text.length) })
  const part = (first: number, last: number, size: number | string = 10) => ({
    'content-range': `bytes ${first}-${last}/${size}`,
  })

  test.each<[ByteRange | undefined, GetAnswer['headers'], string, string, number | undefined]>([
    [undefined, part(0, 9), FILE, FILE, 10],
    [{ start: 2, end: 4 }, part(2, 3), '23', '23', 10],
    [{ start: 2, end: 4 }, { ...part(2, 3), ...length('23') }, '23', '23', 10],
    [{ start: 2, end: 4 }, part(2, 3, '*'), '23', '23', undefined],
    [{ start: 8 }, { ...part(8, 9), ...length('89') }, '89', '89', 10],
    [{ start: 8, end: 100 }, part(8, 9), '89', '89', 10],
    [{ start: 9, end: 10 }, { 'content-range': 'Bytes 9-9/10' }, '9', '9', 10],
    // More than was asked for, as servers with blocks of their own send.
    [{ start: 2, end: 4 }, { ...part(2, 7), ...length('234567') }, '234567', '23', 10],
  ])('206 for %j with %j gives the bytes', async (range, headers, sent, bytes, size) => {
    expect(await read(range, answer(206, headers, sent))).toEqual([bytes, size])
  })

  test.each<[ByteRange | undefined, GetAnswer['headers'], string]>([
    [{ start: 2, end: 4 }, {}, '23'],
    [{ start: 2, end: 4 }, { 'content-type': 'multipart/byteranges; boundary=x' }, '--x--'],
    [{ start: 2, end: 4 }, part(0, 9), FILE],
    [{ start: 2, end: 4 }, part(3, 3), '3'],
    [{ start: 2, end: 4 }, part(1, 3), '123'],
    [{ start: 2, end: 4 }, { 'content-range': 'items 2-3/10' }, '23'],
    [{ start: 2, end: 4 }, { 'content-range': 'bytes 2-3' }, '23'],
    [{ start: 2, end: 4 }, { 'content-range': 'bytes 2-3/10, bytes 2-3/10' }, '23'],
    [{ start: 2, end: 4 }, { 'content-range': 'bytes 2-99999999999999999999/*' }, '23'],
    [{ start: 2, end: 4 }, { 'content-range': 'bytes */10' }, '23'],
    [{ start: 2, end: 4 }, part(2, 3, 3), '23'],
    [{ start: 2, end: 4 }, part(2, 1), ''],
    [{ start: 2, end: 4 }, { ...part(2, 3), ...length(FILE) }, FILE],
    // How much is missing cannot be known.
    [{ start: 2, end: 8 }, part(2, 3, '*'), '23'],
    [{ start: 2 }, part(2, 9, '*'), '23456789'],
    [undefined, part(0, 9, '*'), FILE],
    [undefined, part(2, 3), '23'],
  ])('206 for %j with %j is refused', (range, headers, sent) => {
    const refused = answer(206, headers, sent)
    expect(() => checkedRead(range, refused)).toThrow(expect.objectContaining({ code: 'unknown', retryable: false }))
    expect(refused.body.stream().destroyed).toBe(true)
  })

  test.each([201, 202, 203, 204, 226, 302])('status %i is refused', status => {
    for (const range of [undefined, { start: 0 }]) {
      expect(() => checkedRead(range, answer(status, length(FILE), FILE))).toThrow(
        `the server answered with status ${status}.`,
      )
    }
  })

  test.each<[ByteRange | undefined, string]>([
    [undefined, FILE],
    [{ start: 0 }, FILE],
    [{ start: 0, end: 1 }, '0'],
    [{ start: 2, end: 4 }, '23'],
    [{ start: 2 }, '23456789'],
    [{ start: 9, end: 50 }, '9'],
  ])('200 for %j gives those bytes of the whole file', async (range, bytes) => {
    expect(await read(range, answer(200, length(FILE), FILE))).toEqual([bytes, 10])
    expect(await read(range, answer(200, {}, FILE))).toEqual([bytes, undefined])
  })

  test('200 for a range behind the end is invalid_range, whether the size is told or not', async () => {
    for (const start of [10, 11, 1000]) {
      expect(() => checkedRead({ start }, answer(200, length(FILE), FILE))).toThrow(
        expect.objectContaining({ code: 'invalid_range' }),
      )
      await expect(read({ start }, answer(200, {}, FILE))).rejects.toMatchObject({ code: 'invalid_range' })
    }
    expect(await read({ start: 0 }, answer(200, length(''), ''))).toEqual(['', 0])
    expect(await read({ start: 0 }, answer(200, {}, ''))).toEqual(['', undefined])
  })

  test('a body that is shorter than announced is unavailable, so that it can be continued', async () => {
    const short = { code: 'unavailable', retryable: true }
    await expect(read({ start: 2, end: 6 }, answer(206, part(2, 5), '234'))).rejects.toMatchObject(short)
    // The server gives a smaller part than was asked for.
    const smaller = { ...part(2, 3), ...length('23') }
    await expect(read({ start: 2, end: 6 }, answer(206, smaller, '23'))).rejects.toMatchObject(short)
    await expect(read({ start: 2 }, answer(206, smaller, '23'))).rejects.toMatchObject(short)
    await expect(read({ start: 2, end: 9 }, answer(200, length(FILE), '0123'))).rejects.toMatchObject(short)
  })

  test('a body that is longer than announced is an error', async () => {
    const long = { code: 'unknown', message: expect.stringContaining('more than the') }
    await expect(read({ start: 2, end: 4 }, answer(206, part(2, 3), '2345'))).rejects.toMatchObject(long)
    await expect(read({ start: 8 }, answer(206, part(8, 9), '8901'))).rejects.toMatchObject(long)
    await expect(read({ start: 8 }, answer(200, length(FILE), `${FILE}x`))).rejects.toMatchObject(long)
  })
})

describe('a server that ignores ranges', () => {
  test('sends no more than 8 MiB in vain', () => {
    const ignored = (start: number) => {
      const body = new StreamBody(new Readable({ read: () => undefined }))
      return { start, answer: { status: 200, headers: { 'content-length': '100000000' }, body } }
    }
    const far = ignored(8_388_609)
    expect(() => checkedRead({ start: far.start }, far.answer)).toThrow(
      expect.objectContaining({ code: 'unsupported' }),
    )
    expect(far.answer.body.stream().destroyed).toBe(true)
    const near = ignored(8_388_608)
    expect(checkedRead({ start: near.start }, near.answer).size).toBe(100_000_000)
  })

  test('is not read beyond the end of the range', async () => {
    let given = 0
    const endless = new Readable({
      read() {
        given += 1000
        this.push(Buffer.alloc(1000, given / 1000))
      },
    })
    const { body } = checkedRead(
      { start: 1500, end: 2500 },
      { status: 200, headers: {}, body: new StreamBody(endless) },
    )
    const bytes = await bytesOf(body.stream())
    expect(bytes).toEqual(Buffer.concat([Buffer.alloc(500, 2), Buffer.alloc(500, 3)]))
    expect(endless.destroyed).toBe(true)
    expect(given).toBeLessThan(200_000)
  })
})

test.each([
  ['10', 10],
  ['0', 0],
  [undefined, undefined],
  ['', undefined],
  ['1e3', undefined],
  ['-1', undefined],
  ['10, 10', undefined],
])('Content-Length %j is %j bytes', (header, length) => {
  expect(countOf(header)).toBe(length)
})
