import { hash } from 'node:crypto'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { canonicalQuery, encodedPairs } from '../../../src/remote/sign/query.ts'
import { signingKey } from '../../../src/remote/sign/signing-key.ts'
import { localFetch } from '../places/rgw.ts'
import { outcomeOf, type Place, type Refused } from './place.ts'
import type { DjangoSettings } from './python.ts'
import { PLAIN_URLS, SERVER_URLS, type UrlCase } from './url-cases.ts'

const NAME = "a b/é&+?#%~!*()'@:,;$=.txt"
const NOW = new Date('2024-02-29T12:34:56Z')
const KEYS = {
  AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  AWS_STORAGE_BUCKET_NAME: 'media',
}

/** The URL that each side makes of the same settings at the same moment. */
async function bothOf(
  place: Place,
  settings: DjangoSettings,
  wanted: UrlCase,
  now: Date,
): Promise<[theirs: string | Refused, ours: string | Refused]> {
  const { name = NAME, env = {}, parameters, expire, method } = wanted
  const args = { name, parameters: parameters ?? null, expire: expire ?? null, http_method: method ?? null }
  const theirs = await outcomeOf(() => place.django.ask<string>('url', { settings, env, now }, args))
  vi.useFakeTimers({ toFake: ['Date'], now })
  const ours = await outcomeOf(async () => {
    await using storage = place.holdall(settings, env)
    return await storage.url(name, { parameters, expiresInSecs: expire, ...(method && { method }) })
  })
  vi.useRealTimers()
  return [theirs, ours]
}

/**
 * A URL as far as it must be equal. By version 4 ours is that of the official client of today, which adds
 * X-Amz-Content-Sha256 and sorts the query (see test/backends/s3/presign.test.ts); boto signs without that parameter.
 */
function comparable(url: string | Refused): unknown {
  if (typeof url !== 'string' || !url.includes('X-Amz-Signature=')) return url
  const [start, query] = splitQuery(url)
  return [start, query.filter(pair => !/^X-Amz-(Signature|Content-Sha256)=/.test(pair)).sort()]
}

function splitQuery(url: string): [start: string, query: string[]] {
  const at = url.indexOf('?')
  return [url.slice(0, at), url.slice(at + 1).split('&')]
}

/** The signature that our signer makes of boto's own parameters. */
function signatureOf(url: string, method: string, secret: string): string {
  const [, query] = splitQuery(url)
  const { host, pathname, searchParams } = new URL(url)
  const signed = query.filter(pair => !pair.startsWith('X-Amz-Signature='))
  const canonical = canonicalQuery(encodedPairs(signed.join('&')))
  const request = [method, pathname, canonical, `host:${host}`, '', 'host', 'UNSIGNED-PAYLOAD'].join('\n')
  const scope = searchParams.get('X-Amz-Credential')!.split('/').slice(1)
  const text = ['AWS4-HMAC-SHA256', searchParams.get('X-Amz-Date'), scope.join('/'), hash('sha256', request)].join('\n')
  const [date = '', region = ''] = scope
  return signingKey(secret, { region }, date).hmac.sign(text)
}

function expectEqual(
  wanted: UrlCase,
  settings: DjangoSettings,
  theirs: string | Refused,
  ours: string | Refused,
): void {
  const { differs, method = 'GET' } = wanted
  if (differs !== undefined) {
    expect(theirs, differs.why).toEqual(beginning(differs.django))
    expect(ours, differs.why).toEqual(beginning(differs.holdall))
    return
  }
  expect(comparable(ours)).toEqual(comparable(theirs))
  if (typeof theirs !== 'string' || !theirs.includes('X-Amz-Signature=')) return
  const secret = String(settings['AWS_SECRET_ACCESS_KEY'] ?? wanted.env?.['AWS_SECRET_ACCESS_KEY'])
  expect(signatureOf(theirs, method, secret)).toBe(new URL(theirs).searchParams.get('X-Amz-Signature'))
}

function beginning(expected: string | Refused): unknown {
  if (typeof expected !== 'string') return expect.objectContaining(expected)
  return expect.toSatisfy((url: unknown) => typeof url === 'string' && url.startsWith(expected), expected)
}

async function answerOf(url: string | Refused, method: string): Promise<unknown> {
  const response = await localFetch(String(url), { method, ...(method === 'PUT' ? { body: Buffer.from('sent') } : {}) })
  const headers = Object.fromEntries(
    [...response.headers].filter(
      ([name]) => !/^(date|x-amz-request-id|last-modified|connection|keep-alive)$/.test(name),
    ),
  )
  return { status: response.status, headers, body: await response.text() }
}

/** Every URL is made by both; those of the running server are then asked for. */
export function describeUrls(place: Place): void {
  afterEach(() => vi.useRealTimers())

  describe('a URL', () => {
    test.each(PLAIN_URLS)('$title', async wanted => {
      const settings = { ...KEYS, ...wanted.settings }
      expectEqual(wanted, settings, ...(await bothOf(place, settings, wanted, NOW)))
    })
  })

  describe.each(['s3', 's3v4'])("a URL of the server, version '%s'", version => {
    test.each(SERVER_URLS)('$title', async wanted => {
      const settings = place.settings({ AWS_S3_SIGNATURE_VERSION: version, ...wanted.settings })
      const { name = NAME, method = 'GET' } = wanted
      await using storage = place.holdall(settings)
      await storage.save(name, 'content', { cacheControl: 'max-age=5' })
      const [theirs, ours] = await bothOf(place, settings, wanted, new Date())
      expectEqual(wanted, settings, theirs, ours)
      const answers: unknown[] = []
      for (const url of [theirs, ours]) {
        if (method === 'DELETE') await storage.save(name, 'content')
        answers.push(await answerOf(url, method))
        if (method === 'DELETE') expect(await storage.exists(name)).toBe(false)
      }
      expect(answers[0]).toMatchObject({
        status: method === 'DELETE' ? 204 : 200,
        body: method === 'GET' ? 'content' : '',
      })
      expect(answers[1]).toEqual(answers[0])
    })
  })
}
