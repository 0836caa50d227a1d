import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { MemoryStorage } from '../../../src/backends/memory/index.ts'
import { createFileHandler, type ServedStorage, toNodeListener } from '../../../src/serve/index.ts'

/** A site whose files lie on its own origin, once as those of strangers and once as its own. */
export interface Site {
  readonly origin: string
  /** Ids of the scripts that called home. */
  readonly calls: ReadonlySet<string>
  /** Stores a file with exactly this type, or without one. */
  store(name: string, contentType: string | undefined, body: string | Uint8Array): Promise<void>
  close(): Promise<void>
}

/** Every way in which a page can take in another resource. */
function embedding(url: string): string {
  return `<!doctype html><title>page</title><body>
<iframe src="${url}"></iframe><object data="${url}"></object><embed src="${url}"><img src="${url}">
<link rel="stylesheet" href="${url}"><script src="${url}"></script><script type="module" src="${url}"></script>`
}

/**
 * Serves `/media/` as strangers' files, `/trusted/` as the site's own and `/bare/` with the stored type alone, `/embed?url` a page that takes in
 * a URL in every way, and an empty page elsewhere.
 */
export async function startSite(): Promise<Site> {
  const memory = new MemoryStorage({}, { settings: {}, env: {} })
  const types = new Map<string, string | undefined>()
  const storage: ServedStorage = {
    stat: async (name, options) => ({ ...(await memory.stat(name, options)), contentType: types.get(name) }),
    createReadStream: (name, options) => memory.createReadStream(name, options),
    save: (name, source, options) => memory.save(name, source, options),
    decoder: () => undefined,
  }
  const media = toNodeListener(createFileHandler(storage, { basePath: '/media' }))
  const trusted = toNodeListener(createFileHandler(storage, { basePath: '/trusted', trusted: true }))
  const plain = createFileHandler(storage, { basePath: '/bare', trusted: true })
  const bare = toNodeListener(async request => {
    const answer = await plain(request)
    answer.headers.delete('x-content-type-options')
    if (types.get(new URL(request.url).pathname.slice('/bare/'.length)) === undefined)
      answer.headers.delete('content-type')
    return answer
  })
  const calls = new Set<string>()
  const page = (response: ServerResponse, html: string) =>
    response.setHeader('content-type', 'text/html; charset=utf-8').end(html)
  const server = createServer((request, response) => {
    const { pathname, search } = new URL(request.url ?? '/', 'http://site')
    if (pathname.startsWith('/media/')) media(request, response)
    else if (pathname.startsWith('/trusted/')) trusted(request, response)
    else if (pathname.startsWith('/bare/')) bare(request, response)
    else if (pathname === '/embed') page(response, embedding(decodeURIComponent(search.slice(1))))
    else {
      if (pathname === '/ran') calls.add(search.slice(1))
      page(response, '<!doctype html><title>page</title>')
    }
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    async store(name, contentType, body) {
      types.set(name, contentType)
      await memory.save(name, body, { overwrite: true })
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await memory.close()
    },
  }
}
