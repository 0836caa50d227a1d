/** Answers that are odd, and what nevertheless is true in them. */
import { describe, expect, it } from 'vitest'
import { infoOf } from '../../../src/backends/swift/info.ts'
import { type Asked, type Scripted, scriptedClient } from '../../support/scripted-client.ts'
import { storageWith } from './support.ts'

const OWN = { 'x-trans-id': 'tx1', 'x-timestamp': '1600000000.12345', 'last-modified': 'Sun, 13 Sep 2020 12:26:41 GMT' }

/** A storage whose service answers by a script; `/info` tells nothing unless the script answers it. */
function scripted(answer: (asked: Asked, count: number) => Scripted | undefined, options = {}) {
  const httpClient = scriptedClient((asked, count) => {
    return (
      answer(asked, count) ?? (asked.url.endsWith('/info') ? { status: 404, body: '' } : { status: 404, headers: OWN })
    )
  })
  const place = { token: 'a-long-secret-token', storageUrl: 'http://swift.test/v1/AUTH_a', maxAttempts: 1 }
  return { files: storageWith({ ...place, ...options }, { httpClient }), asked: httpClient.asked }
}

const page = (rows: unknown): Scripted => ({
  status: 200,
  headers: { ...OWN, 'content-type': 'application/json' },
  body: JSON.stringify(rows),
})

describe('a listing', () => {
  it('has rows that are odd one by one, and times with and without Z', async () => {
    const rows = [
      null,
      7,
      { bytes: 1 },
      { name: 'bare' },
      { name: 'b', bytes: -5, hash: 7, last_modified: 'soon' },
      { name: 'c', bytes: 3, hash: 'abc', last_modified: '2020-09-13T12:26:40.123450', content_type: 'text/plain' },
      { name: 'd', bytes: 4, slo_etag: '"quoted"', hash: 'x', last_modified: '2020-09-13T12:26:40.123450Z' },
      { subdir: 'e/' },
      { subdir: 9 },
    ]
    const { files } = scripted(({ method, url }) => {
      if (method === 'GET' && url.includes('/media?')) return url.includes('marker=') ? page([]) : page(rows)
      if (method === 'HEAD') return { status: 200, headers: { ...OWN, 'content-length': '8', etag: 'own' } }
      return undefined
    })
    const { entries } = await files.page('')
    const time = new Date('2020-09-13T12:26:40.123Z')
    const [folder, ...rest] = entries
    expect(folder).toMatchObject({ name: 'e', isDirectory: true })
    expect(rest.map(({ name, size, etag, modifiedAt }) => [name, size, etag, modifiedAt])).toEqual([
      ['bare', 8, 'own', time],
      ['b', 8, 'own', time],
      ['c', 3, 'abc', time],
      ['d', 4, 'quoted', time],
    ])
    expect((await files.stat('c')).modifiedAt).toEqual(time)
  })

  it('that does not go on is an error', async () => {
    const { files } = scripted(({ url }) => (url.includes('/media?') ? page([{ name: 'a', bytes: 1 }]) : undefined))
    await expect(files.listdir('')).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('of status 204 is empty', async () => {
    const { files } = scripted(({ url }) => (url.includes('/media?') ? { status: 204, headers: OWN } : undefined))
    expect(await files.listdir('')).toEqual([[], []])
  })
})

describe('a 404', () => {
  it('that is not of Swift says nothing of a file', async () => {
    const { files } = scripted(() => ({
      status: 404,
      headers: { 'content-type': 'text/html' },
      body: '<html>Not here</html>',
    }))
    await expect(files.readBytes('a')).rejects.toMatchObject({ code: 'improperly_configured' })
    await expect(files.exists('a')).rejects.toMatchObject({ code: 'improperly_configured' })
  })
})

describe('an error', () => {
  it('has the sentence of its page, the id of the request, and no token', async () => {
    const body = '<html><h1>Forbidden</h1><p>Access was denied to this resource with a-long-secret-token.</p></html>'
    const { files } = scripted(() => ({ status: 403, headers: { ...OWN, 'content-type': 'text/html' }, body }))
    const error = await files.readBytes('a').catch(reason => reason)
    expect(error).toMatchObject({ code: 'permission_denied', status: 403, requestId: 'tx1' })
    expect(String(error.cause)).toContain('Access was denied to this resource')
    expect(`${error.message}${error.cause}`).not.toContain('secret-token')
  })

  it.each([
    [409, 'GET', 'unavailable'],
    [413, 'PUT', 'too_large'],
    [422, 'PUT', 'checksum_mismatch'],
    [498, 'GET', 'throttled'],
    [507, 'PUT', 'unavailable'],
  ])('%d to a %s is %s', async (status, method, code) => {
    const { files } = scripted(asked =>
      asked.method === method && asked.url.includes('/media/') ? { status, headers: OWN } : undefined,
    )
    const call = method === 'GET' ? files.readBytes('a') : files.save('a', 'x')
    await expect(call).rejects.toMatchObject({ code, status })
  })
})

describe('/info', () => {
  it('is read field by field', () => {
    const nothing = { isKnown: false, slo: undefined, bulkDeletes: undefined, digests: undefined }
    for (const document of [{}, { swift: 7, slo: null, tempurl: 'x' }]) expect(infoOf(document)).toMatchObject(nothing)
    expect(infoOf({ swift: { max_file_size: 'x' }, slo: {}, bulk_delete: {}, tempurl: {} })).toEqual({
      isKnown: true,
      maxFileSize: 5 * 1024 ** 3 + 2,
      listingLimit: undefined,
      slo: { maxSegments: 1000, minSegmentSize: 1 },
      bulkDeletes: 1000,
      digests: ['sha1'],
    })
    const told = { swift: { container_listing_limit: 500 }, bulk_delete: { max_deletes_per_request: 3 } }
    expect(infoOf({ ...told, tempurl: { allowed_digests: ['sha512', 'md5'] } })).toMatchObject({
      listingLimit: 500,
      bulkDeletes: 3,
      digests: ['sha512'],
    })
  })

  it.each([
    ['http://swift.test/v1/AUTH_a', 'http://swift.test/info'],
    ['http://rgw.test/swift/v1/AUTH_a', 'http://rgw.test/swift/info'],
    ['http://rgw.test/swift/v1', 'http://rgw.test/swift/info'],
  ])('of %s is at %s, without a token', async (storageUrl, info) => {
    const { files, asked } = scripted(({ url }) => (url.includes('/media?') ? page([]) : undefined), { storageUrl })
    await files.listdir('')
    expect(asked[0]).toMatchObject({ url: info, headers: {} })
  })
})

describe('a bulk deletion', () => {
  it('that answers for other names, or with other sums, leaves no name without a result', async () => {
    const { files } = scripted(
      ({ method, url }) => {
        if (url.endsWith('/info')) return { json: { swift: {}, bulk_delete: {} } }
        if (method !== 'POST') return undefined
        const Errors = [['/media/b', '500 Internal Error'], ['/other/x', '403 Forbidden'], 'odd', [7, 8]]
        return { json: { 'Response Status': '400 Bad Request', 'Number Deleted': 1, 'Number Not Found': 0, Errors } }
      },
      { leaveSegments: true },
    )
    const { deleted, errors } = await files.deleteMany(['a', 'b', 'c'])
    expect([deleted, errors.map(({ name, error }) => [name, error.code, error.outcome])]).toEqual([
      0,
      ['a', 'b', 'c'].map(name => [name, 'unavailable', 'unknown']),
    ])
  })
})
