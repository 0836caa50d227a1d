/** The strict Nimbus.io server, asked by plain requests that are signed here. */
import { afterAll, describe, expect, test } from 'vitest'
import { type Answered, ask, digestOf, type NimbusAsked } from './strict-nimbus/asker.ts'
import { startStrictNimbus } from './strict-nimbus.ts'

const server = await startStrictNimbus()
afterAll(() => server.close())

const at = (method: string, uri: string, asked?: NimbusAsked): Promise<Answered> =>
  ask(server, method, uri, { collection: 'media', ...asked })
const json = (answer: Answered): unknown => JSON.parse(String(answer.body))

describe.concurrent('keys', () => {
  test('a key is archived, read and listed', async () => {
    const made = await at('POST', '/data/a/b.txt', { body: 'hello' })
    expect([made.status, made.headers.connection, json(made)]).toEqual([
      200,
      'close',
      { version_identifier: expect.any(String) },
    ])
    const read = await at('GET', '/data/a/b.txt')
    expect([read.status, String(read.body), read.headers['content-type']]).toEqual([200, 'hello', 'text/plain'])
    expect(json(await at('GET', '/data/?prefix=a/'))).toMatchObject({
      key_data: [{ key: 'a/b.txt' }],
      truncated: false,
    })
    expect(digestOf('k', 'a', 'GET', 1, '/')).toHaveLength(64)
  })
})
