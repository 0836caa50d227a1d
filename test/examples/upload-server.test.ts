import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { uploads } from '../../examples/upload-server.ts'
import { LocalStorage } from '../../src/index.ts'
import { toNodeListener } from '../../src/serve/index.ts'
import { temporaryFolder } from '../backends/local/fixture.ts'

async function site() {
  const folder = temporaryFolder()
  const storage = new LocalStorage(
    { location: folder.path, baseUrl: '/media/', fsync: false },
    { env: {}, settings: {} },
  )
  const answered: Response[] = []
  const handler = uploads(storage)
  const server = createServer(
    toNodeListener(async request => {
      const response = await handler(request)
      answered.push(response)
      server.emit('answered')
      return response
    }),
  )
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    folder: folder.path,
    origin,
    server,
    answered,
    fetch: (path: string, init?: RequestInit) => fetch(`${origin}${path}`, init),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await storage.close()
      folder[Symbol.dispose]()
    },
  }
}

function formOf(name: string): FormData {
  const form = new FormData()
  form.set('file', new File(['<svg/>'], name, { type: 'image/svg+xml' }))
  return form
}

test('a form’s file is saved under a safe name and served with its type', async () => {
  await using web = await site()
  const answer = await web.fetch('/upload', { method: 'POST', body: formOf('../my bag.svg') })
  expect([answer.status, await answer.json()]).toEqual([
    201,
    { name: 'forms/..my_bag.svg', url: '/media/forms/..my_bag.svg' },
  ])
  const served = await web.fetch('/media/forms/..my_bag.svg')
  expect([served.headers.get('content-type'), await served.text()]).toEqual(['image/svg+xml', '<svg/>'])
})

test('uploads of one name get names of their own', async () => {
  await using web = await site()
  const bodies = ['one', 'two', 'three']
  const answers = await Promise.all(bodies.map(body => web.fetch('/upload/a.txt', { method: 'PUT', body })))
  const places = await Promise.all(answers.map(async answer => ((await answer.json()) as { url: string }).url))
  expect(new Set(places).size).toBe(3)
  expect(await Promise.all(places.map(async place => (await web.fetch(place)).text()))).toEqual(bodies)
})

test('a large body is streamed to the file', async () => {
  await using web = await site()
  const piece = Buffer.alloc(1_048_576, 'holdall ')
  const body = new ReadableStream({
    start: () => undefined,
    pull(controller) {
      controller.enqueue(piece)
      if (++sent === 40) controller.close()
    },
  })
  let sent = 0
  const answer = await web.fetch('/upload/films/big.bin', { method: 'PUT', body, duplex: 'half' } as RequestInit)
  expect(await answer.json()).toEqual({ name: 'films/big.bin', url: '/media/films/big.bin' })
  expect((await (await web.fetch('/media/films/big.bin')).arrayBuffer()).byteLength).toBe(40 * piece.byteLength)
})

test('an upload that breaks off leaves nothing', async () => {
  await using web = await site()
  const sent = httpRequest(`${web.origin}/upload/half.bin`, { method: 'PUT', headers: { 'content-length': 1_000_000 } })
  sent.on('error', () => undefined)
  const answered = once(web.server, 'answered')
  sent.write(Buffer.alloc(100_000))
  await once(web.server, 'request')
  sent.destroy()
  await answered
  expect(web.answered[0]!.status).toBe(400)
  expect(readdirSync(web.folder)).toEqual([])
})

test('what is too large, no file or a trick is refused', async () => {
  await using web = await site()
  const form = formOf('x.svg')
  form.set('padding', 'x'.repeat(10_000_000))
  expect((await web.fetch('/upload', { method: 'POST', body: form })).status).toBe(413)
  expect((await web.fetch('/upload', { method: 'POST', body: new FormData() })).status).toBe(400)
  expect((await web.fetch('/upload/%2e%2e%2fout.txt', { method: 'PUT', body: 'x' })).status).toBe(400)
  expect((await web.fetch('/media/none.txt')).status).toBe(404)
  expect(readdirSync(web.folder)).toEqual([])
})
