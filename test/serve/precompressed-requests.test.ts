import { gunzipSync, gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { S3Storage } from '../../src/backends/s3/index.ts'
import { createFileHandler } from '../../src/serve/index.ts'
import { startStrictS3 } from '../servers/strict-s3.ts'
import { ALL, BROWSER, NOWHERE, PACKED, site, TEXT } from './static-site.ts'

test('without the option nothing but the file is looked at', async () => {
  for (const precompressed of [undefined, false, []] as const) {
    await using web = await site(ALL, { precompressed })
    const answer = await web.get('a.css', BROWSER)
    expect([await answer.text(), answer.headers.get('vary'), answer.headers.get('content-encoding')]).toEqual([
      TEXT,
      null,
      null,
    ])
    expect(web.calls).toEqual(['stat a.css', 'read a.css'])
  }
})

test('the file and its best sibling cost two looks; the other siblings are looked at only where that one is missing', async () => {
  await using web = await site({ ...ALL, 'b.js': 'b', 'b.js.gz': gzipSync('b'), 'c.js': 'c' })
  const calls = async (name: string, accepted: string | null, method = 'GET') => {
    web.calls.length = 0
    await (await web.get(name, accepted, {}, method)).text()
    return web.calls.join(', ')
  }
  expect(await calls('a.css', BROWSER)).toBe('stat a.css, stat a.css.br, read a.css.br')
  expect(await calls('a.css', BROWSER, 'HEAD')).toBe('stat a.css, stat a.css.br')
  expect(await calls('a.css', 'gzip')).toBe('stat a.css, stat a.css.gz, read a.css.gz')
  expect(await calls('a.css', null)).toBe('stat a.css, read a.css')
  const stats = (name: string) => ['', '.br', '.zst', '.gz'].map(extension => `stat ${name}${extension}`).join(', ')
  expect(await calls('b.js', BROWSER)).toBe(`${stats('b.js')}, read b.js.gz`)
  expect(await calls('c.js', BROWSER)).toBe(`${stats('c.js')}, read c.js`)
})

test('names whose format compresses already, or that are packed themselves, have no siblings', async () => {
  const names = ['a.png', 'a.jpg', 'a.webp', 'a.mp4', 'a.woff2', 'a.woff', 'a.zip', 'a.svgz', 'a.css.gz', 'a.tar.gz']
  await using web = await site(
    Object.fromEntries(
      names.flatMap(
        name =>
          [
            [name, 'x'],
            [`${name}.br`, 'y'],
          ] as const,
      ),
    ),
  )
  for (const name of names) {
    web.calls.length = 0
    const answer = await web.get(name, BROWSER)
    expect([await answer.text(), answer.headers.get('vary')], name).toEqual(['x', null])
    expect(web.calls).toEqual([`stat ${name}`, `read ${name}`])
  }
  for (const name of [
    'a.svg',
    'a.ico',
    'a.bmp',
    'a.ttf',
    'a.eot',
    'a.wasm',
    'a.json',
    'a.html',
    'a.unknown',
    'LICENSE',
  ]) {
    expect((await web.get(name, BROWSER)).status).toBe(404)
    expect(web.calls, name).toContain(`stat ${name}.br`)
  }
})

test('in a bucket the requests are those of the looks and of the bytes', async () => {
  const server = await startStrictS3()
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = server.credentials
  const options = { bucketName: 'media', endpointUrl: server.url, accessKey, secretKey }
  const storage = new S3Storage(options, NOWHERE)
  const gzipping = new S3Storage({ ...options, gzip: true }, NOWHERE)
  const get = async (from: S3Storage, name: string, accepted: string | null, method = 'GET') => {
    server.requests.length = 0
    const headers: Record<string, string> = accepted === null ? {} : { 'accept-encoding': accepted }
    const answer = await createFileHandler(from, { precompressed: true, trusted: true })(
      new Request(`http://h/${name}`, { method, headers }),
    )
    const body = Buffer.from(await answer.arrayBuffer())
    const { headers: shown } = answer
    const asked = server.requests.map(({ operation }) => operation).join(' ')
    return { body, coding: shown.get('content-encoding'), vary: shown.get('vary'), asked, tag: shown.get('etag') }
  }
  try {
    for (const [name, content] of Object.entries(ALL)) await storage.save(name, content)
    const packed = await get(storage, 'a.css', BROWSER)
    expect(packed).toMatchObject({ coding: 'br', vary: 'Accept-Encoding', asked: 'HeadObject HeadObject GetObject' })
    expect(packed.body).toEqual(PACKED.br)
    expect((await get(storage, 'a.css', BROWSER, 'HEAD')).asked).toBe('HeadObject HeadObject')
    expect((await get(storage, 'a.css', null)).asked).toBe('HeadObject GetObject')
    // AWS_IS_GZIPPED: the storage unpacks what it has packed, for every client.
    await gzipping.save('page.css', TEXT)
    for (const accepted of [null, 'gzip', 'identity']) {
      const unpacked = await get(gzipping, 'page.css', accepted)
      expect([unpacked.body.toString(), unpacked.coding, unpacked.vary]).toEqual([TEXT, null, 'Accept-Encoding'])
    }
    // A storage without the option passes it on, unpacked for who refuses it.
    const passed = await get(storage, 'page.css', 'gzip, br')
    expect([gunzipSync(passed.body).toString(), passed.coding]).toEqual([TEXT, 'gzip'])
    const refused = await get(storage, 'page.css', 'identity')
    expect([refused.body.toString(), refused.coding, refused.vary]).toEqual([TEXT, null, 'Accept-Encoding'])
    expect(refused.tag).not.toBe(passed.tag)
    expect(refused.asked).toBe('HeadObject GetObject')
  } finally {
    await storage.close()
    await gzipping.close()
    await server.close()
  }
})
