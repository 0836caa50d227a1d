import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { S3Storage } from '../../src/backends/s3/index.ts'
import { startStrictS3 } from '../servers/strict-s3.ts'

const servers = {
  'keeps conditions': await startStrictS3(),
  'ignores conditions': await startStrictS3({ ignoreConditions: true }),
}
afterAll(() => Promise.all(Object.values(servers).map(server => server.close())))

describe.each(Object.entries(servers))('two who open one name on a server that %s', (kind, server) => {
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = server.credentials
  const place = { endpointUrl: server.url, bucketName: 'media', accessKey, secretKey, fileOverwrite: false }
  const storage = new S3Storage({ ...place, location: 'rivals' }, { settings: {}, env: {} })
  const asks = kind === 'ignores conditions'
  const operations = () => server.requests.map(({ operation }) => operation)

  beforeEach(async () => {
    await storage.discover()
    server.requests.length = 0
  })

  it.each([
    ['xb', 10],
    ['xb', 700_000],
    ['x+b', 10],
  ] as const)('in mode %s and write %d bytes: the later one is told that the name exists', async (mode, size) => {
    const name = `${mode}-${size}`
    const [one, two] = [await storage.open(name, mode), await storage.open(name, mode)]
    await two.write(Buffer.alloc(size, 2))
    await one.write(Buffer.alloc(size, 1))
    await one.close()
    await expect(two.close()).rejects.toMatchObject({ code: 'exists', fileName: name, outcome: 'not_applied' })
    expect(await storage.readBytes(name)).toEqual(Buffer.alloc(size, 1))
    expect(server.bucket().uploads?.size ?? 0).toBe(0)
  })

  it('for changes: the later one is told that the file has changed, and so is one whose file is gone', async () => {
    await storage.save('changed', 'old')
    const files = [
      await storage.open('changed', 'r+'),
      await storage.open('changed', 'r+'),
      await storage.open('changed', 'a'),
    ]
    for (const [at, file] of files.entries()) await file.write(`new ${at}`)
    await files[0]!.close()
    await expect(files[1]!.close()).rejects.toMatchObject({ code: 'precondition_failed', fileName: 'changed' })
    expect(await storage.readText('changed')).toBe('new 0')
    await storage.delete('changed')
    await expect(files[2]!.close()).rejects.toMatchObject({ fileName: 'changed' })
    expect(await storage.exists('changed')).toBe(false)
  })

  it('costs a request only where the server has to be asked', async () => {
    await storage.edit('new', 'x', file => file.write('new'))
    expect(operations()).toEqual(['HeadObject', ...(asks ? ['HeadObject'] : []), 'PutObject'])
    server.requests.length = 0
    await storage.edit('new', 'a', file => file.write('er'))
    expect(operations()).toEqual(['GetObject', ...(asks ? ['HeadObject'] : []), 'PutObject'])
    server.requests.length = 0
    await storage.edit('new', 'r+', file => file.read())
    expect(operations()).toEqual(['GetObject'])
    server.requests.length = 0
    await storage.edit('missing', 'a', file => file.write('x'))
    expect(operations()).toEqual(['GetObject', ...(asks ? ['HeadObject'] : []), 'PutObject'])
    server.requests.length = 0
    await storage.edit('new', 'w', file => file.write('x'))
    expect(operations()).toEqual(['PutObject'])
  })
})
