/**
 * An FTP and FTPS server in memory, for tests (RFC 959, 2228, 2389, 2428, 3659, 4217). It is correct unless told otherwise: `manners` say
 * how it differs from others, `faults` what goes wrong with one command.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { posix } from 'node:path'
import { FtpFaults, type FtpHold } from './ftp/faults.ts'
import { type Manners, wellMannered } from './ftp/manners.ts'
import { Session } from './ftp/session.ts'
import type { LoggedCommand, ServerState } from './ftp/state.ts'
import type { LoggedTransfer } from './ftp/transfer.ts'
import { bytesOf, Tree } from './ftp/tree.ts'

export type { FtpFault } from './ftp/faults.ts'
export type { Manners, TlsManners } from './ftp/manners.ts'
export type { LoggedCommand, LoggedTransfer }

/** How a server is started: its manners, and where it listens. */
export interface FtpServerOptions extends Partial<Manners> {
  /** Default 127.0.0.1. */
  readonly host?: '127.0.0.1' | '::1'
}

/** A running server. */
export class FtpServer {
  readonly host: string
  readonly manners: Manners
  readonly faults: FtpFaults = new FtpFaults()
  /** Every command so far; empty it with `log.length = 0`. */
  readonly log: LoggedCommand[] = []
  /** Every data connection that was used, at its end. */
  readonly transfers: LoggedTransfer[] = []
  readonly tree: Tree
  readonly #sessions = new Set<Session>()
  readonly #sockets = new Set<Socket>()
  readonly #timers = new Set<NodeJS.Timeout>()
  #server: Server | undefined
  #port = 0
  #count = 0
  #whenUnused = Promise.withResolvers<void>()

  private constructor({ host = '127.0.0.1', ...manners }: FtpServerOptions) {
    this.host = host
    this.manners = { ...wellMannered(), ...manners }
    this.tree = new Tree(() => this.manners.now())
  }

  /** Starts a server on a free loopback port. */
  static async start(options: FtpServerOptions = {}): Promise<FtpServer> {
    const server = new FtpServer(options)
    await server.listen()
    return server
  }

  get port(): number {
    return this.#port
  }

  /** What the control connections are in. */
  get sessions(): ReadonlySet<Session> {
    return this.#sessions
  }

  /** Control connections that are open now. */
  get connections(): number {
    return this.#sessions.size
  }

  /** Control connections that were ever opened. */
  get opened(): number {
    return this.#count
  }

  /** The address of a folder, with user and password. */
  url(path = '', scheme = this.manners.tls === undefined ? 'ftp' : 'ftps'): string {
    const [user, password] = [this.manners.user, this.manners.password].map(encodeURIComponent)
    const host = this.host.includes(':') ? `[${this.host}]` : this.host
    return `${scheme}://${user}:${password}@${host}:${this.port}/${path}`
  }

  /** Stores a file, with the folders above it. */
  put(path: string, content: string | Buffer, modified?: Date): void {
    const absolute = `/${bytesOfName(path)}`
    this.tree.ensureFolder(posix.dirname(absolute))
    const file = this.tree.openFile(absolute)
    this.tree.truncate(file)
    this.tree.append(file, Buffer.from(content))
    if (modified !== undefined) file.modified = modified
  }

  /** The bytes of a file; undefined where there is none. */
  read(path: string): Buffer | undefined {
    const node = this.tree.find(`/${bytesOfName(path)}`)
    return node?.kind === 'file' ? bytesOf(node) : undefined
  }

  /** Paths of all files, without a slash at their beginning. */
  files(): string[] {
    return [...this.tree.walk()]
      .filter(([, { kind }]) => kind === 'file')
      .map(([path]) => shown(path.slice(1)))
      .sort()
  }

  /** Paths of all folders. */
  folders(): string[] {
    return [...this.tree.walk()]
      .filter(([, { kind }]) => kind === 'folder')
      .map(([path]) => shown(path.slice(1)))
      .sort()
  }

  /** What was asked: `STOR a.txt`. */
  commands(...verbs: readonly string[]): string[] {
    return this.log
      .filter(({ verb }) => verbs.length === 0 || verbs.includes(verb))
      .map(({ verb, argument }) => (argument === '' ? verb : `${verb} ${argument}`))
  }

  /** Resolves as soon as no control connection is open. */
  async unused(): Promise<void> {
    if (this.#sessions.size > 0) await this.#whenUnused.promise
  }

  /** Listens; again on the same port after `kill`. */
  async listen(): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, socket => this.#accept(socket))
    this.#server = server
    server.listen(this.#port, this.host)
    await once(server, 'listening')
    this.#port = (server.address() as AddressInfo).port
  }

  /** Ends as when its process is killed: all connections are gone at once, and nobody listens. The files stay. */
  async kill(): Promise<void> {
    for (const socket of this.#sockets) socket.resetAndDestroy()
    const server = this.#server
    if (server?.listening) await new Promise(resolve => server.close(resolve))
  }

  /** Breaks all connections; the server goes on. */
  disconnect(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  /** Says something that nobody asked for over all control connections, and ends them. */
  sayGoodbye(reply: string): void {
    for (const { control } of this.#sessions) {
      control.reply(reply)
      control.end()
    }
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer)
    await this.kill()
    await this.unused()
  }

  #accept(socket: Socket): void {
    this.#keep(socket)
    const session = new Session(this.#state, ++this.#count, socket)
    this.#sessions.add(session)
    socket.once('close', () => {
      if (this.#sessions.size > 0) return
      this.#whenUnused.resolve()
      this.#whenUnused = Promise.withResolvers()
    })
    void session.start()
  }

  readonly #keep = (socket: Socket): void => {
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => this.#sockets.delete(socket))
  }

  get #state(): ServerState {
    const { manners, tree, faults, log, transfers } = this
    const held = (fault: FtpHold): Promise<unknown> => this.#held(fault)
    return { manners, tree, faults, log, transfers, sessions: this.#sessions, shown, held, keep: this.#keep }
  }

  #held({ ms, until }: FtpHold): Promise<unknown> {
    if (until !== undefined) return until
    return new Promise(resolve => {
      if (ms !== undefined) this.#timers.add(setTimeout(resolve, ms))
    })
  }
}

/** A name as the server keeps it: its bytes. */
function bytesOfName(name: string): string {
  return Buffer.from(name).toString('latin1')
}

/** A name as tests write it. */
function shown(bytes: string): string {
  const name = Buffer.from(bytes, 'latin1').toString('utf8')
  return name.includes('�') ? bytes : name
}
