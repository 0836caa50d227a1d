import { expect, test } from 'vitest'
import { S3Storage } from '../../src/backends/s3/index.ts'
import { createFileHandler } from '../../src/serve/index.ts'
import { startStrictS3 } from '../servers/strict-s3.ts'

test('a bucket is served as a folder is', async () => {
  const server = await startStrictS3()
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = server.credentials
  const options = { bucketName: 'media', endpointUrl: server.url, accessKey, secretKey, location: 'in', gzip: true }
  const storage = new S3Storage(options, { env: {}, settings: {} })
  const handler = createFileHandler(storage, { basePath: '/m' })
  const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    handler(new Request(`http://localhost/m/${path}`, { headers, method }))
  try {
    await storage.save('a/grün.bin', '0123456789', { cacheControl: 'max-age=9' })
    await storage.save('page.css', 'body {}'.repeat(100))
    const whole = await get('a/gr%C3%BCn.bin')
    expect([whole.status, await whole.text()]).toEqual([200, '0123456789'])
    expect(Object.fromEntries(whole.headers)).toMatchObject({ 'content-length': '10', 'cache-control': 'max-age=9' })
    const etag = whole.headers.get('etag')!
    expect((await get('a/gr%C3%BCn.bin', { 'if-none-match': etag })).status).toBe(304)
    const part = await get('a/gr%C3%BCn.bin', { range: 'bytes=2-4', 'if-range': etag })
    expect([part.status, await part.text(), part.headers.get('content-range')]).toEqual([206, '234', 'bytes 2-4/10'])
    expect((await get('a/gr%C3%BCn.bin', { range: 'bytes=10-' })).status).toBe(416)
    server.requests.length = 0
    expect((await get('a/gr%C3%BCn.bin', {}, 'HEAD')).headers.get('content-length')).toBe('10')
    expect(server.requests.map(({ operation }) => operation)).toEqual(['HeadObject'])
    const unpacked = await get('page.css')
    expect([await unpacked.text(), unpacked.headers.get('content-encoding')]).toEqual(['body {}'.repeat(100), null])
    for (const missing of ['none', 'a', 'a/', '%2e%2e/page.css']) expect((await get(missing)).status).toBe(404)
    expect((await get('page.css', {}, 'PUT')).status).toBe(405)
  } finally {
    await storage.close()
    await server.close()
  }
})
