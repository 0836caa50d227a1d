/** Tokens under the calls of a storage: they end in the middle of things, are revoked, or cannot be had. */
import { Readable } from 'node:stream'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Refuse } from '../../faults/faults.ts'
import { PROJECT, type StrictSwift, startStrictSwift } from '../../servers/strict-swift.ts'
import { keystone, PART, SMALL_PARTS, storageWith } from './support.ts'

vi.mock('node:timers/promises', () => import('../../support/short-waits.ts'))

const ACCOUNT = `AUTH_${PROJECT.id}`
let server: StrictSwift
/** Each test has connection settings, and so a token, of its own. */
let timeoutSecs = 20

beforeAll(async () => {
  server = await startStrictSwift({ tempUrlKey: 'url key' })
})
beforeEach(() => {
  timeoutSecs++
  server.requests.length = 0
})
afterAll(async () => {
  expect(server.complaints).toEqual([])
  await server.close()
})

function storageAt(options: Parameters<typeof storageWith>[0] = {}) {
  return storageWith({ ...keystone(server, 3), ...SMALL_PARTS, timeoutSecs, ...options })
}

/** Statuses of the logins. */
function logins(): number[] {
  return server.requests.filter(one => one.operation === 'auth.v3').map(one => one.status)
}

function statuses(operation: string): number[] {
  return server.requests.filter(one => one.operation === operation).map(one => one.status)
}

const BUSY: Refuse = { do: 'refuse', status: 429, headers: { 'retry-after': '1' }, body: '{}' }

describe('a token that has ended', () => {
  it('is replaced by one login for however many writes were answered 401, and all are stored (swl-1)', async () => {
    await using files = storageAt()
    await files.exists('a')
    server.tokens.expireAll()
    await Promise.all(Array.from({ length: 12 }, (_, at) => files.save(`many/${at}.txt`, `text ${at}`)))
    expect(server.names('media', ACCOUNT).filter(name => name.startsWith('many/'))).toHaveLength(12)
    expect(logins()).toEqual([201, 201])
  })

  it('in the middle of a large upload costs the segment that was under way, not the upload (swl-1)', async () => {
    await using files = storageAt({ uploadConcurrency: 2 })
    const bytes = Buffer.alloc(5 * PART + 7, 'segment')
    const pieces = [0, 1, 2, 3, 4, 5].map(at => bytes.subarray(at * PART, (at + 1) * PART))
    let given = 0
    const source = async function* () {
      for (const piece of pieces) {
        if (given++ === 3) server.tokens.expireAll()
        yield piece
      }
    }
    await files.save('large.bin', Readable.from(source()))
    expect(await files.readBytes('large.bin')).toEqual(bytes)
    expect(logins()).toEqual([201, 201])
    expect(statuses('object.put').filter(status => status === 401).length).toBeGreaterThan(0)
  })

  it('on a read is replaced, and on one that is refused again is an error, never empty data (swl-1)', async () => {
    server.put('read.txt', 'not empty', { account: ACCOUNT })
    await using files = storageAt()
    expect(await files.readText('read.txt')).toBe('not empty')
    server.tokens.expireAll()
    expect(await files.readText('read.txt')).toBe('not empty')
    server.requests.length = 0
    const refused: Refuse = { do: 'refuse', status: 401, code: 'Unauthorized', body: '' }
    server.faults.add({ operation: 'object.get', times: 2, fault: refused })
    await expect(files.readBytes('read.txt')).rejects.toMatchObject({ code: 'permission_denied', status: 401 })
    expect(statuses('object.get')).toEqual([401, 401])
    expect(logins()).toEqual([201])
  })
})

describe('a token', () => {
  it('is one for all storages with equal credentials (swl-1)', async () => {
    await using one = storageAt()
    await using two = storageAt({ location: 'elsewhere', segmentsContainer: 'others' })
    await Promise.all([one.exists('a'), two.exists('a'), one.exists('b'), two.exists('b')])
    await one.close()
    expect(await two.exists('a')).toBe(false)
    await using three = storageAt()
    expect(await three.exists('a')).toBe(false)
    expect(logins()).toEqual([201])
  })

  it('is requested again from an identity service that is busy, for a write whose content can be read once', async () => {
    server.faults.add({ operation: 'auth.v3', times: 2, fault: BUSY })
    await using files = storageAt()
    const content = Readable.from([Buffer.from('read '), Buffer.from('once')])
    await files.save('once.txt', content, { overwrite: true })
    expect(server.object('once.txt', 'media', ACCOUNT)?.bytes.toString()).toBe('read once')
    expect(logins()).toEqual([429, 429, 201])
  })

  it('that cannot be had fails all that wait for it, and nothing was done', async () => {
    server.faults.add({ operation: 'auth.v3', times: 3, fault: { ...BUSY, status: 503 } })
    await using files = storageAt({ maxAttempts: 3 })
    const calls = await Promise.allSettled([files.save('none.txt', 'x'), files.exists('none.txt')])
    for (const call of calls) {
      expect(call).toMatchObject({ status: 'rejected', reason: { code: 'unavailable', outcome: 'not_applied' } })
    }
    expect(logins()).toEqual([503, 503, 503])
    expect(await files.exists('none.txt')).toBe(false)
  })
})

describe('transfers over the internal interface', () => {
  it('leave temporary URLs on the public one, for names with blanks and slashes (case 61, swl-7)', async () => {
    await using files = storageAt({ interface: 'internal', tempUrlKey: 'url key' })
    await files.save('a b/ü #?.txt', 'signed')
    const { host } = server.requests.findLast(one => one.operation === 'object.put')!.headers
    expect(host).toBe(`localhost:${server.port}`)
    const url = await files.url('a b/ü #?.txt')
    expect(new URL(url).host).toBe(`127.0.0.1:${server.port}`)
    expect(await (await fetch(url)).text()).toBe('signed')
  })
})
