import { expect, onTestFinished, test } from 'vitest'
import { uploadPage } from '../../../src/backends/s3/listing.ts'
import { parseXml } from '../../../src/remote/xml.ts'
import { plainContext } from '../../../src/testing/index.ts'
import { type Scripted, scripted, storageOf } from './scripted.ts'

const ctx = plainContext()

/** A service whose pages are these texts, one after the other; other requests are answered by `size`. */
function listing(pages: readonly string[], size = 7): Promise<Scripted> {
  let next = 0
  return scripted(({ method }, response) => {
    if (method === 'HEAD') response.writeHead(200, { etag: '"e"', 'content-length': size }).end()
    else response.end(`<ListBucketResult>${pages[next++] ?? ''}</ListBucketResult>`)
  })
}

const file = (key: string, more = '<Size>1</Size>') => `<Contents><Key>${key}</Key>${more}</Contents>`
const more = (token: string) => `<IsTruncated>true</IsTruncated><NextContinuationToken>${token}</NextContinuationToken>`
const queryOf = ({ asked }: Scripted, at = -1) => new URL(`http://x${asked.at(at)!.url}`).searchParams

test('each key is decoded by itself, and what is not encoded as announced stays', async () => {
  const keys = ['50%.txt', 'm%FCll.txt', 'good%20one%.txt', 'plus+sign%2B', '%E2%82%AC']
  await using server = await listing([`<EncodingType>url</EncodingType>${keys.map(key => file(key)).join('')}`])
  await using files = storageOf(server.options)
  expect((await files.listdir())[1]).toEqual(['50%.txt', 'm%FCll.txt', 'good one%.txt', 'plus sign+', '€'])
})

test('a key with characters that XML cannot contain spoils no other one, where the service does not encode keys', async () => {
  await using server = await listing([`${file('a')}${file('b\u0001')}${file('c&#x1F;')}${file('d')}`])
  await using files = storageOf(server.options)
  expect((await files.listdir())[1]).toEqual(['a', 'b\ufffd', 'c\ufffd', 'd'])
})

test('a date that is none says nothing, and a size that is missing is asked for', async () => {
  const times = ['2026-01-02T03:04:05.000Z', 'Fri, 02 Jan 2026 03:04:05 GMT', '2026-01-02T04:04:05+01:00', 'soon', '']
  const dated = times.map((time, at) => file(`dated ${at}`, `<Size>1</Size><LastModified>${time}</LastModified>`))
  const sizes = ['', '<Size/>', '<Size>many</Size>', '<Size>-1</Size>'].map((size, at) => file(`sized ${at}`, size))
  await using server = await listing([[...dated, ...sizes].join('')])
  await using files = storageOf(server.options)
  const { entries } = await files.page()
  const moment = new Date('2026-01-02T03:04:05Z')
  expect(entries.slice(0, 5).map(entry => entry.modifiedAt)).toEqual([moment, moment, moment, undefined, undefined])
  expect(entries.slice(5).map(entry => entry.size)).toEqual([7, 7, 7, 7])
})

test('what is not below the folder is left out, and so are keys without a name', async () => {
  const prefixes = ['d/sub/', 'd/', 'e/sub/', ''].map(key => `<CommonPrefixes><Prefix>${key}</Prefix></CommonPrefixes>`)
  await using server = await listing([[file('d/a'), file('e/a'), file(''), file('d/'), ...prefixes].join('')])
  await using files = storageOf(server.options)
  expect(await files.listdir('d')).toEqual([['sub'], ['a']])
})

test('a range begins at start-after and ends with the page that reaches its end', async () => {
  const pages = [`${more('t1')}${file('d/b')}${file('d/c')}`, `${more('t2')}${file('d/d')}${file('d/f')}`, file('d/g')]
  await using server = await listing(pages)
  await using files = storageOf(server.options)
  const names: string[] = []
  for await (const { name } of files.entries('d', { recursive: true, startAfter: 'd/b', until: 'd/e' }))
    names.push(name)
  // The service of this test begins at d/b all the same.
  expect(names).toEqual(['d/c', 'd/d'])
  expect(server.asked).toHaveLength(2)
  expect([queryOf(server, 0).get('start-after'), queryOf(server, 1).get('start-after')]).toEqual(['d/b', null])
  expect(queryOf(server, 1).get('continuation-token')).toBe('t1')
})

test('a range that has nothing of the folder asks nothing', async () => {
  await using server = await listing([file('d/a')])
  await using files = storageOf(server.options)
  for (const range of [{ startAfter: 'e' }, { startAfter: 'd0' }, { until: 'd/' }, { until: 'c' }]) {
    expect((await files.page('d', { recursive: true, ...range })).entries).toEqual([])
  }
  expect(server.asked).toEqual([])
  await files.page('d', { startAfter: 'c' })
  expect(queryOf(server).has('start-after')).toBe(false)
})

test('a service without order has no ranges, and lists as before', async () => {
  const page = `${file('b')}${file('a')}`
  await using server = await listing([page, page])
  await using files = storageOf(server.options)
  expect((await files.listdir())[1]).toEqual(['b', 'a'])
  await expect(files.page('', { until: 'c' })).rejects.toMatchObject({ code: 'unsupported' })
})

test('a token that comes again, or none where there should be one, is an error', async () => {
  await using server = await listing([
    `${more('t')}${file('a')}`,
    `${more('t')}${file('b')}`,
    '<IsTruncated>true</IsTruncated>',
  ])
  await using files = storageOf(server.options)
  const { driver } = files.calls
  expect((await driver.list('', { recursive: true }, ctx)).next).toBe('t')
  await expect(driver.list('', { recursive: true, token: 't' }, ctx)).rejects.toMatchObject({ code: 'unavailable' })
  await expect(files.listdir()).rejects.toMatchObject({ code: 'unavailable', retryable: false })
})

test('a service that ignores the delimiter still has folders and names without slashes', async () => {
  const keys = ['d/a', 'd/sub/b', 'd/sub/c', 'd/sub/deep/e', 'd/z']
  await using server = await listing([keys.map(key => file(key)).join('')])
  await using files = storageOf(server.options)
  expect(await files.listdir('d')).toEqual([['sub'], ['a', 'z']])
})

test('uploads under way have times without a zone in UTC, and a missing or odd one is no time', async () => {
  const { TZ } = process.env
  onTestFinished(() => void (TZ === undefined ? delete process.env['TZ'] : (process.env['TZ'] = TZ)))
  process.env['TZ'] = 'America/New_York'
  const times = ['2026-01-02T03:04:05.000Z', '2026-01-02T03:04:05', 'Fri Jan  2 03:04:05 2026', 'soon', '']
  const uploads = times.map(
    (at, id) => `<Upload><Key>a</Key><UploadId>${id}</UploadId><Initiated>${at}</Initiated></Upload>`,
  )
  const next =
    '<IsTruncated> true </IsTruncated><NextKeyMarker>a</NextKeyMarker><NextUploadIdMarker>9</NextUploadIdMarker>'
  const root = await parseXml(`<ListMultipartUploadsResult>${uploads.join('')}${next}</ListMultipartUploadsResult>`)
  const page = uploadPage(root, {})
  const moment = Date.parse('2026-01-02T03:04:05Z')
  expect(page.uploads.map(({ at }) => at)).toEqual([moment, moment, moment, Number.NaN, Number.NaN])
  expect(page.next).toBe('[["key-marker","a"],["upload-id-marker","9"]]')
})
