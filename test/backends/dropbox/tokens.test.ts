import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Asked, Scripted } from '../../support/scripted-client.ts'
import { called, FILE, scripted } from './scripted.ts'

const RENEWING = {
  oauth2AccessToken: null,
  oauth2RefreshToken: 'refresh+/=',
  appKey: 'the-key',
  appSecret: 'the&secret',
}
const isToken = ({ url }: Asked): boolean => url.endsWith('/oauth2/token')
const bearer = ({ headers }: Asked): string | undefined => headers['authorization']
const refused = (tag: string, more: object = {}): Scripted => ({
  status: 401,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ error_summary: `${tag}/..`, error: { '.tag': tag, ...more } }),
})

/** A service that gives tokens `t1`, `t2` ... and takes those for which `takes` says so. */
function renewing(takes: (token: string) => boolean = () => true, options: object = {}, life: unknown = 14_400) {
  let given = 0
  return scripted(
    asked => {
      if (isToken(asked)) return { json: { access_token: `t${++given}`, token_type: 'bearer', expires_in: life } }
      return takes(bearer(asked)!.slice(7)) ? { json: FILE } : refused('expired_access_token')
    },
    { ...RENEWING, ...options },
  )
}

afterEach(() => vi.useRealTimers())

describe('a refresh token', () => {
  it('is changed for an access token by a form, with nothing of it in the address', async () => {
    const files = renewing()
    expect(files.asked).toEqual([])
    await files.stat('a')
    const [ask, stat] = files.asked
    expect(ask).toMatchObject({
      method: 'POST',
      url: 'https://api.dropboxapi.com/oauth2/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    expect(Object.fromEntries(new URLSearchParams(ask!.body.toString()))).toEqual({
      grant_type: 'refresh_token',
      refresh_token: 'refresh+/=',
      client_id: 'the-key',
      client_secret: 'the&secret',
    })
    expect([called(stat!), bearer(stat!)]).toEqual(['files/get_metadata', 'Bearer t1'])
  })

  it('of an app without a secret is sent without one', async () => {
    const files = renewing(undefined, { appSecret: null })
    await files.stat('a')
    expect(new URLSearchParams(files.asked[0]!.body.toString()).has('client_secret')).toBe(false)
  })

  it('gives one token to however many calls are waiting', async () => {
    const files = renewing()
    await Promise.all(Array.from({ length: 20 }, () => files.stat('a')))
    expect(files.asked.filter(isToken)).toHaveLength(1)
  })

  it('gives another one before the end of the first, in the background', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const files = renewing()
    await files.stat('a')
    vi.setSystemTime(Date.now() + (14_400 - 301) * 1000)
    await files.stat('a')
    expect(files.asked.filter(isToken)).toHaveLength(1)
    vi.setSystemTime(Date.now() + 2000)
    await Promise.all([files.stat('a'), files.stat('a')])
    expect(files.asked.filter(isToken)).toHaveLength(2)
    expect(files.asked.filter(asked => !isToken(asked)).map(bearer)).toEqual(Array(4).fill('Bearer t1'))
    await files.stat('a')
    expect(bearer(files.asked.at(-1)!)).toBe('Bearer t2')
    // Once it has ended, nobody is sent away with it.
    vi.setSystemTime(Date.now() + 20_000_000)
    await files.stat('a')
    expect(bearer(files.asked.at(-1)!)).toBe('Bearer t3')
  })

  it('gives another one when the service says that it has ended: once for many calls', async () => {
    const files = renewing(token => token !== 't1')
    const found = await Promise.all(Array.from({ length: 5 }, () => files.exists('a')))
    expect(found).toEqual(Array(5).fill(true))
    expect(files.asked.filter(isToken)).toHaveLength(2)
  })

  it('is asked once more only: a token that is refused again is an error', async () => {
    const files = renewing(() => false)
    await expect(files.exists('a')).rejects.toMatchObject({ code: 'permission_denied' })
    expect(files.asked.map(isToken)).toEqual([true, false, true, false])
  })

  it('is not asked again for a permission that the app lacks, which is named', async () => {
    const files = scripted(
      asked =>
        isToken(asked)
          ? { json: { access_token: 't', expires_in: 100 } }
          : refused('missing_scope', { required_scope: 'files.content.read' }),
      RENEWING,
    )
    await expect(files.readBytes('a')).rejects.toThrow(/permission files\.content\.read/)
    expect(files.asked.filter(isToken)).toHaveLength(1)
  })

  it('waits for the token that was given beside it to end', async () => {
    const files = renewing(token => token === 'given' || token === 't2', { oauth2AccessToken: 'given' })
    await files.stat('a')
    expect(files.asked.map(bearer)).toEqual(['Bearer given'])
    const ended = renewing(token => token === 't1', { oauth2AccessToken: 'given' })
    await Promise.all([ended.stat('a'), ended.stat('a')])
    expect(ended.asked.filter(isToken)).toHaveLength(1)
    await ended.stat('a')
    expect(bearer(ended.asked.at(-1)!)).toBe('Bearer t1')
  })

  it.each<[string, Scripted, string]>([
    [
      'that was revoked',
      { status: 400, body: '{"error":"invalid_grant","error_description":"refresh token is invalid"}' },
      'permission_denied',
    ],
    [
      'of another app',
      { status: 400, body: '{"error":"invalid_client: Invalid client_id or client_secret"}' },
      'permission_denied',
    ],
    ['to a page', { status: 200, body: '<html>login</html>' }, 'unavailable'],
    ['without a token', { json: { token_type: 'bearer' } }, 'unavailable'],
    ['with a token that no header takes', { json: { access_token: 'a\r\nb' } }, 'unavailable'],
    ['when the service is down', { status: 503, body: '' }, 'unavailable'],
    ['too often', { status: 429, headers: { 'retry-after': '1' }, body: '' }, 'throttled'],
  ])('%s gives none: the call has done nothing, and no secret is shown', async (_, answer, code) => {
    const files = scripted(() => answer, RENEWING)
    const failed = await files.save('a', 'x').catch(reason => reason)
    expect(failed).toMatchObject({ code, outcome: 'not_applied' })
    expect(files.asked.filter(asked => !isToken(asked))).toEqual([])
    const { inspect } = process.getBuiltinModule('node:util')
    for (const text of [failed.message, inspect(failed), JSON.stringify(failed)]) {
      expect(text).not.toContain('refresh+/=')
      expect(text).not.toContain('the&secret')
    }
    // A failure is not remembered.
    await expect(files.exists('a')).rejects.toMatchObject({ code })
    expect(files.asked).toHaveLength(2)
  })

  it.each([undefined, 'soon', 0, -5])('that tells no life (%j) gives a token until it is refused', async life => {
    const files = renewing(undefined, {}, life)
    await files.stat('a')
    await files.stat('a')
    expect(files.asked.filter(isToken)).toHaveLength(1)
  })
})

describe('an access token alone', () => {
  it.each([
    ['expired_access_token', 'DROPBOX_OAUTH2_REFRESH_TOKEN'],
    ['invalid_access_token', 'DROPBOX_OAUTH2_TOKEN'],
  ])('row 211: that is refused (%s) is an error of exists, not false, and says what to set', async (tag, setting) => {
    const files = scripted(() => refused(tag))
    await expect(files.exists('a')).rejects.toMatchObject({ code: 'permission_denied', retryable: false })
    await expect(files.exists('a')).rejects.toThrow(setting)
    expect(files.asked).toHaveLength(2)
  })

  it('that is none is told by plain text', async () => {
    const text = 'Error in call to API function "files/get_metadata": The given OAuth 2 access token is malformed.'
    const files = scripted(() => ({ status: 400, headers: { 'content-type': 'text/plain' }, body: text }))
    await expect(files.exists('a')).rejects.toMatchObject({ code: 'permission_denied', retryable: false })
    await expect(files.exists('a')).rejects.toThrow(/DROPBOX_OAUTH2_TOKEN/)
  })

  it('is in no message, also where the service quotes it', async () => {
    const body = 'Bad request: Authorization: Bearer a-long-secret-token and a-long-secret-token'
    const files = scripted(() => ({ status: 400, headers: { 'content-type': 'text/plain' }, body }), {
      oauth2AccessToken: 'a-long-secret-token',
    })
    const failed = await files.stat('a').catch(reason => reason)
    expect(failed.message).toContain('Bad request')
    expect(failed.message + failed.cause.message).not.toContain('a-long-secret-token')
  })
})
