/** Passes the bytes of connections on to a server, counts them, and cuts a connection where its rule says so. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Bytes that have arrived for the other side. */
export interface Piece {
  /** Which connection, from 1. */
  readonly connection: number
  /** Whether they come from the client. */
  readonly isUp: boolean
  /** How many of this connection and direction came before. */
  readonly before: number
  readonly bytes: Buffer
}

/** How many bytes of a piece are passed on before the connection is cut; undefined passes everything and cuts nothing. */
export type CutRule = (piece: Piece) => number | undefined

/** A running proxy. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number
  /** May be replaced at any time. */
  rule: CutRule
  /** Connections of clients: those that are open, the most that were at once, and all there were. */
  readonly open: number
  readonly most: number
  readonly all: number
  /** Bytes of all connections, from clients and to them. */
  readonly up: number
  readonly down: number
}

/** Starts a proxy before a port of the loopback address. */
export async function startTcpProxy(target: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  const server = createServer(client => {
    const onward = connect(target, '127.0.0.1')
    const connection = ++counts.all
    counts.open++
    counts.most = Math.max(counts.most, counts.open)
    client.once('close', () => counts.open--)
    pass(client, onward, connection, true)
    pass(onward, client, connection, false)
  })
  const counts = { open: 0, most: 0, all: 0, up: 0, down: 0 }
  const pass = (from: Socket, to: Socket, connection: number, isUp: boolean): void => {
    let before = 0
    sockets.add(from)
    from.setNoDelay(true)
    from.on('error', () => to.destroy())
    from.once('close', () => {
      sockets.delete(from)
      to.end()
    })
    from.on('data', bytes => {
      const left = proxy.rule({ connection, isUp, before, bytes })
      before += bytes.length
      if (isUp) counts.up += bytes.length
      else counts.down += bytes.length
      if (left === undefined) {
        if (!to.write(bytes)) from.pause()
        return
      }
      to.write(bytes.subarray(0, left))
      from.destroy()
    })
    to.on('drain', () => from.resume())
  }
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const proxy: TcpProxy = {
    port: (server.address() as AddressInfo).port,
    rule: () => undefined,
    get open() {
      return counts.open
    },
    get most() {
      return counts.most
    },
    get all() {
      return counts.all
    },
    get up() {
      return counts.up
    },
    get down() {
      return counts.down
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>(resolve => server.close(() => resolve()))
    },
  }
  return proxy
}
