import { inspect } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { wrapError } from '../../src/core/errors.ts'
import { classifyHttp } from '../../src/remote/codes.ts'
import { HttpStatusError } from '../../src/remote/http-error.ts'
import { hiding } from '../../src/remote/redact.ts'

const request = { method: 'PUT', url: 'https://host.test/bucket/key?X-Amz-Signature=5ec7e7' }

function made(status: number, serviceCode?: string, headers: Record<string, string> = {}): HttpStatusError {
  return new HttpStatusError(request, { status, headers, serviceCode })
}

describe('HttpStatusError', () => {
  test('gives its status, request id and wait to the StorageError that is made of it', () => {
    const headers = { 'retry-after': '2', 'x-request-id': 'R3' }
    const error = wrapError(made(503, 'SlowDown', headers), { operation: 'save', fileName: 'a' }, classifyHttp)
    expect(error).toMatchObject({
      code: 'throttled',
      status: 503,
      requestId: 'R3',
      retryAfterMs: 2000,
      retryable: true,
    })
  })

  test('shows what the service said, but neither query nor headers nor body', () => {
    const text =
      '<Error><Code>SignatureDoesNotMatch</Code><Message>No\n match for /k?Signature=5ec7e7 given</Message>' +
      '<StringToSign>5ec7e7</StringToSign></Error>'
    const headers = { 'x-amz-request-id': 'R1', 'set-cookie': ['5ec7e7'] }
    const serviceMessage = 'No\n match for /k?Signature=5ec7e7 given'
    const told = { serviceCode: 'SignatureDoesNotMatch', serviceMessage }
    const error = new HttpStatusError(request, { status: 403, headers, bodyText: text, ...told })
    expect(error.message).toBe(
      'PUT https://host.test/bucket/key: status 403, SignatureDoesNotMatch: No match for /k given',
    )
    expect(error).toMatchObject({ status: 403, serviceCode: 'SignatureDoesNotMatch', requestId: 'R1' })
    expect(error.bodyText).toBe(text)
    expect(error.headers).toBe(headers)
    expect(inspect(error, { depth: 9 })).not.toContain('5ec7e7')
    expect(JSON.stringify(error)).not.toContain('5ec7e7')
  })

  test('takes the id of the request from what the body told, else from the headers', () => {
    const headers = { 'x-ms-request-id': 'R2' }
    expect(new HttpStatusError(request, { status: 404, headers }).requestId).toBe('R2')
    expect(new HttpStatusError(request, { status: 404, headers, requestId: 'R4' }).requestId).toBe('R4')
  })

  test('hides what it is told to in every text of the service', () => {
    const told = { serviceCode: 'Odd5ec7e7', serviceMessage: 'token 5ec7e7', requestId: 'R-5ec7e7' }
    const error = new HttpStatusError(request, { status: 400, headers: {}, ...told, hide: hiding(['5ec7e7']) })
    expect(error).toMatchObject({
      serviceCode: 'Odd***',
      requestId: 'R-***',
      message: expect.stringMatching(/token \*\*\*$/),
    })
    const headers = { 'x-request-id': '5ec7e7'.repeat(200) }
    expect(new HttpStatusError(request, { status: 400, headers, hide: hiding(['5ec7e7']) }).requestId).not.toContain(
      '5',
    )
  })

  test('shows a long text in part', () => {
    const long = 'word '.repeat(20_000)
    const error = new HttpStatusError(request, { status: 400, headers: {}, serviceCode: long, serviceMessage: long })
    expect(error.message.length).toBeLessThan(1000)
  })

  test.each([
    [{ 'retry-after': '7' }, 7000],
    [{ 'retry-after': '9'.repeat(400) }, undefined],
    [{ 'retry-after': ' '.repeat(60_000) }, undefined],
    [{ 'retry-after-ms': '9'.repeat(400) }, undefined],
    [{ 'retry-after': 'Wed, 21 Oct 2015 07:28:30 GMT', date: 'Wed, 21 Oct 2015 07:28:00 GMT' }, 30_000],
    [{ 'retry-after': 'Wed, 21 Oct 2015 07:28:30 GMT' }, 0],
    [{ 'retry-after': 'soon' }, undefined],
    [{ 'x-ms-retry-after-ms': '250', 'retry-after': '1' }, 250],
    [{}, undefined],
  ])('%j asks to wait %s ms', (headers, wait) => {
    expect(made(503, undefined, headers as Record<string, string>).retryAfterMs).toBe(wait)
  })

  test('takes a date to wait for in each form of RFC 9110, in UTC', () => {
    const { TZ } = process.env
    onTestFinished(() => void (TZ === undefined ? delete process.env['TZ'] : (process.env['TZ'] = TZ)))
    process.env['TZ'] = 'America/New_York'
    const headers = { date: 'Wed Oct 21 07:28:00 2015', 'retry-after': 'Wednesday, 21-Oct-15 07:28:30 GMT' }
    expect(made(503, undefined, headers).retryAfterMs).toBe(30_000)
    const others = { date: 'Wed, 21 Oct 2015 07:28:00 GMT', 'retry-after': 'Wed Oct 21 07:28:30 2015' }
    expect(made(503, undefined, others).retryAfterMs).toBe(30_000)
  })
})
