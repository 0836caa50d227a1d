import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { BytesBody } from '../../src/core/body.ts'
import type { HttpRequest, HttpResponse } from '../../src/http/request.ts'
import type { Expected } from '../../src/remote/answers.ts'
import { HttpStatusError } from '../../src/remote/http-error.ts'
import { Service, type ServiceProtocol, type ServiceRequest } from '../../src/remote/service.ts'
import { plainContext } from '../../src/testing/index.ts'

interface TokenRequest extends ServiceRequest {
  readonly expect?: Expected
}

interface Told {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly body?: string
  readonly resent?: boolean
}

/** A service whose requests carry a token that an error may correct. */
function service(
  answer: (request: HttpRequest, count: number) => Told,
  more: Partial<ServiceProtocol<TokenRequest, string>> = {},
) {
  const asked: HttpRequest[] = []
  const protocol: ServiceProtocol<TokenRequest, string> = {
    prepare: ({ method, body, headers }: TokenRequest & { headers?: Record<string, string> }, token) => ({
      wire: { method, url: 'http://host.test/x?sig=5ec7e7', headers: { ...headers, token }, body },
      hide: text => text.replaceAll('5ec7e7', '***'),
    }),
    expected: ({ expect = { statuses: [200] } }) => expect,
    async refuse(_request, { wire, hide }, { status, headers, resent }) {
      const serviceCode = headers['code'] as string | undefined
      const outcome = resent === true ? 'unknown' : undefined
      return new HttpStatusError(wire, { status, headers, serviceCode, outcome, hide })
    },
    learn: ({ serviceCode = '' }) => {
      const [about, known] = serviceCode.split('=')
      return known === undefined ? undefined : { about: about!, known }
    },
    ...more,
  }
  const http = {
    async request(request: HttpRequest): Promise<HttpResponse> {
      asked.push(request)
      const { status = 200, headers = {}, body = '', resent } = answer(request, asked.length)
      return { status, headers, body: new BytesBody(Buffer.from(body)), resent }
    },
  }
  return {
    made: new Service(protocol, http, 'first'),
    asked,
    tokens: () => asked.map(({ headers }) => headers['token']),
  }
}

const ctx = plainContext()
const GET: TokenRequest = { method: 'GET' }
const PUT: TokenRequest = { method: 'PUT', body: 'x' }
const FIELDS: TokenRequest = { ...GET, expect: { statuses: [200], fields: ['name', 'size'] } }

describe('a JSON answer', () => {
  test('is an object with the expected fields', async () => {
    const { made } = service(() => ({ body: '\uFEFF{"name":"a","size":"1"}' }))
    const { value } = await made.json<{ name: string }>(FIELDS, ctx)
    expect(value.name).toBe('a')
  })

  test.each(['', 'null', '"text"', '<html></html>', '{"name":"a"}', '{"secret":"5ec7e7"', '[1]'])(
    '%j is none',
    async body => {
      const { made } = service(() => ({ body }))
      const error = await made.json(FIELDS, ctx).catch(reason => reason)
      expect(error).toMatchObject({ code: 'unavailable', outcome: 'not_applied' })
      expect(error.message).not.toContain('5ec7e7')
      const write = service(() => ({ body })).made.json({ ...FIELDS, method: 'POST' }, ctx)
      await expect(write).rejects.toMatchObject({ code: 'unavailable', outcome: 'unknown' })
      const question = service(() => ({ body })).made.json({ ...FIELDS, method: 'POST', reads: true }, ctx)
      await expect(question).rejects.toMatchObject({ code: 'unavailable', outcome: 'not_applied' })
    },
  )
})

describe('what an error teaches', () => {
  test('is used once, and kept when the service takes the request', async () => {
    const { made, tokens } = service(({ headers }) =>
      headers['token'] === 'first' ? { status: 401, headers: { code: 'token=second' } } : {},
    )
    await made.done(PUT, ctx)
    await made.done(PUT, ctx)
    expect(tokens()).toEqual(['first', 'second', 'second'])
  })

  test('is kept where the file is missing, and forgotten where the service refuses it', async () => {
    for (const [status, kept] of [
      [404, 'second'],
      [403, 'first'],
    ] as const) {
      const { made } = service((_request, count) =>
        count === 1 ? { status: 401, headers: { code: 'token=second' } } : { status },
      )
      await expect(made.done(GET, ctx)).rejects.toMatchObject({ status })
      expect(made.known).toBe(kept)
    }
  })

  test('is about several things in one request, about each once', async () => {
    const codes = ['token=second', 'region=third', 'token=fourth']
    const { made, tokens } = service((_request, count) => ({
      status: 401,
      headers: { code: codes[count - 1] ?? 'token=last' },
    }))
    await expect(made.done(PUT, ctx)).rejects.toMatchObject({ serviceCode: 'token=fourth' })
    expect(tokens()).toEqual(['first', 'second', 'third'])
    expect(made.known).toBe('first')
  })

  test('may take time, and its failure is that of the request', async () => {
    const failing = service(() => ({ status: 401 }), {
      learn: async () => {
        throw new Error('no new token')
      },
    })
    await expect(failing.made.done(PUT, ctx)).rejects.toThrow('no new token')
  })

  test('is nothing for a stream, which is used up', async () => {
    const { made, asked } = service(() => ({ status: 401, headers: { code: 'token=second' } }))
    await expect(made.done({ method: 'PUT', body: Readable.from([]) }, ctx)).rejects.toMatchObject({ status: 401 })
    expect(asked).toHaveLength(1)
  })

  test('does not overwrite what another request has learnt meanwhile', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>()
    let count = 0
    const { made } = service(
      ({ headers }) =>
        headers['token'] === 'first' && count++ > 0 ? { status: 401, headers: { code: 'token=second' } } : {},
      {
        async prepare(request, token) {
          if (request === GET) await held
          return { wire: { method: request.method, url: 'http://host.test/', headers: { token } }, hide: text => text }
        },
      },
    )
    count = 1
    const slow = made.done(GET, ctx)
    await made.done(PUT, ctx)
    expect(made.known).toBe('second')
    count = 0
    release()
    await slow
    expect(made.known).toBe('second')
  })
})

describe('a request that may have been sent twice', () => {
  const conditional = { ...PUT, headers: { 'if-none-match': '*' } } as TokenRequest

  test('never takes its own first success for a refusal', async () => {
    const { made } = service(() => ({ status: 412, resent: true }))
    await expect(made.done(conditional, ctx)).rejects.toMatchObject({
      code: 'unavailable',
      outcome: 'unknown',
      retryable: false,
    })
    await expect(made.done({ ...PUT, conditional: true }, ctx)).rejects.toMatchObject({ code: 'unavailable' })
    await expect(made.done(PUT, ctx)).rejects.toMatchObject({ status: 412, outcome: 'unknown' })
  })

  test('by the statuses that the service has for it', async () => {
    const answer = () => ({ status: 409, resent: true })
    await expect(service(answer).made.done(conditional, ctx)).rejects.toMatchObject({ status: 409 })
    const { made } = service(answer, { conflicts: [409, 412] })
    await expect(made.done(conditional, ctx)).rejects.toMatchObject({ code: 'unavailable', outcome: 'unknown' })
    await expect(made.done(PUT, ctx)).rejects.toMatchObject({ status: 409 })
  })

  test('by the statuses that the request itself names, without a condition', async () => {
    const gone = service(() => ({ status: 404, resent: true })).made
    await expect(gone.done({ ...PUT, conflicts: [404] }, ctx)).rejects.toMatchObject({
      code: 'unavailable',
      outcome: 'unknown',
      status: 404,
      message: expect.stringContaining('what it asked for is missing now, perhaps by this very request'),
    })
    await expect(gone.done(PUT, ctx)).rejects.toMatchObject({ status: 404, outcome: 'unknown' })
    const first = service(() => ({ status: 404 })).made
    await expect(first.done({ ...PUT, conflicts: [404] }, ctx)).rejects.toMatchObject({
      status: 404,
      outcome: undefined,
    })
  })

  test('also where an error in between taught something', async () => {
    const { made } = service((_request, count) =>
      count === 1 ? { status: 401, headers: { code: 'token=second' }, resent: true } : { status: 412 },
    )
    await expect(made.done(conditional, ctx)).rejects.toMatchObject({ code: 'unavailable', outcome: 'unknown' })
  })
})

describe('what a request carries', () => {
  test('is given to `learn`, which drops it where the service refuses it', async () => {
    const dropped: unknown[] = []
    const credential = { token: 'old' }
    const { made } = service(() => ({ status: 401, headers: { code: 'no_token' } }), {
      prepare: ({ method }) => ({
        wire: { method, url: 'http://host.test/', headers: {} },
        hide: text => text,
        credential,
      }),
      learn: (_error, _known, _request, sent) => {
        dropped.push(sent.credential)
        return { about: 'token', known: 'other' }
      },
    })
    await expect(made.done(GET, ctx)).rejects.toMatchObject({ status: 401 })
    expect(dropped).toEqual([credential, credential])
    expect(dropped[0]).toBe(credential)
  })

  test('and an error of preparing it is no answer to it: nothing is learnt or explained', async () => {
    let learnt = 0
    const refused = new HttpStatusError({ method: 'POST', url: 'http://host.test/token' }, { status: 401, headers: {} })
    const { made, asked } = service(() => ({}), {
      prepare: () => {
        throw refused
      },
      explain: () => GET,
      learn: () => {
        learnt++
        return { about: 'token', known: 'other' }
      },
    })
    await expect(made.done(GET, ctx)).rejects.toBe(refused)
    expect([learnt, asked.length]).toEqual([0, 0])
  })
})
