/**
 * An SFTP server for tests: files in memory, OpenSSH's behaviour unless told, a log of requests and planned faults.
 * The SSH below is ssh2's `Server`; SFTP is spoken by the session of this folder, over the plain channel that `Server` gives where nobody
 * listens to its `sftp` event: its own SFTP announces no extensions and drops fields.
 */
import { type AddressInfo, createServer, type Socket } from 'node:net'
import ssh2, { type ClientInfo, type Connection, type ServerChannel } from 'ssh2'
import { Access, type Account } from './sftp/access.ts'
import { Contents } from './sftp/contents.ts'
import { SftpFaults } from './sftp/faults.ts'
import { type Habits, habitsOfOpenSsh } from './sftp/habits.ts'
import { Handles } from './sftp/handles.ts'
import { type SshKey, sharedKey } from './sftp/keys.ts'
import { SftpLog } from './sftp/log.ts'
import { SftpSession } from './sftp/session.ts'
import { Tree } from './sftp/tree.ts'

/** Name and password of the account that each server has unless told. */
export const USERNAME = 'media'
export const PASSWORD = 'correct horse'

const OPENSSH = 'OpenSSH_9.2p1 Debian-2'

export interface SftpServerOptions {
  /** What comes after `SSH-2.0-`; ssh2 takes whoever calls itself OpenSSH for one. */
  readonly ident?: string
  readonly hostKeys?: readonly SshKey[]
  readonly accounts?: Readonly<Record<string, Account>>
  readonly habits?: Partial<Habits>
  /** The folder where relative paths begin. */
  readonly home?: string
  /** Channels that one connection may have. */
  readonly mostSessions?: number
  /** Connections at once; more are closed as they come. */
  readonly mostConnections?: number
}

export class SftpServer {
  readonly host = '127.0.0.1'
  readonly files: Contents
  readonly faults: SftpFaults = new SftpFaults()
  readonly log: SftpLog = new SftpLog()
  readonly access: Access
  readonly habits: Habits
  /** The host key types that connections agreed on, in their order. */
  readonly negotiated: string[] = []
  readonly #options: SftpServerOptions
  readonly #tree: Tree
  readonly #ssh: ssh2.Server
  readonly #tcp = createServer(socket => this.#accept(socket))
  /** By the port of the client, which is what ssh2 tells of a connection. */
  readonly #sockets = new Map<number, Socket>()
  readonly #sessions = new Map<SftpSession, { readonly port: number; readonly handles: Handles }>()
  #port = 0
  #connections = 0
  #sessionCount = 0

  constructor(options: SftpServerOptions = {}) {
    const { ident = OPENSSH, hostKeys = [sharedKey()], home = '/home/media' } = options
    this.#options = options
    this.#tree = new Tree(home)
    this.files = new Contents(this.#tree)
    this.access = new Access(options.accounts ?? { [USERNAME]: { password: PASSWORD } })
    this.habits = { ...habitsOfOpenSsh(), ...options.habits }
    this.#ssh = new ssh2.Server({ hostKeys: hostKeys.map(key => key.privateKey), ident }, (connection, info) =>
      this.#greet(connection, info),
    )
  }

  get port(): number {
    return this.#port
  }

  /** Connections that were made to it so far. */
  get connections(): number {
    return this.#connections
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#sockets.size
  }

  /** Sessions that were opened so far. */
  get sessions(): number {
    return this.#sessionCount
  }

  /** The paths by which files and folders are open now. */
  get openPaths(): string[] {
    return [...this.#sessions.values()].flatMap(({ handles }) => handles.paths)
  }

  /** Listens, at a free port or at that of before. */
  async start(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#tcp.once('error', reject)
      this.#tcp.listen(this.#port, this.host, resolve)
    })
    this.#port = (this.#tcp.address() as AddressInfo).port
  }

  /** Breaks every connection; it goes on listening. */
  drop(): void {
    for (const socket of this.#sockets.values()) socket.resetAndDestroy()
  }

  /** Closes every channel; the connections live. Resolves when their clients know it. */
  async closeChannels(): Promise<void> {
    await Promise.all([...this.#sessions.keys()].map(session => session.close()))
  }

  /** From now on the connections that are open are neither read nor answered, as by a machine without power. */
  freeze(): void {
    for (const socket of this.#sockets.values()) {
      socket.removeAllListeners('data')
      socket.pause()
      socket.write = () => true
    }
  }

  /** Breaks every connection and listens no more; `start` listens again at the same port. */
  async close(): Promise<void> {
    const closed = new Promise(resolve => this.#tcp.close(resolve))
    this.drop()
    await closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #accept(socket: Socket): void {
    if (this.#sockets.size >= (this.#options.mostConnections ?? 1000)) {
      socket.destroy()
      return
    }
    this.#connections++
    const port = socket.remotePort ?? 0
    this.#sockets.set(port, socket)
    socket.once('close', () => {
      this.#sockets.delete(port)
      // ssh2 does not tell the channels.
      for (const [session, { port: of }] of this.#sessions) if (of === port) session.end()
    })
    socket.setNoDelay(true)
    this.#ssh.injectSocket(socket)
  }

  #greet(connection: Connection, { port }: ClientInfo): void {
    connection.on('error', () => {})
    connection.on('handshake', ({ serverHostKey }) => this.negotiated.push(serverHostKey))
    connection.on('authentication', this.access.decider())
    let count = 0
    connection.on('session', (accept, reject) => {
      if (count >= (this.#options.mostSessions ?? 10)) return reject()
      count++
      const session = accept()
      session.on('close', () => count--)
      session.on('subsystem', (acceptChannel, rejectChannel, { name }) => {
        if (name === 'sftp') this.#serve(acceptChannel(), port)
        else rejectChannel()
      })
    })
  }

  #serve(channel: ServerChannel, port: number): void {
    const handles = new Handles(() => this.habits.mostHandles)
    const targetFirst = (this.#options.ident ?? OPENSSH).startsWith('OpenSSH')
    const session: SftpSession = new SftpSession(channel, {
      number: ++this.#sessionCount,
      ground: { tree: this.#tree, handles, habits: this.habits, targetFirst },
      faults: this.faults,
      log: this.log,
      drop: soon => {
        const socket = this.#sockets.get(port)
        if (soon) socket?.destroySoon()
        else socket?.resetAndDestroy()
      },
      onEnd: () => this.#sessions.delete(session),
    })
    this.#sessions.set(session, { port, handles })
  }
}

/** Starts a server on a free port of the loopback device. */
export async function startSftpServer(options: SftpServerOptions = {}): Promise<SftpServer> {
  const server = new SftpServer(options)
  await server.start()
  return server
}
