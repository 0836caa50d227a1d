import { readFile } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ShelfStorage } from '../../examples/shelf-storage.ts'
import { driverConformance, registerConformance, storageConformance } from '../../src/testing/index.ts'
import { type Intercept, ShelfServer } from './shelf-server.ts'

let server: ShelfServer

beforeAll(async () => {
  server = await ShelfServer.start()
})
afterAll(() => server.close())

const shelf = (options: object = {}): ShelfStorage =>
  new ShelfStorage(
    { endpointUrl: server.url, secret: server.secret, multipartThreshold: 300_000, partSize: 100_000, ...options },
    { env: {}, settings: {} },
  )

const cases = driverConformance({
  create: () => shelf().calls.driver,
  limits: true,
  keeps: ['modifiedAt', 'etag'],
  expects: {
    features: { ranges: true, exclusiveCreate: true, ifMatch: true, metadata: true, listRange: true },
    methods: [],
  },
})
registerConformance({ describe, it }, cases, 'the shelf driver of docs/writing-a-backend.md')
registerConformance({ describe, it }, storageConformance({ create: shelf }), 'the shelf storage')

const bytes = (size: number): Buffer => Buffer.from(Array.from({ length: size }, (_, at) => (at * 7) % 251))
const large = bytes(450_000)
const on =
  (method: string, path: RegExp, answer: (...args: Parameters<Intercept>) => void): Intercept =>
  (request, response) => {
    if (request.method !== method || !path.test(request.url!)) return false
    answer(request, response)
    return true
  }

describe('ShelfStorage', () => {
  afterEach(() => {
    expect(server.intercepts.splice(0)).toEqual([])
    expect(server.uploads.size).toBe(0)
    server.files.clear()
    server.log.length = 0
  })

  it('has the example of the page word for word, in under 250 lines', async () => {
    const text = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8')
    const [page, example] = [await text('docs/writing-a-backend.md'), await text('examples/shelf-storage.ts')]
    expect(page.split('<!-- example: examples/shelf-storage.ts -->\n```ts\n')[1]?.split('```\n')[0]).toBe(example)
    expect(example.trimEnd().split('\n').length).toBeLessThan(250)
    const modules = [...example.matchAll(/ from '(.*)'/g)].map(([, name]) => name)
    expect(modules).toEqual(['holdall', 'holdall/http', 'holdall/remote'])
  })

  it('saves a large file in parts, with its attributes', async () => {
    await using storage = shelf({ objectParameters: { CacheControl: 'max-age=60' } })
    const name = await storage.save('big.bin', large, {
      contentType: 'application/x-big',
      metadata: { owner: 'Zoë' },
      extra: { KeepUntil: new Date(0) },
    })
    expect(Buffer.compare(await storage.readBytes(name), large)).toBe(0)
    expect(await storage.stat(name)).toMatchObject({
      size: large.length,
      contentType: 'application/x-big',
      cacheControl: 'max-age=60',
      metadata: { owner: 'Zoë' },
    })
    expect(server.files.get(name)?.headers['x-keep-until']).toBe('1970-01-01T00:00:00.000Z')
    expect([server.count('POST /uploads'), server.count('PUT /uploads/*/'), server.count('PUT /files')]).toEqual([
      2, 5, 0,
    ])
  })

  it('refuses a parameter that a shelf does not have', async () => {
    await using storage = shelf()
    const save = storage.save('a.txt', 'a', { extra: { Colour: 'red' } })
    await expect(save).rejects.toMatchObject({ code: 'invalid_argument' })
    expect(() => shelf({ objectParameters: { Colour: 'red' } })).toThrow(
      "'Colour' is not a parameter of a shelf upload",
    )
  })

  it('takes one token for many calls, and another one when that is refused', async () => {
    await using storage = shelf()
    await Promise.all(Array.from({ length: 8 }, (_, n) => storage.save(`${n}.txt`, 'x')))
    expect(server.count('POST /tokens')).toBe(1)
    server.tokens.clear()
    await Promise.all(Array.from({ length: 8 }, (_, n) => storage.readBytes(`${n}.txt`)))
    expect(server.count('POST /tokens')).toBe(2)
  })

  it('renews a token once per request, and reports a secret that is wrong without showing it', async () => {
    await using storage = shelf()
    const refuse = on('GET', /^\/files\/a/, (_, response) => response.writeHead(401).end('{"code":"no_token"}'))
    server.intercepts.push(refuse, refuse)
    await expect(storage.readBytes('a.txt')).rejects.toMatchObject({ code: 'permission_denied', retryable: false })
    expect(server.count('POST /tokens')).toBe(2)
    await using wrong = shelf({ secret: 'guess what' })
    const failure = await wrong.stat('a.txt').catch(error => error)
    expect(failure).toMatchObject({ code: 'permission_denied', fileName: 'a.txt' })
    expect(String(failure.message)).toContain('wrong_secret')
    expect(String(failure.message)).not.toContain('guess what')
    expect(server.count('POST /tokens')).toBe(3)
  })

  it('believes no page of HTML, wherever it comes', async () => {
    await using storage = shelf({ maxAttempts: 1 })
    const page: Parameters<typeof on>[2] = (_, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Sign in</html>')
    server.files.set('a.txt', { bytes: Buffer.from('a'), etag: 'e', modified: new Date(), headers: {} })
    for (const [method, call, outcome] of [
      ['GET', () => storage.readBytes('a.txt'), 'not_applied'],
      ['HEAD', () => storage.stat('a.txt'), 'not_applied'],
      ['PUT', () => storage.save('a.txt', 'b', { overwrite: true }), 'unknown'],
      ['DELETE', () => storage.delete('a.txt'), 'unknown'],
      ['GET', () => storage.listdir(), 'not_applied'],
    ] as const) {
      server.intercepts.push(on(method, /^\/files/, page))
      await expect(call(), method).rejects.toMatchObject({ code: 'unavailable', outcome })
    }
  })

  it('does not take a 404 of something else for a missing file', async () => {
    await using storage = shelf()
    server.intercepts.push(on('GET', /^\/files\/a/, (_, response) => response.writeHead(404).end('<html>no such host')))
    await expect(storage.readBytes('a.txt')).rejects.toMatchObject({ code: 'improperly_configured' })
    await expect(storage.readBytes('a.txt')).rejects.toMatchObject({ code: 'not_found' })
  })

  it('lists files with odd fields, and asks for a size that is missing', async () => {
    await using storage = shelf()
    await storage.save('a.txt', 'four')
    const files = [
      { key: 'a.txt', size: null, etag: null, modified: 'yesterday' },
      { key: 'b.txt', size: 'many' },
      { key: 'c.txt', size: 3 },
    ]
    const page = JSON.stringify({ files, folders: ['d/'] })
    server.intercepts.push(on('GET', /^\/files\?/, (_, response) => response.writeHead(200).end(page)))
    const { entries } = await storage.page()
    expect(entries[1]).toMatchObject({ name: 'a.txt', etag: undefined, modifiedAt: undefined })
    expect(entries.map(({ name, size, isDirectory }) => [name, size, isDirectory])).toEqual([
      ['d', 0, true],
      ['a.txt', 4, false],
      ['c.txt', 3, false],
    ])
  })

  it('takes a listing without its fields for no answer', async () => {
    await using storage = shelf({ maxAttempts: 1 })
    for (const text of [
      '{}',
      '[]',
      '{"files":{},"folders":[]}',
      '{"files":[{"size":1}],"folders":[]}',
      '{"files":[null],"folders":[]}',
    ]) {
      server.intercepts.push(on('GET', /^\/files\?/, (_, response) => response.writeHead(200).end(text)))
      await expect(storage.page(), text).rejects.toMatchObject({ code: 'unavailable' })
    }
  })

  it('asks for the rest of a body that is cut', async () => {
    await using storage = shelf()
    const name = await storage.save('cut.bin', large)
    const { etag } = server.files.get(name)!
    server.intercepts.push(
      on('GET', /cut/, (_, response) => {
        const headers = {
          etag: `"${etag}"`,
          'last-modified': new Date(0).toUTCString(),
          'content-length': large.length,
        }
        response.writeHead(200, headers)
        response.write(large.subarray(0, 1000), () => response.destroy())
      }),
    )
    expect(Buffer.compare(await storage.readBytes(name), large)).toBe(0)
    expect(server.count('GET /files/cut.bin')).toBe(2)
  })

  it('finishes an upload once, also when the answer to that is lost', async () => {
    await using storage = shelf()
    server.intercepts.push(loseAnswer('POST', /^\/uploads\/./))
    const name = await storage.save('big.bin', large)
    expect(name).toBe('big.bin')
    expect([...server.files.keys()]).toEqual([name])
    expect(server.count('POST /uploads/*')).toBe(2)
  })

  it('says that the outcome is unknown when the answer to an exclusive PUT is lost', async () => {
    await using storage = shelf()
    server.intercepts.push(loseAnswer('PUT', /^\/files/))
    await expect(storage.save('a.txt', 'a')).rejects.toMatchObject({ code: 'unavailable', outcome: 'unknown' })
    expect([...server.files.keys()]).toEqual(['a.txt'])
    server.intercepts.push(loseAnswer('PUT', /^\/files/))
    expect(await storage.save('a.txt', 'b', { overwrite: true })).toBe('a.txt')
    expect(server.files.get('a.txt')?.bytes.toString()).toBe('b')
  })

  it('leaves no upload behind when a part is refused', async () => {
    await using storage = shelf()
    server.intercepts.push(on('PUT', /\/2$/, (_, response) => response.writeHead(507).end('{"code":"shelf_full"}')))
    await expect(storage.save('big.bin', large)).rejects.toMatchObject({ code: 'no_space', fileName: 'big.bin' })
    expect(server.count('DELETE /uploads/*')).toBe(1)
  })

  it('makes an upload again that somebody else ended', async () => {
    await using storage = shelf()
    server.intercepts.push(
      on('PUT', /\/3$/, (_, response) => {
        server.uploads.clear()
        response.writeHead(404).end('{"code":"no_such_upload"}')
      }),
    )
    expect(await storage.save('big.bin', large)).toBe('big.bin')
    expect(Buffer.compare(server.files.get('big.bin')!.bytes, large)).toBe(0)
  })
})

/** Carries out the request and closes the connection in place of an answer. */
function loseAnswer(method: string, path: RegExp): Intercept {
  let done = false
  return (request, response) => {
    if (done || request.method !== method || !path.test(request.url!)) return false
    done = true
    response.writeHead = () => {
      response.destroy()
      return response
    }
    server.intercepts.splice(0)
    return false
  }
}
