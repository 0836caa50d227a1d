import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A proxy before a gateway that counts requests by what they do. */
export interface CountingProxy {
  readonly url: string
  /** Counts since the last call, by method; lists of a bucket are `LIST`, batch deletes `DELETE many`. */
  counts(): Record<string, number>
  close(): void
}

function kindOf(method: string, url: string): string {
  const { pathname, searchParams } = new URL(url, 'http://x')
  const isBucket = pathname.split('/').filter(Boolean).length <= 1
  if (method === 'POST' && searchParams.has('delete')) return 'DELETE many'
  if (method === 'GET' && isBucket) return searchParams.has('uploads') ? 'LIST uploads' : 'LIST'
  return isBucket ? `${method} bucket` : method
}

/** Starts a proxy on a free port of loopback. The Host header goes on as it came, since it is signed. */
export async function startCountingProxy(port: number): Promise<CountingProxy> {
  let counts: Record<string, number> = {}
  const server = createServer((incoming, outgoing) => {
    const { method = 'GET', url = '/', headers } = incoming
    const kind = kindOf(method, url)
    counts[kind] = (counts[kind] ?? 0) + 1
    const onward = request({ host: '127.0.0.1', port, method, path: url, headers }, answer => {
      outgoing.writeHead(answer.statusCode!, answer.rawHeaders)
      answer.pipe(outgoing)
    })
    onward.on('error', () => outgoing.destroy())
    incoming.pipe(onward)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counts() {
      const before = counts
      counts = {}
      return before
    },
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
