import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { presignV2, signV2 } from '../../../src/remote/sign/v2.ts'

const KEYS = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' }
const NOW = new Date('2007-03-27T19:36:42Z')

interface Case {
  readonly method: string
  readonly path: string
  readonly resource: string | null
  readonly query: Array<[string, string?]>
  readonly headers: Record<string, string>
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string | null
  /** Unix time in seconds. */
  readonly now: number
  readonly expires: number
  readonly date: string
  readonly authorization: string
  readonly presigned: string
}

test('500 random requests are signed like botocore signs them, in header and query', () => {
  const fixture = readFileSync(new URL('fixtures/v2.json', import.meta.url), 'utf8')
  const { cases } = JSON.parse(fixture) as { cases: Case[] }
  expect(cases).toHaveLength(500)
  for (const [index, item] of cases.entries()) {
    const { method, path, query, headers, accessKeyId, secretAccessKey } = item
    const credentials = { accessKeyId, secretAccessKey, sessionToken: item.sessionToken ?? undefined }
    const options = { now: new Date(item.now * 1000), resource: item.resource ?? undefined }
    const signed = signV2({ method, path, query, headers }, credentials, options)
    expect([index, signed['date'], signed['authorization']]).toEqual([index, item.date, item.authorization])
    expect(signed['x-amz-security-token']).toBe(credentials.sessionToken)
    const presigned = presignV2({ method, path, query, headers }, credentials, {
      ...options,
      expiresInSecs: item.expires,
    })
    expect([index, presigned]).toEqual([index, item.presigned])
  }
})

/** The examples of https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html */
test.each([
  [
    'get',
    {
      method: 'GET',
      path: '/photos/puppy.jpg',
      headers: { host: 'awsexamplebucket1.us-west-1.s3.amazonaws.com', Date: 'Tue, 27 Mar 2007 19:36:42 +0000' },
    },
    '/awsexamplebucket1/photos/puppy.jpg',
    'qgk2+6Sv9/oM7G3qLEjTH1a1l1g=',
  ],
  [
    'put',
    {
      method: 'PUT',
      path: '/photos/puppy.jpg',
      headers: {
        'Content-Type': 'image/jpeg',
        'Content-Length': '94328',
        host: 'awsexamplebucket1.s3.us-west-1.amazonaws.com',
        Date: 'Tue, 27 Mar 2007 21:15:45 +0000',
      },
    },
    '/awsexamplebucket1/photos/puppy.jpg',
    'iqRzw+ileNPu1fhspnRs8nOjjIA=',
  ],
  [
    'list',
    {
      method: 'GET',
      path: '/',
      query: 'prefix=photos&max-keys=50&marker=puppy',
      headers: { host: 'awsexamplebucket1.s3.us-west-1.amazonaws.com', Date: 'Tue, 27 Mar 2007 19:42:41 +0000' },
    },
    '/awsexamplebucket1/',
    'm0WP8eCtspQl5Ahe6L1SozdX9YA=',
  ],
  [
    'access list',
    {
      method: 'GET',
      path: '/',
      query: [['acl'] as const],
      headers: { host: 'awsexamplebucket1.s3.us-west-1.amazonaws.com', Date: 'Tue, 27 Mar 2007 19:44:46 +0000' },
    },
    '/awsexamplebucket1/',
    '82ZHiFIjc+WbcwFKGUVEQspPn+0=',
  ],
  [
    'all buckets',
    {
      method: 'GET',
      path: '/',
      headers: { host: 's3.us-west-1.amazonaws.com', Date: 'Wed, 28 Mar 2007 01:29:59 +0000' },
    },
    undefined,
    'qGdzdERIC03wnaRNKh6OqZehG9s=',
  ],
  [
    'Unicode key',
    {
      method: 'GET',
      path: '/dictionary/fran%C3%A7ais/pr%c3%a9f%c3%a8re',
      headers: { host: 's3.us-west-1.amazonaws.com', Date: 'Wed, 28 Mar 2007 01:49:49 +0000' },
    },
    undefined,
    'DNEZGsoieTZ92F3bUfSPQcbGmlM=',
  ],
])('signs the documentation’s %s', (_, request, resource, signature) => {
  const headers = signV2(request, KEYS, { now: NOW, resource })
  expect(headers).toEqual({ authorization: `AWS AKIAIOSFODNN7EXAMPLE:${signature}` })
})

test('the documentation’s query', () => {
  const request = {
    method: 'GET',
    path: '/photos/puppy.jpg',
    headers: { host: 'johnsmith.s3.amazonaws.com' },
  }
  const now = new Date(1_175_139_620_000 - 60_000)
  const query = presignV2(request, KEYS, { now, resource: '/johnsmith/photos/puppy.jpg', expiresInSecs: 60 })
  expect(query).toMatch(/^AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=[^&]+&Expires=1175139620$/)
  expect(new URLSearchParams(query).get('Signature')).toBe('NpgCjnDzrM+WFzoENXmpNDUsSn8=')
})

test('an x-amz-date takes the place of the date', () => {
  const request = { method: 'DELETE', path: '/b/k', headers: { 'x-amz-date': NOW.toUTCString() } }
  const signed = signV2(request, KEYS, { now: new Date(0) })
  expect(Object.keys(signed)).toEqual(['authorization'])
  const dated = { ...request, headers: { ...request.headers, date: 'Thu, 01 Jan 1970 00:00:00 GMT' } }
  expect(signV2(dated, KEYS, { now: NOW })).toEqual(signed)
})

test('a URL lives from a second to ten years', () => {
  const request = { method: 'GET', path: '/b/k', headers: {} }
  expect(presignV2(request, KEYS, { now: NOW, expiresInSecs: 10 * 365 * 86_400 })).toContain('&Expires=1490384202')
  for (const expiresInSecs of [0, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 10 * 365 * 86_400 + 1]) {
    expect(() => presignV2(request, KEYS, { now: NOW, expiresInSecs })).toThrow(
      expect.objectContaining({ code: 'invalid_argument', message: expect.stringContaining('from 1 to 315360000') }),
    )
  }
})
