import { expect, test } from 'vitest'
import { readText } from '../../src/core/body.ts'
import { NodeClient } from '../../src/http/node-client.ts'
import { context, failure, serve } from './support.ts'

test('a body that stands still while it is read breaks as timeout', async () => {
  await using server = await serve((_request, response) => {
    response.setHeader('content-length', 10)
    response.write('12345')
  })
  const transport = new NodeClient({ idleTimeoutSecs: 0.05 })
  const url = `${server.url}/key?signature=5ec7e7`
  const answer = await transport.request({ method: 'GET', url, headers: {} }, context())
  const error = await failure(readText(answer))
  expect(error).toMatchObject({ code: 'timeout', retryable: true })
  expect(error.message).not.toContain('5ec7e7')
  await transport.close()
})

test('a reader who takes his time, and an answer that nobody reads, do not count', async () => {
  const size = 4 * 1024 * 1024
  await using server = await serve((_request, response) => response.end(Buffer.alloc(size)))
  const transport = new NodeClient({ idleTimeoutSecs: 0.6 })
  const ask = () => transport.request({ method: 'GET', url: server.url, headers: {} }, context())
  const slow = await ask()
  const unread = await ask()
  let seen = 0
  for await (const chunk of slow.body.stream()) {
    if (seen === 0) await new Promise(resolve => setTimeout(resolve, 800))
    seen += (chunk as Buffer).length
  }
  expect(seen).toBe(size)
  expect((await readText(unread)).length).toBe(size)
  await transport.close()
})

test('bytes that trickle in do not count, and nothing is left running after the end', async () => {
  await using server = await serve(async (_request, response) => {
    for (let piece = 0; piece < 10; piece++) {
      response.write('x')
      await new Promise(resolve => setTimeout(resolve, 80))
    }
    response.end()
  })
  const transport = new NodeClient({ idleTimeoutSecs: 0.6 })
  const answer = await transport.request({ method: 'GET', url: server.url, headers: {} }, context())
  expect(await readText(answer)).toBe('x'.repeat(10))
  await transport.close()
})
