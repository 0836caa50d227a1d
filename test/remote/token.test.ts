import { expect, it } from 'vitest'
import { Renewed } from '../../src/remote/token.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND

interface Token {
  readonly text: string
  readonly end?: Date
}

/** A token whose n-th load answers by `answer`; `clock.now` is in ms. */
function renewed(answer: (load: number) => Promise<Token> | Token, earlyMs?: number) {
  const clock = { now: 0, loads: 0 }
  const load = async () => answer(++clock.loads)
  const token = new Renewed<Token>(load, { endOf: ({ end }) => end, earlyMs, now: () => clock.now })
  return { clock, token }
}

/** Waits until all that was begun has gone as far as it can without time. */
const settled = () => new Promise<void>(done => setImmediate(done))

it('is loaded once for many callers, and again before its end', async () => {
  const { clock, token } = renewed(load => ({ text: `t${load}`, end: new Date(clock.now + 60 * MINUTE) }))
  const texts = await Promise.all(Array.from({ length: 100 }, async () => (await token.get()).text))
  expect(new Set(texts)).toEqual(new Set(['t1']))
  clock.now = 54 * MINUTE
  expect(token.get()).toMatchObject({ text: 't1' })
  clock.now = 56 * MINUTE
  for (let call = 0; call < 100; call++) expect(token.get()).toMatchObject({ text: 't1' })
  await settled()
  expect(token.get()).toMatchObject({ text: 't2' })
  expect(clock.loads).toBe(2)
})

it('that lives shorter than the time before its end is used all the same', async () => {
  const { clock, token } = renewed(load => ({ text: `t${load}`, end: new Date(clock.now + 10 * SECOND) }))
  await token.get()
  for (let call = 0; call < 100; call++) expect(token.get()).toMatchObject({ text: 't1' })
  await settled()
  expect(clock.loads).toBe(1)
})

it('whose renewal fails stays in use, is tried again after a pause, and fails with its end', async () => {
  const { clock, token } = renewed(load => {
    if (load > 1) throw new Error('down')
    return { text: 't1', end: new Date(60 * MINUTE) }
  })
  await token.get()
  clock.now = 56 * MINUTE
  for (let call = 0; call < 100; call++) {
    expect(token.get()).toMatchObject({ text: 't1' })
    await settled()
  }
  expect(clock.loads).toBe(2)
  clock.now += 6 * SECOND
  expect(token.get()).toMatchObject({ text: 't1' })
  await settled()
  expect(clock.loads).toBe(3)
  clock.now = 60 * MINUTE - 1
  expect(token.get()).toMatchObject({ text: 't1' })
  await settled()
  clock.now = 60 * MINUTE
  await expect(token.get()).rejects.toThrow('down')
})

it('that could not be loaded is loaded by the next call', async () => {
  const { clock, token } = renewed(load => {
    if (load === 1) throw new Error('not yet')
    return { text: `t${load}` }
  })
  await expect(Promise.all([token.get(), token.get()])).rejects.toThrow('not yet')
  expect(await token.get()).toEqual({ text: 't2' })
  clock.now = Number.MAX_SAFE_INTEGER
  expect(token.get()).toEqual({ text: 't2' })
})

it('that a service refused is dropped once, not the one that came after it', async () => {
  const { clock, token } = renewed(load => ({ text: `t${load}` }))
  const first = await token.get()
  token.drop(first)
  const second = await token.get()
  token.drop(first)
  expect(token.get()).toBe(second)
  expect(clock.loads).toBe(2)
})

it('with an end that is no date is renewed now and then', async () => {
  const { clock, token } = renewed(load => ({ text: `t${load}`, end: new Date('soon') }))
  await token.get()
  expect(token.get()).toMatchObject({ text: 't1' })
  clock.now = 5 * MINUTE
  expect(await token.get()).toMatchObject({ text: 't2' })
})

it('ends the wait of a caller that is aborted, and loads for the others', async () => {
  const { promise, resolve } = Promise.withResolvers<Token>()
  const { clock, token } = renewed(() => promise)
  const controller = new AbortController()
  const given = token.get(controller.signal)
  const other = token.get(new AbortController().signal)
  controller.abort(new Error('given up'))
  await expect(given).rejects.toThrow('given up')
  resolve({ text: 'late' })
  expect(await other).toEqual({ text: 'late' })
  expect(clock.loads).toBe(1)
})

it('keeps its value when another one is dropped', async () => {
  const { token } = renewed(load => ({ text: `t${load}` }))
  const first = await token.get()
  token.drop(undefined)
  token.drop({ text: 't1' })
  expect(token.get()).toBe(first)
  token.drop(first)
  expect(await token.get()).toEqual({ text: 't2' })
})
