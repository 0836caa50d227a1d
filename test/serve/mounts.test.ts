/** A handler under the mounts of Express, and of what cuts paths like Connect. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { expect, test } from 'vitest'
import { LocalStorage } from '../../src/backends/local/index.ts'
import { createFileHandler, type NodeListener, toNodeListener } from '../../src/serve/index.ts'
import { temporaryFolder } from '../backends/local/fixture.ts'

const SECRET = 'a secret of enough bytes'

/** Cuts a mount from `req.url` as Connect does, and keeps the whole of it beside. */
function connectLike(mount: string, listener: NodeListener): RequestListener {
  return (request: IncomingMessage & { originalUrl?: string }, response) => {
    request.originalUrl = request.url!
    request.url = request.url!.slice(mount.length) || '/'
    listener(request, response)
  }
}

const APPS: Record<string, (listener: NodeListener) => RequestListener> = {
  "Express, app.use('/media', listener)": listener => express().use('/media', listener),
  'Express, app.use(listener)': listener => express().use(listener),
  'Express, a router in a router': listener =>
    express().use('/', express.Router().use('/media', express.Router().use(listener))),
  Connect: listener => connectLike('/media', listener),
}

async function site(app: (listener: NodeListener) => RequestListener, basePath: string | undefined, folder: string) {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const options = { location: folder, baseUrl: `${origin}/media/`, urlSecret: SECRET, fsync: false }
  const storage = new LocalStorage(options, { env: {}, settings: {} })
  server.on('request', app(toNodeListener(createFileHandler(storage, { basePath }))))
  return {
    storage,
    origin,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await storage.close()
    },
  }
}

test.each(Object.entries(APPS))('%s serves below basePath, also a folder of the same name', async (_, app) => {
  using folder = temporaryFolder()
  await using web = await site(app, '/media', folder.path)
  for (const name of ['a b.txt', 'media/a.txt', 'media/media/a.txt']) {
    const put = await web.storage.url(name, { method: 'PUT' })
    expect((await fetch(put, { method: 'PUT', body: name })).status).toBe(201)
    const got = await fetch(await web.storage.url(name))
    expect([got.status, await got.text()]).toEqual([200, name])
  }
  expect((await fetch(`${web.origin}/media/a%20b.txt`)).status).toBe(403)
})

test.each(['Express, a router in a router', 'Connect', "Express, app.use('/media', listener)"])(
  '%s serves what it mounts without a basePath',
  async name => {
    using folder = temporaryFolder()
    await using web = await site(APPS[name]!, undefined, folder.path)
    await web.storage.save('media/a.txt', 'text')
    expect(await (await fetch(await web.storage.url('media/a.txt'))).text()).toBe('text')
  },
)

test('a basePath below a mount is looked for in what the mount leaves', async () => {
  using folder = temporaryFolder()
  await using web = await site(listener => express().use('/api', listener), '/media', folder.path)
  await web.storage.save('a.txt', 'text')
  const url = await web.storage.url('a.txt')
  expect(await (await fetch(url.replace('/media/', '/api/media/'))).text()).toBe('text')
  expect((await fetch(url)).status).toBe(404)
})

test('an original URL that no client should send is a 400 like any other', async () => {
  using folder = temporaryFolder()
  const app = (listener: NodeListener): RequestListener => {
    return (request: IncomingMessage & { originalUrl?: string }, response) => {
      request.originalUrl = '/media/..\\x'
      listener(request, response)
    }
  }
  await using web = await site(app, '/media', folder.path)
  expect((await fetch(`${web.origin}/media/a.txt`)).status).toBe(400)
})
