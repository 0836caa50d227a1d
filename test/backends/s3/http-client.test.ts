import { Agent } from 'undici'
import { describe, expect, test } from 'vitest'
import { S3Storage } from '../../../src/backends/s3/index.ts'
import type { S3Options } from '../../../src/backends/s3/settings/settings.ts'
import type { Input } from '../../../src/core/settings.ts'
import { dispatcherClient, fetchClient, type HttpClient, NodeClient } from '../../../src/http/index.ts'
import { startStrictS3 } from '../../servers/strict-s3.ts'
import { scripted, storageOf } from './scripted.ts'

describe('a client that a program brings', () => {
  const agent = new Agent()
  test.each<[string, HttpClient]>([
    ['node:http', new NodeClient()],
    ['fetch', fetchClient()],
    ['a dispatcher', dispatcherClient(agent)],
  ])('over %s serves a whole storage and is not closed with it', async (_what, httpClient) => {
    const server = await startStrictS3()
    const { accessKeyId: accessKey, secretAccessKey: secretKey } = server.credentials
    const options = { accessKey, secretKey, bucketName: 'media', regionName: server.region, endpointUrl: server.url }
    for (let round = 0; round < 2; round++) {
      await using files = new S3Storage({ ...options, fileOverwrite: true }, { settings: {}, env: {}, httpClient })
      await files.save('a b/\u00e4.txt', 'text')
      await files.save('large.bin', Buffer.alloc(100_000, 'x'))
      expect(await files.readText('a b/\u00e4.txt')).toBe('text')
      expect((await files.readBytes('large.bin', { start: 99_990 })).toString()).toBe('x'.repeat(10))
      expect(await files.size('large.bin')).toBe(100_000)
      expect(await files.listdir()).toEqual([['a b'], ['large.bin']])
      expect((await files.deleteMany(['a b/\u00e4.txt', 'large.bin'])).deleted).toBe(2)
      expect(await files.exists('large.bin')).toBe(false)
    }
    await httpClient.close()
    const files = new S3Storage(options, { settings: {}, env: {}, httpClient })
    await expect(files.exists('x')).rejects.toMatchObject({ code: 'closed' })
    await server.close()
  })
  test('is closed by its owner', () => agent.destroy())

  test('tells its secrets, which no error shows', async () => {
    await using service = await scripted((_request, response) => {
      response.writeHead(403).end('<Error><Code>AccessDenied</Code><Message>not with hunter2hunter2</Message></Error>')
    })
    const inner = new NodeClient()
    const httpClient: HttpClient = {
      request: (request, ctx) => inner.request(request, ctx),
      close: () => inner.close(),
      secrets: ['hunter2hunter2'],
    }
    const files = new S3Storage(service.options, { settings: {}, env: {}, httpClient })
    const error = await files.save('a', 'x').catch((thrown: Error) => thrown)
    expect(String(error)).toContain('not with ***')
    await inner.close()
  })
})

describe('client_cert of clientConfig', () => {
  const storage = (client_cert: unknown) =>
    storageOf({
      bucketName: 'b',
      accessKey: 'key',
      secretKey: 'secret',
      endpointUrl: 'https://127.0.0.1:1',
      maxAttempts: 1,
      clientConfig: { client_cert },
    } as Input<S3Options>)

  test.each([['/nowhere/cert.pem'], [['/nowhere/cert.pem', '/nowhere/key.pem']]])(
    '%j is read at the first request',
    async given => {
      await using files = storage(given)
      const error = await files.exists('a').catch((thrown: Error) => thrown)
      expect(error).toMatchObject({ code: 'improperly_configured' })
      expect(String(error)).toContain("clientCert: the file '/nowhere/cert.pem' cannot be read")
    },
  )

  test.each([[7], [''], [['one']]])('%j is improperly configured', async given => {
    await using files = storage(given)
    await expect(files.exists('a')).rejects.toMatchObject({ code: 'improperly_configured' })
  })
})
