import type { Socket } from 'node:net'
import { onAbort } from '../../core/abort.ts'
import { messageOf } from '../../core/errors.ts'
import type { Hide } from '../../remote/redact.ts'
import type { FtpClient, ReplyTask } from './client.ts'
import { accepted, FtpConnectionError, FtpReplyError, refusal, verbOf } from './errors.ts'
import type { Reply } from './replies.ts'

/** How long to wait for the answers to a cancelled transfer, in ms; a new connection costs less than a long wait. */
const PENDING_MS = 1_000
/** How long to wait for the last answer before asking the server whether there is one, in ms. */
const PATIENCE_MS = 200
/** The code of answers to PWD only. (RFC 959, section 4.2.2) */
const IN_STEP = 257

/** A command that transfers bytes over a data connection. */
export interface Transfer {
  /** The server begins (1xx), or has done everything already. Rejects if the server refuses. */
  readonly begun: Promise<Reply>
  /** The last answer, a 2xx. Rejects with any other, and if the connection is lost. */
  readonly done: Promise<Reply>
  /** Sends PWD although the last answer is missing; the answer to PWD then counts as the last one. */
  resync(): void
}

/** What happens if some answers are missing some time after the first. */
export interface PackLimit {
  readonly ms: number
  readonly lost: () => void
}

/** The control connection: one command at a time. Its errors contain no secrets. */
export class Control {
  /** Number of answers since it was opened. */
  answers = 0
  /** Whether the server answers each of several commands in one packet. */
  takesPacks = false
  readonly #client: FtpClient
  readonly #hide: Hide
  #isEnding = false

  constructor(client: FtpClient, hide: Hide) {
    this.#client = client
    this.#hide = hide
  }

  get socket(): Socket {
    return this.#client.ftp.socket
  }

  get isUsable(): boolean {
    return !this.#isEnding && !this.#client.ftp.closed
  }

  /** The newest TLS session: each can be resumed only once. (RFC 8446, section C.4) */
  get session(): Buffer | undefined {
    const { tlsSessionStore, socket } = this.#client.ftp
    return tlsSessionStore ?? ('getSession' in socket ? (socket.getSession as () => Buffer | undefined)() : undefined)
  }

  set session(session: Buffer) {
    this.#client.ftp.tlsSessionStore = session
  }

  /** Sends a command and returns its answer below 400. One of 400 or more is an `FtpReplyError`. An abort closes the connection. */
  async request(command: string, signal: AbortSignal): Promise<Reply> {
    const [reply] = await this.ask([command], signal)
    return accepted(command, reply!)
  }

  /** Like `request`; undefined if the server refuses the command. */
  async requestOptional(command: string, signal: AbortSignal): Promise<Reply | undefined> {
    const [reply] = await this.ask([command], signal)
    return reply!.code < 400 ? reply : undefined
  }

  /**
   * Sends independent commands, and returns their answers, including refusals: in one packet if the server is known to support this,
   * otherwise one after the other. Rejects with 421, and if the connection is lost.
   */
  async ask(commands: readonly string[], signal: AbortSignal, limit?: PackLimit): Promise<Reply[]> {
    signal.throwIfAborted()
    // Otherwise the answers would count as those of the next commands.
    const off = onAbort(signal, () => this.close())
    try {
      if (this.takesPacks) return await this.#pack(commands, limit)
      const replies: Reply[] = []
      for (const command of commands) replies.push(...(await this.#pack([command])))
      return replies
    } catch (error) {
      throw signal.aborted ? signal.reason : error
    } finally {
      off()
    }
  }

  async #pack(commands: readonly string[], limit?: PackLimit): Promise<Reply[]> {
    const replies: Reply[] = []
    let timer: NodeJS.Timeout | undefined
    const work = this.#handle(commands, (reply, task) => {
      if (reply.code < 200) return
      replies.push(reply)
      if (limit !== undefined) timer ??= setTimeout(limit.lost, limit.ms)
      if (reply.code === 421) task.reject(refusal(commands[replies.length - 1]!, this.#shown(reply)))
      else if (replies.length === commands.length) task.resolve(reply)
    })
    await work.finally(() => clearTimeout(timer))
    return replies.map(reply => this.#shown(reply))
  }

  /** Cancels RNFR. ProFTPD refuses every other command until RNTO has been sent; without a name RNTO moves nothing. */
  async deselect(signal: AbortSignal): Promise<void> {
    await this.requestOptional('RNTO', signal)
  }

  /** Runs a function of basic-ftp, such as the login. */
  async run<T>(verb: string, signal: AbortSignal, step: (client: FtpClient) => Promise<T>): Promise<T> {
    signal.throwIfAborted()
    const off = onAbort(signal, () => this.close())
    try {
      const result = await step(this.#client)
      this.answers++
      return result
    } catch (error) {
      throw signal.aborted ? signal.reason : this.#errorOf(verb, error as Error)
    } finally {
      off()
    }
  }

  /** Sends a command that transfers bytes. No other command may be sent before `done` is settled. */
  transfer(command: string): Transfer {
    const begun = Promise.withResolvers<Reply>()
    let isResynced = false
    const done = this.#handle([command], (reply, task) => {
      if (reply.code < 300) begun.resolve(reply)
      if (isResynced) {
        if (reply.code === IN_STEP) task.resolve(reply)
      } else if (reply.code >= 300) task.reject(refusal(command, this.#shown(reply)))
      else if (reply.code >= 200) task.resolve(reply)
    })
    // A caller that waits for one of them may never wait for the other.
    done.catch(begun.reject)
    begun.promise.catch(nothing)
    const resync = (): void => {
      isResynced = true
      this.#client.ftp.send('PWD')
    }
    return { begun: begun.promise, done, resync }
  }

  /**
   * Reads the remaining answers to a cancelled transfer: its last answer, which a server may omit, and others that it may send. PWD then
   * marks their end, since no other command has its code (257). Never fails; a silent connection is closed.
   */
  async settle(transfer: Transfer): Promise<void> {
    const timer = setTimeout(() => this.close(), PENDING_MS)
    const over = transfer.done.then(nothing, nothing)
    try {
      const late = Promise.withResolvers<boolean>()
      const patience = setTimeout(() => late.resolve(false), PATIENCE_MS)
      const isDone = await Promise.race([over.then(() => true), late.promise])
      clearTimeout(patience)
      if (!this.isUsable) return
      if (isDone) await this.#resync()
      else {
        transfer.resync()
        await over
      }
    } catch {
      this.close()
    } finally {
      clearTimeout(timer)
    }
  }

  async #resync(): Promise<void> {
    await this.#handle(['PWD'], (reply, task) => {
      if (reply.code === IN_STEP) task.resolve(reply)
    })
  }

  /** Closes the connection; pending commands fail. */
  close(): void {
    this.#isEnding = true
    this.#client.close()
  }

  /** Sends commands in one packet. `onReply` gets each answer with any code, until it ends the task. */
  async #handle(commands: readonly string[], onReply: (reply: Reply, task: ReplyTask) => void): Promise<Reply> {
    const { ftp } = this.#client
    const [first, ...others] = commands as [string, ...string[]]
    const handler = (answer: Error | Reply, task: ReplyTask): void => {
      const { code } = answer as { code?: unknown }
      if (typeof code !== 'number') task.reject(answer as Error)
      // A 221 to an idle connection is not an answer to the command.
      else if (code === 221) task.reject(new Error('the server has ended it.'))
      else {
        this.answers++
        // The server closes the connection after this code. (RFC 959, section 4.2.1)
        if (code === 421) this.#isEnding = true
        onReply({ code, message: answer.message }, task)
      }
    }
    const { socket } = ftp
    if (others.length > 0) socket.cork()
    try {
      const done = withoutTraces(() => ftp.handle(first, handler))
      for (const command of others) if (!ftp.closed) ftp.send(command)
      if (others.length > 0) socket.uncork()
      return (await done) as Reply
    } catch (error) {
      throw this.#errorOf(verbOf(first), error as Error)
    }
  }

  #shown({ code, message }: Reply): Reply {
    return code < 400 ? { code, message } : { code, message: this.#hide(message) }
  }

  #errorOf(verb: string, error: Error): Error {
    const { code, message } = error as Error & { code?: unknown }
    if (error instanceof FtpReplyError) return error
    if (typeof code !== 'number') {
      this.#isEnding = true
      return new FtpConnectionError(`The connection was lost at ${verb}: ${this.#hide(messageOf(error))}`, {
        cause: error,
      })
    }
    this.answers++
    if (code === 421) this.#isEnding = true
    return new FtpReplyError(verb, { code, message: this.#hide(message) })
  }
}

/** basic-ftp records a stack trace for each command, which costs more than the rest of its work here. */
function withoutTraces<T>(work: () => T): T {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return work()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

function nothing(): void {}
