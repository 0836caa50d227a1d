import { describe, expect, test, vi } from 'vitest'
import { Once } from '../../src/core/once.ts'

function waiter(): { readonly controller: AbortController; readonly signal: AbortSignal } {
  const controller = new AbortController()
  return { controller, signal: controller.signal }
}

describe('Once', () => {
  test('makes its value once for all who wait, and remembers it', async () => {
    const once = new Once<number>()
    const work = vi.fn(async () => 7)
    expect(once.done).toBe(false)
    expect(await Promise.all([once.get({}, work), once.get({}, work)])).toEqual([7, 7])
    expect(await once.get({}, work)).toBe(7)
    expect(work).toHaveBeenCalledTimes(1)
    expect([once.value, once.done]).toEqual([7, true])
  })

  test('remembers a value of undefined', async () => {
    const once = new Once<void>()
    const work = vi.fn(async () => undefined)
    await once.get({}, work)
    await once.get({}, work)
    expect(work).toHaveBeenCalledTimes(1)
  })

  test('does not remember a failure, be it thrown or rejected', async () => {
    const once = new Once<string>()
    const fail = async (): Promise<string> => {
      throw new Error('down')
    }
    await expect(Promise.all([once.get({}, fail), once.get({}, fail)])).rejects.toThrow('down')
    const throwing = (): never => {
      throw new Error('at once')
    }
    await expect(once.get({}, throwing)).rejects.toThrow('at once')
    expect(await once.get({}, async () => 'up')).toBe('up')
  })

  test('makes the value again after forget', async () => {
    const once = new Once<number>()
    let count = 0
    const work = async (): Promise<number> => ++count
    expect(await once.get({}, work)).toBe(1)
    once.forget()
    expect(once.value).toBeUndefined()
    expect(await once.get({}, work)).toBe(2)
  })

  test('goes on for the others when one stops waiting, and for nobody when all do', async () => {
    const once = new Once<string>()
    const { promise, resolve } = Promise.withResolvers<string>()
    let shared: AbortSignal | undefined
    const work = ({ signal }: { signal: AbortSignal }): Promise<string> => {
      shared = signal
      return promise
    }
    const [first, second] = [waiter(), waiter()]
    const waiting = [once.get(first, work), once.get(second, work)]
    first.controller.abort(new Error('first left'))
    await expect(waiting[0]).rejects.toThrow('first left')
    expect(shared!.aborted).toBe(false)
    resolve('made')
    expect(await waiting[1]).toBe('made')

    once.forget()
    const third = waiter()
    const last = once.get(
      third,
      ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    )
    third.controller.abort(new Error('all left'))
    await expect(last).rejects.toThrow('all left')
  })

  test('starts a new attempt after an abandoned one has ended, not beside it', async () => {
    const once = new Once<string>()
    const { promise: cleaned, resolve: clean } = Promise.withResolvers<void>()
    const events: string[] = []
    const abandoned = async ({ signal }: { signal: AbortSignal }): Promise<string> => {
      await new Promise(resolve => signal.addEventListener('abort', resolve))
      await cleaned
      events.push('cleaned')
      throw signal.reason
    }
    const first = waiter()
    const gone = once.get(first, abandoned)
    first.controller.abort(new Error('left'))
    await expect(gone).rejects.toThrow('left')
    const next = [1, 2].map(() =>
      once.get({}, async () => {
        events.push('begun')
        return 'made'
      }),
    )
    const impatient = waiter()
    const given = once.get(impatient, async () => 'never')
    impatient.controller.abort(new Error('no time'))
    await expect(given).rejects.toThrow('no time')
    clean()
    expect(await Promise.all(next)).toEqual(['made', 'made'])
    expect(events).toEqual(['cleaned', 'begun'])
  })

  test('begins nothing for a waiter whose signal has fired', async () => {
    const work = vi.fn(async () => 1)
    await expect(new Once<number>().get({ signal: AbortSignal.abort(new Error('too late')) }, work)).rejects.toThrow(
      'too late',
    )
    expect(work).not.toHaveBeenCalled()
  })

  test('reports progress to all who wait', async () => {
    const once = new Once<number>()
    const progress = [vi.fn(), vi.fn()]
    const { promise, resolve } = Promise.withResolvers<void>()
    const work = async (shared: { progress(): void }): Promise<number> => {
      await promise
      shared.progress()
      return 1
    }
    const waiting = progress.map(each => once.get({ progress: each }, work))
    resolve()
    await Promise.all(waiting)
    for (const each of progress) expect(each).toHaveBeenCalledTimes(1)
  })
})
