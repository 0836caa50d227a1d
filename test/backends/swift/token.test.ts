/** Tokens: shared, renewed, replaced, and what happens when the identity service refuses or fails. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { StorageError } from '../../../src/core/errors.ts'
import { Identity } from '../../../src/remote/openstack/identity.ts'
import { type Asked, type Scripted, scriptedClient } from '../../support/scripted-client.ts'
import { context, identityOptions, keystone3, type RawOptions, scriptedIdentity } from './identity-support.ts'

vi.mock('node:timers/promises', async () => {
  const short = await import('../../support/short-waits.ts')
  return { ...short, setTimeout: vi.fn(short.setTimeout) }
})

const V3 = {
  authUrl: 'https://id.test/v3',
  username: 'alice',
  password: 'geheim-7',
  projectName: 'media',
  regionName: 'one',
}
const FAILED = { status: 503, body: 'busy' }

/** Tokens `t1`, `t2` ...; `fail` answers some requests otherwise. */
function counting(fail: (count: number) => Scripted | undefined = () => undefined, lifeMs = 3_600_000) {
  let given = 0
  return (_asked: Asked, count: number): Scripted =>
    fail(count) ?? keystone3(undefined, `t${++given}`, new Date(Date.now() + lifeMs).toISOString())
}

/** Storages over one client. */
function sharing(...all: readonly RawOptions[]) {
  const httpClient = scriptedClient(counting())
  const identities = all.map(given => new Identity(identityOptions(given), { httpClient, env: {} }))
  return { asked: httpClient.asked, tokens: () => Promise.all(identities.map(tokenOf)) }
}

async function tokenOf(identity: Identity): Promise<string> {
  return (await identity.session(context(1))).token
}

afterEach(() => vi.useRealTimers())

describe('a token', () => {
  it('is requested once for however many calls wait, and kept', async () => {
    const { session, asked } = scriptedIdentity(counting(), V3)
    const all = await Promise.all(Array.from({ length: 30 }, () => session()))
    expect(new Set(all.map(one => one.token))).toEqual(new Set(['t1']))
    expect(await session()).toBe(all[0])
    expect(asked).toHaveLength(1)
  })

  it('is shared by storages of equal credentials and connection settings, also in other regions (swl-1)', async () => {
    const { asked, tokens } = sharing(V3, { ...V3 }, { ...V3, regionName: 'two' }, { ...V3, interface: 'internal' })
    expect(await tokens()).toEqual(['t1', 't1', 't1', 't1'])
    expect(asked).toHaveLength(1)
  })

  it('is not shared where anything else differs', async () => {
    const others = [
      { password: 'geheim-8' },
      { projectName: 'other' },
      { userDomainName: 'Users' },
      { authUrl: 'https://other.test/v3' },
      { verify: false },
      { proxies: { https: 'http://proxy.test:8080' } },
    ]
    const { asked, tokens } = sharing(V3, ...others.map(other => ({ ...V3, ...other })))
    expect(new Set(await tokens()).size).toBe(7)
    expect(asked).toHaveLength(7)
  })

  it('is renewed before its end, in the background, and is never used after it', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const { session, asked } = scriptedIdentity(counting(), V3)
    await session()
    vi.setSystemTime(Date.now() + 3_600_000 - 61_000)
    expect((await session()).token).toBe('t1')
    expect(asked).toHaveLength(1)
    vi.setSystemTime(Date.now() + 2000)
    expect((await session()).token).toBe('t1')
    await vi.waitFor(async () => expect((await session()).token).toBe('t2'))
    expect(asked).toHaveLength(2)
    vi.setSystemTime(Date.now() + 7_200_000)
    expect((await session()).token).toBe('t3')
  })

  it('lives as long as the service says by its own clock, whatever this machine has', async () => {
    const serverTime = new Date('2020-01-01T00:00:00Z')
    const end = new Date(serverTime.getTime() + 600_000).toISOString()
    const headers = { date: serverTime.toUTCString() }
    const { session, asked } = scriptedIdentity(() => {
      const answer = keystone3(undefined, 't', end)
      return 'json' in answer ? answer : { ...answer, headers: { ...answer.headers, ...headers } }
    }, V3)
    const { expiresAt } = await session()
    expect(Math.abs(expiresAt!.getTime() - Date.now() - 600_000)).toBeLessThan(10_000)
    await session()
    expect(asked).toHaveLength(1)
  })

  it.each([['soon'], [''], ['2000-01-01T00:00:00Z']])('with the end %j is kept until it is refused', async end => {
    const { session, asked } = scriptedIdentity(() => keystone3(undefined, 't', end), V3)
    expect((await session()).expiresAt).toBeUndefined()
    await session()
    expect(asked).toHaveLength(1)
  })
})

describe('a token that the storage refused', () => {
  it('is replaced once for all calls that had it (swl-1)', async () => {
    const { session, identity, asked } = scriptedIdentity(counting(), V3)
    const old = await session()
    const again = await Promise.all(
      Array.from({ length: 20 }, async () => {
        expect(identity.drop(old)).toBe(true)
        return (await session()).token
      }),
    )
    expect(new Set(again)).toEqual(new Set(['t2']))
    // One that comes late with the old token does not drop the new one.
    identity.drop(old)
    expect((await session()).token).toBe('t2')
    expect(asked).toHaveLength(2)
  })

  it('is replaced for the other storages that share it', async () => {
    const httpClient = scriptedClient(counting())
    const services = { httpClient, env: {} }
    const [one, two] = [new Identity(identityOptions(V3), services), new Identity(identityOptions(V3), services)]
    one.drop(await one.session(context(1)))
    expect([await tokenOf(one), await tokenOf(two)]).toEqual(['t2', 't2'])
  })
})

describe('an identity service that fails', () => {
  it('is asked again, and all calls wait for one request at a time', async () => {
    const { session, asked } = scriptedIdentity(
      counting(count => (count < 3 ? FAILED : undefined)),
      V3,
    )
    const all = await Promise.all(Array.from({ length: 20 }, () => session(4)))
    expect(new Set(all.map(one => one.token))).toEqual(new Set(['t1']))
    expect(asked).toHaveLength(3)
  })

  it.each([
    [{ status: 429, headers: { 'retry-after': '2' } }, 'throttled', 2000],
    [{ status: 503, headers: { 'retry-after': '3' } }, 'unavailable', 3000],
    [{ status: 500 }, 'unavailable', undefined],
  ])('with %j is reported as what passes, with the time to wait', async (answer, code, retryAfterMs) => {
    const { session, asked } = scriptedIdentity(() => answer, V3)
    const failure = { code, retryable: true, outcome: 'not_applied', retryAfterMs }
    await expect(session(3)).rejects.toMatchObject(failure)
    expect(asked).toHaveLength(3)
  })

  it('is not asked before the time that it said, by no call', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const { session, asked } = scriptedIdentity(
      counting(count => (count === 1 ? { status: 429, headers: { 'retry-after': '15' } } : undefined)),
      V3,
    )
    await expect(session(1)).rejects.toMatchObject({ code: 'throttled' })
    vi.setSystemTime(Date.now() + 5000)
    vi.mocked(sleep).mockClear()
    expect(await Promise.all([session(1), session(1)])).toMatchObject([{ token: 't1' }, { token: 't1' }])
    expect(vi.mocked(sleep).mock.calls).toEqual([[10_000]])
    expect(asked).toHaveLength(2)
  })

  it('is not asked again when it refuses the credentials: permission_denied, with the settings and without the password', async () => {
    const body = JSON.stringify({ error: { code: 401, title: 'Unauthorized', message: 'No: geheim-7 is wrong.' } })
    const { session, asked } = scriptedIdentity(() => ({ status: 401, body }), V3)
    const error = await session(4).catch((failure: Error) => failure)
    expect(error).toMatchObject({ code: 'permission_denied', status: 401, outcome: 'not_applied', retryable: false })
    expect(String(error)).toContain('No: *** is wrong. Check SWIFT_TENANT_NAME, SWIFT_USERNAME, SWIFT_KEY.')
    expect(JSON.stringify(error) + String((error as Error).cause)).not.toContain('geheim')
    expect(asked).toHaveLength(1)
  })

  it.each([
    [404, 'improperly_configured'],
    [300, 'improperly_configured'],
    [403, 'permission_denied'],
    [400, 'invalid_argument'],
  ])('with status %s is reported as %s and not asked again', async (status, code) => {
    const { session, asked } = scriptedIdentity(() => ({ status, body: '{}' }), V3)
    await expect(session(4)).rejects.toMatchObject({ code })
    expect(asked).toHaveLength(1)
  })

  it('names the address where it is the wrong one', async () => {
    const { session } = scriptedIdentity(() => ({ status: 404 }), V3)
    await expect(session()).rejects.toThrow(/status 404\. Check SWIFT_AUTH_URL, SWIFT_AUTH_VERSION\.$/)
  })

  it('that does not answer is a time-out, not an abort of the calls that wait', async () => {
    const request = async () => {
      throw new StorageError('aborted', 'POST: the call was aborted.')
    }
    const services = { httpClient: { request, close: async () => undefined }, env: {} }
    const identity = new Identity(identityOptions(V3), services)
    await expect(identity.session(context(1))).rejects.toMatchObject({
      code: 'timeout',
      retryable: true,
      outcome: 'not_applied',
      message: expect.stringContaining('The identity service https://id.test/v3/auth/tokens does not answer.'),
    })
  })

  it('names no settings where a proxy refused', async () => {
    const { session } = scriptedIdentity(() => ({ status: 407 }), V3)
    const error = await session().catch((failure: Error) => failure)
    expect(error).toMatchObject({ code: 'permission_denied', status: 407 })
    expect(String(error)).not.toContain('SWIFT_')
  })

  it('reads what Rackspace says of a refusal', async () => {
    const body = JSON.stringify({ unauthorized: { code: 401, message: 'Username or api key is invalid.' } })
    const { session } = scriptedIdentity(() => ({ status: 401, body }), V3)
    await expect(session()).rejects.toThrow('Username or api key is invalid')
  })

  it('does not keep a call that is aborted, and goes on for the others', async () => {
    let answer: (() => void) | undefined
    const gate = new Promise<void>(resolve => {
      answer = resolve
    })
    const inner = scriptedClient(counting())
    const httpClient = {
      ...inner,
      request: async (...given: Parameters<typeof inner.request>) => gate.then(() => inner.request(...given)),
    }
    const identity = new Identity(identityOptions(V3), { httpClient, env: {} })
    const controller = new AbortController()
    const first = identity.session(context(1, controller.signal))
    const second = identity.session(context(1))
    controller.abort()
    await expect(first).rejects.toMatchObject({ code: 'aborted' })
    answer!()
    expect((await second).token).toBe('t1')
  })
})
