/** The strict Atmos server, asked by plain requests that are signed here. */
import { afterAll, describe, expect, test } from 'vitest'
import { type Answered, type Asked, ask, signatureOf } from './strict-atmos/asker.ts'
import { startStrictAtmos } from './strict-atmos.ts'

const server = await startStrictAtmos({ pageSize: 3 })
afterAll(() => server.close())

const at = (method: string, path: string, asked?: Asked): Promise<Answered> =>
  ask(server, method, `/rest/namespace/${path}`, asked)

describe.concurrent('objects', () => {
  test('an object is made with the folders that are missing, and read back', async () => {
    const made = await at('POST', 'new/deep/a%20b.txt', { body: 'hello' })
    expect(made.status).toBe(201)
    expect(made.headers.location).toMatch(/^\/rest\/objects\/[0-9a-f]{44}$/)
    expect(made.headers['x-emc-delta']).toBe('5')
    const read = await at('GET', 'new/deep/a%20b.txt')
    expect([read.status, String(read.body), read.headers['content-type']]).toEqual([
      200,
      'hello',
      'application/octet-stream',
    ])
    const byId = await ask(server, 'GET', String(made.headers.location))
    expect(String(byId.body)).toBe('hello')
  })
})
test('x', () => {
  expect(signatureOf).toBeTypeOf('function')
})
