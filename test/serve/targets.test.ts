import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { expect, test } from 'vitest'
import { LocalStorage } from '../../src/backends/local/index.ts'
import { createFileHandler, toNodeListener } from '../../src/serve/index.ts'
import { temporaryFolder } from '../backends/local/fixture.ts'

test('request targets that have two meanings are refused', async () => {
  using folder = temporaryFolder()
  const secret = 'a secret of enough bytes'
  await using storage = new LocalStorage(
    { location: folder.path, baseUrl: '/m/', urlSecret: secret },
    { env: {}, settings: {} },
  )
  await storage.save('d/f.txt', 'x')
  const server = createServer(toNodeListener(createFileHandler(storage, { basePath: '/m', signed: false })))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const status = async (target: string) => {
    const socket = connect(port, '127.0.0.1')
    socket.write(`GET ${target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`, 'latin1')
    let text = ''
    for await (const chunk of socket) text += chunk
    return Number(text.slice(9, 12))
  }
  try {
    expect(await status('/m/d/f.txt')).toBe(200)
    expect(await status('/m/d/f.txt?a=%5C')).toBe(200)
    expect(await status('http://another.example:81/m/d/f.txt')).toBe(200)
    for (const target of [
      '/m/d\\f.txt',
      '\\m/d/f.txt',
      '/\\m/d/f.txt',
      '/m\\d\\f.txt',
      '/m/..\\d/f.txt',
      '/m/d/f.txt?a=\\',
      '/m/d/f.txt#',
      '/m/d/f.txt#?a',
      '/m/d/\x01f.txt',
      '/m/d/f.txt\x7f',
      '/m/d/\tf.txt',
      'http://h\\m/d/f.txt',
      'http://u@h/m/d/f.txt',
      'http:/m/d/f.txt',
      'http:///m/d/f.txt',
      'file:///m/d/f.txt',
      '*',
    ]) {
      expect([target, await status(target)]).toEqual([target, 400])
    }
    for (const target of [
      '//h/m/d/f.txt',
      '//m/d/f.txt',
      '/m//d/f.txt',
      '/m/d//f.txt',
      '/m/d%2ff.txt',
      '/m/d%2Ff.txt',
      '/m/d%5cf.txt',
      '/m/d%5Cf.txt',
      '/m/d/f.txt%00',
      '/m/d/%2e%2e%2fd/f.txt',
      '/m/d/f.txt/',
      '/m/d/f.txt%2f',
      '/m%2fd/f.txt',
      '/m/d/f.txt%',
    ]) {
      expect([target, await status(target)]).toEqual([target, 404])
    }
  } finally {
    server.closeAllConnections()
    server.close()
  }
})
