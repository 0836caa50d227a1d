import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import type { S3Storage } from '../../../src/backends/s3/index.ts'
import type { StorageError } from '../../../src/core/errors.ts'
import { KEYS, refusal, type Scripted, scripted, storageOf, uploadOf } from './scripted.ts'

const CUSTOMER_KEY = 'customer-key-of-32-characters-ab'
const PROXY_PASSWORD = 'proxy-password'
const SECRETS = [KEYS.secretKey, KEYS.securityToken, CUSTOMER_KEY, PROXY_PASSWORD]

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

/** All that a request held, and its secrets in forms in which a service may write them. */
function quoted({ headers, url }: IncomingMessage): string {
  const signature = /Signature=(\w+)|:([^:]+)$/.exec(headers.authorization!)!
  const hasKey = headers['x-amz-server-side-encryption-customer-key'] !== undefined
  const told = SECRETS.filter(secret => hasKey || secret !== CUSTOMER_KEY)
  const forms = told.flatMap(secret => [
    secret,
    encodeURIComponent(secret),
    Buffer.from(secret).toString('base64'),
    escaped(secret),
  ])
  return escaped([inspect(headers), url, signature[1] ?? signature[2], ...forms].join(' '))
}

/** What anybody may print of an error. */
function shown(error: StorageError): string {
  const all = inspect(error, { depth: 9, showHidden: true, maxStringLength: null })
  return [all, error.stack, String(error.cause), JSON.stringify([error, error.cause])].join('\n')
}

function expectNoSecret(text: string, authorization: string): void {
  for (const secret of [...SECRETS, authorization]) {
    for (const form of [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')]) {
      expect(text).not.toContain(form)
    }
  }
  const signature = /Signature=(\w+)/.exec(authorization)?.[1] ?? authorization.slice(authorization.indexOf(':') + 1)
  expect(text).not.toContain(signature)
}

const options = { objectParameters: { SSECustomerKey: CUSTOMER_KEY } }
/** Options of a storage whose service also plays its proxy. */
function throughProxy(server: Scripted): typeof server.options {
  return { ...server.options, ...options, proxies: { http: `http://user:${PROXY_PASSWORD}@127.0.0.1:${server.port}` } }
}

const large = Buffer.alloc(11 * 1024 * 1024)

describe('a service that quotes the request: nothing that is printed of the error shows a secret', () => {
  test.each<[string, (files: S3Storage) => Promise<unknown>]>([
    ['read', files => files.readText('a')],
    ['stat', files => files.stat('a')],
    ['list', files => files.listdir('')],
    ['save', files => files.save('a', 'x')],
    ['save in parts', files => files.save('a', large)],
    ['delete many', files => files.deleteMany(['a'])],
    ['copy', files => files.copy('a', 'b', { overwrite: true })],
  ])('%s', async (_what, work) => {
    for (const signatureVersion of ['s3v4', 's3'] as const) {
      await using server = await scripted((request, response) => {
        const text = quoted(request)
        response.writeHead(403, { 'x-amz-request-id': `R ${request.headers.authorization}` })
        response.end(
          `<Error><Code>Denied ${KEYS.securityToken}</Code><Message>${text}</Message><Endpoint>${text}</Endpoint>` +
            `<Region>${request.headers.authorization!.slice(-64)}</Region></Error>`,
        )
      })
      const error = await refusal({ ...throughProxy(server), signatureVersion }, work)
      expect(error.code).toBe('permission_denied')
      expectNoSecret(shown(error), server.asked.at(-1)!.headers.authorization!)
      expect(error.message).toContain('***')
    }
  })

  test('in a document with status 200, and in the errors of single keys', async () => {
    await using server = await scripted((request, response) => {
      const error = `<Error><Key>a</Key><Code>Odd</Code><Message>${quoted(request)}</Message></Error>`
      response.end(request.url!.includes('delete') ? `<DeleteResult>${error}</DeleteResult>` : error)
    })
    await using files = storageOf(throughProxy(server))
    const { errors: failed } = await files.deleteMany(['a'])
    const errors = failed.map(({ error }) => error)
    errors.push(await refusal(throughProxy(server), each => each.listdir('')))
    expect(errors).toHaveLength(2)
    for (const error of errors) {
      expectNoSecret(shown(error), server.asked[0]!.headers.authorization!)
      expectNoSecret(shown(error), server.asked.at(-1)!.headers.authorization!)
    }
  })

  test('in the id of an upload that cannot be ended', async () => {
    await using server = await scripted((request, response) => {
      if (request.method === 'POST') response.end(uploadOf(`Signature=${'5ec7e7'.repeat(90)}`))
      else response.writeHead(403).end()
    })
    const error = await refusal(server.options, files => files.save('a', large))
    expect(error.message).toContain('the unfinished upload')
    expect(error.message).not.toContain('5ec7e7')
  })
})

test('options are read as they are and printed without secrets, also by those who print the options alone', () => {
  const proxies = { http: `http://user:${PROXY_PASSWORD}@proxy` }
  const files = storageOf({ ...KEYS, ...options, bucketName: 'bkt', proxies })
  expect(files.options).toMatchObject({ ...KEYS, proxies })
  const texts = [inspect(files.options), inspect({ files }, { depth: 9 }), JSON.stringify({ options: files.options })]
  for (const text of [...texts, inspect(files.calls.driver, { depth: 9, showHidden: true })]) {
    for (const secret of SECRETS) expect(text).not.toContain(secret)
  }
  expect(JSON.parse(JSON.stringify(files.options))).toMatchObject({ secretKey: '***', bucketName: 'bkt' })
  expect(inspect({ a: { b: { options: files.options } } })).toContain('options: [Object]')
  expect(Object.keys(files.options)).toContain('secretKey')
  expect(Object.keys(files.options)).not.toContain('toJSON')
  const odd = storageOf({ bucketName: 'bkt', endpointUrl: `https://user:${PROXY_PASSWORD}/?@host` })
  expect(inspect(odd)).not.toContain(PROXY_PASSWORD)
})

test('the message of a traced call holds a signed URL for who asks, and prints none', async () => {
  const messages: Array<{ result?: unknown }> = []
  const listen = (message: unknown): void => void messages.push(message as object)
  const channel = 'tracing:holdall:signUrl:asyncEnd'
  subscribe(channel, listen)
  try {
    const url = await storageOf({ ...KEYS, bucketName: 'bkt' }).url('a')
    expect(messages.map(({ result }) => result)).toEqual([url])
    expect(inspect(messages) + JSON.stringify(messages)).not.toContain('X-Amz-Signature')
  } finally {
    unsubscribe(channel, listen)
  }
})
