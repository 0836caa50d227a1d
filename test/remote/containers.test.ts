import { describe, expect, test } from 'vitest'
import { StorageError } from '../../src/core/errors.ts'
import {
  checkIsEmpty,
  checkIsMissing,
  containerLimit,
  containerPage,
  containersOf,
} from '../../src/remote/containers.ts'
import { HttpStatusError } from '../../src/remote/http-error.ts'
import { classifyHttp } from '../../src/remote/index.ts'
import { plainContext } from '../../src/testing/index.ts'

const refused = (status: number): HttpStatusError =>
  new HttpStatusError({ method: 'DELETE', url: 'http://h/c' }, { status, headers: {}, seeksFile: false })

describe('whether a container is empty', () => {
  const pages = (...counts: number[]) => {
    const asked: Array<string | undefined> = []
    const pageAfter = async (token: string | undefined) => {
      asked.push(token)
      const at = Number(token ?? 0)
      return { count: counts[at] ?? 0, next: at + 1 < counts.length ? String(at + 1) : undefined }
    }
    return { asked, pageAfter }
  }

  test('is asked page by page until something is found', async () => {
    const full = pages(0, 0, 3, 1)
    await expect(checkIsEmpty('c', full.pageAfter)).rejects.toMatchObject({
      code: 'not_empty',
      message: "The container 'c' is not empty, and was not deleted.",
    })
    expect(full.asked).toEqual([undefined, '1', '2'])
    const empty = pages(0, 0)
    await checkIsEmpty('c', empty.pageAfter)
    expect(empty.asked).toEqual([undefined, '1'])
  })

  test('is not known where the listing does not go on, or fails: nothing was done', async () => {
    const unknown = { code: 'unavailable', outcome: 'not_applied' }
    await expect(checkIsEmpty('c', async () => ({ count: 0, next: 't' }))).rejects.toMatchObject(unknown)
    let asked = 0
    await expect(checkIsEmpty('c', async () => ({ count: 0, next: String(++asked) }))).rejects.toMatchObject(unknown)
    expect(asked).toBe(100)
    const lost = async (): Promise<never> => {
      throw new StorageError('unavailable', 'lost')
    }
    await expect(checkIsEmpty('c', lost)).rejects.toMatchObject(unknown)
  })
})

describe('whether a container is missing', () => {
  test('is what any refusal says, and no failure', async () => {
    await checkIsMissing('c', () => Promise.reject(refused(404)))
    await checkIsMissing('c', () => Promise.reject(refused(403)))
    await expect(checkIsMissing('c', async () => undefined)).rejects.toMatchObject({ code: 'exists' })
    for (const failure of [refused(503), new StorageError('unavailable', 'lost'), new TypeError('broken')]) {
      await expect(checkIsMissing('c', () => Promise.reject(failure))).rejects.toBe(failure)
      expect(failure).toHaveProperty('outcome', 'not_applied')
    }
  })
})

test('refusals about containers have their own code, which classifyHttp gives', async () => {
  const fail = (): Promise<never> => Promise.reject(refused(404))
  const methods: string[] = []
  const containers = containersOf({
    codeOf: (_error, method) => {
      methods.push(method)
      return method === 'list' ? undefined : 'not_found'
    },
    ...{ create: fail, stat: fail, list: fail, delete: fail },
  })
  const ctx = plainContext()
  const calls = [
    containers.create('c', ctx),
    containers.stat('c', ctx),
    containers.list({}, ctx),
    containers.delete('c', ctx),
  ]
  const codes = await Promise.all(calls.map(call => call.then(() => 'done', classifyHttp)))
  expect(codes).toEqual(['not_found', 'not_found', 'improperly_configured', 'not_found'])
  expect(methods).toEqual(['create', 'stat', 'list', 'delete'])
})

test('a page leaves out rows without a name, unless none has one', () => {
  expect(containerPage([{ name: undefined }, { name: 'a' }, { name: '' }], '')).toEqual({
    containers: [{ name: 'a' }],
    next: undefined,
  })
  expect(containerPage([], 't')).toEqual({ containers: [], next: 't' })
  expect(() => containerPage([{ name: undefined }], 't')).toThrow('containers without names')
  expect([{}, { limit: 0 }, { limit: 7 }, { limit: 99 }].map(page => containerLimit(page, 50))).toEqual([50, 1, 7, 50])
})
