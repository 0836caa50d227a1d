import { createServer, type Socket } from 'node:net'
import { expect, it } from 'vitest'
import { S3Storage } from '../../../src/backends/s3/index.ts'
import { bytesContent } from '../../../src/core/content.ts'
import { plainContext } from '../../../src/testing/index.ts'

/** Answers each connection's first request by 200; drops the second unread; new connections get `last`. */
async function withServer(last: string, use: (port: number) => Promise<void>): Promise<void> {
  let connections = 0
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    const first = ++connections === 1
    let requests = 0
    socket.on('error', () => {})
    socket.on('data', () => {
      requests++
      if (first && requests === 2) socket.resetAndDestroy()
      else socket.write(first ? 'HTTP/1.1 200 OK\r\netag: "1"\r\ncontent-length: 0\r\n\r\n' : last)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  try {
    await use((server.address() as { port: number }).port)
  } finally {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
}

const storage = (port: number) =>
  new S3Storage(
    {
      accessKey: 'key',
      secretKey: 'secret',
      bucketName: 'media',
      endpointUrl: `http://127.0.0.1:${port}`,
      conditionalWrites: 'on',
      fileOverwrite: false,
      maxAttempts: 1,
    },
    { settings: {}, env: {} },
  )

it('never takes the refusal of a request that was sent twice for somebody else’s file', async () => {
  const taken = 'HTTP/1.1 412 Precondition Failed\r\ncontent-length: 0\r\n\r\n'
  await withServer(taken, async port => {
    await using files = storage(port)
    await files.save('one', '1')
    await expect(files.save('two', '2')).rejects.toMatchObject({ code: 'unavailable', outcome: 'unknown' })
  })
})

it('nor for somebody else’s change of a file that is being changed', async () => {
  const changed = 'HTTP/1.1 412 Precondition Failed\r\ncontent-length: 0\r\n\r\n'
  await withServer(changed, async port => {
    await using files = storage(port)
    await files.exists('one')
    const write = files.calls.driver.write('one', bytesContent(Buffer.from('1')), { ifMatch: 'x' }, plainContext())
    await expect(write).rejects.toMatchObject({ code: 'unavailable', outcome: 'unknown', retryable: false })
  })
})

it('sends a request again whose idle connection was closed', async () => {
  await withServer('HTTP/1.1 200 OK\r\netag: "2"\r\ncontent-length: 0\r\n\r\n', async port => {
    await using files = storage(port)
    await files.save('one', '1')
    expect(await files.save('two', '2')).toBe('two')
  })
})
