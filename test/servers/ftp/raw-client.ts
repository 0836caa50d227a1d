/** A client of raw sockets: says exactly what a test says, and shows exactly what comes. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { type ConnectionOptions, connect as secure, type TLSSocket } from 'node:tls'
import type { FtpServer } from '../ftp.ts'

/** A control connection. */
export class RawClient implements AsyncDisposable {
  readonly #server: Pick<FtpServer, 'host' | 'port'>
  #socket: Socket
  #text = ''
  #wake = Promise.withResolvers<void>()
  #isClosed = false
  #session: Buffer | undefined

  private constructor(server: Pick<FtpServer, 'host' | 'port'>, socket: Socket) {
    this.#server = server
    this.#socket = socket
    this.#listen(socket)
  }

  /** Connects and reads the greeting. */
  static async greeted(server: Pick<FtpServer, 'host' | 'port'>): Promise<[client: RawClient, greeting: string]> {
    const socket = connect(server.port, server.host)
    await once(socket, 'connect')
    const client = new RawClient(server, socket)
    return [client, await client.reply()]
  }

  /** Connects and logs in, in binary mode. */
  static async login(server: FtpServer): Promise<RawClient> {
    const [client] = await RawClient.greeted(server)
    for (const line of [`USER ${server.manners.user}`, `PASS ${server.manners.password}`, 'TYPE I'])
      await client.say(line)
    return client
  }

  get socket(): Socket {
    return this.#socket
  }

  /** Whether the server has ended the connection. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Sends a line and gives the reply, whose lines are separated by LF. */
  say(line: string): Promise<string> {
    this.send(`${line}\r\n`)
    return this.reply()
  }

  send(text: string | Buffer): void {
    this.#socket.write(text)
  }

  /** The next reply; the text that came so far, with `(closed)`, where the connection ends before. */
  async reply(): Promise<string> {
    for (;;) {
      const match = /^(?:(\d{3})-[\s\S]*?\n)?(\d{3}) .*\r\n/.exec(this.#text)
      if (match !== null && (match[1] === undefined || match[1] === match[2])) {
        this.#text = this.#text.slice(match[0].length)
        return match[0].trimEnd().replaceAll('\r\n', '\n')
      }
      if (this.#isClosed) return `${this.#text}(closed)`
      await this.#wake.promise
    }
  }

  /** Goes on in TLS. */
  async secure(options: ConnectionOptions = {}): Promise<void> {
    await this.say('AUTH TLS')
    this.#socket.removeAllListeners('data')
    const socket = secure({ socket: this.#socket, rejectUnauthorized: false, ...options })
    socket.on('session', session => {
      this.#session = session
    })
    this.#listen(socket)
    await once(socket, 'secureConnect')
    this.#socket = socket
  }

  /** A connection to the port that EPSV or PASV names. */
  async data(command = 'EPSV'): Promise<Socket> {
    const reply = await this.say(command)
    const [, high, low] = /\|\|\|(\d+)\|/.exec(reply) ?? /,(\d+),(\d+)\)/.exec(reply) ?? []
    const port = low === undefined ? Number(high) : Number(high) * 256 + Number(low)
    const socket = connect({ port, host: this.#server.host, allowHalfOpen: true })
    await once(socket, 'connect')
    return socket
  }

  /** TLS over a data connection, with the newest session of the control connection unless told otherwise. */
  async secureData(data: Socket, session: Buffer | undefined = this.#session): Promise<TLSSocket> {
    const resumed = session ?? (this.#socket as TLSSocket).getSession()
    const socket = secure({ socket: data, rejectUnauthorized: false, ...(resumed && { session: resumed }) })
    await once(socket, 'secureConnect')
    return socket
  }

  /** The session that a data connection may resume. */
  get session(): Buffer | undefined {
    return this.#session ?? (this.#socket as TLSSocket).getSession()
  }

  /** Everything that a command sends over a data connection, and the replies to it. */
  async fetch(line: string, command?: string): Promise<{ text: string; replies: string[] }> {
    const data = await this.data(command)
    const replies = [await this.say(line)]
    if (!replies[0]!.startsWith('150')) {
      data.destroy()
      return { text: '', replies }
    }
    const bytes = await buffer(data)
    data.end()
    replies.push(await this.reply())
    return { text: bytes.toString('utf8'), replies }
  }

  /** Sends bytes over a data connection; gives the replies. */
  async store(line: string, content: string | Buffer): Promise<string[]> {
    const data = await this.data()
    const replies = [await this.say(line)]
    if (!replies[0]!.startsWith('150')) {
      data.destroy()
      return replies
    }
    data.end(content)
    data.resume()
    replies.push(await this.reply())
    return replies
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy()
  }

  #listen(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1')
      this.#rouse()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#isClosed = true
      this.#rouse()
    })
  }

  #rouse(): void {
    this.#wake.resolve()
    this.#wake = Promise.withResolvers()
  }
}
