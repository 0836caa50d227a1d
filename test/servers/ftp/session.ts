/** One control connection: its state, and how its commands are answered one after another. */
import { setTimeout as sleep } from 'node:timers/promises'
import { COMMANDS, OPEN_COMMANDS } from './commands.ts'
import { Control } from './control.ts'
import type { DataChannel, Ending } from './data-channel.ts'
import { type FtpFault, isEarly } from './faults.ts'
import { Refusal } from './refusal.ts'
import type { ServerState } from './state.ts'
import { TlsSide } from './tls-side.ts'
import { CutOff, Transfer } from './transfer.ts'
import { Tree } from './tree.ts'

const GARBAGE = Buffer.from([0, 1, 2, 0xfe, 13, 10, 0x80])
/** Commands that leave a restart marker as it is (RFC 959, section 4.1.3: the transfer follows immediately, but its connection must be made). */
const KEEPS_MARKER = ['REST', 'PASV', 'EPSV', 'PORT', 'EPRT', 'TYPE', 'NOOP']
/** Commands that make a name. */
const MAKING = ['STOR', 'APPE', 'MKD', 'RNTO']

/** A session. */
export class Session {
  readonly server: ServerState
  readonly id: number
  readonly control: Control
  user: string | undefined
  hasPassword = false
  isLoggedIn = false
  cwd = '/'
  type: 'A' | 'I' = 'A'
  marker = 0
  renameFrom: string | undefined
  hasBufferSize = false
  isProtected = false
  epsvOnly = false
  facts: readonly string[] = ['type', 'size', 'modify', 'perm', 'unique', 'unix.mode']
  channel: DataChannel | undefined
  #tls: TlsSide | undefined
  #fault: FtpFault | undefined
  #transfer: Transfer | undefined
  #wasAborted = false
  #replies: string[] = []
  #queue: Promise<void> = Promise.resolve()

  constructor(server: ServerState, id: number, socket: ConstructorParameters<typeof Control>[0]) {
    this.server = server
    this.id = id
    this.control = new Control(socket, {
      line: text => this.#line(text),
      closed: () => this.#closed(),
    })
  }

  /** Greets the client; in TLS where that is implicit. */
  async start(): Promise<void> {
    const { tls, greeting, maxConnections, limitReply } = this.server.manners
    if (tls?.implicit) await this.control.secure(this.tls()).catch(() => this.control.destroy())
    if (this.server.sessions.size > maxConnections && limitReply.startsWith('421')) {
      this.control.reply(limitReply)
      this.control.end()
    } else this.control.reply(greeting)
  }

  /** TLS of this connection and of its data connections. */
  tls(): TlsSide {
    return (this.#tls ??= new TlsSide(this.server.manners.tls!))
  }

  /** Sends a reply before the last one. */
  say(text: string): void {
    this.#replies.push(text)
    this.control.reply(text)
  }

  /** The absolute path of an argument. */
  path(argument: string): string {
    return Tree.absolute(this.cwd, argument)
  }

  /** Ends the data connection that no transfer has used. */
  dropChannel(how: Ending = 'closed'): void {
    this.channel?.close(how)
    this.channel = undefined
  }

  /** Runs one transfer over the data connection that was agreed on; gives its last reply. */
  async transfer(verb: string, name: string, work: (transfer: Transfer) => Promise<void>): Promise<string> {
    const { manners } = this.server
    const { channel } = this
    if (channel === undefined) throw new Refusal(425, 'Use PASV or PORT first.')
    if (manners.tls?.required && !this.isProtected) throw new Refusal(522, 'Data connections must be encrypted.')
    const done = '226 Transfer complete.'
    const transfer = new Transfer({
      manners,
      fault: this.#fault,
      tls: this.isProtected ? this.tls() : undefined,
      begin: () => {
        this.say(`150 Opening ${this.type === 'A' ? 'ASCII' : 'BINARY'} mode data connection.`)
        if (manners.completion === 'before the data') this.say(done)
      },
      break: () => this.control.destroy(),
    })
    this.#transfer = transfer
    try {
      await transfer.open(channel)
      await work(transfer)
      return manners.completion === 'before the data' ? '' : done
    } catch (error) {
      if (!(error instanceof CutOff)) transfer.close()
      throw error
    } finally {
      this.server.transfers.push(transfer.logged(verb, name, this.id))
      this.#transfer = undefined
      this.dropChannel()
    }
  }

  /** What of the bytes of a transfer is sent or stored: all, unless a lie was planned. */
  bytes(truth: Buffer): Buffer {
    return this.#fault?.do === 'lie' ? (this.#fault.data?.(truth) ?? truth) : truth
  }

  #line(text: string | undefined): void {
    // Out of turn, so that it finds the transfer.
    if (text !== undefined && /^ABOR *$/i.test(text) && this.#transfer !== undefined) {
      this.#wasAborted = true
      this.#transfer.close()
    }
    this.#queue = this.#queue.then(() => this.#answer(text)).catch(() => this.control.destroy())
  }

  #closed(): void {
    this.#transfer?.close()
    this.dropChannel()
    this.server.sessions.delete(this)
  }

  async #answer(text: string | undefined): Promise<void> {
    if (text === undefined) return this.control.reply('500 Line too long.')
    const space = text.indexOf(' ')
    const verb = (space === -1 ? text : text.slice(0, space)).toUpperCase()
    const given = space === -1 ? '' : text.slice(space + 1)
    const argument = this.#argument(verb, given)
    this.#replies = []
    const entry = { connection: this.id, verb, argument: this.server.shown(argument), replies: this.#replies }
    this.server.log.push({ ...entry, type: this.type, isSecure: this.control.isSecure })
    const fault = this.server.faults.take(verb, { key: entry.argument, connection: this.id })
    this.#fault = fault
    if (this.server.manners.latencyMs > 0) await sleep(this.server.manners.latencyMs)
    const isEnded = fault !== undefined && isEarly(fault) && (await this.#strike(fault, ''))
    if (isEnded) return this.dropChannel(this.server.manners.refusedData)
    const reply = await this.#carryOut(verb, argument)
    if (!KEEPS_MARKER.includes(verb)) this.marker = 0
    if (fault === undefined || isEarly(fault) || !(await this.#strike(fault, reply))) this.#last(reply)
    this.#fault = undefined
  }

  #argument(verb: string, given: string): string {
    const { blanks } = this.server.manners
    if (blanks === 'kept' || (blanks === 'underlined' && !MAKING.includes(verb))) return given
    return given.replace(/\s(?=\/|$)/g, blanks === 'cut' ? '' : '_')
  }

  /** Does the work and gives the last reply; an empty one is not sent. */
  async #carryOut(verb: string, argument: string): Promise<string> {
    const { manners } = this.server
    try {
      const command = COMMANDS.get(verb)
      if (command === undefined || manners.without.includes(verb)) throw new Refusal(502, 'Command not implemented.')
      if (!this.isLoggedIn && !OPEN_COMMANDS.includes(verb)) throw new Refusal(530, 'Please login with USER and PASS.')
      const reply = await command(this, argument)
      return verb === 'ABOR' && this.#takeAbort() ? '226 Abort successful.' : reply
    } catch (error) {
      if (error instanceof CutOff) return error.reply ?? ''
      if (!(error instanceof Refusal)) throw error
      this.dropChannel(manners.refusedData)
      return error.reply(manners.terse)
    }
  }

  #takeAbort(): boolean {
    const was = this.#wasAborted
    this.#wasAborted = false
    return was
  }

  #last(reply: string): void {
    if (reply !== '') this.say(reply)
  }

  /** Commits a fault in place of the last reply; false when that is still to be sent. */
  async #strike(fault: FtpFault, truth: string): Promise<boolean> {
    const { control } = this
    switch (fault.do) {
      case 'drop':
        if (fault.at !== 'after' && fault.bytes !== undefined) return false
        control.destroy()
        return true
      case 'hold':
        fault.onHold?.()
        await this.server.held(fault)
        return false
      case 'refuse':
        if (fault.reset === 'instead') control.reset()
        else this.say(`${fault.status} ${fault.body ?? 'Refused as planned.'}`)
        if (fault.reset === 'after') control.reset()
        return true
      case 'garbage':
        control.raw(GARBAGE)
        control.end()
        return true
      case 'close':
        this.#last(truth)
        control.end()
        return true
      case 'lie':
        this.#last(fault.reply?.(truth) ?? truth)
        return true
      default:
        return false
    }
  }
}
