import { expect, test } from 'vitest'
import { polled } from '../../src/remote/index.ts'
import { plainContext } from '../../src/testing/index.ts'

const soon = { firstMs: 0, longestMs: 1 }

test('asks until there is a result', async () => {
  let asked = 0
  const result = await polled(
    'ask',
    async () => (++asked < 5 ? { progress: asked } : { result: 'done' }),
    plainContext(),
    soon,
  )
  expect([result, asked]).toEqual(['done', 5])
})

test('gives up what makes no progress, and only that', async () => {
  let asked = 0
  const ask = async () => ({ progress: Math.min(3, ++asked) })
  await expect(polled('ask', ask, plainContext(), { ...soon, stallMs: 20 })).rejects.toMatchObject({
    code: 'timeout',
    outcome: 'unknown',
    retryable: false,
  })
  expect(asked).toBeGreaterThan(3)
})

test('ends with the call, and with an error of the question', async () => {
  const controller = new AbortController()
  const ask = async () => {
    controller.abort()
    return { progress: 0 }
  }
  await expect(polled('ask', ask, plainContext(controller.signal), soon)).rejects.toMatchObject({ name: 'AbortError' })
  const failed = async () => {
    throw Object.assign(new Error('no'), { code: 'ECONNRESET' })
  }
  await expect(polled('ask', failed, plainContext(), soon)).rejects.toMatchObject({
    code: 'unavailable',
    operation: 'ask',
  })
})
