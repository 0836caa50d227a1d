import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createFileHandler, toNodeListener } from '../../../src/serve/index.ts'
import type { StaticFiles } from '../../../src/static/static-files.ts'

/** What caches are allowed for a file whose name changes with its content. */
export const IMMUTABLE = 'public, max-age=31536000, immutable'

/** A server of one's own. */
export interface Served {
  readonly origin: string
  /** Gives `/` this page from now on. */
  page: string
  close(): void
}

/** Serves collected files below `/static/` with their compressed siblings, and a page at `/`. */
export async function serve(files: StaticFiles | undefined): Promise<Served> {
  const listener =
    files === undefined
      ? undefined
      : toNodeListener(
          createFileHandler(files.storage, {
            basePath: '/static',
            precompressed: true,
            trusted: true,
            cacheControl: name => (files.isImmutable(name) ? IMMUTABLE : undefined),
          }),
        )
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/static/') === true && listener !== undefined) listener(request, response)
    else if (request.url === '/') response.setHeader('content-type', 'text/html; charset=utf-8').end(served.page)
    else response.writeHead(404).end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const served: Served = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    page: '',
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
  return served
}
