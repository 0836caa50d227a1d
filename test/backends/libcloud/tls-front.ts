import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { createServer } from 'node:tls'

/** A TLS server that hands on what it is told to a server without TLS. */
export interface TlsFront extends AsyncDisposable {
  /** `https://localhost:` and the port. */
  readonly url: string
  /** Handshakes that were completed. */
  readonly connections: () => number
}

/** Starts it with a certificate for localhost. */
export async function startTlsFront(
  { key, cert }: { readonly key: Buffer; readonly cert: Buffer },
  port: number,
): Promise<TlsFront> {
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer({ key, cert }, socket => {
    connections++
    const onward = connect(port, '127.0.0.1')
    for (const one of [socket, onward]) {
      sockets.add(one)
      one.on('error', () => {})
      one.on('close', () => [socket, onward].map(each => each.destroy()))
    }
    socket.pipe(onward).pipe(socket)
  })
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}`,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
