import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import { Hono } from 'hono'
import { describe, expect, test } from 'vitest'
import { StorageError } from '../../src/core/errors.ts'
import {
  expressStaticUrl,
  fastifyStaticUrl,
  honoStaticUrl,
  type StaticUrl,
  staticUrl,
} from '../../src/static/templates.ts'

declare module 'fastify' {
  interface FastifyReply {
    staticUrl: StaticUrl
  }
}

/** What `StaticFiles` is to templates; it needs its `this`. */
class Files {
  readonly names = new Map([['css/site.css', '/static/css/site.2ee5a7e3dd1f.css']])

  url(name: string): string {
    const url = this.names.get(name)
    if (url === undefined) throw new StorageError('not_found', `Missing staticfiles manifest entry for '${name}'`)
    return url
  }
}

const files = new Files()
const LINK = '<link href="/static/css/site.2ee5a7e3dd1f.css">'

/** A template engine in a line: what stands in braces is called with a file's name. */
function render(template: string, values: Record<string, unknown>): string {
  return template.replace(/\{(\w+) (\S+)\}/, (_, name: string, file: string) => (values[name] as StaticUrl)(file))
}

test('the function needs no this, and throws what the files throw', () => {
  const url = staticUrl(files)
  expect(url('css/site.css')).toBe('/static/css/site.2ee5a7e3dd1f.css')
  expect(() => url('none.css')).toThrow("Missing staticfiles manifest entry for 'none.css'")
})

describe('Express', () => {
  // The package has no types of its own.
  interface ExpressResponse {
    readonly locals: Record<string, unknown>
    render(view: string): void
    status(code: number): { send(text: string): void }
  }
  type Next = (error?: unknown) => void
  interface ExpressApp extends RequestListener {
    readonly locals: Record<string, unknown>
    engine(extension: string, run: (path: string, values: Record<string, unknown>, done: Done) => void): void
    set(name: string, value: string): this
    use(handler: (request: unknown, response: ExpressResponse, next: Next) => void): void
    use(handler: (error: Error, request: unknown, response: ExpressResponse, next: Next) => void): void
    get(path: string, handler: (request: unknown, response: ExpressResponse) => void): void
  }
  type Done = (error: unknown, text?: string) => void
  const express: () => ExpressApp = createRequire(import.meta.url)('express')

  async function page(template: string, prepare: (app: ExpressApp) => void) {
    const folder = mkdtempSync(join(tmpdir(), 'holdall-express-'))
    writeFileSync(join(folder, 'page.tpl'), template)
    const app = express()
    app.engine('tpl', (_path, values, done) => {
      try {
        done(null, render(template, values))
      } catch (error) {
        done(error)
      }
    })
    app.set('views', folder).set('env', 'test')
    prepare(app)
    app.get('/', (_request: unknown, response: ExpressResponse) => response.render('page.tpl'))
    app.use((error: Error, _request: unknown, response: ExpressResponse, _next: unknown) =>
      response.status(500).send(error.message),
    )
    const server = createServer(app).listen(0, '127.0.0.1')
    try {
      await once(server, 'listening')
      const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
      return [answer.status, await answer.text()]
    } finally {
      server.close()
      rmSync(folder, { recursive: true })
    }
  }

  test('templates find the function in the locals of the answer', async () => {
    expect(await page('<link href="{staticUrl css/site.css}">', app => app.use(expressStaticUrl(files)))).toEqual([
      200,
      LINK,
    ])
    const named = expressStaticUrl(files, { name: 'asset' })
    expect(await page('<link href="{asset css/site.css}">', app => app.use(named))).toEqual([200, LINK])
  })

  test('templates find the function in the locals of the application', async () => {
    const prepare = (app: ExpressApp) => {
      app.locals['staticUrl'] = staticUrl(files)
    }
    expect(await page('<link href="{staticUrl css/site.css}">', prepare)).toEqual([200, LINK])
  })

  test('a name that is not there is the error of the page', async () => {
    const answer = await page('{staticUrl none.css}', app => app.use(expressStaticUrl(files)))
    expect(answer).toEqual([500, "Missing staticfiles manifest entry for 'none.css'"])
  })
})

describe('Hono', () => {
  test('handlers find the function in the context, with its type', async () => {
    const app = new Hono<{ Variables: { staticUrl: StaticUrl } }>()
    app.use(honoStaticUrl(files))
    app.use('/a/*', honoStaticUrl(files))
    app.get('/', c => c.html(`<link href="${c.var.staticUrl('css/site.css')}">`))
    app.get('/a/b', c => c.text(c.get('staticUrl')('none.css')))
    app.onError((error, c) => c.text(error.message, 500))
    const answer = await app.request('/')
    expect([answer.status, await answer.text()]).toEqual([200, LINK])
    const missing = await app.request('/a/b')
    expect([missing.status, await missing.text()]).toEqual([500, "Missing staticfiles manifest entry for 'none.css'"])
  })

  test('the function may have another name', async () => {
    const app = new Hono<{ Variables: { asset: StaticUrl } }>()
    app.use(honoStaticUrl(files, { name: 'asset' }))
    app.get('/', c => c.text(c.var.asset('css/site.css')))
    expect(await (await app.request('/')).text()).toBe('/static/css/site.2ee5a7e3dd1f.css')
  })
})

describe('Fastify', () => {
  type Viewing = FastifyReply & { locals?: Record<string, unknown>; view(template: string): unknown }

  /** What `@fastify/view` does to a reply: an object of locals, unless another plugin has decorated the reply with one, and `view`. */
  const view = Object.assign(
    (app: FastifyInstance, _options: unknown, done: () => void) => {
      app.decorateReply('view', function (this: FastifyReply, template: string) {
        const { locals = {} } = this as Viewing
        return this.type('text/html').send(render(template, locals))
      })
      if (!app.hasReplyDecorator('locals')) {
        app.decorateReply('locals', null as never)
        app.addHook('onRequest', (_request, reply, next) => {
          ;(reply as Viewing).locals = {}
          next()
        })
      }
      done()
    },
    { [Symbol.for('skip-override')]: true },
  )

  test.each(['before', 'after'])(
    'templates find the function in the locals when the plugin comes %s the views',
    async order => {
      await using app = Fastify()
      if (order === 'before') await app.register(fastifyStaticUrl(files))
      await app.register(view)
      if (order === 'after') await app.register(fastifyStaticUrl(files))
      app.addHook('preHandler', async (_request, reply) => {
        Object.assign((reply as Viewing).locals!, { own: 1 })
      })
      app.get('/', (_request, reply) => (reply as Viewing).view('<link href="{staticUrl css/site.css}">'))
      app.setNotFoundHandler((_request, reply) => (reply as Viewing).view('<link href="{staticUrl css/site.css}">'))
      for (const url of ['/', '/', '/none']) expect((await app.inject({ url })).body).toBe(LINK)
    },
  )

  test('the plugin is not encapsulated: it holds beside it and below', async () => {
    await using app = Fastify()
    await app.register(fastifyStaticUrl(files))
    app.get('/beside', (_request, reply) => reply.send(reply.staticUrl('css/site.css')))
    await app.register(async child => {
      await child.register(view)
      child.get('/below', (_request, reply) => (reply as Viewing).view('<link href="{staticUrl css/site.css}">'))
    })
    expect((await app.inject({ url: '/beside' })).body).toBe('/static/css/site.2ee5a7e3dd1f.css')
    expect((await app.inject({ url: '/below' })).body).toBe(LINK)
  })

  test('requests do not share their locals, and names are the program’s', async () => {
    await using app = Fastify()
    await app.register(fastifyStaticUrl(files, { name: 'asset' }))
    await app.register(fastifyStaticUrl(files, { name: 'other' }))
    const seen: unknown[] = []
    app.get('/', (_request, reply) => {
      seen.push((reply as Viewing).locals)
      return reply.send(Object.keys((reply as Viewing).locals!).join())
    })
    expect((await app.inject({ url: '/' })).body).toBe('asset,other')
    await app.inject({ url: '/' })
    expect(seen[0]).not.toBe(seen[1])
    const twice = Fastify()
    twice.register(fastifyStaticUrl(files)).register(fastifyStaticUrl(files))
    await expect(twice.ready().then(() => 'ready')).rejects.toThrow("'staticUrl' has already been added")
  })

  test('a name that is not there is the error of the page', async () => {
    await using app = Fastify()
    await app.register(fastifyStaticUrl(files))
    app.get('/', async (_request, reply) => reply.staticUrl('none.css'))
    const answer = await app.inject({ url: '/' })
    expect([answer.statusCode, answer.json().message]).toEqual([
      500,
      "Missing staticfiles manifest entry for 'none.css'",
    ])
  })
})
